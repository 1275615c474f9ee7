"""Where the shell writes: text or JSON records, colour, which stream takes what, and whether a pipe is between."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple, TextIO

from matahari.errors import MatahariError
from matahari.shell.display.render import INDENT, error_lines, json_line, printable
from matahari.shell.display.statusline import StatusLine
from matahari.shell.syntax.lines import Line

__all__ = ["Outlet", "Output", "Row", "is_block", "wants_colour"]

_RED = "\x1b[31m"
_PLAIN = "\x1b[0m"


def wants_colour(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Colour only on a terminal that can, and never with ``NO_COLOR``."""
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") not in (None, "", "dumb")


class Row(NamedTuple):
    """One answer on its way through a pipe.

    Attributes:
        lines: how it is shown; harmless for a terminal. A line with breaks in it is shown or left out as one.
        record: its keys as with ``--json``.
        failed: it tells a failure.
        is_heading: it names the columns of those that follow, and is no answer itself.
    """

    lines: tuple[str, ...]
    record: Mapping[str, object]
    failed: bool = False
    is_heading: bool = False


Outlet = Callable[[Row], None]
"""Takes rows, one after the other."""


class Output:
    """Writes answers to ``out`` and remarks to ``err``, each line at once so that a pipe sees it when it comes.

    With ``as_json``, ``out`` carries JSON records only: errors go to ``err`` as text.

    Attributes:
        rows: how many answers were written to ``out`` so far.
        place: file and line of the script that is run, in front of what is complained about; empty for none.
    """

    takes_commands = True
    """Whether what can be typed at the shell is of use for whoever reads this; not where one command is all."""

    def __init__(
        self, out: TextIO, err: TextIO, *, as_json: bool = False, colour: bool = False, debug: bool = False
    ) -> None:
        self.out = out
        self.err = err
        self.colour = colour
        self.debug = debug
        self.status = StatusLine(err)
        self.rows = 0
        self.place = ""
        self._as_json = as_json
        self._pipe: Outlet | None = None
        self._wants_records = False

    @property
    def as_json(self) -> bool:
        """Whether the record of an answer counts and not its lines: with ``--json``, and in front of a format."""
        return self._as_json or self._wants_records

    @property
    def width(self) -> int | None:
        """Columns of the terminal that answers go to, None where there is none."""
        if self.is_piped or not self.out.isatty():
            return None
        import shutil  # with all its formats of archives, which most commands would load for nothing

        return shutil.get_terminal_size().columns

    @property
    def is_piped(self) -> bool:
        """Whether answers go through stages of a pipe, which want one row for each host."""
        return self._pipe is not None

    @property
    def outlet(self) -> Outlet:
        """Where rows go now: to ``out``, or into the pipe."""
        return self._print if self._pipe is None else self._pipe

    @contextmanager
    def into(self, pipe: Outlet, *, wants_records: bool) -> Iterator[None]:
        """Have answers go into ``pipe`` instead, and errors to ``err``; it may write to the :attr:`outlet` of before.

        Args:
            wants_records: what comes before the answers is wanted as records too, as with ``--json``.
        """
        before = self._pipe, self._wants_records
        self._pipe, self._wants_records = pipe, wants_records
        try:
            yield
        finally:
            self._pipe, self._wants_records = before

    def text(self, text: str) -> None:
        """Lines for people, in either form, made harmless for a terminal."""
        text = printable(text)
        if self._pipe is None:
            self._write(text)
            return
        for lines in _parts(text.split("\n")):
            self._pipe(Row(tuple(lines), {"text": "\n".join(lines)}))

    def row(self, lines: Sequence[str], record: Mapping[str, object], *, failed: bool = False) -> None:
        """One answer: its lines as text, or its record."""
        self.outlet(self.shaped(lines, record, failed=failed))

    def shaped(self, lines: Sequence[str], record: Mapping[str, object], *, failed: bool = False) -> Row:
        """An answer as it is shown: with ``--json``, and where it has no lines, as its record."""
        if self._as_json or not lines:
            return Row((json_line(record),), record)
        return Row(tuple(lines), record or {"text": "\n".join(lines)}, failed)

    def remark(self, text: str) -> None:
        """A line beside the answers, e.g. the closing count, made harmless for a terminal."""
        self.status.clear()
        self.out.flush()
        print(printable(text), file=self.err, flush=True)

    def error(self, error: MatahariError, line: Line | None = None) -> None:
        """The ``% `` lines of an error and an empty line; with ``debug`` its traceback on ``err``."""
        self.complain(error_lines(error, line))
        if self.debug:
            import traceback  # only wanted to be shown

            self.remark("".join(traceback.format_exception(error)).rstrip("\n"))

    def complain(self, lines: Sequence[str]) -> None:
        """Lines about a command that was not run, and an empty line."""
        self.status.clear()
        joined = printable("\n".join(self._placed(lines)))
        stream = self.err if self.as_json or self.is_piped else self.out
        is_red = self.colour and (stream is self.out or stream.isatty())
        print(f"{_RED}{joined}{_PLAIN}\n" if is_red else f"{joined}\n", file=stream, flush=True)

    def _placed(self, lines: Sequence[str]) -> Sequence[str]:
        """The same with the place in the script in front; a mark below the first line stays below what it marks."""
        if not self.place or not lines:
            return lines
        place = f"{self.place}: "
        first, *rest = lines
        if rest and rest[0].strip("% ") == "^":
            rest[0] = f"%{' ' * len(place)}{rest[0][1:]}"
        return [f"{place}{first}", *rest]

    def _print(self, row: Row) -> None:
        self.rows += not row.is_heading
        self._write("\n".join(row.lines), is_red=row.failed)

    def _write(self, text: str, *, is_red: bool = False) -> None:
        self.status.clear()
        print(f"{_RED}{text}{_PLAIN}" if is_red and self.colour else text, file=self.out, flush=True)


def is_block(lines: Sequence[str]) -> bool:
    """Whether these are a host and what is indented below it, and so belong together."""
    head, *rest = lines
    return bool(rest) and head.endswith(":") and all(not line or line.startswith(INDENT) for line in rest)


def _parts(lines: Sequence[str]) -> Sequence[Sequence[str]]:
    return [lines] if is_block(lines) else [[line] for line in lines]
