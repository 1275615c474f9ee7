"""Cutting long lists into messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from matahari.qmf.values import Value, estimate_size

#: Most items in one message of a query answer, as the broker's own agent does it.
OBJECTS_PER_PART: Final = 100
#: Where a part is closed early, in bytes as estimated: half of the largest message, for text beyond ASCII.
PART_BYTES: Final = 512 * 1024


def split_parts(items: list[Value]) -> Iterator[list[Value]]:
    """Cut a list into messages of at most ``OBJECTS_PER_PART`` items and about ``PART_BYTES``; none is one empty."""
    part: list[Value] = []
    size = 0
    for item in items:
        weight = estimate_size(item, PART_BYTES)
        if part and (len(part) == OBJECTS_PER_PART or size + weight > PART_BYTES):
            yield part
            part, size = [], 0
        part.append(item)
        size += weight
    yield part
