"""What the shell needs of ``matahari.console.sync``, as protocols.

The shell is written against these so that start-up does not import the console before it is used, and so that tests
run it on an in-memory console. Names and meanings are the console's own; nothing is added here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias

from matahari.errors import MatahariError

__all__ = [
    "DEFAULT_PACKAGE",
    "PLUGIN_PACKAGE",
    "AgentLike",
    "ClassNameLike",
    "ConsoleLike",
    "HostLike",
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


class ObjectsLike(Protocol):
    """The objects of one class that a selection found."""

    @property
    def unanswered(self) -> Sequence[AgentLike]:
        """Agents that were asked and did not answer."""

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
        self, method: str, args: Sequence[object], kwargs: dict[str, object], *, timeout: float = 10.0
    ) -> Iterator[ResultLike]:
        """Call on all at once; results as they come. Ending the iteration cancels what is still open."""

    def set(self, name: str, value: object, *, timeout: float = 10.0) -> Sequence[ResultLike]:
        """Write the property on every object."""


HostFilter: TypeAlias = Iterable[str] | None


class ConsoleLike(Protocol):
    """A connected console."""

    def hosts(self) -> Sequence[HostLike]:
        """All hosts, by name."""

    def agents(self, hosts: HostFilter = None) -> Sequence[AgentLike]:
        """All agents, or those of some hosts."""

    def packages(self) -> Sequence[str]:
        """All packages seen."""

    def classes(self, package: str | None = None) -> Sequence[ClassNameLike]:
        """All classes seen, or those of one package."""

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

    def close(self) -> None:
        """Leave the bus."""
