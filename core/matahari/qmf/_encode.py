"""Values to AMQP 0-10 bytes: one writer per Python type, appending to one buffer.

Sizes are not known before the contents are written, so each container leaves eight bytes free and fills them in last.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from struct import Struct

from matahari.qmf._fault import CodecFault
from matahari.qmf.values import MAX_DEPTH, UInt, ULong, Value

_TYPE_U16 = Struct(">BH").pack
_TYPE_U32 = Struct(">BI").pack
_TYPE_I64 = Struct(">Bq").pack
_TYPE_U64 = Struct(">BQ").pack
_TYPE_F64 = Struct(">Bd").pack
_SIZE_COUNT_INTO = Struct(">II").pack_into
_HEADER_SPACE = bytes(8)

#: Longest map key: its length has one byte on the wire.
_MAX_KEY_BYTES = 255
#: Longest str16 and vbin16. Text above goes out as vbin32, since qpidd cannot pass on a longer str16.
_MAX_SHORT_BYTES = 0xFFFF


def put_map(out: bytearray, value: Mapping[str, Value], depth: int) -> None:
    """Append size, count and entries of a map; ``depth`` is 1 for the body itself."""
    if depth > MAX_DEPTH:
        raise CodecFault(f"nested deeper than {MAX_DEPTH} levels")
    start = len(out)
    out += _HEADER_SPACE
    key = ""
    try:
        for key, item in value.items():
            name = key.encode()
            out.append(len(name))
            out += name
            if type(item) is str:
                raw = item.encode()
                if len(raw) <= _MAX_SHORT_BYTES:
                    out += _TYPE_U16(0x95, len(raw))
                else:
                    out += _TYPE_U32(0xA0, len(raw))
                out += raw
            else:
                _WRITERS.get(type(item), _put_other)(out, item, depth)
    except CodecFault as fault:
        fault.inside(key)
        raise
    except (AttributeError, ValueError):
        # Cold: a key without encode(), with more than 255 bytes (append refuses), or text that has no UTF-8 form.
        raise _entry_fault(key) from None
    _SIZE_COUNT_INTO(out, start, len(out) - start - 4, len(value))


def put_list(out: bytearray, value: Sequence[Value], depth: int) -> None:
    """Append size, count and elements of a list; ``depth`` is 1 for the body itself."""
    if depth > MAX_DEPTH:
        raise CodecFault(f"nested deeper than {MAX_DEPTH} levels")
    start = len(out)
    out += _HEADER_SPACE
    for index, item in enumerate(value):
        try:
            _WRITERS.get(type(item), _put_other)(out, item, depth)
        except CodecFault as fault:
            fault.inside(index)
            raise
    _SIZE_COUNT_INTO(out, start, len(out) - start - 4, len(value))


def _entry_fault(key: object) -> CodecFault:
    """Say what is wrong with a map entry whose key or text could not be written."""
    if not isinstance(key, str):
        return CodecFault(f"a map key is {type(key).__name__}, not text")
    try:
        if len(key.encode()) > _MAX_KEY_BYTES:
            return CodecFault(f"the map key {key[:40]!r}... is longer than {_MAX_KEY_BYTES} bytes")
    except UnicodeEncodeError:
        return CodecFault("a map key has no UTF-8 form (lone surrogates)")
    fault = CodecFault("text has no UTF-8 form (lone surrogates)")
    fault.inside(key)
    return fault


def _put_none(out: bytearray, _value: None, _depth: int) -> None:
    out.append(0xF0)


def _put_bool(out: bytearray, value: bool, _depth: int) -> None:
    out += b"\x08\x01" if value else b"\x08\x00"


def _put_int(out: bytearray, value: int, _depth: int) -> None:
    if -0x8000000000000000 <= value <= 0x7FFFFFFFFFFFFFFF:
        out += _TYPE_I64(0x31, value)
    else:
        _put_ulong(out, value, _depth)


def _put_ulong(out: bytearray, value: int, _depth: int) -> None:
    if not 0 <= value <= 0xFFFFFFFFFFFFFFFF:
        raise CodecFault("the integer is out of range (64 bits)")
    out += _TYPE_U64(0x32, value)


def _put_uint(out: bytearray, value: int, _depth: int) -> None:
    if not 0 <= value <= 0xFFFFFFFF:
        raise CodecFault("the integer is out of range (unsigned 32 bits)")
    out += _TYPE_U32(0x22, value)


def _put_float(out: bytearray, value: float, _depth: int) -> None:
    out += _TYPE_F64(0x33, value)


def _put_str(out: bytearray, value: str, _depth: int) -> None:
    try:
        raw = value.encode()
    except UnicodeEncodeError:
        raise CodecFault("text has no UTF-8 form (lone surrogates)") from None
    if len(raw) <= _MAX_SHORT_BYTES:
        out += _TYPE_U16(0x95, len(raw))
    else:
        out += _TYPE_U32(0xA0, len(raw))
    out += raw


def _put_bytes(out: bytearray, value: bytes, _depth: int) -> None:
    # vbin8 would save a byte, but no known sender uses it; vbin16 is what every reader has been seen to read.
    if len(value) <= _MAX_SHORT_BYTES:
        out += _TYPE_U16(0x90, len(value))
    else:
        out += _TYPE_U32(0xA0, len(value))
    out += value


def _put_memoryview(out: bytearray, value: memoryview, depth: int) -> None:
    _put_bytes(out, bytes(value), depth)


def _put_uuid(out: bytearray, value: uuid.UUID, _depth: int) -> None:
    out.append(0x48)
    out += value.bytes


def _put_inner_map(out: bytearray, value: Mapping[str, Value], depth: int) -> None:
    out.append(0xA8)
    put_map(out, value, depth + 1)


def _put_inner_list(out: bytearray, value: Sequence[Value], depth: int) -> None:
    out.append(0xA9)
    put_list(out, value, depth + 1)


def _put_other(out: bytearray, value: object, depth: int) -> None:
    """Write subclasses (enumerations of text or integers, ordered maps) as what they derive from."""
    for base in type(value).__mro__:
        writer = _WRITERS.get(base)
        if writer is not None:
            writer(out, value, depth)
            return
    raise CodecFault(f"{type(value).__name__} is not a QMF type")


# Each writer takes only the type it is filed under, which the table's own type cannot say: hence the ellipsis.
_WRITERS: dict[type, Callable[..., None]] = {
    type(None): _put_none,
    bool: _put_bool,
    int: _put_int,
    ULong: _put_ulong,
    UInt: _put_uint,
    float: _put_float,
    str: _put_str,
    bytes: _put_bytes,
    bytearray: _put_bytes,
    memoryview: _put_memoryview,
    uuid.UUID: _put_uuid,
    dict: _put_inner_map,
    list: _put_inner_list,
    tuple: _put_inner_list,
}
