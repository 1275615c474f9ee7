"""Rows of lists."""

from __future__ import annotations

from matahari.shell.display.rows import MAX_WIDTH, aligned, counted


def test_columns_begin_below_each_other() -> None:
    assert aligned([("a", "long", "x"), ("web1", "b", "")]) == ["a     long  x", "web1  b"]
    assert aligned([]) == []


def test_wide_characters_count_twice_and_control_characters_are_escaped() -> None:
    assert aligned([("\u7530", "x"), ("abc", "y\x1b"), ("d\ne", "z")]) == ["\u7530   x", "abc  y\\x1b", "d e  z"]


def test_a_very_wide_cell_pushes_only_its_own_row() -> None:
    wide = "w" * (MAX_WIDTH + 1)
    assert aligned([(wide, "x"), ("ab", "y")]) == [f"{wide}  x", "ab  y"]


def test_counts_have_their_plural() -> None:
    assert [counted(number, "host") for number in (0, 1, 2)] == ["0 hosts", "1 host", "2 hosts"]
