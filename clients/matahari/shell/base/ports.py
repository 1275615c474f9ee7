"""What the shell needs of ``matahari.console.sync``, as protocols.

The shell is written against these so that start-up does not import the console before it is used, and so that tests
run it on an in-memory console. Names and meanings are the console's own; nothing is added here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

from matahari.errors import MatahariError
from matahari.shell.base.event_ports import EventSource

if TYPE_CHECKING:
    from matahari.console import Told
    from matahari.filters import Explanation

__all__ = [
    "DEFAULT_PACKAGE",
    "PLUGIN_PACKAGE",
    "AgentLike",
    "CallLike",
    "ClassNameLike",
    "ConsoleLike",
    "HostLike",
    "HostMatchLike",
    "HostMatchesLike",
    "MethodLike",
    "ObjectLike",
    "ObjectsLike",
    "PropertyLike",
    "ResultLike",
]

DEFAULT_PACKAGE = "org.matahariproject"
PLUGIN_PACKAGE = "org.matahariproject.rpc.plugin"


Answer: TypeAlias = object  # a class that has a member called "object" cannot write the type's own name


class HostLike(Protocol):
    """A machine with at least one agent."""

    @property
    def name(self) -> str:
        """Host name."""

    @property
    def uuid(self) -> str:
        """UUID of the host."""


class AgentLike(Protocol):
    """An agent on the bus."""

    @property
    def name(self) -> str:
        """``vendor:product:instance``."""

    @property
    def host(self) -> str:
        """Name of its host."""

    @property
    def product(self) -> str:
        """The middle part of the name."""


class ClassNameLike(Protocol):
    """A class of objects."""

    @property
    def package(self) -> str:
        """Package of the class."""

    @property
    def name(self) -> str:
        """Name within the package."""


class PropertyLike(Protocol):
    """A property of a class or an argument of a method."""

    @property
    def name(self) -> str:
        """Name of the member."""

    @property
    def type(self) -> object:
        """One of the eight QMF types: an enumeration's member, or its text on the wire."""

    @property
    def access(self) -> str:
        """``RO``, ``RW`` or ``RC``."""

    @property
    def direction(self) -> str:
        """``I``, ``O`` or ``IO``, for arguments."""

    @property
    def optional(self) -> bool:
        """May be left out."""

    @property
    def subtype(self) -> str:
        """Refinement of the type, empty for none."""

    @property
    def unit(self) -> str:
        """Unit as text, empty for none."""

    @property
    def description(self) -> str:
        """One line for people."""

    @property
    def minimum(self) -> float | None:
        """Least number."""

    @property
    def maximum(self) -> float | None:
        """Greatest number."""

    @property
    def max_length(self) -> int | None:
        """Most characters of a text."""

    @property
    def default(self) -> object:
        """What a missing argument means; None is no default."""


class MethodLike(Protocol):
    """A method of a class."""

    @property
    def name(self) -> str:
        """Name of the method."""

    @property
    def description(self) -> str:
        """For people."""

    @property
    def arguments(self) -> Sequence[PropertyLike]:
        """In the schema's order, ``in`` and ``out``."""


class ObjectLike(Protocol):
    """One object on one host, with its values as of the fetch."""

    @property
    def host(self) -> str:
        """Name of the host."""

    @property
    def agent(self) -> str:
        """Name of the agent."""

    @property
    def name(self) -> str:
        """Object name within the agent."""

    @property
    def values(self) -> Mapping[str, object]:
        """Values of the properties."""


class ResultLike(Protocol):
    """The outcome of a call on one object."""

    @property
    def object(self) -> ObjectLike:
        """The object."""

    @property
    def host(self) -> str:
        """Name of its host."""

    @property
    def ok(self) -> bool:
        """Answered with a value."""

    @property
    def value(self) -> Answer:
        """The value when ``ok``."""

    @property
    def error(self) -> MatahariError | None:
        """The failure when not ``ok``."""

    @property
    def duration(self) -> float:
        """Seconds from sending to the answer."""

    @property
    def mismatch(self) -> str:
        """How the value differs from what the method declares, empty when it does not."""


class CallLike(Protocol):
    """A call that tells what it does. An interrupt while it waits loses nothing."""

    def __next__(self) -> Told:
        """A report, or the result of one object; ends after the last of these."""

    def ready(self) -> bool:
        """Wait until there is one, and take nothing; False at the end."""

    def cancel(self) -> None:
        """Have it ended where it still runs; the results of those follow soon."""

    def close(self) -> None:
        """Have it ended where it still runs, and forget about it."""


class ObjectsLike(Protocol):
    """The objects of one class that a selection found."""

    @property
    def unanswered(self) -> Sequence[AgentLike]:
        """Agents that were asked and did not answer."""

    @property
    def missing(self) -> Sequence[str]:
        """Hosts that are expected, and not on the bus."""

    @property
    def class_name(self) -> ClassNameLike:
        """The class."""

    @property
    def properties(self) -> Sequence[PropertyLike]:
        """Properties of the class."""

    @property
    def methods(self) -> Sequence[MethodLike]:
        """Methods of the class."""

    def __len__(self) -> int:
        """How many objects."""

    def __iter__(self) -> Iterator[ObjectLike]:
        """The objects in order."""

    def get(self, name: str) -> Sequence[object]:
        """The property's value of every object, as of the fetch; None where an object sent none."""

    def refresh(self, *, timeout: float = 10.0) -> ObjectsLike:
        """The same objects with values as of now; those that do not answer are left out."""

    def iterate(
        self, method: str, args: Sequence[object], kwargs: dict[str, object], *, timeout: float | None = None
    ) -> Iterator[ResultLike]:
        """Call on all at once; results as they come. Ending the iteration cancels what is still open."""

    def stream_with(
        self, method: str, args: Sequence[object], kwargs: dict[str, object], *, timeout: float | None = None
    ) -> CallLike:
        """Call on all at once; reports and results as they come."""

    def set(self, name: str, value: object, *, timeout: float = 10.0) -> Sequence[ResultLike]:
        """Write the property on every object."""


class HostMatchLike(Protocol):
    """One host and what became of a filter there."""

    @property
    def host(self) -> HostLike:
        """The host."""

    @property
    def truth(self) -> bool | None:
        """Whether the filter is true of it; None when that cannot be known."""

    @property
    def unanswered(self) -> Sequence[AgentLike]:
        """Agents that did not answer, where that leaves it undecided."""

    @property
    def explanation(self) -> Explanation:
        """What became of each part of the filter, and why."""


class HostMatchesLike(Protocol):
    """What became of a filter on every host."""

    @property
    def hosts(self) -> Sequence[HostLike]:
        """Those of which it is true."""

    @property
    def unanswered(self) -> Sequence[AgentLike]:
        """Agents that did not answer, where that leaves the filter undecided."""

    @property
    def known_names(self) -> Sequence[str]:
        """Facts and labels of the hosts that were asked for theirs."""

    @property
    def unknown_names(self) -> Mapping[str, Sequence[str]]:
        """Facts and labels of the filter that no host has, each with those that may have been meant."""

    def __len__(self) -> int:
        """How many hosts."""

    def __iter__(self) -> Iterator[HostMatchLike]:
        """By name."""


HostFilter: TypeAlias = Iterable[str] | None


class ConsoleLike(EventSource, Protocol):
    """A connected console."""

    def hosts(self) -> Sequence[HostLike]:
        """All hosts, by name."""

    def match_hosts(self, where: str, *, timeout: float = 10.0) -> HostMatchesLike:
        """What becomes of a filter on every host."""

    def agents(self, hosts: HostFilter = None) -> Sequence[AgentLike]:
        """All agents, or those of some hosts."""

    def unannounced(self) -> Sequence[AgentLike]:
        """Agents that are connected, as the broker says, and never said on which host."""

    def packages(self) -> Sequence[str]:
        """All packages seen."""

    def classes(self, package: str | None = None, *, hosts: HostFilter = None) -> Sequence[ClassNameLike]:
        """All classes seen, or those of one package, or of some hosts."""

    def event_classes(self, *, timeout: float = 10.0) -> Sequence[ClassNameLike]:
        """All classes of events that agents publish."""

    def select(
        self,
        class_name: str,
        *,
        package: str = DEFAULT_PACKAGE,
        hosts: HostFilter = None,
        where: Mapping[str, object] | None = None,
        timeout: float = 10.0,
    ) -> ObjectsLike:
        """The objects of a class."""

    def summarise(self, name: str, values: Mapping[str, object]) -> object:
        """What an extension's aggregator makes of these values, by host."""

    def close(self) -> None:
        """Leave the bus."""
