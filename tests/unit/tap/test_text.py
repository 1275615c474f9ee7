"""Text for terminals."""

from __future__ import annotations

from uuid import UUID

import pytest

from matahari.qmf import Value
from matahari.tap.text import compact, cut, harmless, width


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢", "plain é 漢"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\nb\tc\rd\x00", "a\\nb\\tc\\x0dd\\x00"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),
        ("\u2028\udcff\U000e0001", "\\u2028\\udcff\\U000e0001"),
    ],
)
def test_what_could_move_a_cursor_is_escaped(text: str, shown: str) -> None:
    assert harmless(text) == shown


def test_wide_characters_take_two_columns_and_combining_ones_none() -> None:
    assert (width("abc"), width("漢字"), width("e\u0301")) == (3, 4, 1)


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("漢字漢", 5, "漢字…"),
        ("漢字", 4, "漢字"),
        ("e\u0301" * 3, 3, "e\u0301" * 3),
        ("abc", 1, "…"),
        ("abc", 0, "…"),
    ],
)
def test_text_is_cut_to_columns(text: str, columns: int, shown: str) -> None:
    assert cut(text, columns) == shown
    assert width(shown) <= max(columns, 1)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"a": 1, "b": [True, None, 1.5]}, "{a=1, b=[true, null, 1.5]}"),
        ("text", '"text"'),
        ('{"a": 1}', "'{\"a\": 1}'"),
        ('it\'s "x"', '"it\'s \\"x\\""'),
        (b"text", '"text"'),
        (b"\xff\x00", 'b"ff00"'),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (float("nan"), "nan"),
        ("\x1b", '"\\x1b"'),
        ({"\x1b": 1}, "{\\x1b=1}"),
    ],
)
def test_values_are_shown_in_short(value: Value, shown: str) -> None:
    assert compact(value, 1000) == shown


def test_no_more_is_rendered_than_is_shown() -> None:
    assert len(compact({"a": ["x" * 1000] * 1000}, 50)) < 60
    assert len(compact(["x"] * 100_000, 50)) < 60
