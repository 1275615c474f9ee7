"""The stage ``file``: rows go to a file instead of the screen.

A file is written beside its place and put there when all is in it, so that whoever reads it finds the old one or the
new one, whole. With ``-a`` rows are added to what is there.

Imported when something is written to a file.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from typing import IO

from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.display.output import Outlet, Output, Row
from matahari.shell.display.render import printable
from matahari.shell.pipes.stages import Stage

__all__ = ["File"]

_PERMISSIONS = 0o777  # of an old file, which the new one gets; no set-user-ID for another owner
MODE = 0o600  # of a new file: what hosts answer may be nobody else's business; the umask may take more


class File(Stage):
    """Writes rows to a file; nothing is handed on.

    What cannot be written any more (a full disk) is told at the end: the command goes on, and its other effects count.

    Args:
        path: where to; ``~`` is no abbreviation here.
        is_appended: add to the file.
        position: column of the path in the line.

    Raises:
        CommandError: nothing can be written there.
    """

    def __init__(self, outlet: Outlet, output: Output, *, path: str, is_appended: bool, position: int) -> None:
        super().__init__(outlet, output)
        self._path = path
        self._is_appended = is_appended
        self._count = 0
        self._fault: OSError | None = None
        self._temporary = ""
        try:
            with contextlib.suppress(FileNotFoundError):
                os.stat(path)  # a link that somebody else put into a shared directory: the system refuses to follow it
            # A link stays one: what it leads to is written.
            self._target = os.path.realpath(path)
            self._file = self._appended() if is_appended else self._replacing()
        except (OSError, ValueError) as error:
            raise CommandError(self._refusal(error), position=position, status=ExitStatus.COULD_NOT_ASK) from error

    def take(self, row: Row) -> None:
        """Write it, unless an earlier one could not be written."""
        if self._fault is not None or (row.is_heading and self._has_content):
            return
        try:
            self._file.write("\n".join(row.lines) + "\n")
        except OSError as error:
            self._fault = error
            return
        self._count += not row.is_heading

    def end(self) -> ExitStatus:
        """Put the file in its place."""
        try:
            if self._fault is not None:
                raise self._fault
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            if self._temporary:
                os.replace(self._temporary, self._target)
        except OSError as error:
            self.drop()
            self.output.complain([f"% {self._refusal(error)}"])
            return ExitStatus.COULD_NOT_ASK
        except BaseException:
            self.drop()
            raise
        rows = f"{self._count} row{'' if self._count == 1 else 's'}"
        self.output.remark(f"% {rows} written to {printable(self._path)}")
        return ExitStatus.OK

    def drop(self) -> None:
        """Leave the file as it was."""
        with contextlib.suppress(OSError):  # a full disk was told, or does not matter any more
            self._file.close()
        if self._temporary:
            _remove(self._temporary)
        elif self._is_new and not self._count:
            _remove(self._target)

    def _replacing(self) -> IO[str]:
        try:
            found = os.stat(self._target)
        except FileNotFoundError:
            mode = None
        else:
            _expect_regular(found.st_mode)
            mode = found.st_mode & _PERMISSIONS
        self._has_content = self._is_new = False
        # It is made for its owner only.
        descriptor, self._temporary = tempfile.mkstemp(prefix=".mhsh-", dir=os.path.dirname(self._target))
        try:
            if mode is not None:
                os.fchmod(descriptor, mode)
            return _opened(descriptor)
        except OSError:
            _remove(self._temporary)
            raise

    def _appended(self) -> IO[str]:
        # A pipe without a reader is refused, not waited for.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            descriptor = os.open(self._target, flags)
            self._is_new = False
        except FileNotFoundError:
            descriptor = os.open(self._target, flags | os.O_CREAT | os.O_EXCL, MODE)
            self._is_new = True
        found = os.fstat(descriptor)
        try:
            _expect_regular(found.st_mode)
        except OSError:
            os.close(descriptor)
            raise
        self._has_content = found.st_size > 0
        return _opened(descriptor)

    def _refusal(self, error: OSError | ValueError) -> str:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return f"Cannot write {printable(self._path)}: {reason}"


def _opened(descriptor: int) -> IO[str]:
    # Names of files may hold bytes that are no text.
    # Line by line: who follows the file sees rows as they come.
    return open(descriptor, "w", 1, encoding="utf-8", errors="backslashreplace", newline="\n")


def _expect_regular(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise OSError(0, "Is a directory")
    if not stat.S_ISREG(mode):
        raise OSError(0, "Not a regular file")


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):  # it has gone, or its directory has
        os.unlink(path)
