"""Messages of the usual shape, encoded and read without proton's data tree, in a fifth of its time.

The usual shape is what QMF programs send: texts in the properties, text, truth and nothing in the application properties,
and one data section or no body. Whatever is not exactly of that shape is left to proton: None is the answer then, also for
what is malformed, so that there is one place that says why. What is written here is, byte for byte, what proton writes.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

from matahari.amqp.values import NO_PROPERTIES, BodyValue, Message

__all__ = ["decode_directly", "encode_directly"]

_EMPTY_HEADER: Final = b"\x00\x53\x70\x45"
_HEADER_WITH_TTL: Final = b"\x00\x53\x70\xc0\x08\x03\x40\x40\x70"  # neither durable nor of a priority
_PROPERTIES: Final = b"\x00\x53\x73"
_APPLICATION_PROPERTIES: Final = b"\x00\x53\x74"
_DATA: Final = b"\x00\x53\x75"
_NULL: Final = b"\x40"
_MAX_TTL: Final = 0xFFFFFFFF
_CONSTANTS: Final[Mapping[int, bool | None]] = {0x40: None, 0x41: True, 0x42: False}

_BINARY, _STRING, _SYMBOL = 0xA0, 0xA1, 0xA3
_LONG: Final = 0x10
"""Between the constructor with a size of one byte and that with four, of binary, string and symbol alike."""

_FIELDS: Final = (_STRING, _BINARY, _STRING, _STRING, _STRING, _STRING, _SYMBOL)
"""Message-id, user-id, to, subject, reply-to, correlation-id, content-type."""

_pack_u32 = struct.Struct(">I").pack
_unpack_u32 = struct.Struct(">I").unpack_from


def encode_directly(message: Message) -> bytes | None:
    """The message's sections as bytes; None for a message of another shape, or one that cannot be encoded."""
    body = message.body
    if message.section == "data":
        if type(body) is not bytes:
            return None
    elif message.section != "none":
        return None
    correlation = message.correlation_id
    if correlation is not None and type(correlation) is not str:
        return None
    try:
        properties = _properties(message, correlation)
        given = _application_properties(message.properties) if message.properties else b""
    except UnicodeEncodeError:
        return None
    header = _header(message.ttl)
    if header is None or properties is None or given is None:
        return None
    if message.section == "none":
        return header + properties + given
    assert isinstance(body, bytes)
    return b"".join((header, properties, given, _DATA, _sized(_BINARY, body)))


def decode_directly(data: bytes) -> Message | None:
    """Read one delivery's bytes; None when they are of another shape, or no message at all."""
    try:
        return _decode(bytes(data))  # proton's own encoder gives a bytearray, of which a part is one too
    except (IndexError, struct.error, UnicodeDecodeError):
        return None


def _header(ttl: float | None) -> bytes | None:
    if ttl is None:
        return _EMPTY_HEADER
    milliseconds = int(ttl * 1000)
    if not 255 < milliseconds <= _MAX_TTL:  # a smaller one has another form, and nobody sends it
        return None
    return _HEADER_WITH_TTL + _pack_u32(milliseconds)


def _properties(message: Message, correlation: str | None) -> bytes | None:
    to, subject, reply_to, content_type = message.to, message.subject, message.reply_to, message.content_type
    # Proton keeps these as C strings, which end at a zero.
    if "\0" in subject or (to and "\0" in to) or (reply_to and "\0" in reply_to):
        return None
    user, identity = message.user_id, message.message_id
    fields = [
        _NULL if identity is None else _sized(_STRING, identity.encode()),
        _NULL if user is None else _sized(_BINARY, user),
        _NULL if to is None else _sized(_STRING, to.encode()),
        _sized(_STRING, subject.encode()),
    ]
    if content_type is not None:
        if "\0" in content_type or not content_type.isascii():
            return None
        count = 7
    else:
        count = 4 if correlation is None and reply_to is None else 5 if correlation is None else 6
    if count > 4:
        fields.append(_NULL if reply_to is None else _sized(_STRING, reply_to.encode()))
    if count > 5:
        fields.append(_NULL if correlation is None else _sized(_STRING, correlation.encode()))
    if content_type is not None:
        fields.append(_sized(_SYMBOL, content_type.encode()))
    content = b"".join(fields)
    size = len(content) + 1
    if size < 256:
        return _PROPERTIES + bytes((0xC0, size, count)) + content
    return b"".join((_PROPERTIES, b"\xd0", _pack_u32(size + 3), _pack_u32(count), content))


def _application_properties(given: Mapping[str, BodyValue]) -> bytes | None:
    parts: list[bytes] = []
    for key, value in given.items():
        if type(key) is not str:
            return None
        parts.append(_sized(_STRING, key.encode()))
        if type(value) is str:
            parts.append(_sized(_STRING, value.encode()))
        elif value is True:
            parts.append(b"\x41")
        elif value is False:
            parts.append(b"\x42")
        elif value is None:
            parts.append(_NULL)
        else:
            return None
    content = b"".join(parts)
    # Proton makes every map a long one.
    return b"".join((_APPLICATION_PROPERTIES, b"\xd1", _pack_u32(len(content) + 4), _pack_u32(len(parts)), content))


def _sized(constructor: int, data: bytes) -> bytes:
    size = len(data)
    if size < 256:
        return bytes((constructor, size)) + data
    return bytes((constructor + _LONG,)) + _pack_u32(size) + data


def _decode(data: bytes) -> Message | None:
    size = len(data)
    at = 0
    ttl = 0
    if data.startswith(_EMPTY_HEADER):
        at = 4
    elif data.startswith(_HEADER_WITH_TTL) and size >= 13:
        ttl = _unpack_u32(data, 9)[0]
        at = 13
    fields: list[bytes | None] = []
    if data.startswith(_PROPERTIES, at):
        count, at, end = _open(data, at + 3, 0xC0)
        if not 0 < count <= len(_FIELDS) or end > size:
            return None
        for constructor in _FIELDS[:count]:
            code = data[at]
            if code == constructor:
                start = at + 2
                at = start + data[at + 1]
                fields.append(data[start:at])
            elif code == 0x40:
                at += 1
                fields.append(None)
            elif code == constructor + _LONG:
                start = at + 5
                at = start + _unpack_u32(data, at + 1)[0]
                fields.append(data[start:at])
            else:
                return None
        if at != end:
            return None
    fields += [None] * (len(_FIELDS) - len(fields))
    properties: Mapping[str, BodyValue] = NO_PROPERTIES
    if data.startswith(_APPLICATION_PROPERTIES, at):
        count, at, end = _open(data, at + 3, 0xC1)
        found = None if count % 2 or end > size else _read_map(data, at, end, count)
        if found is None:
            return None
        properties, at = found, end
    body: bytes | None = None
    if at < size:
        if not data.startswith(_DATA, at):
            return None
        code = data[at + 3]
        if code == _BINARY:
            start = at + 5
            end = start + data[at + 4]
        elif code == _BINARY + _LONG:
            start = at + 8
            end = start + _unpack_u32(data, at + 4)[0]
        else:
            return None
        if end != size:
            return None
        body = data[start:]
    identity, user, to, subject, reply_to, correlation, content_type = fields
    for text in (to, subject, reply_to, content_type):
        if text is not None and b"\0" in text:
            return None  # proton ends these there
    return Message(
        body,
        "none" if body is None else "data",
        "" if subject is None else subject.decode(),
        None if to is None else to.decode(),
        None if reply_to is None else reply_to.decode(),
        None if correlation is None else correlation.decode(),
        content_type.decode("ascii") if content_type and content_type != b"None" else None,
        user or None,
        ttl / 1000 if ttl else None,
        properties,
        None if identity is None else identity.decode(),
    )


def _open(data: bytes, at: int, constructor: int) -> tuple[int, int, int]:
    """Of the list or map at ``at``: how many values it has (-1: it is none), where the first one begins, where it ends."""
    code = data[at]
    if code == constructor:
        return data[at + 2], at + 3, at + 2 + data[at + 1]
    if code == constructor + _LONG:
        size, count = _unpack_u32(data, at + 1)[0], _unpack_u32(data, at + 5)[0]
        return count, at + 9, at + 5 + size
    return -1, at, at


def _read_map(data: bytes, at: int, end: int, count: int) -> dict[str, BodyValue] | None:
    found: dict[str, BodyValue] = {}
    for _ in range(count // 2):
        code = data[at]
        start = at + 2
        if code != _STRING:
            return None
        at = start + data[at + 1]
        key = data[start:at].decode()
        code = data[at]
        if code == _STRING or code == _BINARY:
            start = at + 2
            at = start + data[at + 1]
        elif code == _STRING + _LONG or code == _BINARY + _LONG:
            start = at + 5
            at = start + _unpack_u32(data, at + 1)[0]
        elif code in _CONSTANTS:
            at += 1
            found[key] = _CONSTANTS[code]
            continue
        else:
            return None
        found[key] = data[start:at].decode()  # binary that is no text is left to proton
    return found if at == end else None
