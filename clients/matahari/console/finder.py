"""Fetching the objects of a class from the agents that have some."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from matahari.console.checking import require_properties
from matahari.console.directory import Directory, Found, host_name, may_have, query_for, schema_time, summary
from matahari.console.doubts import Doubts
from matahari.console.extending import ConsoleExtensions, no_hosts, telling_missing
from matahari.console.inquiry import LOOKUP_GRACE, Inquiry
from matahari.console.lookup import Items, Latecomers, Lookup
from matahari.console.matches import HostMatches
from matahari.console.names import PLUGIN_PACKAGE
from matahari.console.objects import Objects
from matahari.console.station import Station
from matahari.console.values import AgentSummary, ClassName, Host, RemoteObject
from matahari.errors import RequestTimeoutError
from matahari.net import TaskKeeper
from matahari.qmf import AgentInfo, Data

__all__ = ["Finder"]

_Ask: TypeAlias = Callable[[Sequence[AgentInfo]], Awaitable[list[Items]]]
"""Gives what each of these agents has, None for one that does not answer."""


class Finder:
    """One event loop owns it, the station's.

    Args:
        extensions: gives those that tell who is expected, None for none.
    """

    def __init__(
        self, station: Station, directory: Directory, extensions: Callable[[], ConsoleExtensions | None]
    ) -> None:
        self._station = station
        self._directory = directory
        self._extensions = extensions
        self._tasks = TaskKeeper()

    async def close(self) -> None:
        """Ask nobody any more."""
        await self._tasks.cancel_all()

    async def select(
        self,
        name: ClassName,
        hosts: Iterable[Host | str] | None,
        where: Mapping[str, object] | None,
        timeout: float,
        matches: HostMatches | None = None,
    ) -> Objects:
        """Objects of a class, of the agents that answer as the others do; see :meth:`matahari.console.Console.select`.

        Args:
            matches: what became of the filter that the hosts were chosen by: who did not answer that is told, too.
        """
        query = query_for(name)

        async def ask(infos: Sequence[AgentInfo]) -> list[Items]:
            with Inquiry(timeout, LOOKUP_GRACE) as inquiry:

                async def one(info: AgentInfo) -> Items:
                    items = await inquiry.ask(self._directory.query(info, query, timeout))
                    if items:
                        inquiry.suffice()
                    return items

                return await asyncio.gather(*(one(info) for info in infos))

        infos = [info for info in self._directory.on(hosts) if may_have(info, name.package)]
        silent = [] if matches is None else matches.unanswered
        return await self._select(name, infos, hosts, where, timeout, ask, silent)

    async def find_plugin(
        self,
        name: ClassName,
        hosts: Iterable[Host | str] | None,
        timeout: float,
        matches: HostMatches | None = None,
    ) -> tuple[Objects, Latecomers]:
        """Objects of a plugin, of the agents that answer as the others do, and the agents that may answer later.

        Args:
            hosts: None for all.
            matches: what became of the filter that they were chosen by; who did not answer that may do so later, too.
        """
        query = query_for(name)
        doubts = Doubts(self._directory, () if matches is None else matches, lambda info: may_have(info, name.package))

        async def ask_one(info: AgentInfo, seconds: float) -> Items:
            if info.name not in doubts.hosts:
                return await self._directory.query(info, query, seconds)
            return await doubts.ask(info, seconds, lambda left: self._directory.query(info, query, left))

        async def ask(infos: Sequence[AgentInfo]) -> list[Items]:
            if not doubtful:
                return await lookup.find(infos, timeout)
            lookup.ask(doubtful, timeout)
            answers = await lookup.find(infos[: -len(doubtful)], timeout)
            if any(answers):  # then they are waited for by nobody but calls
                return [*answers, *(lookup.answers.get(info.name) for info in doubtful)]
            return answers + await lookup.find(doubtful, timeout)

        async def read(info: AgentInfo, items: list[Data], seconds: float) -> list[RemoteObject]:
            return (await self._directory.objects([(info, data) for data in items], name, seconds))[0]

        lookup = Lookup(self._tasks, ask_one)
        infos = [info for info in self._directory.on(hosts) if may_have(info, name.package)]
        doubtful = doubts.agents
        mute = () if matches is None else matches.mute
        objects = await self._select(name, infos + doubtful, hosts, None, timeout, ask, mute)
        return objects, Latecomers(self._tasks, lookup, infos + doubtful, read, doubts)

    # --- inside ---------------------------------------------------------------------------------------------

    async def _select(
        self,
        name: ClassName,
        infos: Sequence[AgentInfo],
        hosts: Iterable[Host | str] | None,
        where: Mapping[str, object] | None,
        timeout: float,
        ask: _Ask,
        silent: Iterable[AgentSummary] = (),
    ) -> Objects:
        deadline = asyncio.get_running_loop().time() + timeout
        answers, missing = await asyncio.gather(
            ask(infos), self._find_missing() if hosts is None and not where else no_hosts()
        )
        found: list[Found] = []
        for info, items in zip(infos, answers, strict=True):
            found += [(info, data) for data in items or ()]
        unanswered = [summary(info) for info, items in zip(infos, answers, strict=True) if items is None]
        if hosts is None:
            # As with may_have: the agent that publishes the host alone has no plugin.
            is_plugin = name.package == PLUGIN_PACKAGE
            unanswered += [one for one in self._directory.mute if not (is_plugin and one.product == "host")]
        unanswered += [one for one in silent if one not in unanswered]
        objects, untold = await self._directory.objects(found, name, schema_time(deadline, timeout))
        unanswered += [one for one in untold if one not in unanswered]
        if not objects and unanswered:
            names = ", ".join(one.name for one in unanswered)
            raise RequestTimeoutError(f"no answer within {timeout:g} s from {names}", timeout=timeout)
        if not found and (infos or hosts is None):
            with telling_missing(missing):
                await self._directory.require_class(name)
        if where:
            require_properties(name, objects, where)
            objects = [one for one in objects if all(_equal(one, key, value) for key, value in where.items())]
        objects.sort(key=lambda one: (one.host, one.agent, one.name))
        return self._group(name, objects, unanswered, missing)

    async def _refetch(self, objects: Objects, timeout: float) -> Objects:
        items, silent = await self._directory.refetch(objects, objects.class_name, timeout)
        unanswered = dict.fromkeys([*objects.unanswered, *silent])
        return self._group(objects.class_name, items, unanswered, objects.missing)

    def _group(
        self,
        name: ClassName,
        items: Iterable[RemoteObject],
        unanswered: Iterable[AgentSummary],
        missing: Iterable[str],
    ) -> Objects:
        return Objects(
            self._station, self._refetch, name, items, unanswered, missing=missing, extensions=self._extensions()
        )

    async def _find_missing(self) -> list[str]:
        extensions = self._extensions()
        if extensions is None:
            return []
        expected = await extensions.expected_hosts()
        return sorted(expected - {host_name(info) for info in self._station.agents.values()})


def _equal(item: RemoteObject, name: str, value: object) -> bool:
    return name in item.values and item.values[name] == value
