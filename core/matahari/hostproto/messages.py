"""The messages of the plugin host protocol, as frozen records.

Each class is one row of PROTOCOL.md; field names are the members' names on the wire. Reading and
checking the members of received objects is in ``_members.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, TypeAlias

from .frames import Json

__all__ = [
    "EFFECTS",
    "INTERFACE_VERSION",
    "NO_THREAD",
    "Activate",
    "Activation",
    "Bye",
    "Call",
    "Cancel",
    "Drain",
    "Exited",
    "Failure",
    "Hello",
    "Kill",
    "Load",
    "LoadFailed",
    "Loaded",
    "Log",
    "Message",
    "MethodSpec",
    "Output",
    "Partial",
    "Ping",
    "PluginEvent",
    "Pong",
    "Progress",
    "Result",
    "Shutdown",
    "Spawn",
    "SpawnFailed",
    "Spawned",
]

INTERFACE_VERSION: Final = 1
#: What the author of an action may declare about it; an absent one is not known.
EFFECTS: Final = ("read_only", "destructive", "idempotent")


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """One action of a plugin.

    Attributes:
        name: as published.
        params, result: JSON Schemas (2020-12); PROTOCOL.md section 4 has the ``x-`` keywords.
        doc: the docstring.
        effects: names of ``EFFECTS`` -> what the author declared.
        timeout: time limit of one call in seconds, when the author set one.
        sensitive: parameters whose values must not be shown or logged.
        streams: whether it yields partial results.
    """

    name: str
    params: dict[str, Json]
    result: dict[str, Json] | None = None
    doc: str = ""
    effects: Mapping[str, bool] = field(default_factory=dict)
    timeout: float | None = None
    sensitive: tuple[str, ...] = ()
    streams: bool = False


@dataclass(frozen=True, slots=True)
class Hello:
    """The first words of a warm parent or a worker."""

    TYPE: ClassVar[str] = "hello"
    framing: int
    interface: int
    pid: int
    nonce: str
    language: str


@dataclass(frozen=True, slots=True)
class Load:
    """Load a plugin.

    ``files`` maps relative paths to base64 of their bytes; None: read ``path``. ``settings`` are what the
    operator configured for this plugin, in ``settings_file`` (empty when there is none), ``facts`` what is known of the
    host.
    """

    TYPE: ClassVar[str] = "load"
    path: str
    name: str
    digest: str
    generation: int
    concurrency: int
    result_limit: int
    files: Mapping[str, str] | None = None
    settings: Mapping[str, Json] = field(default_factory=dict)
    facts: Mapping[str, Json] = field(default_factory=dict)
    settings_file: str = ""


@dataclass(frozen=True, slots=True)
class Activate:
    """Ask the plugin again whether it is to be published on this host."""

    TYPE: ClassVar[str] = "activate"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The plugin is ready.

    ``digest`` is of what was really loaded, ``active`` and ``reason`` are as in Activation, ``settings`` is the schema of
    the plugin's settings, None when it declares none.
    """

    TYPE: ClassVar[str] = "loaded"
    name: str
    generation: int
    digest: str
    language: str
    version: str
    methods: tuple[MethodSpec, ...]
    active: bool = True
    reason: str = ""
    settings: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class Activation:
    """Whether the plugin wants to be published on this host, and why (not)."""

    TYPE: ClassVar[str] = "activation"
    active: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """The plugin could not be loaded; ``line`` is 0 and ``file`` empty when unknown."""

    TYPE: ClassVar[str] = "load_failed"
    error_type: str
    text: str
    file: str = ""
    line: int = 0
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """Run an action; ``args`` and ``kwargs`` hold JSON texts, ``left`` is the time left in seconds."""

    TYPE: ClassVar[str] = "call"
    id: int
    method: str
    args: tuple[str, ...] = ()
    kwargs: Mapping[str, str] = field(default_factory=dict)
    request: str = ""
    caller: str = ""
    left: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What call ``id`` returned, as JSON text."""

    TYPE: ClassVar[str] = "result"
    id: int
    text: str


#: The ``error_type`` of a ``busy`` failure when the system gives the worker no thread to run the call in.
NO_THREAD: Final = "NoThread"


@dataclass(frozen=True, slots=True)
class Failure:
    """Call ``id`` gave no result; ``kind`` as in PROTOCOL.md section 4."""

    TYPE: ClassVar[str] = "failure"
    id: int
    kind: str
    error_type: str
    value: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far call ``id`` is: ``done`` of ``total`` (None: unknown), in a unit of the action's own."""

    TYPE: ClassVar[str] = "progress"
    id: int
    done: int | float
    total: int | float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """A piece of what call ``id`` wants to show while it runs."""

    TYPE: ClassVar[str] = "output"
    id: int
    chunk: str


@dataclass(frozen=True, slots=True)
class Partial:
    """One value that call ``id`` yielded, as JSON text."""

    TYPE: ClassVar[str] = "partial"
    id: int
    text: str


@dataclass(frozen=True, slots=True)
class PluginEvent:
    """Something happened. ``id`` is the call that told it, ``fields`` the JSON text of an object, severity as syslog's."""

    TYPE: ClassVar[str] = "event"
    id: int | None
    name: str
    fields: str = "{}"
    severity: int = 6


@dataclass(frozen=True, slots=True)
class Cancel:
    """Nobody waits for call ``id`` any more."""

    TYPE: ClassVar[str] = "cancel"
    id: int


@dataclass(frozen=True, slots=True)
class Drain:
    """No call will follow; end when those running are done."""

    TYPE: ClassVar[str] = "drain"


@dataclass(frozen=True, slots=True)
class Bye:
    """To a worker: end now. From a worker: drained."""

    TYPE: ClassVar[str] = "bye"


@dataclass(frozen=True, slots=True)
class Ping:
    """Ask for a pong with the same number."""

    TYPE: ClassVar[str] = "ping"
    id: int


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a ping."""

    TYPE: ClassVar[str] = "pong"
    id: int


@dataclass(frozen=True, slots=True)
class Log:
    """A log record of the plugin; ``level`` is a name such as ``WARNING``."""

    TYPE: ClassVar[str] = "log"
    level: str
    logger: str
    text: str


@dataclass(frozen=True, slots=True)
class Spawn:
    """Fork a worker; its socket and the writing end of its log pipe travel beside the frame.

    ``environment`` is added to the warm parent's. ``typed`` is a guess: the plugin's annotations need more than JSON, and
    the warm parent may load what serves them before it forks.
    """

    TYPE: ClassVar[str] = "spawn"
    worker: int
    plugin: str
    nonce: str
    limits: Mapping[str, int] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    typed: bool = False


@dataclass(frozen=True, slots=True)
class Spawned:
    """The worker exists as process ``pid``."""

    TYPE: ClassVar[str] = "spawned"
    worker: int
    pid: int


@dataclass(frozen=True, slots=True)
class SpawnFailed:
    """The worker could not be forked."""

    TYPE: ClassVar[str] = "spawn_failed"
    worker: int
    text: str


@dataclass(frozen=True, slots=True)
class Kill:
    """Send ``signal`` to the whole process group of the worker."""

    TYPE: ClassVar[str] = "kill"
    worker: int
    signal: int


@dataclass(frozen=True, slots=True)
class Exited:
    """The worker ended and was reaped; one of ``status`` and ``signal`` is set."""

    TYPE: ClassVar[str] = "exited"
    worker: int
    status: int | None
    signal: int | None


@dataclass(frozen=True, slots=True)
class Shutdown:
    """Kill all workers, reap them, end."""

    TYPE: ClassVar[str] = "shutdown"


Message: TypeAlias = (
    Hello
    | Load
    | Activate
    | Loaded
    | LoadFailed
    | Activation
    | Call
    | Progress
    | Output
    | Partial
    | PluginEvent
    | Result
    | Failure
    | Cancel
    | Drain
    | Bye
    | Ping
    | Pong
    | Log
    | Spawn
    | Spawned
    | SpawnFailed
    | Kill
    | Exited
    | Shutdown
)
