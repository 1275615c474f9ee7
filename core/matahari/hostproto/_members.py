"""The table from message class to its members, and both directions between objects and messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from matahari.errors import RemoteProtocolError

from ._checks import (
    MAX_NAME,
    Check,
    check_bool,
    check_chunk,
    check_name,
    check_note,
    check_number,
    check_number_map,
    check_object,
    check_optional_number,
    check_optional_object,
    check_optional_real,
    check_optional_seconds,
    check_optional_text_map,
    check_real,
    check_severity,
    check_specs,
    check_text,
    check_text_map,
    check_texts,
)
from .frames import Json
from .messages import (
    Activate,
    Activation,
    Bye,
    Call,
    Cancel,
    Drain,
    Exited,
    Failure,
    Hello,
    Kill,
    Load,
    Loaded,
    LoadFailed,
    Log,
    Message,
    MethodSpec,
    Output,
    Partial,
    Ping,
    PluginEvent,
    Pong,
    Progress,
    Result,
    Shutdown,
    Spawn,
    Spawned,
    SpawnFailed,
)

__all__ = ["dump_message", "parse_message"]

_REQUIRED: Final = object()
_Member = tuple[str, Check, object]

#: Class -> (member, check, default). Order and names are those of the dataclass.
_TABLE: Final[Mapping[type[Message], tuple[_Member, ...]]] = {
    Hello: (
        ("framing", check_number, _REQUIRED),
        ("interface", check_number, _REQUIRED),
        ("pid", check_number, _REQUIRED),
        ("nonce", check_text, _REQUIRED),
        ("language", check_name, _REQUIRED),
    ),
    Load: (
        ("path", check_text, _REQUIRED),
        ("name", check_name, _REQUIRED),
        ("digest", check_text, _REQUIRED),
        ("generation", check_number, _REQUIRED),
        ("concurrency", check_number, _REQUIRED),
        ("result_limit", check_number, _REQUIRED),
        ("files", check_optional_text_map, None),
        ("settings", check_object, {}),
        ("facts", check_object, {}),
        ("settings_file", check_text, ""),
    ),
    Activate: (),
    Loaded: (
        ("name", check_name, _REQUIRED),
        ("generation", check_number, _REQUIRED),
        ("digest", check_text, _REQUIRED),
        ("language", check_name, _REQUIRED),
        ("version", check_text, ""),
        ("methods", check_specs, _REQUIRED),
        ("active", check_bool, True),
        ("reason", check_text, ""),
        ("settings", check_optional_object, None),
    ),
    Activation: (("active", check_bool, _REQUIRED), ("reason", check_text, "")),
    LoadFailed: (
        ("error_type", check_text, _REQUIRED),
        ("text", check_text, _REQUIRED),
        ("file", check_text, ""),
        ("line", check_number, 0),
        ("traceback", check_text, ""),
    ),
    Call: (
        ("id", check_number, _REQUIRED),
        ("method", check_name, _REQUIRED),
        ("args", check_texts, ()),
        ("kwargs", check_text_map, {}),
        ("request", check_text, ""),
        ("caller", check_text, ""),
        ("left", check_optional_seconds, None),
    ),
    Result: (("id", check_number, _REQUIRED), ("text", check_text, _REQUIRED)),
    Failure: (
        ("id", check_number, _REQUIRED),
        ("kind", check_name, _REQUIRED),
        ("error_type", check_text, _REQUIRED),
        ("value", check_text, _REQUIRED),
        ("traceback", check_text, ""),
    ),
    Progress: (
        ("id", check_number, _REQUIRED),
        ("done", check_real, _REQUIRED),
        ("total", check_optional_real, None),
        ("text", check_note, ""),
    ),
    Output: (("id", check_number, _REQUIRED), ("chunk", check_chunk, _REQUIRED)),
    Partial: (("id", check_number, _REQUIRED), ("text", check_text, _REQUIRED)),
    PluginEvent: (
        ("id", check_optional_number, _REQUIRED),
        ("name", check_name, _REQUIRED),
        ("fields", check_chunk, "{}"),
        ("severity", check_severity, 6),
    ),
    Cancel: (("id", check_number, _REQUIRED),),
    Drain: (),
    Bye: (),
    Ping: (("id", check_number, _REQUIRED),),
    Pong: (("id", check_number, _REQUIRED),),
    Log: (("level", check_name, _REQUIRED), ("logger", check_text, ""), ("text", check_text, _REQUIRED)),
    Spawn: (
        ("worker", check_number, _REQUIRED),
        ("plugin", check_name, _REQUIRED),
        ("nonce", check_text, _REQUIRED),
        ("limits", check_number_map, {}),
        ("environment", check_text_map, {}),
        ("typed", check_bool, False),
    ),
    Spawned: (("worker", check_number, _REQUIRED), ("pid", check_number, _REQUIRED)),
    SpawnFailed: (("worker", check_number, _REQUIRED), ("text", check_text, _REQUIRED)),
    Kill: (("worker", check_number, _REQUIRED), ("signal", check_number, _REQUIRED)),
    Exited: (
        ("worker", check_number, _REQUIRED),
        ("status", check_optional_number, None),
        ("signal", check_optional_number, None),
    ),
    Shutdown: (),
}


def parse_message(value: dict[str, Json], known: Mapping[str, type[Message]]) -> Message:
    """Turn a received object into a message.

    Args:
        value: the object of one frame.
        known: ``type`` member -> class, for the types that this peer may send.

    Raises:
        RemoteProtocolError: an unknown type, or a member that is missing, of a wrong type or beyond a limit.
    """
    kind = value.get("type")
    cls = known.get(kind) if isinstance(kind, str) else None
    if cls is None:
        raise RemoteProtocolError(f"unexpected message of type {str(kind)[:MAX_NAME]!r}", path="type")
    fields: list[object] = []
    for name, check, default in _TABLE[cls]:
        if name in value:
            fields.append(check(value[name], name))
        elif default is _REQUIRED:
            raise RemoteProtocolError(f"missing in {kind}", path=name)
        else:
            fields.append(default)
    return cls(*fields)  # type: ignore[arg-type]  # the table's checks give the fields' types; a test compares both


def dump_message(message: Message) -> dict[str, Json]:
    """Give the object that stands for ``message`` on the wire."""
    value: dict[str, Json] = {"type": message.TYPE}
    for name, _, _ in _TABLE[type(message)]:
        item = getattr(message, name)
        if type(item) is tuple:
            value[name] = [_dump_spec(part) if isinstance(part, MethodSpec) else part for part in item]
        elif isinstance(item, Mapping):
            value[name] = dict(item)
        else:
            value[name] = item
    return value


def _dump_spec(spec: MethodSpec) -> dict[str, Json]:
    return {
        "name": spec.name,
        "params": spec.params,
        "result": spec.result,
        "doc": spec.doc,
        "effects": dict(spec.effects),
        "timeout": spec.timeout,
        "sensitive": list(spec.sensitive),
        "streams": spec.streams,
    }
