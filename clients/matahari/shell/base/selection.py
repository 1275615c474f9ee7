"""What is selected, as a value; and the names that a line may refer to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from matahari.shell.base.ports import PLUGIN_PACKAGE, AgentLike, ConsoleLike

__all__ = ["MEMBER_WORDS", "Directory", "LiveDirectory", "Selection", "Snapshot", "take_snapshot"]

MEMBER_WORDS = ("get", "set", "call")  # commands that need a class


@dataclass(frozen=True, slots=True)
class Selection:
    """Hosts, class and property filters; each change gives a new selection.

    Attributes:
        hosts: names, empty for all hosts.
        package, class_name: the class, both empty for none.
        filters: property name -> value that an object must have.
        undecided: agents that did not answer when the hosts were chosen by a filter, so that theirs may be missing.
    """

    hosts: tuple[str, ...] = ()
    package: str = ""
    class_name: str = ""
    filters: Mapping[str, object] = field(default_factory=dict)
    undecided: tuple[AgentLike, ...] = ()

    @property
    def has_class(self) -> bool:
        """A class is selected."""
        return bool(self.class_name)

    @property
    def prompt(self) -> str:
        """The prompt of the mode (matahari-2012.md 15.3)."""
        host = " (host)" if self.hosts else ""
        if not self.has_class:
            return f"mhsh{host}> "
        gap = "" if host else " "
        star = "*" if self.filters else ""
        return f"mhsh{host}{gap}[{self.package}:{self.class_name}]{star}> "

    @property
    def context(self) -> str:
        """What of the mode a line is remembered with: ``(host)``, ``[package:Class]``, both, or ``-`` for neither."""
        return self.prompt.removeprefix("mhsh").removesuffix("> ").removesuffix("*").strip() or "-"

    def with_hosts(self, hosts: Sequence[str], undecided: Sequence[AgentLike] = ()) -> Selection:
        """The same with these hosts instead, and these agents that may be on further ones."""
        return replace(self, hosts=tuple(dict.fromkeys(hosts)), undecided=tuple(undecided))

    def with_class(self, package: str, class_name: str) -> Selection:
        """The same with this class and without property filters."""
        return replace(self, package=package, class_name=class_name, filters={})

    def with_filter(self, name: str, value: object) -> Selection:
        """The same with one more filter; a property has one at most."""
        return replace(self, filters={**self.filters, name: value})

    def without_filters(self) -> Selection:
        """The same without property filters."""
        return replace(self, filters={})


class Directory(Protocol):
    """Names known on the bus."""

    def hosts(self) -> Sequence[str]:
        """Names of the hosts."""

    def packages(self) -> Sequence[str]:
        """Names of the packages."""

    def classes(self) -> Sequence[tuple[str, str]]:
        """Package and name of the classes."""

    def plugins(self) -> Sequence[str]:
        """Names of the plugins."""

    def facts(self) -> Mapping[str, Sequence[str]]:
        """Facts and labels, each with values that some hosts have; both written as a filter has them."""

    def events(self) -> Sequence[tuple[str, str]]:
        """Package and name of the classes of events."""

    def properties(self, package: str, class_name: str) -> Sequence[str]:
        """Names of the properties of a class."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The names as of one moment, for completion.

    Attributes:
        members: properties by package and name of their class, of some classes.
        wish: takes a class of which the properties are wanted and not there, for a later moment.
    """

    host_names: tuple[str, ...] = ()
    package_names: tuple[str, ...] = ()
    class_names: tuple[tuple[str, str], ...] = ()
    fact_values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    event_names: tuple[tuple[str, str], ...] = ()
    members: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    wish: Callable[[tuple[str, str]], None] = field(default=lambda name: None, compare=False)

    def hosts(self) -> Sequence[str]:
        """Names of the hosts."""
        return self.host_names

    def packages(self) -> Sequence[str]:
        """Names of the packages."""
        return self.package_names

    def classes(self) -> Sequence[tuple[str, str]]:
        """Package and name of the classes."""
        return self.class_names

    def plugins(self) -> Sequence[str]:
        """Names of the plugins."""
        return _plugins(self.class_names)

    def facts(self) -> Mapping[str, Sequence[str]]:
        """Facts and labels with some of their values."""
        return self.fact_values

    def events(self) -> Sequence[tuple[str, str]]:
        """Package and name of the classes of events."""
        return self.event_names

    def properties(self, package: str, class_name: str) -> Sequence[str]:
        """Names of the properties of a class; none where they have to be asked for yet."""
        name = (package, class_name)
        if name not in self.members and name in self.class_names:
            self.wish(name)
        return self.members.get(name, ())


class LiveDirectory:
    """The names as the console knows them now; each kind is asked for once, when a line first needs it.

    No line that is run needs to know facts, events or properties beforehand: there are none here.
    """

    def __init__(self, console: ConsoleLike) -> None:
        self._console = console
        self._hosts: Sequence[str] | None = None
        self._packages: Sequence[str] | None = None
        self._classes: Sequence[tuple[str, str]] | None = None

    def hosts(self) -> Sequence[str]:
        """Names of the hosts."""
        if self._hosts is None:
            self._hosts = [host.name for host in self._console.hosts()]
        return self._hosts

    def packages(self) -> Sequence[str]:
        """Names of the packages."""
        if self._packages is None:
            self._packages = list(self._console.packages())
        return self._packages

    def classes(self) -> Sequence[tuple[str, str]]:
        """Package and name of the classes."""
        if self._classes is None:
            self._classes = [(found.package, found.name) for found in self._console.classes()]
        return self._classes

    def plugins(self) -> Sequence[str]:
        """Names of the plugins."""
        return _plugins(self.classes())

    def facts(self) -> Mapping[str, Sequence[str]]:
        """None."""
        return {}

    def events(self) -> Sequence[tuple[str, str]]:
        """None."""
        return ()

    def properties(self, package: str, class_name: str) -> Sequence[str]:
        """None."""
        return ()


def _plugins(classes: Sequence[tuple[str, str]]) -> list[str]:
    return [name for package, name in classes if package == PLUGIN_PACKAGE]


def take_snapshot(console: ConsoleLike) -> Snapshot:
    """Ask the console for the names of hosts, packages and classes; facts are another matter."""
    directory = LiveDirectory(console)
    return Snapshot(tuple(dict.fromkeys(directory.hosts())), tuple(directory.packages()), tuple(directory.classes()))
