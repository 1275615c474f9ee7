"""The shift register of libqmf2 against results of the original (qmf2.md 4.2)."""

from __future__ import annotations

import uuid

import pytest

from matahari.qmf._hash import shift_hash


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "5a5a5a5a-5a5a-5a5a-5a5a-5a5a5a5a5a5a"),
        (b"a", "bb5a5a5a-5a5a-5a5a-5a5a-5a5a5a5a5a5a"),
        (b"abcdefghijklmnopqrstuvwxyz", "3e3d3b39-3735-3331-2f2d-cbc9c8c7c6c5"),
        (b"\xc3\xa9", "031d5a5a-5a5a-5a5a-5a5a-5a5a5a5a5a5a"),
    ],
)
def test_the_hash_equals_that_of_the_original(data: bytes, expected: str) -> None:
    assert shift_hash(data) == uuid.UUID(expected)
