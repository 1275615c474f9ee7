"""Folders that nobody else may look into, and the lock that keeps two nodes apart."""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Self

from matahari.errors import ConfigError

__all__ = ["StateLock", "private_directory"]

_OTHERS = 0o077
_OTHERS_WRITE = 0o022
_LOCK_LIMIT_BYTES = 32  # a process number and a line end; whatever is longer was not written by us


def private_directory(path: Path, *, is_open: bool = False) -> Path:
    """Make sure that ``path`` is a directory that only this user can enter, and return it.

    A missing one is made with mode 0700, and so are missing parents: one of them may be asked for next.
    Authority over the local bus is the right to enter this directory, so an existing one is not trusted
    blindly and not changed in silence.

    Args:
        is_open: others may enter it and still change nothing in it: a missing one and missing parents are made
            with mode 0711.

    Raises:
        ConfigError: it is a link or no directory, belongs to somebody else, lets others in, or
            cannot be made; the message says what to do.
    """
    try:
        for missing in reversed([one for one in (path, *path.parents) if not os.path.lexists(one)]):
            _make(missing, is_open=is_open)
        # Looking through a descriptor: between two looks by name somebody could exchange the directory.
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigError(_why_not(path, error), file=str(path)) from error
    try:
        found = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if found.st_uid != os.geteuid():
        raise ConfigError(
            f"belongs to user {found.st_uid}, not to user {os.geteuid()} who runs this;"
            " remove it, or choose another directory",
            file=str(path),
        )
    mode = stat.S_IMODE(found.st_mode)
    if is_open and mode & _OTHERS_WRITE:
        raise ConfigError(
            f"has mode {mode:04o}, so other users can change what is in it; take that away (chmod go-w)", file=str(path)
        )
    if not is_open and mode & _OTHERS:
        raise ConfigError(
            f"has mode {mode:04o}, so other users can reach what is in it; name a directory of its own,"
            " or make this one private (mode 0700) if nothing else uses it",
            file=str(path),
        )
    return path


def _make(path: Path, *, is_open: bool) -> None:
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        return  # somebody was faster; who owns it is looked at later
    if is_open:
        path.chmod(0o711)  # whatever the umask says


def _why_not(path: Path, error: OSError) -> str:
    if path.is_symlink():
        return "is a symbolic link, which could lead anywhere; remove it, or give the real directory"
    if path.exists() and not path.is_dir():
        return "is not a directory; remove it, or choose another one"
    return f"cannot be used: {error.strerror}; choose a directory that you may create"


class StateLock:
    """Exclusive use of a state directory for as long as the process lives.

    The kernel drops the lock when the process ends in whatever way, so nothing stale can remain.
    The file stays behind on purpose: removing it would let two nodes lock two files of one name.

    Args:
        directory: the state directory; made private by :func:`private_directory` first.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock and write our process number into it.

        Raises:
            ConfigError: another node has it (the message gives its process number), or the
                directory cannot be used.
        """
        if self._descriptor is not None:
            return
        file = private_directory(self._directory) / "lock"
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigError(f"cannot be opened: {error.strerror}; remove it", file=str(file)) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        except BlockingIOError:
            holder = os.pread(descriptor, _LOCK_LIMIT_BYTES, 0).strip()
            os.close(descriptor)
            pid = holder.decode("ascii", "replace") if holder.isdigit() else "unknown"
            raise ConfigError(
                f"another node (pid {pid}) uses {self._directory}; stop it, or give this one its own --state"
            ) from None
        except OSError as error:
            os.close(descriptor)
            raise ConfigError(f"cannot be locked: {error.strerror}", file=str(file)) from error
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
