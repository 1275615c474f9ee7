"""Checks of the members of received objects, and the table from message class to its members.

Everything a peer sends passes here, and a worker runs foreign code: nothing may slip through that a
caller of this package would have to check again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

from matahari.errors import RemoteProtocolError

from .frames import TEXT_LIMIT, Json
from .messages import (
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
    Ping,
    Pong,
    Result,
    Shutdown,
    Spawn,
    Spawned,
    SpawnFailed,
)

__all__ = ["MAX_DEPTH", "MAX_ITEMS", "MAX_NAME", "dump_message", "parse_message"]

#: Nesting of structured values (schemas). The bus allows less.
MAX_DEPTH: Final = 64
#: Arguments of one call, actions of one plugin, files of one load.
MAX_ITEMS: Final = 4096
#: Names travel as short strings on the bus, in bytes.
MAX_NAME: Final = 255
#: Integers above this are not exact in every JSON reader.
_MAX_NUMBER: Final = 2**53 - 1

_Check = Callable[[Json, str], object]


def _fail(path: str, expected: str, value: Json) -> RemoteProtocolError:
    return RemoteProtocolError(f"expected {expected}, got {type(value).__name__}", path=path)


def _text(value: Json, path: str) -> str:
    if not isinstance(value, str):
        raise _fail(path, "text", value)
    # Four bytes a character at most: the exact size only matters for texts that are nearly too long.
    if len(value) > TEXT_LIMIT or not value.isascii():
        try:
            size = len(value.encode())
        except UnicodeEncodeError as error:
            raise RemoteProtocolError("text with a lone surrogate", path=path) from error
        if size > TEXT_LIMIT:
            raise RemoteProtocolError(f"text of {size} bytes, at most {TEXT_LIMIT} are allowed", path=path)
    return value


def _name(value: Json, path: str) -> str:
    text = _text(value, path)
    if not 0 < len(text.encode()) <= MAX_NAME:
        raise RemoteProtocolError(f"name of {len(text.encode())} bytes, 1 to {MAX_NAME} are allowed", path=path)
    return text


def _number(value: Json, path: str) -> int:
    # bool is an int in Python, not in JSON
    if type(value) is not int:
        raise _fail(path, "an integer", value)
    if not 0 <= value <= _MAX_NUMBER:
        raise RemoteProtocolError("integer out of range", path=path)
    return value


def _optional_number(value: Json, path: str) -> int | None:
    return None if value is None else _number(value, path)


def _optional_seconds(value: Json, path: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _fail(path, "a number", value)
    try:
        seconds = float(value)
    except OverflowError as error:
        raise RemoteProtocolError("number out of range", path=path) from error
    if not math.isfinite(seconds):
        raise RemoteProtocolError("number out of range", path=path)
    return seconds


def _texts(value: Json, path: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _fail(path, "a list", value)
    if len(value) > MAX_ITEMS:
        raise RemoteProtocolError(f"{len(value)} items, at most {MAX_ITEMS} are allowed", path=path)
    return tuple([_text(item, path) for item in value])


def _members(value: Json, path: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise _fail(path, "an object", value)
    if len(value) > MAX_ITEMS:
        raise RemoteProtocolError(f"{len(value)} members, at most {MAX_ITEMS} are allowed", path=path)
    return value


def _text_map(value: Json, path: str) -> dict[str, str]:
    return {_text(key, path): _text(item, path) for key, item in _members(value, path).items()}


def _optional_text_map(value: Json, path: str) -> dict[str, str] | None:
    return None if value is None else _text_map(value, path)


def _number_map(value: Json, path: str) -> dict[str, int]:
    return {_name(key, path): _number(item, f"{path}.{key}") for key, item in _members(value, path).items()}


def _schema(value: Json, path: str) -> dict[str, Json]:
    """Give a JSON object whose depth and texts are within bounds; it is not checked to be a good schema."""
    members = _members(value, path)
    level: list[Json] = [members]
    for _ in range(MAX_DEPTH):
        below: list[Json] = []
        for item in level:
            if isinstance(item, dict):
                for key, inner in item.items():
                    _text(key, path)
                    below.append(inner)
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, str):
                _text(item, path)
        if not below:
            return members
        level = below
    raise RemoteProtocolError(f"nested deeper than {MAX_DEPTH}", path=path)


def _specs(value: Json, path: str) -> tuple[MethodSpec, ...]:
    if not isinstance(value, list):
        raise _fail(path, "a list", value)
    if len(value) > MAX_ITEMS:
        raise RemoteProtocolError(f"{len(value)} actions, at most {MAX_ITEMS} are allowed", path=path)
    specs: dict[str, MethodSpec] = {}
    for index, item in enumerate(value):
        place = f"{path}[{index}]"
        members = _members(item, place)
        result = members.get("result")
        spec = MethodSpec(
            name=_name(members.get("name"), f"{place}.name"),
            params=_schema(members.get("params"), f"{place}.params"),
            result=None if result is None else _schema(result, f"{place}.result"),
            doc=_text(members.get("doc", ""), f"{place}.doc"),
        )
        if spec.name in specs:
            raise RemoteProtocolError("two actions of one name", path=f"{place}.name")
        specs[spec.name] = spec
    return tuple(specs.values())


_REQUIRED: Final = object()
_Member = tuple[str, _Check, object]

#: Class -> (member, check, default). Order and names are those of the dataclass.
_TABLE: Final[Mapping[type[Message], tuple[_Member, ...]]] = {
    Hello: (
        ("framing", _number, _REQUIRED),
        ("interface", _number, _REQUIRED),
        ("pid", _number, _REQUIRED),
        ("nonce", _text, _REQUIRED),
        ("language", _name, _REQUIRED),
    ),
    Load: (
        ("path", _text, _REQUIRED),
        ("name", _name, _REQUIRED),
        ("digest", _text, _REQUIRED),
        ("generation", _number, _REQUIRED),
        ("concurrency", _number, _REQUIRED),
        ("result_limit", _number, _REQUIRED),
        ("files", _optional_text_map, None),
    ),
    Loaded: (
        ("name", _name, _REQUIRED),
        ("generation", _number, _REQUIRED),
        ("digest", _text, _REQUIRED),
        ("language", _name, _REQUIRED),
        ("version", _text, ""),
        ("methods", _specs, _REQUIRED),
    ),
    LoadFailed: (
        ("error_type", _text, _REQUIRED),
        ("text", _text, _REQUIRED),
        ("file", _text, ""),
        ("line", _number, 0),
        ("traceback", _text, ""),
    ),
    Call: (
        ("id", _number, _REQUIRED),
        ("method", _name, _REQUIRED),
        ("args", _texts, ()),
        ("kwargs", _text_map, {}),
        ("request", _text, ""),
        ("caller", _text, ""),
        ("left", _optional_seconds, None),
    ),
    Result: (("id", _number, _REQUIRED), ("text", _text, _REQUIRED)),
    Failure: (
        ("id", _number, _REQUIRED),
        ("kind", _name, _REQUIRED),
        ("error_type", _text, _REQUIRED),
        ("value", _text, _REQUIRED),
        ("traceback", _text, ""),
    ),
    Cancel: (("id", _number, _REQUIRED),),
    Drain: (),
    Bye: (),
    Ping: (("id", _number, _REQUIRED),),
    Pong: (("id", _number, _REQUIRED),),
    Log: (("level", _name, _REQUIRED), ("logger", _text, ""), ("text", _text, _REQUIRED)),
    Spawn: (
        ("worker", _number, _REQUIRED),
        ("plugin", _name, _REQUIRED),
        ("nonce", _text, _REQUIRED),
        ("limits", _number_map, {}),
    ),
    Spawned: (("worker", _number, _REQUIRED), ("pid", _number, _REQUIRED)),
    SpawnFailed: (("worker", _number, _REQUIRED), ("text", _text, _REQUIRED)),
    Kill: (("worker", _number, _REQUIRED), ("signal", _number, _REQUIRED)),
    Exited: (
        ("worker", _number, _REQUIRED),
        ("status", _optional_number, None),
        ("signal", _optional_number, None),
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
    return {"name": spec.name, "params": spec.params, "result": spec.result, "doc": spec.doc}
