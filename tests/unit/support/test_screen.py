"""The screen that tests look at shows what an xterm would."""

from __future__ import annotations

import pytest

from tests.support.screen import Screen, ScreenError


@pytest.mark.parametrize(
    ("sent", "lines", "cursor"),
    [
        ("one\r\ntwo", ["one", "two", ""], (1, 3)),
        ("abcdefghij", ["abcdefgh", "ij", ""], (1, 2)),
        ("abcdefgh", ["abcdefgh", "", ""], (0, 8)),
        ("abcdefgh\r\nx", ["abcdefgh", "x", ""], (1, 1)),
        ("\x1b[?7labcdefghij\x1b[?7h", ["abcdefgj", "", ""], (0, 8)),
        ("progress 1\rdone\x1b[K", ["progress", "done", ""], (1, 4)),
        ("1\r\n2\r\n3\r\n4", ["2", "3", "4"], (2, 1)),
        ("1\r\n2\x1b[H\x1b[2J3", ["3", "", ""], (0, 1)),
        ("12345\x1b[3D\x1b[Jx", ["12x", "", ""], (0, 3)),
        ("a\r\nb\r\nc\x1b[2A\x1b[J", ["a", "", ""], (0, 1)),
        ("漢字ab", ["漢字ab", "", ""], (0, 6)),
        ("abcdefg漢", ["abcdefg", "漢", ""], (1, 2)),
        ("e\u0301a", ["e\u0301a", "", ""], (0, 2)),
        ("a\tb\b\bc", ["a    c b", "", ""], (0, 6)),
        ("\x1b[0;31mred\x1b[0m\x1b]0;title\x07\x07", ["red", "", ""], (0, 3)),
    ],
)
def test_what_was_sent_is_shown_however_it_was_cut(sent: str, lines: list[str], cursor: tuple[int, int]) -> None:
    whole, pieces = Screen(3, 8), Screen(3, 8)
    whole.feed(sent)
    for char in sent:
        pieces.feed(char)
    for screen in (whole, pieces):
        assert screen.lines == lines
        assert (screen.row, screen.column) == cursor


@pytest.mark.parametrize("sent", ["\x0b", "\x9b1m", "\x1bc", "\x1b[5q", "\x1b[?1049h", "\x7f", "\x1b[2K"])
def test_what_no_program_of_ours_sends_is_an_error(sent: str) -> None:
    with pytest.raises(ScreenError, match="the terminal got"):
        Screen(3, 8).feed(sent + "x")


def test_what_scrolls_out_at_the_top_is_kept() -> None:
    screen = Screen(2, 8)
    screen.feed("1\r\n2\r\n3\r\n4")
    assert screen.scrolled == ["1", "2"]
    assert screen.everything == ["1", "2", "3", "4"]
    screen.clear()
    assert (screen.everything, screen.lines) == (["", "4"], ["", "4"])


def test_a_smaller_window_keeps_the_row_of_the_cursor() -> None:
    screen = Screen(3, 8)
    screen.feed("abcdefgh\r\n2\r\n345")
    screen.resize(2, 4)
    assert (screen.scrolled, screen.lines) == (["abcdefgh"], ["2", "345"])
    screen.resize(3, 8)
    assert (screen.lines, screen.row, screen.column) == (["2", "345", ""], 1, 3)
