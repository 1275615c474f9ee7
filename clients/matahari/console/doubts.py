"""Hosts of which a filter is not known to be true or false, as they did not answer: they are asked again, if they are needed.

Without this module a plugin that is looked up by a filter would leave out a host that is merely slow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

from matahari.console.directory import Directory, host_of
from matahari.console.inquiry import LEAST_WAIT
from matahari.console.matches import HostMatch
from matahari.console.values import Host
from matahari.qmf import AgentInfo, Data

if TYPE_CHECKING:
    from matahari.filters import Truth

__all__ = ["Doubts"]


class Doubts:
    """The silent hosts of one filter. One event loop owns it.

    Args:
        matches: what became of the filter on each host; those that answered are no matter of doubt.
        has: whether an agent is of the kind that is looked for.

    Attributes:
        agents: agents of that kind on these hosts.
        hosts: by the agent's name.
        truths: of the filter, by the agent's name, as far as the hosts have answered meanwhile.
    """

    def __init__(self, directory: Directory, matches: Iterable[HostMatch], has: Callable[[AgentInfo], bool]) -> None:
        silent = {one.host: one.filter for one in matches if one.unanswered}
        self._directory = directory
        self._filters = silent
        self.agents: list[AgentInfo] = []
        self.hosts: dict[str, Host] = {}
        for info in directory.on(None) if silent else ():
            host = host_of(info)
            if host is not None and host in silent and has(info):
                self.agents.append(info)
                self.hosts[info.name] = host
        self.truths: dict[str, Truth] = {}

    async def ask(
        self, info: AgentInfo, timeout: float, query: Callable[[float], Awaitable[list[Data] | None]]
    ) -> list[Data] | None:
        """What an agent answers to a query, nothing where its host is not meant; None where that is not known.

        Args:
            timeout: seconds for both questions.
            query: asks it, within so many seconds.
        """
        from matahari.console.matching import match_host  # who has a filter has loaded it already

        deadline = asyncio.get_running_loop().time() + timeout
        host = self.hosts[info.name]
        match = await match_host(self._directory, self._filters[host], host, timeout)
        if match.unanswered:
            return None
        self.truths[info.name] = match.truth
        left = deadline - asyncio.get_running_loop().time()
        return await query(max(left, LEAST_WAIT)) if match.truth else []
