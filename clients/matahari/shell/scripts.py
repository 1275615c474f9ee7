"""Run commands that nobody types: ``-c``, script files and standard input.

One command a line (or several, separated by ``;``), no prompt, no echo. All scripts of one start share one session.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator
from typing import Final, TextIO

from matahari.shell.base.outcome import CommandError, ExitStatus, first_failure
from matahari.shell.session import Session

__all__ = ["STDIN", "open_script", "run_lines", "run_script"]

STDIN = "-"
MAX_LINE: Final = 1 << 20  # characters; what is no script, such as a device, may have no end of line at all


def open_script(path: str) -> TextIO:
    """Open a script for reading; ``-`` is standard input, which the caller must not close.

    Raises:
        CommandError: it cannot be opened.
    """
    if path == STDIN:
        return sys.stdin
    try:
        return open(path, encoding="utf-8")
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error


def run_script(session: Session, path: str, lines: Iterable[str], *, stop_on_error: bool) -> ExitStatus:
    """Run a script to its end, to ``quit`` or to the first error if that is asked for.

    Raises:
        CommandError: it cannot be read to its end.
    """
    try:
        return run_lines(session, _placed(session, path, _readable(path, lines)), stop_on_error=stop_on_error)
    finally:
        session.output.place = ""


def _placed(session: Session, path: str, lines: Iterable[str]) -> Iterator[str]:
    """The same lines; while one is run, what is complained about names its place."""
    for number, line in enumerate(lines, 1):
        session.output.place = f"{_name(path)}:{number}"
        yield line


def _readable(path: str, lines: Iterable[str]) -> Iterator[str]:
    # Only reading is guarded: what a command raises meanwhile (a closed pipe) is not the script's fault.
    source = iter(lambda: lines.readline(MAX_LINE), "") if isinstance(lines, io.TextIOBase) else iter(lines)
    while True:
        try:
            line = next(source, None)
        except UnicodeDecodeError as error:
            raise _unreadable(path, "not UTF-8 text") from error
        except OSError as error:
            raise _unreadable(path, error.strerror or str(error)) from error
        if line is None:
            return
        if "\0" in line:
            raise _unreadable(path, "not text")
        if len(line) >= MAX_LINE:
            raise _unreadable(path, f"a line has {MAX_LINE} characters or more")
        yield line


def run_lines(session: Session, lines: Iterable[str], *, stop_on_error: bool) -> ExitStatus:
    """Run lines as they come, with or without line breaks; the status of the first failed one, else OK."""
    statuses: list[ExitStatus] = []
    for line in lines:
        statuses.append(session.execute(line.rstrip("\r\n"), stop_on_error=stop_on_error))
        if session.is_lost:
            session.output.remark(
                "mhsh: the script ends here, because what follows was meant for what was not selected"
            )
        if session.finished or session.is_lost or (stop_on_error and statuses[-1] is not ExitStatus.OK):
            break
    return first_failure(statuses)


def _unreadable(path: str, reason: str) -> CommandError:
    return CommandError(f"cannot read {_name(path)}: {reason}", status=ExitStatus.COULD_NOT_ASK)


def _name(path: str) -> str:
    return "standard input" if path == STDIN else path
