"""What a plugin's lifecycle works with: contents, versions, and the commands that it gives. Records only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from matahari.hostproto import Json, MethodSpec

from .limits import Limits, Options
from .records import LoadFailure

__all__ = [
    "Command",
    "Content",
    "Crashed",
    "Drain",
    "Failed",
    "Gone",
    "InService",
    "ParentStuck",
    "Start",
    "StatusChanged",
    "Switch",
    "Terminate",
    "Version",
]


@dataclass(frozen=True, slots=True)
class Content:
    """A plugin as saved.

    Attributes:
        path: file or folder.
        language: of its host.
        digest: of the files.
        files: what a load message carries (base64); None when that is too large, or when there is a fault.
        fault: why it cannot even be read, or None.
        options: what the file with its limits and settings says; when that is faulty, ``fault`` says so.
        is_typed: a guess: its annotations need more than JSON has types for.
    """

    path: str
    language: str
    digest: str
    files: Mapping[str, str] | None = None
    fault: LoadFailure | None = None
    options: Options = field(default_factory=Options)
    is_typed: bool = False


@dataclass(frozen=True, slots=True)
class Version:
    """A loaded version.

    ``digest`` is of what was really loaded, ``is_active`` whether it is for this host, ``settings`` the schema of its
    settings, None when it declares none.
    """

    generation: int
    content: Content
    digest: str
    version: str
    methods: tuple[MethodSpec, ...]
    loaded_ns: int
    is_active: bool = True
    reason: str = ""
    settings: Mapping[str, Json] | None = None

    @property
    def is_timeout_set(self) -> bool:
        """Whether the operator has set the call time-out for this plugin, whatever its methods declare."""
        return "call_timeout" in self.content.options.overrides

    def drain_timeout(self, limits: Limits) -> float:
        """How long calls may go on when another version takes over: as long as a method may take, unless that is set."""
        if self.is_timeout_set or "drain_timeout" in self.content.options.overrides:
            return limits.drain_timeout
        return max([limits.drain_timeout, *(method.timeout or 0.0 for method in self.methods)])


@dataclass(frozen=True, slots=True)
class Start:
    """Start a worker when there is room for one; ``started`` then tells what it is to load."""

    worker: int
    generation: int


@dataclass(frozen=True, slots=True)
class Switch:
    """From now on calls go to this worker."""

    worker: int
    version: Version


@dataclass(frozen=True, slots=True)
class Drain:
    """Tell the worker that no call will follow; it ends when those in it are done."""

    worker: int


@dataclass(frozen=True, slots=True)
class Terminate:
    """Signal the worker's process group."""

    worker: int
    signal: int


@dataclass(frozen=True, slots=True)
class ParentStuck:
    """A killed worker was not reported as ended: the warm parent does not do its work."""

    worker: int


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """Something that the outside sees has changed."""


@dataclass(frozen=True, slots=True)
class InService:
    """A worker took over, of a new version or in the place of another one."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A version could not be loaded."""

    failure: LoadFailure


@dataclass(frozen=True, slots=True)
class Crashed:
    """The worker in service has died."""

    failure: LoadFailure


@dataclass(frozen=True, slots=True)
class Gone:
    """The plugin was removed, and its last worker has ended."""


Command: TypeAlias = (
    Start | Switch | Drain | Terminate | ParentStuck | StatusChanged | InService | Failed | Crashed | Gone
)
