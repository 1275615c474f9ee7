"""Whether code and facts can come from a file: only when nobody else can write it.

The file itself is looked at through its descriptor, so it cannot be exchanged between the look and the reading.
The folders above are looked at by name; whoever could exchange those is the very user they must belong to, or root.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from pathlib import Path

from matahari.errors import ConfigError

__all__ = ["read_owned", "require_owned", "require_owned_directory", "require_unshared"]

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


def require_unshared(found: os.stat_result, path: Path, uid: int) -> None:
    """Refuse a file or folder that somebody other than ``uid`` and root can change, or add files to.

    Its group may write when nobody is in it but the owner: with a umask of 002, many systems give each user such a
    group. The sticky bit is no excuse, for it lets others add files.

    Raises:
        ConfigError: see above; says what to do.
    """
    if found.st_uid not in (0, uid):
        who = f"root or user {uid} who runs this" if uid else "root, who runs this"
        raise ConfigError(f"belongs to user {found.st_uid}, not to {who} (chown)", file=str(path))
    writers = found.st_mode & _OTHERS_WRITE
    if writers and not (writers == stat.S_IWGRP and _is_group_of_one(found)):
        who = "other users" if writers & stat.S_IWOTH else f"group {found.st_gid}"
        what = "add files" if stat.S_ISDIR(found.st_mode) else "change it"
        raise ConfigError(
            f"has mode {stat.S_IMODE(found.st_mode):04o}, so {who} can {what} (chmod go-w)", file=str(path)
        )


def _is_group_of_one(found: os.stat_result) -> bool:
    """Whether the group is the owner's own: of that name, the first one of that user, and without further members."""
    try:
        user, group = pwd.getpwuid(found.st_uid), grp.getgrgid(found.st_gid)
    except KeyError:
        return False
    is_own = (group.gr_name, group.gr_gid) == (user.pw_name, user.pw_gid)
    return is_own and set(group.gr_mem) <= {user.pw_name}


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
