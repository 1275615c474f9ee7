"""Who is expected to answer: agents that the broker says are there, and how long to wait for them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping

from matahari.qmf import AgentInfo

__all__ = ["Attendance"]

_log = logging.getLogger(__name__)

EXPECTED_WAIT = 1.0  # seconds without a new agent after which those that the broker lists and did not answer are stuck
QUIET_WAIT = 0.25  # the same on brokers that list nobody: then discovery is over
DISCOVERY_LIMIT = 10.0  # seconds, the most that it may take: ten thousand agents answer within half of that
AGENT_KEY_COLONS = 2  # vendor:product:instance; consoles' reply keys have none


class Attendance:
    """One event loop owns it.

    Args:
        agents: those that have announced themselves, by name; a live view.
    """

    def __init__(self, agents: Mapping[str, AgentInfo]) -> None:
        self._agents = agents
        self._bound: set[str] | None = None
        self._changed = asyncio.Event()

    @property
    def mute(self) -> set[str]:
        """Names of agents that are connected, as the broker says, and have not announced themselves."""
        return set() if self._bound is None else self._bound - self._agents.keys()

    def note_change(self) -> None:
        """An agent came, went, or said something new."""
        self._changed.set()

    def forget(self) -> None:
        """The connection is gone: whatever the broker said may be wrong by now."""
        self._bound = None

    def handle_bindings(self, change: str, keys: Iterable[str]) -> list[str]:
        """Take what the broker says of who owns keys; gives the names of agents that are gone."""
        names = {key for key in keys if key.count(":") >= AGENT_KEY_COLONS}
        gone: list[str] = []
        if change == "snapshot":
            self._bound = names
            gone = [one for one in self._agents if one not in names]
        elif self._bound is not None and change == "bound":
            self._bound |= names
        elif self._bound is not None:
            self._bound -= names
            gone = list(names)
        self._changed.set()
        return gone

    async def wait(self, lists_bindings: Callable[[], bool]) -> None:
        """Return when all agents that are expected have announced themselves; they were asked to at the connection.

        A broker that lists who is bound tells whom to expect; with others, discovery ends when nobody new came for a
        moment. Agents that come later are known as soon as they announce themselves.
        """
        loop = asyncio.get_running_loop()
        limit = loop.time() + DISCOVERY_LIMIT
        known, latest = len(self._agents), loop.time()
        while True:
            if lists_bindings() and self._bound is not None and all(name in self._agents for name in self._bound):
                return
            if len(self._agents) > known:
                known, latest = len(self._agents), loop.time()
            due = min(limit, latest + (EXPECTED_WAIT if lists_bindings() else QUIET_WAIT))
            self._changed.clear()
            try:
                async with asyncio.timeout_at(due):
                    await self._changed.wait()
            except TimeoutError:
                for name in sorted(self.mute):
                    _log.info("agent %s is connected but does not answer", name)
                return
