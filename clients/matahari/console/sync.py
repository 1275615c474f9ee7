"""The blocking face: the names of :mod:`matahari.console`, for programs without an event loop of their own.

The asynchronous console runs on a thread in the background, so that heartbeats and events flow while the caller
computes. All methods may be called from any thread. Callbacks of ``listen`` run on that background thread, and must not
wait for the console themselves: that is a ``RequestError``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack

from matahari.console.background import Background
from matahari.console.client import Console as AsyncConsole
from matahari.console.connecting import CONNECT_TIMEOUT, Connecting
from matahari.console.connecting import connect as connect_async
from matahari.console.directory import CALL_TIMEOUT, DEFAULT_PACKAGE
from matahari.console.listening import Listening
from matahari.console.names import CHANGE_INTERVAL, AgentSummary, ClassName, Host
from matahari.console.selection import Selection
from matahari.net import Address
from matahari.qmf import Method, Property, PropertyType

if TYPE_CHECKING:
    from matahari.console.blocking import RunningCall
    from matahari.console.blocking_events import EventStream
    from matahari.console.blocking_objects import Objects, RemoteObject
    from matahari.console.blocking_plugin import Call, Plugin
    from matahari.console.call_options import CallOptions
    from matahari.console.event_stream import EventStream as AsyncEventStream
    from matahari.console.extending import JsonValue
    from matahari.console.grouping import Summary, ValueGroup, group_values
    from matahari.console.host_choice import HostChoice
    from matahari.console.matches import HostMatch, HostMatches
    from matahari.console.reports import Missed, Output, Partial, Progress, Report, Told
    from matahari.console.rollout import Batch, NotAsked
    from matahari.console.subscription import Subscription as AsyncSubscription
    from matahari.console.values import ConsoleEvent, ObjectChange, Result, Results

__all__ = [
    "CALL_TIMEOUT",
    "DEFAULT_PACKAGE",
    "AgentSummary",
    "Batch",
    "Call",
    "CallOptions",
    "ClassName",
    "Console",
    "ConsoleEvent",
    "EventStream",
    "Host",
    "HostChoice",
    "HostMatch",
    "HostMatches",
    "Listening",
    "Method",
    "Missed",
    "NotAsked",
    "ObjectChange",
    "Objects",
    "Output",
    "Partial",
    "Plugin",
    "Progress",
    "Property",
    "PropertyType",
    "RemoteObject",
    "Report",
    "Result",
    "Results",
    "RunningCall",
    "Selection",
    "Subscription",
    "Summary",
    "Told",
    "ValueGroup",
    "connect",
    "group_values",
    "write_stubs",
]

#: The module of each name of this face alone that is imported when it is first used; for others see matahari.console.
_HOMES = {
    "Call": "blocking_plugin",
    "EventStream": "blocking_events",
    "Objects": "blocking_objects",
    "Plugin": "blocking_plugin",
    "RemoteObject": "blocking_objects",
    "RunningCall": "blocking",
}


if not TYPE_CHECKING:  # a type checker shall know of no other names than those above

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = f"matahari.console.{_HOMES[name]}" if name in _HOMES else "matahari.console"
        value = globals()[name] = getattr(import_module(home), name)
        return value


def __dir__() -> list[str]:
    return sorted(__all__)


def connect(
    broker: str | None = None,
    *,
    insecure_anonymous: bool = False,
    timeout: float = CONNECT_TIMEOUT,
    broker_kind: str = "auto",
    virtual_host: str = "",
    hooks: Path | None = None,
) -> Console:
    """See :func:`matahari.console.connect`."""
    loop = Background()
    try:
        connecting = connect_async(
            broker,
            insecure_anonymous=insecure_anonymous,
            timeout=timeout,
            broker_kind=broker_kind,
            virtual_host=virtual_host,
            hooks=hooks,
        )
        console = loop.run(_connected(connecting))
    except BaseException:
        loop.close()
        raise
    return Console(console, loop)


def write_stubs(console: Console, directory: Path, plugins: Iterable[str] | None = None) -> list[Path]:
    """See :func:`matahari.console.write_stubs`."""
    from matahari.console.stub_writing import write_stubs as write_stubs_async

    return console._loop.run(write_stubs_async(console._console, directory, plugins))


class Console:
    """See :class:`matahari.console.Console`; a context manager that closes itself."""

    def __init__(self, console: AsyncConsole, loop: Background) -> None:
        self._console = console
        self._loop = loop

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def address(self) -> Address:
        return self._console.address

    @property
    def broker_product(self) -> str:
        return self._console.broker_product

    def close(self) -> None:
        """Leave the bus and end the background thread; a second call does nothing."""
        self._loop.end(self._console.close())
        self._loop.close()

    def hosts(
        self,
        where: HostChoice | None = None,
        *,
        facts: Mapping[str, object] | None = None,
        timeout: float = CALL_TIMEOUT,
    ) -> Selection:
        return self._loop.run(self._console.hosts(where, facts=facts, timeout=timeout))

    def match_hosts(
        self,
        where: HostChoice | None = None,
        *,
        facts: Mapping[str, object] | None = None,
        timeout: float = CALL_TIMEOUT,
    ) -> HostMatches:
        return self._loop.run(self._console.match_hosts(where, facts=facts, timeout=timeout))

    def agents(self, hosts: HostChoice | None = None, *, timeout: float = CALL_TIMEOUT) -> list[AgentSummary]:
        return self._loop.run(self._console.agents(hosts, timeout=timeout))

    def unannounced(self) -> list[AgentSummary]:
        return self._loop.run(self._console.unannounced())

    def packages(self) -> list[str]:
        return self._loop.run(self._console.packages())

    def classes(
        self, package: str | None = None, *, hosts: HostChoice | None = None, timeout: float = CALL_TIMEOUT
    ) -> list[ClassName]:
        return self._loop.run(self._console.classes(package, hosts=hosts, timeout=timeout))

    def event_classes(self, *, timeout: float = CALL_TIMEOUT) -> list[ClassName]:
        return self._loop.run(self._console.event_classes(timeout=timeout))

    def select(
        self,
        class_name: str,
        *,
        package: str = DEFAULT_PACKAGE,
        hosts: HostChoice | None = None,
        where: Mapping[str, object] | None = None,
        timeout: float = CALL_TIMEOUT,
    ) -> Objects:
        found = self._loop.run(
            self._console.select(class_name, package=package, hosts=hosts, where=where, timeout=timeout)
        )
        from matahari.console.blocking_objects import Objects

        return Objects(found, self._loop)

    def plugin(
        self,
        name: str,
        hosts: HostChoice | None = None,
        *,
        fetch_timeout: float = CALL_TIMEOUT,
        **options: Unpack[CallOptions],
    ) -> Plugin:
        found = self._loop.run(self._console.plugin(name, hosts, fetch_timeout=fetch_timeout, **options))
        from matahari.console.blocking_plugin import Plugin

        return Plugin(found, self._loop)

    def subscribe(
        self,
        class_name: str,
        *,
        package: str = DEFAULT_PACKAGE,
        hosts: HostChoice | None = None,
        interval: float = CHANGE_INTERVAL,
        timeout: float = CALL_TIMEOUT,
    ) -> Subscription:
        made = self._console.subscribe(class_name, package=package, hosts=hosts, interval=interval, timeout=timeout)
        return Subscription(made, self._loop)

    def listen(self, callback: Callable[[ConsoleEvent], None]) -> Listening:
        async def register() -> Listening:
            return self._console.listen(callback)

        return self._loop.run(register())

    def events(
        self, name: str | None = None, *, hosts: HostChoice | None = None, timeout: float = CALL_TIMEOUT
    ) -> EventStream:
        from matahari.console.blocking_events import EventStream

        async def made() -> AsyncEventStream:
            return self._console.events(name, hosts=hosts, timeout=timeout)

        return EventStream(self._loop.run(made()), self._loop)

    def summarise(self, name: str, values: Mapping[str, object]) -> JsonValue:
        return self._loop.run(self._console.summarise(name, values))


class Subscription(Iterator["ObjectChange"]):
    """See :class:`matahari.console.Subscription`; a context manager, and an iterator that blocks."""

    def __init__(self, subscription: AsyncSubscription, loop: Background) -> None:
        self._subscription = subscription
        self._loop = loop

    def __enter__(self) -> Self:
        self._loop.run(self._subscription.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __next__(self) -> ObjectChange:
        change = self.next()
        if change is None:
            raise StopIteration
        return change

    @property
    def class_name(self) -> ClassName:
        return self._subscription.class_name

    @property
    def dropped(self) -> int:
        return self._subscription.dropped

    @property
    def unsupported(self) -> tuple[AgentSummary, ...]:
        return self._subscription.unsupported

    def next(self, timeout: float | None = None) -> ObjectChange | None:
        return self._loop.run(self._subscription.next(timeout))

    def close(self) -> None:
        self._loop.end(self._subscription.close())


async def _connected(connecting: Connecting) -> AsyncConsole:
    return await connecting
