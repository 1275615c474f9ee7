"""An in-memory stand-in for ``matahari.console.sync.Console``: three hosts, the Host class and some plugins.

It hands out the console's own value types, so that only the bus is missing. :func:`fleet` makes the usual one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Unpack, overload

from matahari.console import (
    AgentSummary,
    CallOptions,
    ClassName,
    ConsoleEvent,
    Host,
    HostMatches,
    RemoteObject,
    Result,
    Results,
)
from matahari.console.extending import absent_error, absent_object
from matahari.errors import MatahariError, NoAgentsError, RefusedError, RequestTimeoutError
from matahari.qmf import ObjectId, Value
from tests.support.fake_call import FakeCall, Tell
from tests.support.fake_classes import (
    CORE,
    HOSTS,
    PLUGINS,
    FakeClass,
    asterisk_plugin,
    calc_plugin,
    host_class,
    old_plugin,
    volume_class,
)
from tests.support.fake_events import FakeEvents, FakeStream
from tests.support.fake_matches import match_fleet
from tests.support.fake_rolling import FakeRolling


class FakeObjects(Sequence[RemoteObject]):
    def __init__(self, console: FakeConsole, kind: FakeClass, found: Iterable[RemoteObject]) -> None:
        self.console = console
        self.kind = kind
        self.found = tuple(found)
        self.class_name = kind.name
        self.unanswered: tuple[AgentSummary, ...] = ()
        self.missing = tuple(console.missing)
        self.properties = list(kind.properties) if self.found else []
        self.methods = list(kind.methods) if self.found else []

    @overload
    def __getitem__(self, index: int) -> RemoteObject: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[RemoteObject]: ...

    def __getitem__(self, index: int | slice) -> RemoteObject | Sequence[RemoteObject]:
        return self.found[index]

    def __len__(self) -> int:
        return len(self.found)

    def get(self, name: str) -> list[Value]:
        return [found.values.get(name) for found in self.found]

    def refresh(self, *, timeout: float = 10.0) -> FakeObjects:
        present = [found for found in self.found if found.host not in self.console.deaf]
        return FakeObjects(self.console, self.kind, [self.console.fetch(self.kind, found) for found in present])

    def iterate(
        self, method: str, args: Sequence[object], kwargs: dict[str, object], *, timeout: float | None = None
    ) -> Iterator[Result]:
        self.console.calls.append((method, tuple(args), dict(kwargs)))
        self.console.limits.append(timeout)
        if self.console.refusal is not None:
            raise self.console.refusal
        behaviour = self.kind.behaviours[method]
        try:
            for found in self.found:
                yield self.console.run(found, lambda host: behaviour(host, args, kwargs), timeout)
            for host in self.missing:
                yield Result(absent_object(host, self.class_name), None, absent_error(), 0.0)
        finally:
            self.console.ended_calls += 1

    def stream_with(
        self, method: str, args: Sequence[object], kwargs: dict[str, object], *, timeout: float | None = None
    ) -> FakeCall:
        return FakeCall(self.iterate(method, args, kwargs, timeout=timeout), self.console.reports.get(method))

    def rolling_with(
        self, method: str, args: Sequence[object], kwargs: dict[str, object], **options: Unpack[CallOptions]
    ) -> FakeRolling:
        return FakeRolling(self, method, args, kwargs, options)

    def on(self, hosts: Iterable[str]) -> FakeObjects:
        """Those on these hosts alone."""
        names = set(hosts)
        return FakeObjects(self.console, self.kind, [one for one in self.found if one.host in names])

    def set(self, name: str, value: object, *, timeout: float = 10.0) -> Results:
        member = next(one for one in self.properties if one.name == name)
        if member.access != "RW":
            raise RefusedError(f"property {name!r} is read-only")
        assert isinstance(value, int | float | str | bool)

        def write(host: str) -> None:
            for values in self.kind.values[host].values():
                values[name] = value

        return Results([self.console.run(found, write, timeout) for found in self.found])


@dataclass
class FakeConsole:
    """The bus. ``deaf`` hosts do not answer, ``missing`` ones are expected; ``calls`` records what was called,
    and ``limits`` the time limits of these calls, None where nobody gave one.

    Of ``mute`` hosts not even the objects can be fetched; of ``ghosts``, which are agents, the host is not known.
    Those that are ``gone`` have left the bus.

    ``reports`` says what a method tells of an object before its result. With a ``refusal`` no call is sent; a
    ``mismatch`` comes with every result.
    """

    machines: list[Host]
    kinds: list[FakeClass]
    facts: dict[str, dict[str, object]] = field(default_factory=dict)
    deaf: set[str] = field(default_factory=set)
    mute: set[str] = field(default_factory=set)
    ghosts: list[AgentSummary] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)
    reports: dict[str, Tell] = field(default_factory=dict)
    calls: list[tuple[str, tuple[object, ...], dict[str, object]]] = field(default_factory=list)
    limits: list[float | None] = field(default_factory=list)
    selects: int = 0
    ended_calls: int = 0
    is_closed: bool = False
    fault: MatahariError | None = None
    refusal: MatahariError | None = None
    mismatch: str = ""
    bus: FakeEvents = field(default_factory=FakeEvents)

    def events(
        self, name: str | None = None, *, hosts: str | Iterable[str] | None = None, timeout: float = 10.0
    ) -> FakeStream:
        return self.bus.events(name, hosts=hosts, timeout=timeout)

    def event_classes(self, *, timeout: float = 10.0) -> list[ClassName]:
        if self.bus.fault is not None:
            raise self.bus.fault
        return sorted(ClassName(*name.split(":")) for name in self.bus.published)

    def listen(self, callback: Callable[[ConsoleEvent], None]) -> object:
        return self.bus.listen(callback)

    def hosts(self) -> list[Host]:
        self._maybe_fail()
        return sorted(one for one in self.machines if one.name not in self.gone)

    def agents(self, hosts: Iterable[Host | str] | None = None) -> list[AgentSummary]:
        names = self._names(hosts)
        found = {
            AgentSummary(self.agent(kind, host), host, kind.product)
            for kind in self.kinds
            for host in kind.values
            if names is None or host in names
        }
        return sorted(found)

    def unannounced(self) -> list[AgentSummary]:
        return self.ghosts

    def packages(self) -> list[str]:
        return sorted({kind.name.package for kind in self.kinds})

    def classes(self, package: str | None = None, *, hosts: Iterable[Host | str] | None = None) -> list[ClassName]:
        names = self._names(hosts)
        there = [kind for kind in self.kinds if names is None or names & kind.values.keys()]
        return sorted(kind.name for kind in there if package in (None, kind.name.package))

    def select(
        self,
        class_name: str,
        *,
        package: str = CORE,
        hosts: Iterable[Host | str] | None = None,
        where: Mapping[str, object] | None = None,
        timeout: float = 10.0,
    ) -> FakeObjects:
        self._maybe_fail()
        self.selects += 1
        wanted = ClassName(package, class_name)
        # Without a name all classes of the package are meant.
        kinds = [kind for kind in self.kinds if kind.name in (wanted, ClassName(package, class_name or kind.name.name))]
        if not kinds:
            is_plugin = package == PLUGINS
            raise NoAgentsError(f'Plugin "{class_name}" not found' if is_plugin else f'Class "{wanted}" not found')
        names = self._names(hosts)
        found = [
            RemoteObject(
                host,
                self.agent(kind, host),
                name,
                kind.name,
                dict(values),
                self.object_id(kind, host, name),
                kind.schema,
            )
            for kind in kinds
            for host, objects in sorted(kind.values.items())
            for name, values in objects.items()
            if (names is None or host in names) and host not in self.mute
        ]
        filters = dict(where or {})
        objects_found = FakeObjects(
            self,
            kinds[0],
            [one for one in found if all(one.values.get(key) == value for key, value in filters.items())],
        )
        mute = sorted(self.mute if names is None else self.mute & names)
        objects_found.unanswered = tuple(
            AgentSummary(self.agent(kinds[0], host), host, kinds[0].product) for host in mute
        ) + tuple(self.ghosts if names is None else ())
        return objects_found

    def match_hosts(self, where: str, *, timeout: float = 10.0) -> HostMatches:
        self._maybe_fail()
        return match_fleet(self, where)

    def summarise(self, name: str, values: Mapping[str, object]) -> object:
        if name != "count":
            raise NoAgentsError(f'Summary "{name}" not found; did you mean count?')
        return [{"value": value, "hosts": [host]} for host, value in values.items()]

    def close(self) -> None:
        self.is_closed = True

    def agent(self, kind: FakeClass, host: str) -> str:
        return f"matahariproject.org:{kind.product}:{host}"

    def object_id(self, kind: FakeClass, host: str, name: str) -> ObjectId:
        return ObjectId(self.agent(kind, host), name)

    def fetch(self, kind: FakeClass, found: RemoteObject) -> RemoteObject:
        values = dict(kind.values[found.host][found.name])
        return RemoteObject(found.host, found.agent, found.name, kind.name, values, found.object_id, kind.schema)

    def run(self, found: RemoteObject, action: Callable[[str], object], timeout: float | None) -> Result:
        if found.host in self.deaf:
            timeout = timeout or 10.0
            return Result(found, None, RequestTimeoutError(f"no answer within {timeout:g} s", timeout=timeout), timeout)
        try:
            return Result(found, action(found.host), None, 0.001, self.mismatch)
        except MatahariError as error:
            return Result(found, None, error, 0.001)

    def kind(self, name: str) -> FakeClass:
        return next(kind for kind in self.kinds if kind.name.name == name)

    def _names(self, hosts: Iterable[Host | str] | None) -> set[str] | None:
        names = None if hosts is None else {str(host) for host in hosts}
        there = {host.name for host in self.machines} - self.gone
        if unknown := sorted((names or set()) - there):
            raise NoAgentsError(f'Host "{unknown[0]}" not found')
        return there if names is None and self.gone else names

    def _maybe_fail(self) -> None:
        if self.fault is not None:
            raise self.fault


def fleet() -> FakeConsole:
    """Hosts db1, web1 and web2 with the Host class, and the plugins asterisk, calc and old (as a 2012 agent has it)."""
    machines = [Host(name, f"00000000-0000-0000-0000-00000000000{at}") for at, name in enumerate(HOSTS)]
    return FakeConsole(machines, [host_class(), asterisk_plugin(), calc_plugin(), old_plugin(), volume_class()])
