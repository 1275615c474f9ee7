"""``show history`` and ``clear history``: the lines that were typed at a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Protocol

from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.base.selection import Directory
from matahari.shell.display.output import Output
from matahari.shell.display.render import printable
from matahari.shell.syntax.commands import Command
from matahari.shell.syntax.grammar import Group, Keyword, Value

if TYPE_CHECKING:
    from matahari.shell.verbs.line_history import LineHistory  # reads and writes files, which a script never needs

__all__ = ["HistoryCommands"]

SHOWN_LINES: Final = 50  # without a number: more than a screen, less than all
MAX_DIGITS: Final = 9  # of a number of lines; more is a text


class Shell(Protocol):
    """What the commands work on: the session."""

    output: Output
    history: LineHistory | None


class HistoryCommands:
    """The commands, working on one shell."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def commands(self, directory: Directory) -> Iterator[Command]:
        """Both commands; a script has them too, and is told that there is no history."""
        wanted = Group((Value("N|TEXT"),))
        yield Command((Keyword("show"), Keyword("history"), wanted), self._show)
        yield Command((Keyword("clear"), Keyword("history", whole=True)), self._clear)

    def _show(self, values: tuple[object, ...]) -> ExitStatus:
        """Show the last N lines that were typed, or those with TEXT in them; without either the last 50."""
        group = values[2]
        assert isinstance(group, tuple)  # what a Group matches
        wanted = "" if group[0] is None else str(group[0])
        numbered = list(enumerate(self._history().entries, 1))
        if not wanted:
            numbered = numbered[-SHOWN_LINES:]
        elif wanted.isascii() and wanted.isdigit() and len(wanted) <= MAX_DIGITS:
            numbered = numbered[max(0, len(numbered) - int(wanted)) :]
        else:
            lowered = wanted.lower()
            numbered = [(number, entry) for number, entry in numbered if lowered in entry.shown.lower()]
        for number, entry in numbered:
            lines = printable(entry.shown).split("\n")
            rows = [f"{number:>5}  {lines[0]}", *(f"{'':7}{line}" for line in lines[1:])]
            self._shell.output.row(rows, {"number": number, "line": entry.shown, "context": entry.context})
        return ExitStatus.OK if numbered or not wanted else ExitStatus.NOTHING_MATCHED

    def _clear(self, values: tuple[object, ...]) -> ExitStatus:
        """Forget all lines that were typed, in this shell and in the file."""
        try:
            self._history().clear()
        except OSError as error:
            text = f"The file of the history cannot be emptied: {error.strerror or error}"
            raise CommandError(text, status=ExitStatus.SOME_FAILED) from error
        return ExitStatus.OK

    def _history(self) -> LineHistory:
        if self._shell.history is None:
            text = "There is no history: only lines that are typed at a terminal are remembered"
            raise CommandError(text, status=ExitStatus.NOTHING_MATCHED)
        return self._shell.history
