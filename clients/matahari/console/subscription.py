"""Changes of the objects of one class, wherever they are, as an asynchronous iterator.

Each agent that has the class is asked for a subscription. One that knows none, as the broker's own and libqmf2's, is
asked for its objects once, and heard from then on if it publishes them unasked, as the broker's agent does.
Agents that come later, restart, or get the class later join; after a loss of the connection all is asked anew.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType
from typing import Self

from matahari.console.directory import Directory, host_name, host_of, may_have, query_for, remote_object, summary
from matahari.console.inquiry import ask_any
from matahari.console.names import CHANGE_INTERVAL, AgentSummary, ClassName, Host
from matahari.console.station import Station
from matahari.console.values import ObjectChange
from matahari.errors import MatahariError, RequestError
from matahari.qmf import (
    AgentAdded,
    AgentInfo,
    AgentRemoved,
    AgentRestarted,
    AgentUpdated,
    Data,
    DataIndicated,
    EngineEvent,
    Schema,
    SchemaId,
    SubscriptionData,
    SubscriptionEnded,
    SubscriptionFailed,
    SubscriptionStarted,
    failure_text,
    is_broker,
)

__all__ = ["CHANGE_INTERVAL", "MAX_CHANGES", "Subscription"]

_log = logging.getLogger(__name__)

MAX_SUBSCRIPTIONS = 16  # of one console: agents of ours give no more to one reply address
MAX_CHANGES = 10_000  # changes kept for a slow reader, one for each object: a fleet's hosts, or the queues of a broker

_Key = tuple[str, str]


class Subscription:
    """Made by ``Console.subscribe``: enter it, then iterate. The first changes are the objects as they are.

    Only the latest state of an object is kept for a reader that is slower than its changes; above ``MAX_CHANGES``
    objects the oldest of these are dropped and counted. A host that leaves the bus is no change of its objects.

    Args:
        find_hosts: gives the hosts that are meant, asked once; None for all.

    Attributes:
        class_name: the class.
        dropped: changes lost because nobody read them.
    """

    def __init__(
        self,
        station: Station,
        directory: Directory,
        class_name: ClassName,
        find_hosts: Callable[[], Awaitable[Iterable[Host | str] | None]],
        *,
        interval: float,
        timeout: float,
        registry: list[Subscription],
    ) -> None:
        self.class_name = class_name
        self.dropped = 0
        self._station = station
        self._directory = directory
        self._find_hosts = find_hosts
        self._hosts: list[Host | str] | None = None
        self._interval = interval
        self._timeout = timeout
        self._registry = registry
        self._is_open = False
        self._joined: dict[str, object] = {}  # with a token: whoever finds another one is out of date
        self._numbers: dict[int, str] = {}
        self._starting: dict[int, asyncio.Future[bool]] = {}
        self._followed: set[str] = set()
        self._changes: dict[_Key, tuple[AgentInfo, Data, Schema | None]] = {}
        self._asking: set[SchemaId] = set()
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Ask the agents.

        Raises:
            NoAgentsError: a named host, or the class, is not known.
            FilterSyntaxError, RequestTimeoutError: as ``hosts``, when hosts are chosen by a filter.
            ConnectionLostError: there is no connection at the moment.
            RequestError: too many subscriptions.
        """
        hosts = await self._find_hosts()
        self._hosts = None if hosts is None else list(hosts)
        if len(self._registry) >= MAX_SUBSCRIPTIONS:
            raise RequestError(f"a console has {MAX_SUBSCRIPTIONS} subscriptions at most; close some")
        infos = self._directory.on(self._hosts)
        self._is_open = True
        self._registry.append(self)
        try:
            await asyncio.gather(*(self._join(info) for info in infos))
            if not self._joined:
                await self._directory.require_class(self.class_name)
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ObjectChange:
        while self._is_open:
            self._news.clear()
            change = self._take()
            if change is not None:
                return change
            await self._news.wait()
        raise StopAsyncIteration

    @property
    def unsupported(self) -> tuple[AgentSummary, ...]:
        """Agents that have the class and no subscriptions: their objects come once, changes only if they publish them."""
        infos = (self._station.agents.get(name) for name in sorted(self._followed))
        return tuple(summary(info) for info in infos if info is not None)

    async def next(self, timeout: float | None = None) -> ObjectChange | None:
        """The next change, or None when ``timeout`` seconds are over or the subscription is closed."""
        try:
            async with asyncio.timeout(timeout):
                return await anext(self, None)
        except TimeoutError:
            return None

    async def close(self) -> None:
        """End it at every agent, and every iteration; a second call does nothing."""
        self._is_open = False
        if self in self._registry:
            self._registry.remove(self)
        for number in list(self._numbers):
            self._station.unsubscribe(number)
        self._settle(False)
        self._numbers.clear()
        self._joined.clear()
        self._changes.clear()
        self._news.set()

    # --- the console's calls --------------------------------------------------------------------------------

    def _handle_event(self, event: EngineEvent) -> None:
        match event:
            case SubscriptionStarted():
                self._settle(True, event.subscription)
            case SubscriptionFailed():
                _log.info("%s: %s", event.agent, failure_text(event.error))
                self._numbers.pop(event.subscription, None)
                self._settle(False, event.subscription)
            case SubscriptionData():
                if event.subscription in self._numbers:
                    self._put(self._numbers[event.subscription], event.items)
            case SubscriptionEnded():
                known = self._numbers.pop(event.subscription, None)
                if known is not None and event.reason != "gone":  # the agent's going or restart is told besides
                    self._leave(event.agent)
                    self._rejoin(event.agent)
            case DataIndicated():
                if event.agent in self._followed:
                    self._put(event.agent, event.items)
            case AgentAdded():
                self._rejoin(event.info.name)
            case AgentUpdated():
                if event.schema_changed:
                    self._rejoin(event.info.name)
            case AgentRestarted():
                self._leave(event.info.name)
                self._rejoin(event.info.name)
            case AgentRemoved():
                self._leave(event.name)
            case _:
                pass  # ends of requests are no news here

    def _handle_connected(self) -> None:
        """Ask all anew: what changed while there was no connection was told to nobody."""
        for number in list(self._numbers):
            self._station.unsubscribe(number)
        self._numbers.clear()
        self._joined.clear()
        self._followed.clear()
        self._settle(False)
        for name in list(self._station.agents):
            self._rejoin(name)

    # --- inside ---------------------------------------------------------------------------------------------

    def _rejoin(self, name: str) -> None:
        info = self._station.agents.get(name)
        if info is not None and self._is_open and name not in self._joined and self._is_meant(info):
            self._station.start(self._join_late(info), name=f"subscribing at {name}")

    async def _join_late(self, info: AgentInfo) -> None:
        try:
            await self._join(info)
        except MatahariError as error:
            _log.info("%s: not subscribed: %s", info.name, error)
            self._leave(info.name)

    async def _join(self, info: AgentInfo) -> None:
        """Subscribe at one agent, if it has the class, or follow what it publishes."""
        name = info.name
        if name in self._joined or not may_have(info, self.class_name.package):
            return
        token = self._joined[name] = object()
        classes = await self._directory.classes_of(info)
        if self._joined.get(name) is not token:
            return
        wanted = (self.class_name.package, self.class_name.name)
        if classes is not None and not any((one.package, one.name) == wanted for one in classes):
            del self._joined[name]
            return
        started = False if is_broker(name) else await self._subscribe(name)
        if not started and self._joined.get(name) is token:
            await self._follow(info)

    async def _subscribe(self, name: str) -> bool:
        """Whether the agent accepted."""
        number = self._station.subscribe(name, query_for(self.class_name), self._timeout, self._interval)
        self._numbers[number] = name
        self._starting[number] = asyncio.get_running_loop().create_future()
        return await self._starting[number]

    async def _follow(self, info: AgentInfo) -> None:
        self._followed.add(info.name)
        words = (part.replace(".", "_") for part in (self.class_name.package, self.class_name.name))
        self._station.listen(f"agent.ind.data.{'.'.join(words)}.#")
        items = await self._directory.query(info, query_for(self.class_name), self._timeout)
        if items and self._is_open:
            self._station.note_objects(info.name, items)
            self._put(info.name, items)

    def _leave(self, name: str) -> None:
        self._joined.pop(name, None)
        self._followed.discard(name)

    def _settle(self, outcome: bool, number: int | None = None) -> None:
        """Tell who waits for an agent's answer, or for any answer, what came of it."""
        for one in [number] if number is not None else list(self._starting):
            waiting = self._starting.pop(one, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(outcome)

    def _is_meant(self, info: AgentInfo) -> bool:
        if self._hosts is None:
            return True
        return host_name(info) != "" and (host_name(info) in self._hosts or host_of(info) in self._hosts)

    def _put(self, agent: str, items: Iterable[Data]) -> None:
        info = self._station.agents.get(agent)
        for data in items:
            schema_id = data.schema_id
            if info is None or data.object_id is None or schema_id is None:
                continue
            if (schema_id.package, schema_id.name) != (self.class_name.package, self.class_name.name):
                continue
            key = (agent, data.object_id.object_name)
            self._changes.pop(key, None)
            if len(self._changes) >= MAX_CHANGES:
                del self._changes[next(iter(self._changes))]
                self.dropped += 1
            self._changes[key] = (info, data, None)
            self._news.set()

    def _take(self) -> ObjectChange | None:
        """The oldest change whose schema is known; None when there is none. Schemas of others are asked for."""
        for key, (info, data, schema) in self._changes.items():
            assert data.schema_id is not None  # others are not put here
            known = schema or self._station.find_schema(data.schema_id)
            if known is not None:
                del self._changes[key]
                return ObjectChange("deleted" if data.delete_ns else "changed", remote_object(info, data, known))
            if data.schema_id not in self._asking:
                self._asking.add(data.schema_id)
                self._station.start(self._ask_schema(data.schema_id), name=f"asking for a schema of {self.class_name}")
        return None

    async def _ask_schema(self, schema_id: SchemaId) -> None:
        """Let those changes go whose schema nobody tells. It goes on when whoever waits for a change gives up."""
        agents = {info.name: info for info, data, _ in self._changes.values() if data.schema_id == schema_id}
        try:
            asks = [functools.partial(self._directory.schema, info, schema_id) for info in agents.values()]
            schema = await ask_any(asks, self._timeout)
        finally:
            self._asking.discard(schema_id)
        for key, (info, data, _) in list(self._changes.items()):
            if data.schema_id == schema_id and schema is not None:
                self._changes[key] = (info, data, schema)
            elif data.schema_id == schema_id and info.name in agents:
                del self._changes[key]
        self._news.set()
