"""Checks of the members of received objects: each gives the value as the record holds it, or raises.

Everything a peer sends passes here, and a worker runs foreign code: nothing may slip through that a
caller of this package would have to check again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from matahari.errors import RemoteProtocolError

from .frames import TEXT_LIMIT, Json
from .messages import EFFECTS, MethodSpec

__all__ = [
    "MAX_CHUNK",
    "MAX_DEPTH",
    "MAX_ITEMS",
    "MAX_NAME",
    "MAX_NOTE",
    "Check",
    "check_bool",
    "check_chunk",
    "check_name",
    "check_note",
    "check_number",
    "check_number_map",
    "check_object",
    "check_optional_number",
    "check_optional_object",
    "check_optional_real",
    "check_optional_seconds",
    "check_optional_text_map",
    "check_real",
    "check_severity",
    "check_specs",
    "check_text",
    "check_text_map",
    "check_texts",
]

#: Nesting of structured values (schemas). The bus allows less.
MAX_DEPTH: Final = 64
#: Arguments of one call, actions of one plugin, files of one load.
MAX_ITEMS: Final = 4096
#: Names travel as short strings on the bus, in bytes.
MAX_NAME: Final = 255
#: One piece of live output, and the fields of one event, in bytes: small enough that no answer waits long behind it.
MAX_CHUNK: Final = 64 * 1024
#: What a running call says about its progress, in bytes: a line.
MAX_NOTE: Final = 4 * 1024
#: Severities of events are those of syslog, 0 (emergency) to 7 (debug).
_MAX_SEVERITY: Final = 7
#: Integers above this are not exact in every JSON reader.
_MAX_NUMBER: Final = 2**53 - 1

Check = Callable[[Json, str], object]


def wrong_type(path: str, expected: str, value: Json) -> RemoteProtocolError:
    return RemoteProtocolError(f"expected {expected}, got {type(value).__name__}", path=path)


def check_text(value: Json, path: str) -> str:
    if not isinstance(value, str):
        raise wrong_type(path, "text", value)
    # Four bytes a character at most: the exact size only matters for texts that are nearly too long.
    if len(value) > TEXT_LIMIT or not value.isascii():
        try:
            size = len(value.encode())
        except UnicodeEncodeError as error:
            raise RemoteProtocolError("text with a lone surrogate", path=path) from error
        if size > TEXT_LIMIT:
            raise RemoteProtocolError(f"text of {size} bytes, at most {TEXT_LIMIT} are allowed", path=path)
    return value


def check_name(value: Json, path: str) -> str:
    text = check_text(value, path)
    if not 0 < len(text.encode()) <= MAX_NAME:
        raise RemoteProtocolError(f"name of {len(text.encode())} bytes, 1 to {MAX_NAME} are allowed", path=path)
    return text


def check_number(value: Json, path: str) -> int:
    # bool is an int in Python, not in JSON
    if type(value) is not int:
        raise wrong_type(path, "an integer", value)
    if not 0 <= value <= _MAX_NUMBER:
        raise RemoteProtocolError("integer out of range", path=path)
    return value


def check_optional_number(value: Json, path: str) -> int | None:
    return None if value is None else check_number(value, path)


def check_bool(value: Json, path: str) -> bool:
    if not isinstance(value, bool):
        raise wrong_type(path, "true or false", value)
    return value


def check_real(value: Json, path: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong_type(path, "a number", value)
    try:
        is_finite = math.isfinite(value)
    except OverflowError as error:
        raise RemoteProtocolError("number out of range", path=path) from error
    if not is_finite:
        raise RemoteProtocolError("number out of range", path=path)
    return value


def check_optional_real(value: Json, path: str) -> int | float | None:
    return None if value is None else check_real(value, path)


def check_optional_seconds(value: Json, path: str) -> float | None:
    return None if value is None else float(check_real(value, path))


def check_severity(value: Json, path: str) -> int:
    severity = check_number(value, path)
    if severity > _MAX_SEVERITY:
        raise RemoteProtocolError(f"severity {severity}, 0 to {_MAX_SEVERITY} are allowed", path=path)
    return severity


def _check_size(value: Json, path: str, limit: int) -> str:
    text = check_text(value, path)
    if len(text) > limit or (not text.isascii() and len(text.encode()) > limit):
        raise RemoteProtocolError(f"text of {len(text.encode())} bytes, at most {limit} are allowed", path=path)
    return text


def check_chunk(value: Json, path: str) -> str:
    return _check_size(value, path, MAX_CHUNK)


def check_note(value: Json, path: str) -> str:
    return _check_size(value, path, MAX_NOTE)


def check_texts(value: Json, path: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise wrong_type(path, "a list", value)
    if len(value) > MAX_ITEMS:
        raise RemoteProtocolError(f"{len(value)} items, at most {MAX_ITEMS} are allowed", path=path)
    return tuple([check_text(item, path) for item in value])


def check_members(value: Json, path: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise wrong_type(path, "an object", value)
    if len(value) > MAX_ITEMS:
        raise RemoteProtocolError(f"{len(value)} members, at most {MAX_ITEMS} are allowed", path=path)
    return value


def check_text_map(value: Json, path: str) -> dict[str, str]:
    return {check_text(key, path): check_text(item, path) for key, item in check_members(value, path).items()}


def check_optional_text_map(value: Json, path: str) -> dict[str, str] | None:
    return None if value is None else check_text_map(value, path)


def check_number_map(value: Json, path: str) -> dict[str, int]:
    return {
        check_name(key, path): check_number(item, f"{path}.{key}") for key, item in check_members(value, path).items()
    }


def check_optional_object(value: Json, path: str) -> dict[str, Json] | None:
    return None if value is None else check_object(value, path)


def check_object(value: Json, path: str) -> dict[str, Json]:
    """Give a JSON object whose depth and texts are within bounds; it is not checked to be a good schema."""
    members = check_members(value, path)
    level: list[Json] = [members]
    for _ in range(MAX_DEPTH):
        below: list[Json] = []
        for item in level:
            if isinstance(item, dict):
                for key, inner in item.items():
                    check_text(key, path)
                    below.append(inner)
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, str):
                check_text(item, path)
        if not below:
            return members
        level = below
    raise RemoteProtocolError(f"nested deeper than {MAX_DEPTH}", path=path)


def _check_effects(value: Json, path: str) -> dict[str, bool]:
    # Effects that we do not know are left out, like unknown members.
    members = check_members(value, path)
    return {name: check_bool(members[name], f"{path}.{name}") for name in EFFECTS if name in members}


def _check_timeout(value: Json, path: str) -> float | None:
    timeout = check_optional_seconds(value, path)
    if timeout is not None and timeout <= 0:
        raise RemoteProtocolError("a time limit must be above 0", path=path)
    return timeout


def check_specs(value: Json, path: str) -> tuple[MethodSpec, ...]:
    if not isinstance(value, list):
        raise wrong_type(path, "a list", value)
    if len(value) > MAX_ITEMS:
        raise RemoteProtocolError(f"{len(value)} actions, at most {MAX_ITEMS} are allowed", path=path)
    specs: dict[str, MethodSpec] = {}
    for index, item in enumerate(value):
        place = f"{path}[{index}]"
        members = check_members(item, place)
        result = members.get("result")
        spec = MethodSpec(
            name=check_name(members.get("name"), f"{place}.name"),
            params=check_object(members.get("params"), f"{place}.params"),
            result=None if result is None else check_object(result, f"{place}.result"),
            doc=check_text(members.get("doc", ""), f"{place}.doc"),
            effects=_check_effects(members.get("effects", {}), f"{place}.effects"),
            timeout=_check_timeout(members.get("timeout"), f"{place}.timeout"),
            sensitive=check_texts(members.get("sensitive", []), f"{place}.sensitive"),
            streams=check_bool(members.get("streams", False), f"{place}.streams"),
        )
        if spec.name in specs:
            raise RemoteProtocolError("two actions of one name", path=f"{place}.name")
        specs[spec.name] = spec
    return tuple(specs.values())
