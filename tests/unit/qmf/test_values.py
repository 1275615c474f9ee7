"""Lenient reading of names and numbers, and the size estimate."""

from __future__ import annotations

import uuid

import pytest

from matahari.qmf.values import MAX_DEPTH, UInt, ULong, Value, decode_text, estimate_size, integer, text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("naïve", "naïve"),
        ("naïve".encode(), "naïve"),
        (bytearray(b"a"), "a"),
        (memoryview(b"a"), "a"),
        (b"\xff", None),
        (5, None),
        (None, None),
        (["a"], None),
    ],
)
def test_text_is_text_or_binary_that_is_utf_8(value: object, expected: str | None) -> None:
    assert text(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(5, 5), (ULong(6), 6), (UInt(7), 7), (True, -1), ("5", -1), (None, -1), (1.5, -1)]
)
def test_integers_of_any_width_count_and_nothing_else(value: object, expected: int) -> None:
    assert integer(value, -1) == expected
    assert type(integer(value, -1)) is int


def test_decoding_text_reaches_into_maps_and_lists_and_keeps_real_binary() -> None:
    value: Value = {"a": [b"x", b"\xff", {"b": b"y"}], "n": 1}
    assert decode_text(value) == {"a": ["x", b"\xff", {"b": "y"}], "n": 1}


def test_decoding_text_stops_at_the_deepest_level() -> None:
    value: Value = b"x"
    for _ in range(5000):
        value = [value]
    decoded = decode_text(value)
    for _ in range(MAX_DEPTH):
        assert isinstance(decoded, list)
        decoded = decoded[0]
    assert isinstance(decoded, list)


def test_the_size_estimate_counts_no_further_than_its_limit() -> None:
    body: list[Value] = ["x" * 1000] * 100
    assert estimate_size(body, 10**6) == 9 + 100 * 1003
    assert estimate_size(body, 5000) < 7000


def test_the_size_estimate_knows_every_type() -> None:
    assert estimate_size({"ab": None, "c": 1.5, "d": uuid.UUID(int=0)}, 1000) == 9 + 4 + 3 + 3 * 9
