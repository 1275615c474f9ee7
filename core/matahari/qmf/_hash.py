"""The hash over a schema that libqmf2 computes: a 128-bit shift register, not a digest.

It depends on the signed ``char`` of x86, which every captured hash comes from.

Source: qmf2.md 4.2
"""

from __future__ import annotations

import uuid
from struct import Struct

_MASK = 0xFFFFFFFFFFFFFFFF
_START = 0x5A5A5A5A5A5A5A5A
_WORDS = Struct("<QQ").pack


def shift_hash(data: bytes) -> uuid.UUID:
    """Hash ``data`` as libqmf2's ``Hash::update`` does on x86-64."""
    first = second = _START
    for byte in data:
        recycle = second >> 56
        second = ((second << 8) & _MASK) | (first >> 56)
        first = ((first << 8) + (byte if byte < 128 else byte - 256) + recycle) & _MASK
    return uuid.UUID(bytes=_WORDS(first, second))
