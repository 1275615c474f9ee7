"""Whether the sizes within a message's maps and lists agree with what stands there.

Proton reads a value whose size lies by what follows it and says nothing: qpidd turns an 8-bit number of AMQP 0-10 into
the code of a 64-bit one with a single byte behind it (``qmf2.md`` 1.7), and all that comes after is garbage.
"""

from __future__ import annotations

import struct

from matahari.errors import RemoteProtocolError

__all__ = ["check_values"]

MAX_DEPTH = 128  # above what the reader of values takes; here it only guards the stack

_BODY_VALUE, _BODY_SEQUENCE, _APPLICATION_PROPERTIES = 0x77, 0x76, 0x74
_CHECKED = (_APPLICATION_PROPERTIES, _BODY_SEQUENCE, _BODY_VALUE)
_FIXED = {0x4: 1, 0x5: 2, 0x6: 3, 0x7: 5, 0x8: 9, 0x9: 17}  # constructor and value, by the constructor's upper half
_unpack_u32 = struct.Struct(">I").unpack_from


def check_values(data: bytes) -> None:
    """Walk every value of the application properties and of an AMQP-typed body.

    Raises:
        RemoteProtocolError: one ends elsewhere than its size says, or has no known constructor.
    """
    position, size = 0, len(data)
    try:
        while position < size:
            code, position = _descriptor(data, position)
            end = _skip(data, position)
            if code in _CHECKED and _walk(data, position, end, 0) != end:
                raise RemoteProtocolError(f"byte {position}: a size and what it encloses disagree")
            position = end
    except (IndexError, struct.error) as error:
        raise RemoteProtocolError("message ends within a value") from error
    if position > size:
        raise RemoteProtocolError("message ends within a value")


def _descriptor(data: bytes, position: int) -> tuple[int, int]:
    """A section's number and where its value begins."""
    kind = data[position + 1]
    if data[position] == 0 and kind == 0x53:
        return data[position + 2], position + 3
    if data[position] == 0 and kind == 0x80:
        return int.from_bytes(data[position + 2 : position + 10], "big"), position + 10
    raise RemoteProtocolError(f"byte {position}: a section must begin with its number")


def _skip(data: bytes, position: int) -> int:
    code = data[position]
    group = code >> 4
    fixed = _FIXED.get(group)
    if fixed is not None:
        return position + fixed
    if group in (0xA, 0xC, 0xE):
        return position + 2 + data[position + 1]
    if group in (0xB, 0xD, 0xF):
        return position + 5 + int(_unpack_u32(data, position + 1)[0])
    if code == 0:
        return _skip(data, _skip(data, position + 1))
    raise RemoteProtocolError(f"byte {position}: unknown constructor 0x{code:02x}")


def _walk(data: bytes, position: int, limit: int, depth: int) -> int:
    """Where the value at ``position`` ends; nothing in it may reach beyond ``limit``."""
    code = data[position]
    group = code >> 4
    if group == 0xC or group == 0xD:
        if depth > MAX_DEPTH:
            raise RemoteProtocolError("values nested too deeply")
        end = _skip(data, position)
        if end > limit:
            raise RemoteProtocolError(f"byte {position}: a value ends beyond what holds it")
        if group == 0xC:
            count = data[position + 2]
            position += 3
        else:
            count = int(_unpack_u32(data, position + 5)[0])
            position += 9
        for _ in range(count):
            position = _walk(data, position, end, depth + 1)
        if position != end:
            raise RemoteProtocolError(f"byte {position}: a size and what it encloses disagree")
        return end
    # Arrays are left to proton: no broker is known to make one wrongly, and QMF has none.
    end = _skip(data, position)
    if end > limit:
        raise RemoteProtocolError(f"byte {position}: a value ends beyond what holds it")
    return end
