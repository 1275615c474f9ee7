"""What the RPC agent core tells the outside: status, limits, failures. Records only, no behaviour."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from matahari.hostproto import Json, MethodSpec, Output, Partial, PluginEvent, Progress

from .limits import Limits

__all__ = [
    "CallFailure",
    "CallReport",
    "CallResult",
    "FailureKind",
    "Limits",
    "LoadFailure",
    "MethodSpec",
    "Notice",
    "Output",
    "Partial",
    "PluginCrashed",
    "PluginFailed",
    "PluginListener",
    "PluginLoaded",
    "PluginSaid",
    "PluginStatus",
    "Progress",
    "Reporter",
    "State",
]

State: TypeAlias = Literal["loading", "ready", "inactive", "degraded", "failed", "quarantined"]

#: What a running call tells: how far it is, a piece of output, a value that it yielded.
CallReport: TypeAlias = Progress | Output | Partial

#: Takes the reports of one call, on the event loop and in order; never after the call's outcome. What it gives back is
#: done when it can take more: until then the call's worker is not read, and whatever in it reports waits.
Reporter: TypeAlias = Callable[[CallReport], "Future[None] | None"]

FailureKind: TypeAlias = Literal[
    "raised",
    "timeout",
    "crashed",
    "busy",
    "refused",
    "invalid_argument",
    "missing_argument",
    "unknown_action",
    "bad_result",
    "too_large",
    "not_loaded",
]


@dataclass(frozen=True, slots=True)
class LoadFailure:
    """Why a plugin is not in service as saved; ``file`` is empty and ``line`` 0 when unknown."""

    type: str
    text: str
    file: str = ""
    line: int = 0
    traceback: str = ""

    def __str__(self) -> str:
        place = f" ({Path(self.file).name}, line {self.line})" if self.line and "line" not in self.text else ""
        return f"{self.type}: {self.text}{place}"


@dataclass(frozen=True, slots=True)
class PluginStatus:
    """A plugin at one moment.

    Attributes:
        name: the plugin's name.
        path: its file or folder.
        language: what runs it, ``python`` or a language of an extension.
        version: the module's ``__version__``, empty when none.
        generation: counts loaded versions from 1; 0 when none was ever loaded. A worker that replaces a dead one
            runs the same generation.
        digest: of the version in service, or of the one on disk when there is none in service.
        state: ``loading`` (first load), ``ready``, ``inactive`` (loaded, and not for this host), ``degraded`` (an older
            version serves, or a dead worker is being replaced), ``failed`` (nothing in service), ``quarantined``
            (failed too often).
        last_error: what is wrong now; None in the states ``loading``, ``ready`` and ``inactive``.
        origin: where the plugin came from, ``local``.
        methods: its actions, by name in alphabetical order.
        loaded_ns: when the version in service was loaded, nanoseconds since the epoch; 0 when none.
        calls: calls asked for, of any outcome.
        failures: calls that ended without a result, whatever the reason.
        timeouts: those of them that took too long.
        busy: those of them that found the queue full.
        active: calls that are waiting or running now.
        is_active: whether the plugin wants to be published on this host, as far as it was asked.
        reason: why it is not for this host, in its own words; empty while it is.
        settings: JSON Schema of the settings that the version in service declares, None when it declares none.
        limits: its bounds, those of its ``NAME.toml`` in place.
        latency_mean: time of an answered call from asking to answer, in seconds, over the life of the agent.
        latency_p99: the same of all but the slowest hundredth of the last calls.
    """

    name: str
    path: Path
    language: str
    version: str
    generation: int
    digest: str
    state: State
    last_error: LoadFailure | None
    origin: str
    methods: tuple[MethodSpec, ...]
    loaded_ns: int
    calls: int = 0
    failures: int = 0
    timeouts: int = 0
    busy: int = 0
    active: int = 0
    is_active: bool = True
    reason: str = ""
    settings: Mapping[str, Json] | None = None
    limits: Limits = field(default_factory=Limits)
    latency_mean: float = 0.0
    latency_p99: float = 0.0


@dataclass(frozen=True, slots=True)
class PluginLoaded:
    """A worker took over: of a new generation, or in the place of one that died or hung."""

    status: PluginStatus


@dataclass(frozen=True, slots=True)
class PluginFailed:
    """A version could not be loaded, or its settings could not be read."""

    status: PluginStatus
    failure: LoadFailure


@dataclass(frozen=True, slots=True)
class PluginCrashed:
    """The worker in service has died."""

    status: PluginStatus
    failure: LoadFailure


@dataclass(frozen=True, slots=True)
class PluginSaid:
    """The plugin tells an event of its own."""

    name: str
    event: PluginEvent


#: Something happened to a plugin, which its status alone would not show.
Notice: TypeAlias = PluginLoaded | PluginFailed | PluginCrashed | PluginSaid


@dataclass(frozen=True, slots=True)
class CallResult:
    """What a call gave.

    Attributes:
        text: the result as a JSON text.
        mismatch: how it differs from what the method declares, empty when it does not.
        check: finds that out, where it would take an event loop too long; None when it was done.
    """

    text: str
    mismatch: str = ""
    check: Callable[[], str] | None = field(default=None, compare=False)


class PluginListener(Protocol):
    """Hears of plugins, on the event loop, in the order in which things happened.

    ``plugin_changed`` comes when anything but a counter changed; what a listener raises is logged.
    """

    def plugin_changed(self, status: PluginStatus) -> None:
        """A plugin appeared or changed."""

    def plugin_removed(self, name: str) -> None:
        """A plugin is gone: no call will reach it any more."""

    def plugin_notice(self, notice: Notice) -> None:
        """Something happened to a plugin that exists. After ``plugin_changed``, when both come."""


class CallFailure(Exception):
    """A call ended without a result. An outcome, not a fault of the agent.

    Attributes:
        kind: machine-readable reason.
        type: class name of what the plugin raised, or a name for what the agent found.
        value: the text of it.
        traceback: formatted frames, empty when none.
        text: complete for humans.
    """

    def __init__(self, kind: FailureKind, type: str, value: str, *, traceback: str = "", text: str = "") -> None:
        self.kind: FailureKind = kind
        self.type = type
        self.value = value
        self.traceback = traceback
        self.text = text or f"{type}: {value}"
        super().__init__(self.text)
