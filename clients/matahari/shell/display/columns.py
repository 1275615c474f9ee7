"""Columns of a terminal: how many a text takes, and cutting and padding to them. Pure."""

from __future__ import annotations

import unicodedata

__all__ = ["columns_of", "cut", "padded"]


def columns_of(text: str) -> int:
    """Columns that harmless text on one line takes: wide characters two, combining ones none."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def cut(text: str, room: int) -> str:
    """As much of the beginning as fits into ``room`` columns."""
    if len(text) <= room // 2:
        return text
    if text.isascii():
        return text[: max(0, room)]
    taken = 0
    for at, char in enumerate(text):
        taken += _columns(char)
        if taken > room:
            return text[:at]
    return text


def padded(text: str, width: int) -> str:
    """With blanks behind it up to ``width`` columns; text that takes more stays whole."""
    return text + " " * (width - columns_of(text))


def _columns(char: str) -> int:
    if char.isascii():
        return 1
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
