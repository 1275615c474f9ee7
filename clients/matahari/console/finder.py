"""Fetching the objects of a class from the agents that have some."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from matahari.console.checking import require_properties
from matahari.console.directory import Directory, Found, host_name, may_have, query_for, summary
from matahari.console.extending import ConsoleExtensions, no_hosts, telling_missing
from matahari.console.lookup import Items, Latecomers, Lookup
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
    ) -> Objects:
        """Objects of a class; see :meth:`matahari.console.Console.select`. Waits for every agent."""
        query = query_for(name)

        async def ask(infos: Sequence[AgentInfo]) -> list[Items]:
            return await asyncio.gather(*(self._directory.query(info, query, timeout) for info in infos))

        return await self._select(name, hosts, where, timeout, ask)

    async def find_plugin(
        self, name: ClassName, hosts: Iterable[Host | str] | None, timeout: float
    ) -> tuple[Objects, Latecomers]:
        """Objects of a plugin, of the agents that answer as the others do, and the agents that may answer later."""
        query = query_for(name)
        lookup = Lookup(self._tasks, lambda info, seconds: self._directory.query(info, query, seconds))
        asked: list[AgentInfo] = []

        async def ask(infos: Sequence[AgentInfo]) -> list[Items]:
            asked.extend(infos)
            return await lookup.find(infos, timeout)

        async def read(info: AgentInfo, items: list[Data], seconds: float) -> list[RemoteObject]:
            return await self._directory.objects([(info, data) for data in items], name, seconds)

        objects = await self._select(name, hosts, None, timeout, ask)
        return objects, Latecomers(lookup, asked, read)

    # --- inside ---------------------------------------------------------------------------------------------

    async def _select(
        self,
        name: ClassName,
        hosts: Iterable[Host | str] | None,
        where: Mapping[str, object] | None,
        timeout: float,
        ask: _Ask,
    ) -> Objects:
        infos = [info for info in self._directory.on(hosts) if may_have(info, name.package)]
        answers, missing = await asyncio.gather(
            ask(infos), self._find_missing() if hosts is None and not where else no_hosts()
        )
        found: list[Found] = []
        for info, items in zip(infos, answers, strict=True):
            found += [(info, data) for data in items or ()]
        unanswered = [summary(info) for info, items in zip(infos, answers, strict=True) if items is None]
        if hosts is None:
            unanswered += [AgentSummary(one, "", one.split(":")[1]) for one in sorted(self._station.mute)]
        if not found and unanswered:
            names = ", ".join(one.name for one in unanswered)
            raise RequestTimeoutError(f"no answer within {timeout:g} s from {names}", timeout=timeout)
        if not found and (infos or hosts is None):
            with telling_missing(missing):
                await self._directory.require_class(name)
        objects = await self._directory.objects(found, name, timeout)
        if where:
            require_properties(name, objects, where)
            objects = [one for one in objects if all(_equal(one, key, value) for key, value in where.items())]
        objects.sort(key=lambda one: (one.host, one.agent, one.name))
        return self._group(name, objects, unanswered, missing)

    async def _refetch(self, objects: Objects, timeout: float) -> Objects:
        items = await self._directory.refetch(objects, objects.class_name, timeout)
        return self._group(objects.class_name, items, objects.unanswered, objects.missing)

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
