"""Where the shell writes: text or JSON records, colour, and which stream takes what."""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping, Sequence
from typing import TextIO

from matahari.errors import MatahariError
from matahari.shell.lines import Line
from matahari.shell.render import error_lines, json_line
from matahari.shell.statusline import StatusLine

__all__ = ["Output", "wants_colour"]

_RED = "\x1b[31m"
_PLAIN = "\x1b[0m"


def wants_colour(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Colour only on a terminal that can, and never with ``NO_COLOR``."""
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") not in (None, "", "dumb")


class Output:
    """Writes answers to ``out`` and remarks to ``err``, each line at once so that a pipe sees it when it comes.

    With ``as_json``, ``out`` carries JSON records only: errors go to ``err`` as text.
    """

    def __init__(
        self, out: TextIO, err: TextIO, *, as_json: bool = False, colour: bool = False, debug: bool = False
    ) -> None:
        self.out = out
        self.err = err
        self.as_json = as_json
        self.colour = colour
        self.debug = debug
        self.status = StatusLine(err)

    def text(self, text: str) -> None:
        """A line for people, in either form."""
        self.status.clear()
        print(text, file=self.out, flush=True)

    def row(self, lines: Sequence[str], record: Mapping[str, object], *, failed: bool = False) -> None:
        """One answer: its lines as text, or its record."""
        if self.as_json:
            self.text(json_line(record))
        else:
            joined = "\n".join(lines)
            self.text(f"{_RED}{joined}{_PLAIN}" if failed and self.colour else joined)

    def remark(self, text: str) -> None:
        """A line beside the answers, e.g. the closing count."""
        self.status.clear()
        self.out.flush()
        print(text, file=self.err, flush=True)

    def error(self, error: MatahariError, line: Line | None = None) -> None:
        """The ``% `` lines of an error and an empty line; with ``debug`` its traceback on ``err``."""
        self.complain(error_lines(error, line))
        if self.debug:
            self.remark("".join(traceback.format_exception(error)).rstrip("\n"))

    def complain(self, lines: Sequence[str]) -> None:
        """Lines about a command that was not run, and an empty line."""
        self.status.clear()
        joined = "\n".join(lines)
        stream = self.err if self.as_json else self.out
        print(f"{_RED}{joined}{_PLAIN}\n" if self.colour else f"{joined}\n", file=stream, flush=True)
