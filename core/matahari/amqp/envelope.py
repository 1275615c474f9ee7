"""What a broker reads of a message: header and properties, never the body.

Works on the delivery's own bytes (AMQP 1.0 part 3, section 3.2) and changes only what a broker must
change: the remaining time to live in the header and an empty user-id in the properties.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from matahari.errors import RemoteProtocolError

__all__ = ["Envelope", "read_envelope", "with_ttl", "with_user_id"]

_HEADER, _MESSAGE_ANNOTATIONS, _PROPERTIES = 0x70, 0x72, 0x73
_FIRST_BODY_SECTION, _DATA, _SEQUENCE, _FOOTER = 0x75, 0x75, 0x76, 0x78
_MAX_FIELDS = 16  # properties has 13 fields, header 5

_FIXED = {0x4: 0, 0x5: 1, 0x6: 2, 0x7: 4, 0x8: 8, 0x9: 16}
_unpack_u32 = struct.Struct(">I").unpack_from


class Envelope(NamedTuple):
    """Positions and values found in one message.

    Attributes:
        to, subject: text of these properties, None when absent.
        user_id: bytes of the property, None when absent or empty.
        ttl: milliseconds of the header's time to live, None when absent.
        header, properties: (start, end) of these sections, (0, 0) when absent.
        insert: where a properties section would go.
    """

    to: str | None
    subject: str | None
    user_id: bytes | None
    ttl: int | None
    header: tuple[int, int]
    properties: tuple[int, int]
    insert: int


def read_envelope(data: bytes) -> Envelope:
    """Find the fields that routing needs.

    Sections must stand in their order and, but for parts of a body, alone: of two properties sections a broker might
    check the user-id of one and a receiver believe the other. A message without a body is one (``qmf2.md`` 1.6).

    Raises:
        RemoteProtocolError: the bytes are not sections of an AMQP 1.0 message.
    """
    to = subject = None
    user_id: bytes | None = None
    ttl: int | None = None
    header = properties = (0, 0)
    insert = 0
    try:
        position, size, last = 0, len(data), 0
        while position < size:
            start = position
            code, position = _descriptor(data, position)
            if code <= last:
                raise RemoteProtocolError(f"byte {start}: section 0x{code:x} after 0x{last:x}")
            last = code
            if code == _PROPERTIES:
                fields, end = _list(data, position)
                properties = (start, end)
                user = _bytes(data, fields, 1)
                user_id = user or None
                to = _text(data, fields, 2)
                subject = _text(data, fields, 3)
                position = end
            elif code == _HEADER:
                fields, position = _list(data, position)
                header = (start, position)
                insert = position
                ttl = _unsigned(data, fields, 2)
            else:
                if not _HEADER < code <= _FOOTER:
                    raise RemoteProtocolError(f"unknown section 0x{code:x}")
                position = _skip(data, position)
                if code <= _MESSAGE_ANNOTATIONS:
                    insert = position
                elif code >= _FIRST_BODY_SECTION:
                    _check_rest(data, position, size, code)
                    break
        if position > size:
            raise RemoteProtocolError("message ends within a value")
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise RemoteProtocolError("message ends within a value or is no AMQP message") from error
    return Envelope(to, subject, user_id, ttl, header, properties, insert)


def with_ttl(data: bytes, envelope: Envelope, ttl: int) -> bytes:
    """The message with its time to live set to ``ttl`` milliseconds; the envelope's must not be None."""
    start, end = envelope.header
    fields, _ = _list(data, _descriptor(data, start)[1])
    parts = [data[a:b] for a, b in fields]
    parts[2] = b"\x70" + struct.pack(">I", max(0, min(ttl, 0xFFFFFFFF)))
    return data[:start] + _section(_HEADER, parts) + data[end:]


def with_user_id(data: bytes, envelope: Envelope, user: bytes) -> bytes:
    """The message with its user-id set to ``user`` (at most 255 bytes)."""
    start, end = envelope.properties
    value = b"\xa0" + bytes([len(user)]) + user
    if end == 0:
        at = envelope.insert
        return data[:at] + _section(_PROPERTIES, [b"\x40", value]) + data[at:]
    fields, _ = _list(data, _descriptor(data, start)[1])
    parts = [data[a:b] for a, b in fields]
    while len(parts) < 2:
        parts.append(b"\x40")
    parts[1] = value
    return data[:start] + _section(_PROPERTIES, parts) + data[end:]


def _section(code: int, fields: list[bytes]) -> bytes:
    content = b"".join(fields)
    if len(content) + 1 <= 255:
        return bytes((0, 0x53, code, 0xC0, len(content) + 1, len(fields))) + content
    return bytes((0, 0x53, code, 0xD0)) + struct.pack(">II", len(content) + 4, len(fields)) + content


def _descriptor(data: bytes, position: int) -> tuple[int, int]:
    """Code of the section at ``position`` and where its value begins."""
    if data[position] != 0:
        raise RemoteProtocolError(f"byte {position}: a section must begin with a descriptor")
    kind = data[position + 1]
    if kind == 0x53:  # smallulong
        return data[position + 2], position + 3
    if kind == 0x80:  # ulong
        return int.from_bytes(data[position + 2 : position + 10], "big"), position + 10
    raise RemoteProtocolError(f"byte {position}: a section's descriptor must be a number")


def _skip(data: bytes, position: int) -> int:
    """Position after the value at ``position``; only its constructor and size are read."""
    code = data[position]
    if code == 0:
        position = _skip_simple(data, position + 1)
        code = data[position]
        if code == 0:
            raise RemoteProtocolError(f"byte {position}: a described value within a descriptor")
    return _skip_simple(data, position)


def _skip_simple(data: bytes, position: int) -> int:
    group = data[position] >> 4
    fixed = _FIXED.get(group)
    if fixed is not None:
        return position + 1 + fixed
    if group in (0xA, 0xC, 0xE):
        return position + 2 + int(data[position + 1])
    if group in (0xB, 0xD, 0xF):
        return position + 5 + int(_unpack_u32(data, position + 1)[0])
    raise RemoteProtocolError(f"byte {position}: unknown constructor 0x{data[position]:02x}")


def _list(data: bytes, position: int) -> tuple[list[tuple[int, int]], int]:
    """(start, end) of each element of the list at ``position``, and where the list ends."""
    code = data[position]
    if code == 0x45:
        return [], position + 1
    if code == 0xC0:
        end = position + 2 + data[position + 1]
        count = data[position + 2]
        position += 3
    elif code == 0xD0:
        size, count = struct.unpack_from(">II", data, position + 1)
        end = position + 5 + size
        position += 9
    else:
        raise RemoteProtocolError(f"byte {position}: expected a list")
    if count > _MAX_FIELDS or end > len(data):
        raise RemoteProtocolError(f"byte {position}: a list of {count} fields that ends at {end}")
    fields = []
    for _ in range(count):
        after = _skip(data, position)
        fields.append((position, after))
        position = after
    if position != end:
        raise RemoteProtocolError(f"byte {position}: a list's size and its fields disagree")
    return fields, end


def _bytes(data: bytes, fields: list[tuple[int, int]], index: int) -> bytes | None:
    if index >= len(fields):
        return None
    start, end = fields[index]
    code = data[start]
    if code in (0xA0, 0xA1, 0xA3):
        return data[start + 2 : end]
    if code in (0xB0, 0xB1, 0xB3):
        return data[start + 5 : end]
    if code == 0x40:
        return None
    raise RemoteProtocolError(f"byte {start}: expected text or binary")


def _text(data: bytes, fields: list[tuple[int, int]], index: int) -> str | None:
    value = _bytes(data, fields, index)
    return None if value is None else value.decode()


def _unsigned(data: bytes, fields: list[tuple[int, int]], index: int) -> int | None:
    if index >= len(fields):
        return None
    start, end = fields[index]
    code = data[start]
    if code == 0x40:
        return None
    if code == 0x43:
        return 0
    if code in (0x52, 0x70):
        return int.from_bytes(data[start + 1 : end], "big")
    raise RemoteProtocolError(f"byte {start}: expected an unsigned number")


def _check_rest(data: bytes, position: int, size: int, last: int) -> None:
    """Walk what follows the first body section, so that a truncated message is not passed on."""
    while position < size:
        code, position = _descriptor(data, position)
        is_further_part = code == last and code in (_DATA, _SEQUENCE)
        if not is_further_part and not last < code == _FOOTER:
            raise RemoteProtocolError(f"section 0x{code:x} after the body")
        last = code
        position = _skip(data, position)
    if position > size:
        raise RemoteProtocolError("message ends within a value")
