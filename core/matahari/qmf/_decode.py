"""AMQP 0-10 bytes to values: one reader per type code.

A reader takes the whole body, the position behind the type code and the nesting, and returns the value and the
position behind it. Slices that run past the end are short; the container notices, because the positions do not add up.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable
from struct import Struct
from typing import TypeAlias

from matahari.qmf._fault import CodecFault
from matahari.qmf.values import MAX_DEPTH, Value

#: Most entries of one map, list or array. A body of 1 MiB, the largest message, has room for more one-byte
#: elements than any real answer, and an array of voids takes no bytes at all for each of them.
MAX_ITEMS = 200_000

_Reader: TypeAlias = Callable[[bytes, int, int], tuple[Value, int]]

_U16 = Struct(">H").unpack_from
_U32 = Struct(">I").unpack_from
_I64 = Struct(">q").unpack_from
_SIZE_COUNT = Struct(">II").unpack_from


def read_map(data: bytes, pos: int, depth: int) -> tuple[dict[str, Value], int]:
    """Read size, count and entries of a map; a key given twice has the later value."""
    result: dict[str, Value] = {}
    key: str | None = None
    pos, end, count = _open_container(data, pos, depth, 2)
    try:
        for _ in range(count):
            key = None
            start = pos + 1
            pos = start + data[pos]
            key = data[start:pos].decode()
            code = data[pos]
            if code == 0x95:
                start = pos + 3
                pos = start + _U16(data, pos + 1)[0]
                try:
                    result[key] = data[start:pos].decode()
                except UnicodeDecodeError:
                    result[key] = data[start:pos]
            else:
                result[key], pos = _READERS[code](data, pos + 1, depth)
    except CodecFault as fault:
        if key is not None:
            fault.inside(key)
        raise
    except (IndexError, ValueError, struct.error):
        raise _truncated_or_key(key) from None
    if pos != end:
        raise CodecFault(f"the entries of a map end {pos - end:+d} bytes from where its size says")
    return result, pos


def read_list(data: bytes, pos: int, depth: int) -> tuple[list[Value], int]:
    """Read size, count and elements of a list."""
    result: list[Value] = []
    pos, end, count = _open_container(data, pos, depth, 1)
    try:
        for _ in range(count):
            value, pos = _READERS[data[pos]](data, pos + 1, depth)
            result.append(value)
    except CodecFault as fault:
        fault.inside(len(result))
        raise
    except (IndexError, ValueError, struct.error):
        truncated = CodecFault("truncated")
        truncated.inside(len(result))
        raise truncated from None
    if pos != end:
        raise CodecFault(f"the elements of a list end {pos - end:+d} bytes from where its size says")
    return result, pos


def _open_container(data: bytes, pos: int, depth: int, least_bytes: int) -> tuple[int, int, int]:
    """Return the position of the first entry, the end and the count, after checking them against each other.

    ``least_bytes`` is what the smallest entry takes: a count that cannot be true is refused before anything is read.
    """
    if depth > MAX_DEPTH:
        raise CodecFault(f"nested deeper than {MAX_DEPTH} levels")
    try:
        size: int = _U32(data, pos)[0]
        if size == 0:  # some encoders write an empty list without its count
            return pos + 4, pos + 4, 0
        count: int = _SIZE_COUNT(data, pos)[1]
    except struct.error:
        raise CodecFault("truncated") from None
    end = pos + 4 + size
    if end > len(data):
        raise CodecFault(f"truncated: a container of {size} bytes, {len(data) - pos - 4} are there")
    if count * least_bytes > size - 4 or count > MAX_ITEMS:
        raise CodecFault(f"{count} entries in {size} bytes")
    return pos + 8, end, count


def _truncated_or_key(key: str | None) -> CodecFault:
    if key is None:
        return CodecFault("truncated, or a key that is not UTF-8")
    fault = CodecFault("truncated")
    fault.inside(key)
    return fault


def _read_inner_map(data: bytes, pos: int, depth: int) -> tuple[Value, int]:
    return read_map(data, pos, depth + 1)


def _read_inner_list(data: bytes, pos: int, depth: int) -> tuple[Value, int]:
    return read_list(data, pos, depth + 1)


def _read_array(data: bytes, pos: int, depth: int) -> tuple[Value, int]:
    """Read an array: size, one type code, count, bare values."""
    if depth >= MAX_DEPTH:
        raise CodecFault(f"nested deeper than {MAX_DEPTH} levels")
    size: int = _U32(data, pos)[0]
    end = pos + 4 + size
    if size == 0:
        return [], end
    reader = _READERS[data[pos + 4]]
    count: int = _U32(data, pos + 5)[0]
    if count > MAX_ITEMS:
        raise CodecFault(f"{count} elements in an array of {size} bytes")
    pos += 9
    result: list[Value] = []
    for _ in range(count):
        if pos > end:
            break
        value, pos = reader(data, pos, depth + 1)
        result.append(value)
    if pos != end:
        raise CodecFault(f"the elements of an array end {pos - end:+d} bytes from where its size says")
    return result, pos


def _read_str16(data: bytes, pos: int, _depth: int) -> tuple[Value, int]:
    end: int = pos + 2 + _U16(data, pos)[0]
    raw = data[pos + 2 : end]
    try:
        return raw.decode(), end
    except UnicodeDecodeError:
        return raw, end


def _read_str8(data: bytes, pos: int, _depth: int) -> tuple[Value, int]:
    end = pos + 1 + data[pos]
    raw = data[pos + 1 : end]
    try:
        return raw.decode(), end
    except UnicodeDecodeError:
        return raw, end


def _read_bytes8(data: bytes, pos: int, _depth: int) -> tuple[Value, int]:
    end = pos + 1 + data[pos]
    return data[pos + 1 : end], end


def _read_bytes16(data: bytes, pos: int, _depth: int) -> tuple[Value, int]:
    end: int = pos + 2 + _U16(data, pos)[0]
    return data[pos + 2 : end], end


def _read_bytes32(data: bytes, pos: int, _depth: int) -> tuple[Value, int]:
    end: int = pos + 4 + _U32(data, pos)[0]
    return data[pos + 4 : end], end


def _read_int64(data: bytes, pos: int, _depth: int) -> tuple[Value, int]:
    value: int = _I64(data, pos)[0]
    return value, pos + 8


def _read_bool(data: bytes, pos: int, _depth: int) -> tuple[Value, int]:
    return data[pos] != 0, pos + 1


def _read_uuid(data: bytes, pos: int, _depth: int) -> tuple[Value, int]:
    return uuid.UUID(bytes=data[pos : pos + 16]), pos + 16


def _number(layout: str) -> _Reader:
    """Make the reader of one fixed-width number."""
    form = Struct(layout)
    unpack, width = form.unpack_from, form.size

    def read(data: bytes, pos: int, _depth: int) -> tuple[Value, int]:
        value: int | float = unpack(data, pos)[0]
        return value, pos + width

    return read


def _void(width: int) -> _Reader:
    """Make the reader of a type that has no QMF value: it is skipped and counts as null."""

    def read(_data: bytes, pos: int, _depth: int) -> tuple[Value, int]:
        return None, pos + width

    return read


def _opaque(width: int) -> _Reader:
    """Make the reader of a fixed-width type without meaning in QMF, given as its bytes."""

    def read(data: bytes, pos: int, _depth: int) -> tuple[Value, int]:
        return data[pos : pos + width], pos + width

    return read


def _read_reserved(data: bytes, pos: int, _depth: int) -> tuple[Value, int]:
    raise CodecFault(f"unknown type code 0x{data[pos - 1]:02x}")


def _table() -> list[_Reader]:
    """Make the readers by type code. The code's high half gives the width, also of types that nobody uses."""
    widths: dict[int, _Reader] = {high: _opaque(1 << high) for high in range(8)}
    widths |= {0x8: _read_bytes8, 0x9: _read_bytes16, 0xA: _read_bytes32}
    widths |= {0xC: _opaque(5), 0xD: _opaque(9), 0xF: _void(0)}
    table = [widths.get(code >> 4, _read_reserved) for code in range(256)]
    known: dict[int, _Reader] = {
        0x01: _number(">b"), 0x02: _number(">B"), 0x04: _void(1), 0x08: _read_bool,
        0x11: _number(">h"), 0x12: _number(">H"),
        0x21: _number(">i"), 0x22: _number(">I"), 0x23: _number(">f"), 0x27: _void(4),
        0x31: _read_int64, 0x32: _number(">Q"), 0x33: _number(">d"), 0x38: _number(">Q"),
        0x48: _read_uuid,
        0x85: _read_str8, 0x95: _read_str16,
        0xA8: _read_inner_map, 0xA9: _read_inner_list, 0xAA: _read_array,
        # The "binary numbers" of 0-10: qpidd takes them for signed integers.
        0x00: _number(">b"), 0x10: _number(">h"), 0x20: _number(">i"), 0x30: _number(">q"),
    }  # fmt: skip
    for code, reader in known.items():
        table[code] = reader
    return table


_READERS: list[_Reader] = _table()
