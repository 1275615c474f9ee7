"""The values that QMF carries, and lenient readers for what foreign programs put where a name or a number belongs.

Text of libqmf2 agents and of the broker arrives as binary, and every integer comes in any width.
Nothing here knows about messages; bytes are made and read in ``codec``.
"""

from __future__ import annotations

import uuid
from typing import TypeAlias

#: What a QMF map or list may hold. Integers of any width decode to ``int``, both float widths to ``float``.
Value: TypeAlias = "bool | int | float | str | bytes | uuid.UUID | list[Value] | dict[str, Value] | None"

#: Deepest nesting of maps and lists, counting the body itself. Real messages use 6 at most;
#: the bound keeps recursive readers far from the interpreter's own limit.
MAX_DEPTH = 32


class ULong(int):
    """An integer that goes out as uint64, e.g. times in nanoseconds (libqmf2 checks the type)."""

    __slots__ = ()


class UInt(int):
    """An integer that goes out as uint32, e.g. epochs and error codes (libqmf2 checks the type)."""

    __slots__ = ()


def text(value: object) -> str | None:
    """Return the text in ``value``, or None when it is not text.

    Binary counts as text when it is valid UTF-8, because foreign agents send names, opcodes and values so.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            return None
    return None


def integer(value: object, default: int = 0) -> int:
    """Return ``value`` as a plain integer of whatever width it had, or ``default`` when it is none (booleans are none)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    return default


def decode_text(value: Value, depth: int = MAX_DEPTH) -> Value:
    """Copy ``value`` with every binary that is valid UTF-8 turned into text, also inside maps and lists.

    Undecodable binary stays binary, and whatever lies deeper than ``depth`` levels stays as it is.
    """
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value
    if isinstance(value, dict) and depth > 0:
        return {key: decode_text(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list) and depth > 0:
        return [decode_text(item, depth - 1) for item in value]
    return value


def estimate_size(value: Value, limit: int) -> int:
    """Return about how many bytes ``value`` takes when encoded, counting no further than past ``limit``.

    Exact enough to bound what a message or a cache may hold, several times cheaper than encoding.
    Text counts one byte a character, so text beyond ASCII is underestimated by a factor of up to 4.
    """
    total = 0
    pending: list[Value] = [value]
    while pending and total <= limit:
        item = pending.pop()
        if isinstance(item, (str, bytes)):
            total += 3 + len(item)
        elif isinstance(item, dict):
            total += 9 + sum(map(len, item)) + len(item)
            pending.extend(item.values())
        elif isinstance(item, list):
            total += 9
            pending.extend(item)
        else:
            total += 9
    return total
