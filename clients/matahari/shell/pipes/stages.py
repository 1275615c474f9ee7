"""What stands behind a pipe and neither formats nor stores: ``grep``, ``count`` and ``head``; and what all stages are.

A stage takes rows as they come and hands them on at once: it keeps no more than it must.

Imported when something is piped.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Final

from matahari.shell.base.outcome import ExitStatus
from matahari.shell.display.output import Outlet, Output, Row, is_block
from matahari.shell.display.render import INDENT

__all__ = ["MAX_SUBJECT", "Count", "Grep", "Head", "Stage"]

MAX_SUBJECT: Final = 64 * 1024 * 1024
"""Longest line in characters that grep looks at: no answer is longer."""


class Stage(ABC):
    """One stage of a pipe, between the rows that come and the ``outlet`` that they are handed to."""

    def __init__(self, outlet: Outlet, output: Output) -> None:
        self.outlet = outlet
        self.output = output

    @abstractmethod
    def take(self, row: Row) -> None:
        """The next row."""

    def end(self) -> ExitStatus:
        """No row follows: hand on what is held back. The status counts where all went well so far."""
        return ExitStatus.OK

    def drop(self) -> None:
        """The command was not run, or failed before it gave a row: hand nothing on, free what is held."""
        return


class Grep(Stage):
    """Lets rows with matching lines through; of a row with several lines those that match, each behind its host.

    Args:
        matches: whether a line matches.
        is_inverted: lines that do not match are wanted.
    """

    def __init__(
        self, outlet: Outlet, output: Output, *, matches: Callable[[str], bool], is_inverted: bool = False
    ) -> None:
        super().__init__(outlet, output)
        self._matches = matches
        self._is_inverted = is_inverted
        self._passed = False

    def take(self, row: Row) -> None:
        """Hand on what matches of it; headings always."""
        if row.is_heading:
            self.outlet(row)
            return
        lines = _with_label(row.lines)
        kept = tuple(line for line in lines if self._matches(line) is not self._is_inverted)
        if kept:
            self._passed = True
            self.outlet(row if len(kept) == len(lines) else row._replace(lines=kept))

    def end(self) -> ExitStatus:
        """As grep(1): 1 when nothing matched."""
        return ExitStatus.OK if self._passed else ExitStatus.NOTHING_MATCHED


class Count(Stage):
    """Counts rows; hands on the number at the end."""

    _count = 0

    def take(self, row: Row) -> None:
        """One more."""
        self._count += not row.is_heading

    def end(self) -> ExitStatus:
        """Hand on the number."""
        self.outlet(self.output.shaped([str(self._count)], {"count": self._count}))
        return ExitStatus.OK


class Head(Stage):
    """Lets the first rows through. The command goes on to its end: a call is not cancelled because few are looked at."""

    def __init__(self, outlet: Outlet, output: Output, *, limit: int) -> None:
        super().__init__(outlet, output)
        self._left = limit

    def take(self, row: Row) -> None:
        """Hand it on while there is room; headings take none."""
        if self._left > 0:
            self._left -= not row.is_heading
            self.outlet(row)


def _with_label(lines: Sequence[str]) -> list[str]:
    """Lines that stand indented below their host, each behind the host instead."""
    if not is_block(lines):
        return list(lines)
    return [f"{lines[0]} {line.removeprefix(INDENT)}".rstrip() for line in lines[1:]]
