"""The console: finds hosts, agents and classes, selects objects, hears events. The asynchronous face.

What not every program uses, such as calls and their options, is imported when it is first needed: a program that only
lists hosts starts in little more than half the time.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack

from matahari.console.directory import (
    CALL_TIMEOUT,
    DEFAULT_PACKAGE,
    Directory,
    host_name,
    host_of,
    summary,
)
from matahari.console.extending import ConsoleExtensions, JsonValue
from matahari.console.listening import Listeners, Listening
from matahari.console.names import CHANGE_INTERVAL, PLUGIN_PACKAGE, AgentSummary, ClassName, Host
from matahari.console.options import BusOptions
from matahari.console.selection import Selection
from matahari.console.station import Station
from matahari.net import Address
from matahari.qmf import AgentRemoved, EngineEvent

if TYPE_CHECKING:
    from matahari.console.call_options import CallOptions
    from matahari.console.event_stream import EventStream
    from matahari.console.finder import Finder
    from matahari.console.host_choice import HostChoice
    from matahari.console.matches import HostMatches
    from matahari.console.objects import Objects
    from matahari.console.plugin import Plugin
    from matahari.console.subscription import Subscription
    from matahari.console.values import ConsoleEvent

__all__ = ["Console"]


class Console:
    """Made by :func:`matahari.console.connect`; an asynchronous context manager that closes itself."""

    def __init__(self, address: Address, bus: BusOptions, extensions: ConsoleExtensions | None = None) -> None:
        self._station = Station(address, bus, listener=self._heard, connected=self._connected)
        self._directory = Directory(self._station)
        self._extensions = extensions
        self._finder: Finder | None = None
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
        if self._finder is not None:
            await self._finder.close()

    async def hosts(
        self,
        where: HostChoice | None = None,
        *,
        facts: Mapping[str, object] | None = None,
        timeout: float = CALL_TIMEOUT,
    ) -> Selection:
        """Hosts with at least one agent, by name: all, or those that a filter means; a value with set algebra.

        Args:
            where: a filter, e.g. ``role = web and not /^test/``, or hosts and names.
            facts: facts that they must have, each with its value or a list of possible values.
            timeout: seconds for all hosts together to answer what the filter asks. Once a host matches, those that are
                silent when the others have answered are not waited for: they are ``undecided``, and logged.

        Raises:
            ConnectionLostError: there is no connection at the moment.
            FilterSyntaxError: ``where`` is no filter, or has too many names for one.
            NoAgentsError: a host that is given by its name, or as a value, is not known.
            RequestTimeoutError: no host matches, and some that may did not answer in time; it names them.
            ValueError: a fact has a value that cannot be compared, or the timeout is not above 0.
        """
        if where is None and not facts:
            self._station.require_connection()
            return Selection.of_all(
                host for info in self._station.agents.values() if (host := host_of(info)) is not None
            )
        from matahari.console.choosing import select_matched

        return select_matched(await self.match_hosts(where, facts=facts, timeout=timeout), timeout)

    async def match_hosts(
        self,
        where: HostChoice | None = None,
        *,
        facts: Mapping[str, object] | None = None,
        timeout: float = CALL_TIMEOUT,
    ) -> HostMatches:
        """As :meth:`hosts`, with every host, why it matches or not, and who did not answer.

        Raises:
            ConnectionLostError, FilterSyntaxError, NoAgentsError, ValueError: as :meth:`hosts`; and without any filter.
        """
        from matahari.console.choosing import match

        return await match(self._directory, where, facts, timeout)

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

    async def unannounced(self) -> list[AgentSummary]:
        """Agents that the broker says are connected and that have never announced themselves, as one that hangs.

        On which host they are is not known, so that they are in no list of hosts or agents. Empty with a broker that
        does not list who is connected.
        """
        return self._directory.mute

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
            timeout: seconds for the hosts to answer a filter, and for each agent. Once something is found, agents that
                are silent when the others have answered are not waited for: they are in the result's ``unanswered``, as
                are those that did not answer the filter.

        Raises:
            NoAgentsError: a named host, or the class, is not known; the message names close matches.
            FilterSyntaxError: the text is no filter.
            RequestTimeoutError: nothing was found, and agents that may have it did not answer.
            SchemaError: ``where`` names a property that no object has; the message names close matches.
            ValueError: the timeout is not above 0.
        """
        from matahari.console.checking import require_timeout
        from matahari.console.choosing import choose

        require_timeout(timeout)
        chosen, matches = await choose(self._directory, hosts, timeout)
        return await self._find().select(ClassName(package, class_name), chosen, where, timeout, matches)

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
                is not as quick as the others delays nobody: calls wait for it when the others are done. A selection is
                taken as it is: its ``undecided`` hosts are in ``not_asked``.
            options: of all calls; see :class:`CallOptions`.

        Raises:
            NoAgentsError: a named host, or the plugin, is not known; the message names close matches.
            FilterSyntaxError: the text is no filter.
            RequestTimeoutError: nothing was found, and agents that may have it did not answer.
            TypeError, ValueError: there is no such option, or it has no such value.
        """
        from matahari.console.call_options import CallSettings
        from matahari.console.checking import require_timeout
        from matahari.console.choosing import choose
        from matahari.console.plugin import Plugin

        settings = CallSettings().changed(options)
        require_timeout(fetch_timeout)
        chosen, matches = await choose(self._directory, hosts, fetch_timeout, is_logged=False)
        wanted = ClassName(PLUGIN_PACKAGE, name)
        objects, late = await self._find().find_plugin(wanted, chosen, fetch_timeout, matches)
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
        from matahari.console.subscription import Subscription

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
        from matahari.console.event_stream import EventStream

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

    def _find(self) -> Finder:
        if self._finder is None:
            from matahari.console.finder import Finder

            self._finder = Finder(self._station, self._directory, lambda: self._extensions)
        return self._finder

    async def _choose(self, hosts: HostChoice | None, timeout: float) -> Iterable[Host | str] | None:
        if hosts is None:
            return None
        from matahari.console.choosing import choose

        return (await choose(self._directory, hosts, timeout))[0]

    def _connected(self) -> None:
        for subscription in list(self._subscriptions):
            subscription._handle_connected()

    def _heard(self, event: EngineEvent) -> None:
        if isinstance(event, AgentRemoved):
            self._directory.forget(event.name)
        for subscription in list(self._subscriptions):
            subscription._handle_event(event)
        self._listeners.handle_event(event, self._station.agents)
