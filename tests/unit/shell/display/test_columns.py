from __future__ import annotations

import pytest

from matahari.shell.display.columns import columns_of, cut, padded


@pytest.mark.parametrize(("text", "columns"), [("", 0), ("abc", 3), ("日本", 4), ("e\u0301", 1), ("é", 1)])
def test_wide_characters_take_two_columns_and_combining_ones_none(text: str, columns: int) -> None:
    assert columns_of(text) == columns


@pytest.mark.parametrize(
    ("text", "room", "shown"),
    [
        ("abcdef", 3, "abc"),
        ("abc", 3, "abc"),
        ("abc", 0, ""),
        ("abc", -1, ""),
        ("日本語", 5, "日本"),
        ("日本語", 6, "日本語"),
        ("日本語", 1, ""),
        ("e\u0301x", 1, "e\u0301"),
    ],
)
def test_a_text_is_cut_to_what_fits(text: str, room: int, shown: str) -> None:
    assert cut(text, room) == shown


def test_a_text_is_padded_to_columns_and_never_cut() -> None:
    assert padded("日:", 5) == "日:  "
    assert padded("abc", 2) == "abc"
