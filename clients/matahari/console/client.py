"""The console: finds hosts, agents and classes, selects objects, hears events. The asynchronous face."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack

from matahari.console.arguments import PLUGIN_PACKAGE
from matahari.console.call_options import CallOptions, CallSettings
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
from matahari.console.event_stream import EventStream
from matahari.console.extending import ConsoleExtensions, JsonValue, no_hosts, telling_missing
from matahari.console.listening import Listeners, Listening
from matahari.console.matches import HostMatches
from matahari.console.objects import Objects
from matahari.console.plugin import HostChoice, Plugin
from matahari.console.selection import Selection
from matahari.console.station import BusOptions, Station
from matahari.console.subscription import CHANGE_INTERVAL, Subscription
from matahari.console.values import AgentSummary, ClassName, ConsoleEvent, Host, RemoteObject
from matahari.errors import RequestTimeoutError
from matahari.net import Address
from matahari.qmf import AgentRemoved, EngineEvent, Query, QueryTarget

if TYPE_CHECKING:
    from matahari.filters import Filter

__all__ = ["Console"]

_log = logging.getLogger(__name__)


class Console:
    """Made by :func:`matahari.console.connect`; an asynchronous context manager that closes itself."""

    def __init__(self, address: Address, bus: BusOptions, extensions: ConsoleExtensions | None = None) -> None:
        self._station = Station(address, bus, listener=self._heard, connected=self._connected)
        self._directory = Directory(self._station)
        self._extensions = extensions
        self._subscriptions: list[Subscription] = []
        self._listeners = Listeners()
        self._streams: weakref.WeakSet[EventStream] = weakref.WeakSet()

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
        """Leave the bus; calls under way end with ``ConnectionLostError``, iterations of changes and events end."""
        for stream in list(self._streams):
            stream._end()
        for subscription in list(self._subscriptions):
            await subscription.close()
        await self._station.close()

    async def hosts(
        self,
        where: str | Filter | None = None,
        *,
        facts: Mapping[str, object] | None = None,
        timeout: float = CALL_TIMEOUT,
    ) -> Selection:
        """Hosts with at least one agent, by name: all, or those that a filter means; a value with set algebra.

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
            return Selection.of_all(
                host for info in self._station.agents.values() if (host := host_of(info)) is not None
            )
        matches = await self.match_hosts(where, facts=facts, timeout=timeout)
        matches.require_some(timeout)
        if matches.unanswered:
            _log.warning("no answer within %g s from %s: left out", timeout, matches.silence)
        return Selection(matches.filter, {one.host: one.truth for one in matches})

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

    async def plugin(
        self,
        name: str,
        hosts: HostChoice | None = None,
        *,
        fetch_timeout: float = CALL_TIMEOUT,
        **options: Unpack[CallOptions],
    ) -> Plugin:
        """A plugin on these hosts, or on all that have it: an object whose attributes are its methods.

        Args:
            hosts: a filter or its text, or hosts and names. One that has no such plugin is in the ``not_asked`` of
                each call's results, one that does not answer in ``silent``.
            fetch_timeout: seconds for the hosts to answer a filter, and for each agent to tell what it has.
            options: of all calls; see :class:`CallOptions`.

        Raises:
            NoAgentsError: a named host, or the plugin, is not known; the message names close matches.
            FilterSyntaxError: the text is no filter.
            RequestTimeoutError: nothing was found, and agents that may have it did not answer.
            TypeError, ValueError: there is no such option, or it has no such value.
        """
        settings = CallSettings().changed(options)
        chosen = await self._choose(hosts, fetch_timeout)
        objects = await self.select(name, package=PLUGIN_PACKAGE, hosts=chosen, timeout=fetch_timeout)
        return Plugin(objects, chosen, settings)

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

    def events(
        self, name: str | None = None, *, hosts: HostChoice | None = None, timeout: float = CALL_TIMEOUT
    ) -> EventStream:
        """Events as they come: ``async for event in console.events("org.matahariproject:heartbeat")``.

        Args:
            name: class of the events, of Matahari's own package unless it is given with another; None for all events,
                and agents that come and go.
            hosts: only of these, as they are found when it begins; None is all, also those that come later.
            timeout: seconds for the hosts to answer a filter.
        """
        package, _, class_name = (name or "").rpartition(":")
        wanted = None if name is None else ClassName(package or DEFAULT_PACKAGE, class_name)

        async def find_hosts() -> frozenset[str] | None:
            chosen = await self._choose(hosts, timeout)
            if chosen is None:
                return None
            return frozenset(host_name(info) for info in self._directory.on(chosen))

        stream = EventStream(self.listen, find_hosts, wanted)
        self._streams.add(stream)
        return stream

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

    async def _choose(self, hosts: HostChoice | None, timeout: float) -> Iterable[Host | str] | None:
        if hosts is None:
            return None
        from matahari.filters import Filter

        return await self.hosts(hosts, timeout=timeout) if isinstance(hosts, str | Filter) else hosts

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
