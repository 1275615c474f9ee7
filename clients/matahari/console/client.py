"""The console: finds hosts, agents and classes, selects objects, hears events. The asynchronous face."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Generator, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from matahari.console.checking import require_properties, require_timeout
from matahari.console.directory import (
    CALL_TIMEOUT,
    DEFAULT_PACKAGE,
    Directory,
    Found,
    host_name,
    host_of,
    may_have,
    query_for,
    summary,
)
from matahari.console.extending import ConsoleExtensions, JsonValue, no_hosts, telling_missing
from matahari.console.listening import Listeners, Listening
from matahari.console.matches import HostMatches
from matahari.console.objects import Objects
from matahari.console.station import BusOptions, Station
from matahari.console.subscription import CHANGE_INTERVAL, Subscription
from matahari.console.values import AgentSummary, ClassName, ConsoleEvent, Host, RemoteObject
from matahari.errors import RequestTimeoutError
from matahari.net import Address, parse_address
from matahari.qmf import AgentRemoved, EngineEvent, Query, QueryTarget

if TYPE_CHECKING:
    from matahari.filters import Filter

__all__ = ["Connecting", "Console", "Listening", "connect"]

_log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 5.0  # seconds to reach a broker


def connect(
    broker: str | None = None,
    *,
    insecure_anonymous: bool = False,
    timeout: float = CONNECT_TIMEOUT,
    broker_kind: str = "auto",
    virtual_host: str = "",
    hooks: Path | None = None,
) -> Connecting:
    """Connect to a broker and find its agents: ``async with connect() as console``, or ``await connect()``.

    Args:
        broker: ``unix:PATH``, ``HOST[:PORT]``, ``amqp://…``; None takes ``MATAHARI_BROKER``, the configuration file, or
            the local socket, and from there the kind and virtual host too unless they are given here.
        insecure_anonymous: allow plain TCP without authentication, to this machine only.
        timeout: seconds to reach the broker.
        broker_kind: ``qpid``, ``rabbitmq3``, ``rabbitmq4``, ``artemis`` or ``router`` for a broker that does not tell
            what it is.
        virtual_host: what to ask the broker for, e.g. ``vhost:qmf``.
        hooks: directory of extensions, which tell the expected hosts and summarise answers; None takes the configured
            one. It is read when it is first needed.

    Raises:
        ConfigError: the address or the configuration is wrong.
        ConnectFailedError: the broker cannot be reached or used; the message says why and what to do.
    """
    address: Address
    if broker is not None:
        address = parse_address(broker)
    else:
        from matahari.config import load  # a fifth of the start-up time of a command that names its broker

        settings = load({}, environ=os.environ)
        address = settings.broker
        broker_kind = settings.broker_kind if broker_kind == "auto" else broker_kind
        virtual_host = virtual_host or settings.virtual_host or ""
    bus = BusOptions(insecure_anonymous=insecure_anonymous, kind=broker_kind, virtual_host=virtual_host)
    return Connecting(address, bus, timeout=timeout, extensions=ConsoleExtensions(hooks))


class Connecting:
    """A connection to be made: awaited it gives the console; ``async with`` also closes it."""

    def __init__(
        self, address: Address, bus: BusOptions, *, timeout: float, extensions: ConsoleExtensions | None = None
    ) -> None:
        self._address = address
        self._bus = bus
        self._timeout = timeout
        self._extensions = extensions
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
        console = Console(self._address, self._bus, self._extensions)
        await console._open(self._timeout)
        return console


class Console:
    """Made by :func:`connect`; an asynchronous context manager that closes itself."""

    def __init__(self, address: Address, bus: BusOptions, extensions: ConsoleExtensions | None = None) -> None:
        self._station = Station(address, bus, listener=self._heard, connected=self._connected)
        self._directory = Directory(self._station)
        self._extensions = extensions
        self._subscriptions: list[Subscription] = []
        self._listeners = Listeners()

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
        """Leave the bus; calls under way end with ``ConnectionLostError``, iterations of changes end."""
        for subscription in list(self._subscriptions):
            await subscription.close()
        await self._station.close()

    async def hosts(
        self,
        where: str | Filter | None = None,
        *,
        facts: Mapping[str, object] | None = None,
        timeout: float = CALL_TIMEOUT,
    ) -> list[Host]:
        """Hosts with at least one agent, by name: all, or those that a filter means.

        Args:
            where: a filter, e.g. ``role = web and not /^test/``.
            facts: facts that they must have, each with its value or a list of possible values.
            timeout: seconds for all hosts together to answer what the filter asks; those that do not are logged.

        Raises:
            ConnectionLostError: there is no connection at the moment.
            FilterSyntaxError: ``where`` is no filter.
            RequestTimeoutError: no host matches, and some that may did not answer; it names them.
            ValueError: a fact has a value that cannot be compared, or the timeout is not above 0.
        """
        if where is None and not facts:
            self._station.require_connection()
            return sorted({host for info in self._station.agents.values() if (host := host_of(info)) is not None})
        matches = await self.match_hosts(where, facts=facts, timeout=timeout)
        matches.require_some(timeout)
        if matches.unanswered:
            _log.warning("no answer within %g s from %s: left out", timeout, matches.silence)
        return matches.hosts

    async def match_hosts(
        self,
        where: str | Filter | None = None,
        *,
        facts: Mapping[str, object] | None = None,
        timeout: float = CALL_TIMEOUT,
    ) -> HostMatches:
        """As :meth:`hosts`, with every host, why it matches or not, and who did not answer.

        Raises:
            ConnectionLostError, FilterSyntaxError, ValueError: as :meth:`hosts`; and without any filter.
        """
        from matahari.console.matching import filter_of, match_hosts  # a program without filters does not pay for them

        require_timeout(timeout)
        meant = filter_of(where, facts)
        if meant is None:
            raise ValueError("a filter or facts are needed")
        return await match_hosts(self._directory, meant, timeout)

    async def agents(self, hosts: Iterable[Host | str] | None = None) -> list[AgentSummary]:
        """Agents, of these hosts or of all, by name.

        Raises:
            NoAgentsError: a named host is not known.
        """
        return sorted(summary(info) for info in self._directory.on(hosts))

    async def packages(self) -> list[str]:
        """Packages of all classes on the bus, by name."""
        return sorted({one.package for one in await self.classes()})

    async def classes(self, package: str | None = None) -> list[ClassName]:
        """Classes of objects (events are left out), of one package or of all, by name."""
        return sorted(one for one in await self._directory.classes() if package in (None, one.package))

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
            hosts: only on these; None is all, those included that extensions expect: one that is not on the bus is in
                the result's ``missing``. An empty iterable selects nothing.
            where: property values that must be equal. An object without the property does not match, and of hosts that
                are not on the bus nobody knows.
            timeout: seconds for each agent; one that does not answer is in the result's ``unanswered``.

        Raises:
            NoAgentsError: a named host, or the class, is not known; the message names close matches.
            RequestTimeoutError: nothing was found, and agents that may have it did not answer.
            SchemaError: ``where`` names a property that no object has; the message names close matches.
            ValueError: the timeout is not above 0.
        """
        require_timeout(timeout)
        infos = [info for info in self._directory.on(hosts) if may_have(info, package)]
        name = ClassName(package, class_name)
        query = query_for(name)
        answers, missing = await asyncio.gather(
            asyncio.gather(*(self._directory.query(info, query, timeout) for info in infos)),
            self._find_missing() if hosts is None and not where else no_hosts(),
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
        return Objects(
            self._station, self._refetch, name, objects, unanswered, missing=missing, extensions=self._extensions
        )

    def subscribe(
        self,
        class_name: str,
        *,
        package: str = DEFAULT_PACKAGE,
        hosts: Iterable[Host | str] | None = None,
        interval: float = CHANGE_INTERVAL,
        timeout: float = CALL_TIMEOUT,
    ) -> Subscription:
        """Changes of the objects of a class: ``async with console.subscribe("Host") as changes``, then iterate.

        It is kept alive until it is closed. Entering it raises what :meth:`select` raises.

        Args:
            hosts: only on these; None is all, also those that come later.
            interval: seconds between two messages of an agent; agents have a minimum, ours 1 s.
            timeout: seconds that an agent has to answer. One without subscriptions may take as long to enter.

        Raises:
            ValueError: the interval is not above 0.
        """
        if interval <= 0:
            raise ValueError("an interval is above 0 s")
        return Subscription(
            self._station,
            self._directory,
            ClassName(package, class_name),
            hosts,
            interval=interval,
            timeout=timeout,
            registry=self._subscriptions,
        )

    def listen(self, callback: Callable[[ConsoleEvent], None]) -> Listening:
        """Call ``callback`` for each event and each agent that comes or goes, on the event loop, until closed.

        Raises:
            RequestError: too many listeners.
        """
        return self._listeners.add(callback)

    async def summarise(self, name: str, values: Mapping[str, object]) -> JsonValue:
        """What the aggregator ``name``, of an extension, makes of these values by host; see :meth:`Results.summary`.

        Raises:
            NoAgentsError: there is no such aggregator; the message names close matches.
            HookError: the extension failed.
        """
        extensions = self._extensions or ConsoleExtensions()
        return await asyncio.to_thread(extensions.summarise, name, values)

    # --- inside ---------------------------------------------------------------------------------------------

    async def _open(self, timeout: float) -> None:
        await self._station.open(timeout)

    async def _refetch(self, objects: Objects, timeout: float) -> Objects:
        async def one(item: RemoteObject) -> list[RemoteObject]:
            query = Query(QueryTarget.OBJECT, object_id=item.object_id)
            info = self._station.agents.get(item.agent)
            if info is None:
                return []
            found = [(info, data) for data in await self._directory.query(info, query, timeout) or ()]
            return await self._directory.objects(found, objects.class_name, timeout)

        fetched = await asyncio.gather(*(one(item) for item in objects))
        items = [item for some in fetched for item in some]
        return Objects(
            self._station, self._refetch, objects.class_name, items, objects.unanswered,
            missing=objects.missing, extensions=self._extensions,
        )  # fmt: skip

    async def _find_missing(self) -> list[str]:
        if self._extensions is None:
            return []
        expected = await self._extensions.expected_hosts()
        return sorted(expected - {host_name(info) for info in self._station.agents.values()})

    def _connected(self) -> None:
        for subscription in list(self._subscriptions):
            subscription._handle_connected()

    def _heard(self, event: EngineEvent) -> None:
        if isinstance(event, AgentRemoved):
            self._directory.forget(event.name)
        for subscription in list(self._subscriptions):
            subscription._handle_event(event)
        self._listeners.handle_event(event, self._station.agents)


def _equal(item: RemoteObject, name: str, value: object) -> bool:
    return name in item.values and item.values[name] == value
