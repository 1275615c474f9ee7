"""Rows of lists as lines whose columns begin below each other. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from matahari.shell.display.columns import columns_of, padded
from matahari.shell.display.render import printable

__all__ = ["aligned", "counted"]

MAX_WIDTH: Final = 60  # columns of a terminal; a wider cell pushes what follows in its own row only


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """One line for each row, made harmless for a terminal; the widths are those of these rows.

    Args:
        rows: cells, as many in each row.
    """
    shown = [[printable(cell).replace("\n", " ") for cell in row] for row in rows]
    widths = [
        max((width for width in map(columns_of, column) if width <= MAX_WIDTH), default=0)
        for column in zip(*shown, strict=True)
    ]
    return ["  ".join(map(padded, row, widths)).rstrip() for row in shown]


def counted(number: int, noun: str) -> str:
    """``1 agent``, ``2 agents``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
