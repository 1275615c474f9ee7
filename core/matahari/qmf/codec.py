"""Bodies as bytes: the AMQP 0-10 map and list encoding that every QMFv2 program reads.

Which of the two a body is says its content type, which is the envelope's business and not known here.
Sending uses few types: str16 (vbin32 above 65535 bytes), vbin16 and vbin32, int64, uint64, uint32, double, boolean,
uuid, void, map, list. Reading knows all types of AMQP 0-10; texts in other charsets are given as bytes.

Both directions run for every call, hence the tables by type and the few repeated lines.

Source: qmf2.md 1.7, 1.9 and 1.10
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matahari.errors import RemoteProtocolError, SchemaError
from matahari.qmf._decode import MAX_ITEMS, read_list, read_map
from matahari.qmf._encode import put_list, put_map
from matahari.qmf._fault import CodecFault
from matahari.qmf.values import MAX_DEPTH, Value

__all__ = ["MAX_DEPTH", "MAX_ITEMS", "decode_list", "decode_map", "encode_list", "encode_map"]


def encode_map(value: Mapping[str, Value]) -> bytes:
    """Encode a map body.

    Raises:
        SchemaError: a key is not text or above 255 bytes, an integer is out of range, a type is unknown, or the
            nesting exceeds ``MAX_DEPTH``; ``path`` names the place, e.g. ``_arguments.args[3]``.
    """
    out = bytearray()
    try:
        put_map(out, value, 1)
    except CodecFault as fault:
        raise SchemaError(fault.reason, path=fault.place()) from None
    return bytes(out)


def encode_list(value: Sequence[Value]) -> bytes:
    """Encode a list body; errors as :func:`encode_map`."""
    out = bytearray()
    try:
        put_list(out, value, 1)
    except CodecFault as fault:
        raise SchemaError(fault.reason, path=fault.place()) from None
    return bytes(out)


def decode_map(data: bytes | bytearray | memoryview) -> dict[str, Value]:
    """Decode a map body; no bytes at all are an empty map.

    Raises:
        RemoteProtocolError: truncated, bytes left over, a container above ``MAX_ITEMS`` or nested deeper than
            ``MAX_DEPTH``, or a key that is not UTF-8; ``path`` names the place.
    """
    raw = bytes(data)
    if not raw:
        return {}
    try:
        value, end = read_map(raw, 0, 1)
    except CodecFault as fault:
        raise RemoteProtocolError(fault.reason, path=fault.place()) from None
    if end != len(raw):
        raise RemoteProtocolError(f"{len(raw) - end} bytes after the end of the map")
    return value


def decode_list(data: bytes | bytearray | memoryview) -> list[Value]:
    """Decode a list body; no bytes at all are an empty list. Errors as :func:`decode_map`."""
    raw = bytes(data)
    if not raw:
        return []
    try:
        value, end = read_list(raw, 0, 1)
    except CodecFault as fault:
        raise RemoteProtocolError(fault.reason, path=fault.place()) from None
    if end != len(raw):
        raise RemoteProtocolError(f"{len(raw) - end} bytes after the end of the list")
    return value
