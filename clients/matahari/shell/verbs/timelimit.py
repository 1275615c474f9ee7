"""``timeout``: how long the shell waits for answers, and how long calls may take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from matahari.shell.base.limits import DEFAULT_TIMEOUT, MAX_TIMEOUT, MIN_TIMEOUT
from matahari.shell.base.outcome import ExitStatus
from matahari.shell.display.output import Output
from matahari.shell.syntax.commands import Command
from matahari.shell.syntax.grammar import Keyword, Value
from matahari.shell.syntax.values import Real

__all__ = ["TimeLimit"]


class Shell(Protocol):
    """What the commands work on: the session."""

    output: Output
    limit: float | None


class TimeLimit:
    """The commands, working on one shell."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def commands(self) -> Iterator[Command]:
        """The same in every mode."""
        word = Keyword("timeout")
        yield Command((word,), self._show)
        yield Command((word, Value("SECONDS", Real(MIN_TIMEOUT, MAX_TIMEOUT))), self._set)
        yield Command((word, Keyword("default")), self._reset)

    def _show(self, values: tuple[object, ...]) -> ExitStatus:
        """Show how long the shell waits for answers."""
        limit = self._shell.limit
        text = (
            f"{DEFAULT_TIMEOUT:g} s; calls of methods that declare more: as long" if limit is None else f"{limit:g} s"
        )
        self._shell.output.row([text], {"text": text})
        return ExitStatus.OK

    def _set(self, values: tuple[object, ...]) -> ExitStatus:
        """Wait this long for answers from now on, whatever methods declare. A call that takes longer is ended."""
        seconds = values[1]
        assert isinstance(seconds, float)  # what Real converts to
        self._shell.limit = seconds
        return ExitStatus.OK

    def _reset(self, values: tuple[object, ...]) -> ExitStatus:
        """Wait as long as usual again, and for a method that declares more as long as that."""
        self._shell.limit = None
        return ExitStatus.OK
