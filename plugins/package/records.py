"""What the backends tell, and what each of them can do."""

from __future__ import annotations

from typing import Protocol, TypedDict


class Package(TypedDict):
    """One package that the host knows; ``state`` is the package manager's own word."""

    name: str
    version: str
    architecture: str
    state: str
    summary: str


class Found(TypedDict):
    """One package that could be installed."""

    name: str
    summary: str


class Action(TypedDict):
    """One step of a change; ``version`` is the new one, ``old_version`` the one that is there."""

    action: str
    name: str
    version: str
    old_version: str


class Update(TypedDict):
    """One package of which there is a newer version."""

    name: str
    installed: str
    available: str


class Backend(Protocol):
    """A package manager. Names and versions that it gets are checked already; all raise ``PackageError``."""

    name: str

    def packages(self) -> list[Package]:
        """All that are installed or have left their configuration, by name."""
        ...

    def instances(self, name: str) -> list[Package]:
        """Those of one name: none, or one for each architecture or version."""
        ...

    def search(self, text: str) -> list[Found]:
        """Those that could be installed and match, by name."""
        ...

    def plan_install(self, name: str, version: str) -> list[Action]:
        """What an install would do; nothing is changed."""
        ...

    def install(self, name: str, version: str) -> str:
        """Do it; gives what the program said."""
        ...

    def plan_remove(self, name: str, purge: bool) -> list[Action]:
        """What a removal would do; nothing is changed."""
        ...

    def remove(self, name: str, purge: bool) -> str:
        """Do it; gives what the program said."""
        ...

    def updates(self, refresh: bool) -> list[Update]:
        """Packages of which there are newer versions; ``refresh`` asks the sources first."""
        ...
