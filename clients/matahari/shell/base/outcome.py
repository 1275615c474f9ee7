"""How a command ended: exit statuses, and the error of a command that could not be run."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from matahari.errors import (
    CancelledRequestError,
    ConfigError,
    FilterSyntaxError,
    InvalidArgumentError,
    MatahariError,
    MissingArgumentError,
    NoAgentsError,
    RefusedError,
    RequestError,
    SchemaError,
    TransportError,
    UnknownActionError,
)

__all__ = ["CommandError", "CutShortError", "ExitStatus", "first_failure", "is_usage", "status_of"]

_COMMAND_LINE: Final = "command line"  # what `ConfigError.file` says then


class ExitStatus(IntEnum):
    """Exit statuses of ``mhsh``; of several failed commands the first one's counts."""

    OK = 0
    NOTHING_MATCHED = 1
    SOME_FAILED = 2
    NONE_ANSWERED = 3
    COULD_NOT_ASK = 4
    USAGE = 64
    INTERRUPTED = 130
    CUT_SHORT = 141
    """What shells have for a program that SIGPIPE ended."""


class CommandError(MatahariError):
    """A command cannot be run as it was typed.

    Attributes:
        position: column of the fault in the line, None when the whole line is meant.
        status: exit status that the fault calls for.
        lines: the message as 2012's shell prints it, one text a line, without the leading ``% ``.
    """

    code = "shell.command"

    def __init__(self, *lines: str, position: int | None = None, status: ExitStatus = ExitStatus.USAGE) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
        self.position = position
        self.status = status


class CutShortError(BrokenPipeError):
    """Whoever reads the answers has gone while some were outstanding: nobody waits for them any more."""


def first_failure(statuses: list[ExitStatus]) -> ExitStatus:
    """The first status that is not OK, else OK."""
    return next((status for status in statuses if status is not ExitStatus.OK), ExitStatus.OK)


def is_usage(error: MatahariError) -> bool:
    """Whether ``error`` is a value on the command line that is not possible, rather than one in a file or variable."""
    return isinstance(error, ConfigError) and error.file == _COMMAND_LINE


def status_of(error: MatahariError) -> ExitStatus:
    """The exit status for an error that ended a command before any host answered."""
    match error:
        case CommandError():
            return error.status
        case FilterSyntaxError() | SchemaError() | RefusedError() | InvalidArgumentError() | MissingArgumentError():
            return ExitStatus.USAGE
        case NoAgentsError() | UnknownActionError():
            return ExitStatus.NOTHING_MATCHED
        case CancelledRequestError():
            return ExitStatus.INTERRUPTED
        case ConfigError():
            return ExitStatus.USAGE if is_usage(error) else ExitStatus.COULD_NOT_ASK
        case TransportError():
            return ExitStatus.COULD_NOT_ASK
        case RequestError():
            return ExitStatus.NONE_ANSWERED
        case _:
            return ExitStatus.SOME_FAILED
