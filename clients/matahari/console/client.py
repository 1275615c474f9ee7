"""The console: finds hosts, agents and classes, selects objects, hears events. The asynchronous face."""

from __future__ import annotations

import asyncio
import difflib
import logging
import os
from collections.abc import Callable, Generator, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from matahari.console.objects import CALL_TIMEOUT, Objects
from matahari.console.station import Items, Station
from matahari.console.values import AgentSummary, ClassName, ConsoleEvent, Host, RemoteObject
from matahari.errors import MatahariError, NoAgentsError, RemoteError, RequestError, RequestTimeoutError
from matahari.net import Address, parse_address
from matahari.qmf import (
    AgentAdded,
    AgentInfo,
    AgentRemoved,
    Data,
    EngineEvent,
    EventRaised,
    Query,
    QueryTarget,
    Schema,
    SchemaId,
)

__all__ = ["DEFAULT_PACKAGE", "Connecting", "Console", "Listening", "connect"]

_log = logging.getLogger(__name__)

DEFAULT_PACKAGE = "org.matahariproject"
CONNECT_TIMEOUT = 5.0  # seconds to reach a broker
MAX_LISTENERS = 100  # a leak of listeners would slow every event
MAX_SCHEMAS = 10_000  # remembered by hash; a fleet has some hundred


class Listening:
    """A registered callback; ``close`` ends it. Also a context manager."""

    def __init__(
        self, listeners: list[Callable[[ConsoleEvent], None]], callback: Callable[[ConsoleEvent], None]
    ) -> None:
        self._listeners = listeners
        self._callback = callback

    def close(self) -> None:
        if self._callback in self._listeners:
            self._listeners.remove(self._callback)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(
    broker: str | None = None, *, insecure_anonymous: bool = False, timeout: float = CONNECT_TIMEOUT
) -> Connecting:
    """Connect to a broker and find its agents: ``async with connect() as console``, or ``await connect()``.

    Args:
        broker: ``unix:PATH``, ``HOST[:PORT]``, ``amqp://…``; None takes ``MATAHARI_BROKER``, the configuration file, or
            the local socket.
        insecure_anonymous: allow plain TCP without authentication, to this machine only.
        timeout: seconds to reach the broker.

    Raises:
        ConfigError: the address or the configuration is wrong.
        ConnectFailedError: the broker cannot be reached or used; the message says why and what to do.
    """
    address: Address
    if broker is not None:
        address = parse_address(broker)
    else:
        from matahari.config import load  # a fifth of the start-up time of a command that names its broker

        address = load({}, environ=os.environ).broker
    return Connecting(address, insecure_anonymous=insecure_anonymous, timeout=timeout)


class Connecting:
    """A connection to be made: awaited it gives the console; ``async with`` also closes it."""

    def __init__(self, address: Address, *, insecure_anonymous: bool, timeout: float) -> None:
        self._address = address
        self._insecure_anonymous = insecure_anonymous
        self._timeout = timeout
        self._console: Console | None = None

    def __await__(self) -> Generator[Any, None, Console]:
        return self._connect().__await__()

    async def __aenter__(self) -> Console:
        self._console = await self._connect()
        return self._console

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console is not None:
            await self._console.close()

    async def _connect(self) -> Console:
        console = Console(self._address, insecure_anonymous=self._insecure_anonymous)
        await console._open(self._timeout)
        return console


class Console:
    """Made by :func:`connect`; an asynchronous context manager that closes itself."""

    def __init__(self, address: Address, *, insecure_anonymous: bool = False) -> None:
        self._station = Station(address, insecure_anonymous=insecure_anonymous, listener=self._heard)
        self._schemas: dict[SchemaId, Schema] = {}
        self._classes: dict[str, tuple[int, list[SchemaId]]] = {}
        self._listeners: list[Callable[[ConsoleEvent], None]] = []
        self._host_by_agent: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def address(self) -> Address:
        """Of the broker."""
        return self._station.address

    @property
    def broker_product(self) -> str:
        """Product and version of the broker, e.g. ``matahari-broker 0.1.0``."""
        return self._station.product

    async def close(self) -> None:
        """Leave the bus; calls under way end with ``ConnectionLostError``."""
        await self._station.close()

    async def hosts(self) -> list[Host]:
        """Hosts with at least one agent, by name.

        Raises:
            ConnectionLostError: there is no connection at the moment.
        """
        self._station.require_connection()
        return sorted({host for info in self._station.agents.values() if (host := _host_of(info)) is not None})

    async def agents(self, hosts: Iterable[Host | str] | None = None) -> list[AgentSummary]:
        """Agents, of these hosts or of all, by name.

        Raises:
            NoAgentsError: a named host is not known.
        """
        return sorted(_summary(info) for info in await self._on(hosts))

    async def packages(self) -> list[str]:
        """Packages of all classes on the bus, by name."""
        return sorted({one.package for one in await self.classes()})

    async def classes(self, package: str | None = None) -> list[ClassName]:
        """Classes of objects (events are left out), of one package or of all, by name."""
        self._station.require_connection()
        found = await asyncio.gather(*(self._classes_of(info) for info in list(self._station.agents.values())))
        ids = {ClassName(one.package, one.name) for some in found for one in some if one.kind == "_data"}
        return sorted(one for one in ids if package in (None, one.package))

    async def select(
        self,
        class_name: str,
        *,
        package: str = DEFAULT_PACKAGE,
        hosts: Iterable[Host | str] | None = None,
        where: Mapping[str, object] | None = None,
        timeout: float = CALL_TIMEOUT,
    ) -> Objects:
        """Objects of a class, with their values.

        Args:
            hosts: only on these; None is all. An empty iterable selects nothing.
            where: property values that must be equal. An object without the property does not match.
            timeout: seconds for each agent; one that does not answer is in the result's ``unanswered``.

        Raises:
            NoAgentsError: a named host, or the class, is not known; the message names close matches.
            RequestTimeoutError: nothing was found, and agents that may have it did not answer.
        """
        infos = await self._on(hosts)
        name = ClassName(package, class_name)
        query = Query(QueryTarget.OBJECT, schema_id=SchemaId(package, class_name))
        answers = await asyncio.gather(*(self._query(info, query, timeout) for info in infos))
        found = [(info, data) for info, items in zip(infos, answers, strict=True) for data in items or ()]
        unanswered = [_summary(info) for info, items in zip(infos, answers, strict=True) if items is None]
        if hosts is None:
            unanswered += [AgentSummary(one, "", one.split(":")[1]) for one in sorted(self._station.mute)]
        if not found and unanswered:
            names = ", ".join(one.name for one in unanswered)
            raise RequestTimeoutError(f"no answer within {timeout:g} s from {names}", timeout=timeout)
        if not found and infos:
            await self._require_class(name)
        objects = await self._objects(found, name, timeout)
        if where:
            objects = [one for one in objects if all(_equal(one, key, value) for key, value in where.items())]
        objects.sort(key=lambda one: (one.host, one.agent, one.name))
        return Objects(self._station, self._refetch, name, objects, unanswered)

    def listen(self, callback: Callable[[ConsoleEvent], None]) -> Listening:
        """Call ``callback`` for each event and each agent that comes or goes, on the event loop, until closed.

        Raises:
            RequestError: too many listeners.
        """
        if len(self._listeners) >= MAX_LISTENERS:
            raise RequestError(f"a console has {MAX_LISTENERS} listeners at most; close some")
        self._listeners.append(callback)
        return Listening(self._listeners, callback)

    # --- inside ---------------------------------------------------------------------------------------------

    async def _open(self, timeout: float) -> None:
        await self._station.open(timeout)

    async def _refetch(self, objects: Objects, timeout: float) -> Objects:
        async def one(item: RemoteObject) -> list[RemoteObject]:
            query = Query(QueryTarget.OBJECT, object_id=item.object_id)
            info = self._station.agents.get(item.agent)
            if info is None:
                return []
            found = [(info, data) for data in await self._query(info, query, timeout) or ()]
            return await self._objects(found, objects.class_name, timeout)

        fetched = await asyncio.gather(*(one(item) for item in objects))
        items = [item for some in fetched for item in some]
        return Objects(self._station, self._refetch, objects.class_name, items, objects.unanswered)

    async def _on(self, hosts: Iterable[Host | str] | None) -> list[AgentInfo]:
        self._station.require_connection()
        infos = list(self._station.agents.values())
        if hosts is None:
            return infos
        chosen: list[AgentInfo] = []
        for host in hosts:
            if isinstance(host, Host):
                some = [info for info in infos if _host_of(info) == host]
            else:
                some = [info for info in infos if _host_name(info) == host]
            if not some:
                raise NoAgentsError(_unknown("Host", str(host), {_host_name(info) for info in infos}))
            chosen += [info for info in some if info not in chosen]
        return chosen

    async def _query(self, info: AgentInfo, query: Query, timeout: float) -> list[Data] | None:
        """Objects that an agent answers with; None when it does not answer."""
        try:
            items: Items = await self._station.query(info.name, query, timeout)
        except RequestError as error:
            _log.info("%s: %s", info.name, error)
            return None
        except RemoteError as error:
            _log.warning("%s: %s", info.name, error)
            return []
        return [one for one in items if isinstance(one, Data)]

    async def _objects(
        self, found: list[tuple[AgentInfo, Data]], name: ClassName, timeout: float
    ) -> list[RemoteObject]:
        wanted = {one.schema_id: info for info, one in found if one.schema_id is not None}
        await asyncio.gather(*(self._fetch_schema(info, one, timeout) for one, info in wanted.items()))
        objects = []
        for info, data in found:
            schema = None if data.schema_id is None else self._schemas.get(data.schema_id)
            if schema is None or data.object_id is None:
                _log.warning("%s sent an object of %s without a usable schema or id", info.name, name)
                continue
            object_id = data.at(info.name).object_id or data.object_id
            objects.append(
                RemoteObject(
                    _host_name(info),
                    info.name,
                    object_id.object_name,
                    ClassName(schema.id.package, schema.id.name),
                    data.decoded(schema),
                    object_id,
                    schema,
                )
            )
        return objects

    async def _fetch_schema(self, info: AgentInfo, wanted: SchemaId, timeout: float) -> None:
        if wanted in self._schemas:
            return
        try:
            items = await self._station.query(info.name, Query(QueryTarget.SCHEMA, schema_id=wanted), timeout)
        except MatahariError as error:
            _log.warning("%s does not tell the schema of %s: %s", info.name, wanted.name, error)
            return
        if len(self._schemas) >= MAX_SCHEMAS:
            self._schemas.clear()
        for one in items:
            if isinstance(one, Schema):
                self._schemas[one.id] = one

    async def _classes_of(self, info: AgentInfo) -> list[SchemaId]:
        known = self._classes.get(info.name)
        if known is not None and known[0] == info.schema_updated and info.schema_updated:
            return known[1]
        try:
            items = await self._station.query(info.name, Query(QueryTarget.SCHEMA_ID), CALL_TIMEOUT)
        except (RequestError, RemoteError) as error:
            _log.warning("%s does not tell its classes: %s", info.name, error)
            return []
        ids = [one for one in items if isinstance(one, SchemaId)]
        self._classes[info.name] = (info.schema_updated, ids)
        return ids

    async def _require_class(self, name: ClassName) -> None:
        """Tell a class that nobody has from one that has no objects."""
        known = await self.classes()
        if name in known:
            return
        if not any(one.package == name.package for one in known):
            raise NoAgentsError(_unknown("Package", name.package, {one.package for one in known}))
        others = {str(one) for one in known if one.name == name.name}
        hint = {str(one) for one in known if one.package == name.package} | others
        raise NoAgentsError(_unknown("Class", str(name), hint))

    def _heard(self, event: EngineEvent) -> None:
        told: ConsoleEvent | None = None
        if isinstance(event, EventRaised):
            data, info = event.data, self._station.agents.get(event.agent)
            schema = data.schema_id
            told = ConsoleEvent(
                "event",
                "" if info is None else _host_name(info),
                event.agent,
                "" if schema is None else schema.package,
                "" if schema is None else schema.name,
                5 if data.severity is None else data.severity,
                data.timestamp_ns or 0,
                data.decoded(),
            )
        elif isinstance(event, AgentAdded):
            self._host_by_agent[event.info.name] = _host_name(event.info)
            told = ConsoleEvent("agent_added", _host_name(event.info), event.info.name)
        elif isinstance(event, AgentRemoved):
            self._classes.pop(event.name, None)
            told = ConsoleEvent("agent_removed", self._host_by_agent.pop(event.name, ""), event.name)
        if told is None:
            return
        for callback in list(self._listeners):
            # callbacks are foreign code: one that fails must not keep the others from hearing
            try:
                callback(told)
            except Exception:  # noqa: BLE001 - see above
                _log.exception("a listener failed")


def _host_name(info: AgentInfo) -> str:
    name = info.attributes.get("hostname")
    return name if isinstance(name, str) else ""


def _summary(info: AgentInfo) -> AgentSummary:
    return AgentSummary(info.name, _host_name(info), info.product)


def _host_of(info: AgentInfo) -> Host | None:
    """The agent's host; None for agents that tell none, such as a broker's own."""
    name, identity = _host_name(info), info.attributes.get("uuid")
    return Host(name, identity if isinstance(identity, str) else "") if name else None


def _equal(item: RemoteObject, name: str, value: object) -> bool:
    return name in item.values and item.values[name] == value


def _unknown(kind: str, name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known - {""}), n=3, cutoff=0.5)
    return f'{kind} "{name}" not found' + (f"; did you mean {', '.join(close)}?" if close else "")
