"""The file under the audit log: appended to, begun anew by size, and followed when somebody moves it away."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from matahari.errors import ConfigError

__all__ = ["AuditFile"]

_OTHERS = 0o077


class AuditFile:
    """Appends lines. Blocks; used by one thread at a time.

    Attributes:
        path: the file in use; ``path.1`` is the newest old one.
        rotations: times a new file was begun for size.
    """

    def __init__(self, path: Path, *, limit_bytes: int, keep: int) -> None:
        self.path = path
        self.rotations = 0
        self._limit_bytes = limit_bytes
        self._keep = keep
        self._descriptor: int | None = None
        self._own = (0, 0)
        self._size = 0
        self._is_torn = False

    def open(self) -> None:
        """Open or make the file.

        Raises:
            OSError: it cannot be opened; a symbolic link cannot.
            ConfigError: not a regular file, of another user, or open to others.
        """
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(self.path, flags, 0o600)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise ConfigError("the audit log is not a regular file", file=str(self.path))
            if found.st_uid != os.geteuid() or found.st_mode & _OTHERS:
                mode = stat.S_IMODE(found.st_mode)
                raise ConfigError(
                    f"the audit log belongs to user {found.st_uid} and has mode {mode:04o};"
                    " it must belong to the user who runs this, with mode 0600",
                    file=str(self.path),
                )
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        self._own = (found.st_dev, found.st_ino)
        self._size = found.st_size
        # An agent that was killed, or another program, may have left half a line.
        self._is_torn = self._size > 0 and os.pread(descriptor, 1, self._size - 1) != b"\n"

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def append(self, lines: bytes) -> None:
        """Write whole lines, into a new file if they would make this one too long.

        Raises:
            OSError: they are not written, or not as a whole.
        """
        self._follow()
        if self._size and self._size + len(lines) > self._limit_bytes:
            self._rotate()
        assert self._descriptor is not None
        # After a write that stopped in the middle, the next record begins a line of its own.
        data = b"\n" + lines if self._is_torn else lines
        written = os.write(self._descriptor, data)
        self._size += written
        if written < len(data):
            self._is_torn = data[written - 1 : written] != b"\n" if written else self._is_torn
            raise OSError(errno.ENOSPC, "No space left on device")
        self._is_torn = False

    def _follow(self) -> None:
        """Open the file again when there is none, or another one of its name: log rotation of the system, an administrator."""
        if self._descriptor is not None:
            try:
                there = os.stat(self.path, follow_symlinks=False)
            except FileNotFoundError:
                there = None
            if there is not None and (there.st_dev, there.st_ino) == self._own:
                self._size = there.st_size
                return
            self.close()
        try:
            self.open()
        except ConfigError as error:
            raise OSError(errno.EPERM, str(error)) from error

    def _rotate(self) -> None:
        for number in range(self._keep - 1, 0, -1):
            older = self._old(number)
            if older.exists():
                os.replace(older, self._old(number + 1))
        if self._keep:
            os.replace(self.path, self._old(1))
        else:
            os.unlink(self.path)
        self.rotations += 1
        self._follow()

    def _old(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")
