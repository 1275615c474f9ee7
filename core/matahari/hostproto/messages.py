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
    "INTERFACE_VERSION",
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
    "Ping",
    "Pong",
    "Result",
    "Shutdown",
    "Spawn",
    "SpawnFailed",
    "Spawned",
]

INTERFACE_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """One action of a plugin: ``params`` and ``result`` are JSON Schemas (2020-12), ``doc`` is the docstring."""

    name: str
    params: dict[str, Json]
    result: dict[str, Json] | None = None
    doc: str = ""


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
    """Load a plugin. ``files`` maps relative paths to base64 of their bytes; None: read ``path``."""

    TYPE: ClassVar[str] = "load"
    path: str
    name: str
    digest: str
    generation: int
    concurrency: int
    result_limit: int
    files: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """The plugin is ready; ``digest`` is of what was really loaded."""

    TYPE: ClassVar[str] = "loaded"
    name: str
    generation: int
    digest: str
    language: str
    version: str
    methods: tuple[MethodSpec, ...]


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
    """Fork a worker; its socket and the writing end of its log pipe travel beside the frame."""

    TYPE: ClassVar[str] = "spawn"
    worker: int
    plugin: str
    nonce: str
    limits: Mapping[str, int] = field(default_factory=dict)


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
    | Loaded
    | LoadFailed
    | Call
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
