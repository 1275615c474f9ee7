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
from matahari.console.checking import require_timeout
from matahari.console.directory import (
    CALL_TIMEOUT,
    DEFAULT_PACKAGE,
    Directory,
    host_name,
    host_of,
    summary,
)
from matahari.console.event_stream import EventStream
from matahari.console.extending import ConsoleExtensions, JsonValue
from matahari.console.finder import Finder
from matahari.console.listening import Listeners, Listening
from matahari.console.matches import HostMatches
from matahari.console.objects import Objects
from matahari.console.plugin import HostChoice, Plugin
from matahari.console.selection import Selection
from matahari.console.station import BusOptions, Station
from matahari.console.subscription import CHANGE_INTERVAL, Subscription
from matahari.console.values import AgentSummary, ClassName, ConsoleEvent, Host
from matahari.net import Address
from matahari.qmf import AgentRemoved, EngineEvent

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
        self._finder = Finder(self._station, self._directory, lambda: self._extensions)
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
        await self._finder.close()

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

    async def agents(self, hosts: HostChoice | None = None, *, timeout: float = CALL_TIMEOUT) -> list[AgentSummary]:
        """Agents, of these hosts or of all, by name.

        Args:
            hosts: a filter or its text, or hosts and names.
            timeout: seconds for the hosts to answer a filter.

        Raises:
            NoAgentsError: a named host is not known.
            FilterSyntaxError, RequestTimeoutError: as :meth:`hosts`, when hosts are chosen by a filter.
        """
        return sorted(summary(info) for info in self._directory.on(await self._choose(hosts, timeout)))

    async def packages(self) -> list[str]:
        """Packages of all classes on the bus, by name."""
        return sorted({one.package for one in await self.classes()})

    async def classes(
        self, package: str | None = None, *, hosts: HostChoice | None = None, timeout: float = CALL_TIMEOUT
    ) -> list[ClassName]:
        """Classes of objects (events are left out), of one package or of all, by name.

        Args:
            hosts: only what is on these: a filter or its text, or hosts and names.
            timeout: seconds for the hosts to answer a filter.

        Raises:
            NoAgentsError: a named host is not known.
            FilterSyntaxError, RequestTimeoutError: as :meth:`hosts`, when hosts are chosen by a filter.
        """
        known = await self._directory.classes(await self._choose(hosts, timeout))
        return sorted(one for one in known if package in (None, one.package))

    async def event_classes(self, *, timeout: float = CALL_TIMEOUT) -> list[ClassName]:
        """Classes of events, by name, of the agents that tell them in time.

        An agent of ours publishes the events that a plugin raises itself with the first of them.
        """
        return sorted(await self._directory.event_classes(timeout))

    async def select(
        self,
        class_name: str,
        *,
        package: str = DEFAULT_PACKAGE,
        hosts: HostChoice | None = None,
        where: Mapping[str, object] | None = None,
        timeout: float = CALL_TIMEOUT,
    ) -> Objects:
        """Objects of a class, with their values.

        Args:
            hosts: only on these: a filter or its text, or hosts and names; an empty iterable selects nothing. None is
                all, those included that extensions expect: one that is not on the bus is in the result's ``missing``.
            where: property values that must be equal. An object without the property does not match, and of hosts that
                are not on the bus nobody knows.
            timeout: seconds for the hosts to answer a filter, and for each agent; one that does not answer is in the
                result's ``unanswered``.

        Raises:
            NoAgentsError: a named host, or the class, is not known; the message names close matches.
            FilterSyntaxError: the text is no filter.
            RequestTimeoutError: nothing was found, and agents that may have it did not answer.
            SchemaError: ``where`` names a property that no object has; the message names close matches.
            ValueError: the timeout is not above 0.
        """
        require_timeout(timeout)
        chosen = await self._choose(hosts, timeout)
        return await self._finder.select(ClassName(package, class_name), chosen, where, timeout)

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
            fetch_timeout: seconds for the hosts to answer a filter, and for each agent to tell what it has. One that
                is not as quick as the others delays nobody: calls wait for it when the others are done.
            options: of all calls; see :class:`CallOptions`.

        Raises:
            NoAgentsError: a named host, or the plugin, is not known; the message names close matches.
            FilterSyntaxError: the text is no filter.
            RequestTimeoutError: nothing was found, and agents that may have it did not answer.
            TypeError, ValueError: there is no such option, or it has no such value.
        """
        settings = CallSettings().changed(options)
        chosen = await self._choose(hosts, fetch_timeout)
        require_timeout(fetch_timeout)
        objects, late = await self._finder.find_plugin(ClassName(PLUGIN_PACKAGE, name), chosen, fetch_timeout)
        return Plugin(objects, chosen, settings, late)

    def subscribe(
        self,
        class_name: str,
        *,
        package: str = DEFAULT_PACKAGE,
        hosts: HostChoice | None = None,
        interval: float = CHANGE_INTERVAL,
        timeout: float = CALL_TIMEOUT,
    ) -> Subscription:
        """Changes of the objects of a class: ``async with console.subscribe("Host") as changes``, then iterate.

        It is kept alive until it is closed. Entering it raises what :meth:`select` raises.

        Args:
            hosts: only on these, a filter being asked when it is entered; None is all, also those that come later.
            interval: seconds between two messages of an agent; agents have a minimum, ours 1 s.
            timeout: seconds that the hosts have to answer a filter, and an agent to answer. One without subscriptions
                may take as long to enter.

        Raises:
            ValueError: the interval is not above 0.
        """
        if interval <= 0:
            raise ValueError("an interval is above 0 s")
        return Subscription(
            self._station,
            self._directory,
            ClassName(package, class_name),
            lambda: self._choose(hosts, timeout),
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

        # A tuple, because some look at them twice, and an iterator has nothing then.
        return await self.hosts(hosts, timeout=timeout) if isinstance(hosts, str | Filter) else tuple(hosts)

    def _connected(self) -> None:
        for subscription in list(self._subscriptions):
            subscription._handle_connected()

    def _heard(self, event: EngineEvent) -> None:
        if isinstance(event, AgentRemoved):
            self._directory.forget(event.name)
        for subscription in list(self._subscriptions):
            subscription._handle_event(event)
        self._listeners.handle_event(event, self._station.agents)
