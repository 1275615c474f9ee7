"""Whether code and facts can come from a file: only when nobody else can write it.

The file itself is looked at through its descriptor, so it cannot be exchanged between the look and the reading.
The folders above are looked at by name; whoever could exchange those is the very user they must belong to, or root.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from matahari.errors import ConfigError

__all__ = ["read_owned", "require_owned", "require_owned_directory"]

_OTHERS_WRITE = 0o022


def require_owned(found: os.stat_result, path: Path, uid: int) -> None:
    """Refuse what somebody other than ``uid`` and root can write.

    Raises:
        ConfigError: it belongs to somebody else, or its group or everybody may write it; says what to do.
    """
    if found.st_uid not in (0, uid):
        raise ConfigError(f"belongs to user {found.st_uid}, not to root or user {uid} who runs this", file=str(path))
    if found.st_mode & _OTHERS_WRITE and not found.st_mode & stat.S_ISVTX:
        mode = stat.S_IMODE(found.st_mode)
        raise ConfigError(f"has mode {mode:04o}, so other users can change it (chmod go-w)", file=str(path))


def require_owned_directory(path: Path, uid: int) -> None:
    """Refuse a directory in which, or above which, somebody other than ``uid`` and root can exchange files.

    Folders with the sticky bit (``/tmp``) are fine above it: nobody can rename what another user has there.

    Raises:
        ConfigError: see above, or it is missing, a link or no directory.
    """
    try:
        found = os.lstat(path)
        if not stat.S_ISDIR(found.st_mode):
            kind = "a symbolic link" if stat.S_ISLNK(found.st_mode) else "no directory"
            raise ConfigError(f"is {kind}; give the real directory", file=str(path))
        if found.st_mode & _OTHERS_WRITE:
            mode = stat.S_IMODE(found.st_mode)
            raise ConfigError(f"has mode {mode:04o}, so other users can add files (chmod go-w)", file=str(path))
        for folder in (path.resolve(), *path.resolve().parents):
            require_owned(os.stat(folder), folder, uid)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(path)) from error


def read_owned(path: Path, uid: int, *, limit_bytes: int) -> bytes:
    """The contents of a regular file that only ``uid`` and root can write.

    Raises:
        ConfigError: others can write it, it is a link or no regular file, longer than ``limit_bytes``, or cannot be read.
    """
    # O_NONBLOCK: opening a pipe would wait for somebody who writes to it.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        why = "is a symbolic link" if error.errno == errno.ELOOP else f"cannot be read: {error.strerror}"
        raise ConfigError(why, file=str(path)) from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ConfigError("is not a regular file", file=str(path))
        require_owned(found, path, uid)
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(limit_bytes + 1)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(path)) from error
    finally:
        os.close(descriptor)
    if len(data) > limit_bytes:
        raise ConfigError(f"is longer than {limit_bytes} bytes", file=str(path))
    return data
