"""What a person sees: the screen of a terminal that gets a program's output, and what has scrolled out of it.

It knows what our programs and their line editor send to an xterm, and nothing else: any other control character or
sequence is an error, so that no test passes on a screen that a real terminal would have garbled.

Source: ECMA-48 8.3; XTerm Control Sequences, "Functions using CSI"
"""

from __future__ import annotations

import re
from typing import Final

from prompt_toolkit.utils import get_cwidth

__all__ = ["Screen", "ScreenError"]

_TOKEN: Final = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
    r"|\x1b\[(?P<mark>[?>]?)(?P<numbers>[0-9;]*)(?P<final>[@-~])"
    r"|\x1b\](?P<title>[^\x07\x1b]*)\x07"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f-\x9f])"
)
_BEGUN: Final = re.compile(r"\x1b(\[[?>]?[0-9;]*|\][^\x07\x1b]*)?")
_TAB: Final = 8
_AUTOWRAP: Final = 7
_IGNORED_MODES: Final = {1, 12, 25}  # keys of the cursor, its blinking, whether it is shown


class ScreenError(AssertionError):
    """The program sent what no terminal should get from it."""


class Screen:
    """An xterm of so many rows and columns. As there, a line that was wrapped stays two rows when it gets wider.

    Attributes:
        scrolled: rows that have left it at the top, the first one first.
        row, column: of the cursor, from 0; the column behind the last one waits for the next row.
        takes_pastes: the program has asked for pasted text to be marked as such.
    """

    def __init__(self, rows: int, columns: int) -> None:
        self.rows = rows
        self.columns = columns
        self.scrolled: list[str] = []
        self.row = 0
        self.column = 0
        self.takes_pastes = False
        self._cells = [self._blank() for _ in range(rows)]
        self._wraps = True
        self._pending = ""

    @property
    def lines(self) -> list[str]:
        """The rows that are on it, without blanks at their ends."""
        return [_text(cells) for cells in self._cells]

    @property
    def text(self) -> str:
        """All of it, with a line break behind each row."""
        return "".join(f"{line}\n" for line in self.lines)

    @property
    def everything(self) -> list[str]:
        """What has scrolled away, and the rows down to that of the cursor."""
        return [*self.scrolled, *self.lines[: self.row + 1]]

    @property
    def before_cursor(self) -> str:
        """What is in the cursor's row, left of it; with its blanks."""
        return "".join(self._cells[self.row][: self.column])

    def feed(self, text: str) -> None:
        """Take what the program sent; a sequence that is not whole yet waits for its rest.

        Raises:
            ScreenError: there is something in it that is neither text nor known.
        """
        text = self._pending + text
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                if _BEGUN.fullmatch(text, at):
                    break
                raise ScreenError(f"the terminal got {text[at : at + 20]!r}")
            at = found.end()
            self._take(found)
        self._pending = text[at:]

    def clear(self) -> None:
        """Forget what is above the cursor's row, so that it is not taken for what comes; the program knows nothing of it."""
        for row in range(self.row):
            self._cells[row] = self._blank()
        self.scrolled.clear()

    def resize(self, rows: int, columns: int) -> None:
        """What is right of a narrower screen is lost; above a lower one it scrolls away, as far as the cursor needs."""
        while self.row >= rows:
            self._scroll()
            self.row -= 1
        self.rows, self.columns = rows, columns
        kept = [[*cells[:columns], *" " * (columns - len(cells))] for cells in self._cells[:rows]]
        self._cells = [*kept, *(self._blank() for _ in range(rows - len(kept)))]
        self.column = min(self.column, columns)

    def _take(self, found: re.Match[str]) -> None:
        if found["text"] is not None:
            for char in found["text"]:
                self._put(char)
        elif found["control"] is not None:
            self._control(found["control"])
        elif found["final"] is not None:
            numbers = [int(number or 0) for number in found["numbers"].split(";")]
            if not (self._set_mode if found["mark"] else self._sequence)(found["final"], numbers):
                raise ScreenError(f"the terminal got {found[0]!r}")

    def _put(self, char: str) -> None:
        width = get_cwidth(char)
        if width == 0:
            at = max(0, self.column - 1)
            self._cells[self.row][at] += char
            return
        if self.column + width > self.columns:
            if self._wraps:
                self.column = 0
                self._line_feed()
            else:
                self.column = self.columns - width
        self._cells[self.row][self.column : self.column + width] = [char, *[""] * (width - 1)]
        self.column += width

    def _control(self, char: str) -> None:
        match char:
            case "\r":
                self.column = 0
            case "\n":
                self._line_feed()
            case "\b":
                self.column = max(0, min(self.column, self.columns - 1) - 1)
            case "\t":
                self.column = min(self.columns - 1, (self.column // _TAB + 1) * _TAB)
            case "\x07":
                pass
            case _:
                raise ScreenError(f"the terminal got the control character {char!r}")

    def _sequence(self, final: str, numbers: list[int]) -> bool:
        first = numbers[0]
        steps = max(1, first)
        column = min(self.column, self.columns - 1)
        match final:
            case "A":
                self.row, self.column = max(0, self.row - steps), column
            case "B":
                self.row, self.column = min(self.rows - 1, self.row + steps), column
            case "C":
                self.column = min(self.columns - 1, column + steps)
            case "D":
                self.column = max(0, column - steps)
            case "H":
                self.row = min(self.rows, steps) - 1
                self.column = min(self.columns, max(1, numbers[1] if len(numbers) > 1 else 1)) - 1
            case "J" if first in (0, 2):
                if first == 0:
                    self._clear_to_end()
                below = self.row + 1 if first == 0 else 0
                for row in range(below, self.rows):
                    self._cells[row] = self._blank()
            case "K" if first == 0:
                self._clear_to_end()
            case "m":
                pass  # colours
            case _:
                return False
        return True

    def _set_mode(self, final: str, numbers: list[int]) -> bool:
        if final not in "hl":
            return False
        for number in numbers:
            if number == _AUTOWRAP:
                self._wraps = final == "h"
            elif number == 2004:
                self.takes_pastes = final == "h"
            elif number not in _IGNORED_MODES:
                return False
        return True

    def _clear_to_end(self) -> None:
        self._cells[self.row][self.column :] = " " * (self.columns - self.column)

    def _line_feed(self) -> None:
        if self.row + 1 < self.rows:
            self.row += 1
        else:
            self._scroll()

    def _scroll(self) -> None:
        self.scrolled.append(_text(self._cells.pop(0)))
        self._cells.append(self._blank())

    def _blank(self) -> list[str]:
        return [" "] * self.columns


def _text(cells: list[str]) -> str:
    return "".join(cells).rstrip(" ")
