"""What the RPC agent core tells the outside: status, limits, failures. Records only, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol, TypeAlias

from matahari.hostproto import MethodSpec

__all__ = [
    "CallFailure",
    "FailureKind",
    "Limits",
    "LoadFailure",
    "MethodSpec",
    "PluginListener",
    "PluginStatus",
    "State",
]

State: TypeAlias = Literal["loading", "ready", "degraded", "failed", "quarantined"]

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

_KIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one plugin. All times in seconds.

    Attributes:
        concurrency: calls that run at once in the worker.
        queue: calls that wait beside those; one more is answered *busy*.
        call_timeout: longest time a call may take, waiting included; a caller may ask for less.
        load_timeout: longest time from the start of a worker until it is ready.
        result_limit: longest JSON text of a result, in bytes; the rest of a bus message is for the envelope.
        cancel_grace: time a call has to let go after its time limit, before its worker is replaced.
        drain_timeout: time the calls in an old generation have; not less than ``call_timeout``, or they are cut off.
        hung_drain: the same for the healthy calls in a worker with a hung one.
        stop_timeout: time running calls have when the service stops.
        term_grace: time between SIGTERM and SIGKILL, and from there until the warm parent counts as stuck.
        superseded_grace: time a load may still take when the file has been saved again.
        restart_delay: wait before the second restart in a row; it doubles, the first is at once.
        restart_delay_limit: longest such wait.
        restart_limit: failures in a row that lead to quarantine.
        stable_after: a worker that lived this long did not fail in a row.
        draining: old generations of one plugin that may drain at once; a further load waits.
    """

    concurrency: int = 8
    queue: int = 256
    call_timeout: float = 60.0
    load_timeout: float = 10.0
    result_limit: int = 900 * _KIB
    cancel_grace: float = 0.5
    drain_timeout: float = 65.0
    hung_drain: float = 5.0
    stop_timeout: float = 3.0
    term_grace: float = 1.0
    superseded_grace: float = 1.0
    restart_delay: float = 0.25
    restart_delay_limit: float = 10.0
    restart_limit: int = 5
    stable_after: float = 10.0
    draining: int = 8


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
        language: of its host, ``python``.
        version: the module's ``__version__``, empty when none.
        generation: counts loaded versions from 1; 0 when none was ever loaded. A worker that replaces a dead one
            runs the same generation.
        digest: of the version in service, or of the one on disk when there is none in service.
        state: ``loading`` (first load), ``ready``, ``degraded`` (an older version serves, or a dead worker is being
            replaced), ``failed`` (nothing in service), ``quarantined`` (failed too often).
        last_error: what is wrong now; None in the states ``loading`` and ``ready``.
        origin: where the plugin came from, ``local``.
        methods: its actions, by name in alphabetical order.
        loaded_ns: when the version in service was loaded, nanoseconds since the epoch; 0 when none.
        calls: calls asked for, of any outcome.
        failures: calls that ended without a result, whatever the reason.
        timeouts: those of them that took too long.
        busy: those of them that found the queue full.
        active: calls that are waiting or running now.
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


class PluginListener(Protocol):
    """Hears of plugins, on the event loop, in the order in which things happened.

    ``plugin_changed`` comes when anything but a counter changed; what a listener raises is logged.
    """

    def plugin_changed(self, status: PluginStatus) -> None:
        """A plugin appeared or changed."""

    def plugin_removed(self, name: str) -> None:
        """A plugin is gone: no call will reach it any more."""


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
