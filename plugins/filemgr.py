"""Files within allowed folders: look, digest, read, touch, remove.

The folders (*roots*) are chosen on the host; without any, everything is refused. From a root downwards every
component of a path is opened by itself and no symbolic link is followed, so that nobody who may write there can
lead this plugin, which often runs as root, out of it. Who may write into a root can still put hard links
there where the kernel lets them (``fs.protected_hardlinks``).
"""

from __future__ import annotations

import base64
import codecs
import contextlib
import grp
import hashlib
import os
import pwd
import stat as modes
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypedDict, cast

from matahari.plugin import context, method, settings

__version__ = "1.0"

#: Most bytes of one ``read``: in base64, with all around it, they are below what a result may have.
_MAX_READ = 512 * 1024
#: Read at once for a digest, in bytes.
_CHUNK = 1024 * 1024
#: Longest path, in characters (PATH_MAX of Linux).
_MAX_PATH = 4096

_KINDS = {
    modes.S_IFREG: "file",
    modes.S_IFDIR: "directory",
    modes.S_IFLNK: "link",
    modes.S_IFIFO: "fifo",
    modes.S_IFSOCK: "socket",
    modes.S_IFBLK: "block device",
    modes.S_IFCHR: "character device",
}


class Stat(TypedDict):
    """What a directory entry is. ``mode`` is octal text such as ``0644``; ``target`` is of a symbolic link only."""

    path: str
    kind: str
    size: int
    mode: str
    uid: int
    gid: int
    user: str
    group: str
    links: int
    modified_ns: int
    changed_ns: int
    target: str


class Digest(TypedDict):
    """Answer of ``digest``: in hexadecimal, and of how many bytes."""

    path: str
    algorithm: str
    digest: str
    size: int


class Piece(TypedDict):
    """Answer of ``read``: ``next_offset`` is where to go on, ``is_end`` whether there is no more now."""

    path: str
    size: int
    offset: int
    next_offset: int
    is_end: bool
    encoding: str
    content: str


class Touched(TypedDict):
    """Answer of ``touch``."""

    path: str
    created: bool
    modified_ns: int


class Removed(TypedDict):
    """Answer of ``remove``: what was there."""

    path: str
    kind: str
    size: int


@dataclass(frozen=True)
class Settings:
    """What this host allows.

    Attributes:
        roots: folders within which anything is done, each an absolute path without ``..``; without any, all is refused.
    """

    roots: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not isinstance(self.roots, list):
            raise TypeError(f"the setting roots is {self.roots!r}, it must be a list of absolute paths")
        for root in cast("list[object]", self.roots):
            if not isinstance(root, str) or not root.startswith("/") or ".." in root.split("/"):
                raise ValueError(f"the setting roots has {root!r}, each must be an absolute path without ..")


@method(read_only=True)
def roots() -> list[str]:
    """Tell the folders within which this plugin may do anything."""
    return list(settings(Settings).roots)


@method(read_only=True)
def stat(path: str) -> Stat:
    """Tell what a file, folder or symbolic link is.

    Args:
        path: absolute, within a root; the last component may be a link, which is told about and not followed.

    Raises:
        OSError: it is not there, not within a root, or reached through a symbolic link.
    """
    with _entry(path) as (folder, name):
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        is_link = modes.S_ISLNK(found.st_mode)
        target = os.readlink(name, dir_fd=folder).encode(errors="replace").decode() if is_link else ""
    return {
        "path": path,
        "kind": _kind(found),
        "size": found.st_size,
        "mode": f"{modes.S_IMODE(found.st_mode):04o}",
        "uid": found.st_uid,
        "gid": found.st_gid,
        "user": _user(found.st_uid),
        "group": _group(found.st_gid),
        "links": found.st_nlink,
        "modified_ns": found.st_mtime_ns,
        "changed_ns": found.st_ctime_ns,
        "target": target,
    }


@method(read_only=True)
def digest(path: str, algorithm: Literal["sha256", "sha512", "sha1", "md5"] = "sha256") -> Digest:
    """Give the digest of a file's content, however large.

    Args:
        path: absolute, within a root.
        algorithm: the older ones are for comparing with lists that have nothing better.

    Raises:
        OSError: it is not there, not a file, not within a root, or reached through a symbolic link.
        TimeoutError: the call was cancelled meanwhile.
    """
    state = hashlib.new(algorithm, usedforsecurity=False)
    size = 0
    call = context()
    with _opened(path) as file:
        while chunk := os.read(file, _CHUNK):
            state.update(chunk)
            size += len(chunk)
            if call.is_cancelled:
                raise TimeoutError(f"{path}: cancelled after {size} bytes; ask with a longer time limit")
    return {"path": path, "algorithm": algorithm, "digest": state.hexdigest(), "size": size}


@method(read_only=True)
def read(path: str, offset: int = 0, length: int = 65536, encoding: Literal["text", "base64"] = "text") -> Piece:
    """Read a piece of a file.

    Args:
        path: absolute, within a root.
        offset: first byte.
        length: most bytes, 1 to 524288.
        encoding: ``text`` for UTF-8, of which the piece ends between characters; ``base64`` for anything.

    Raises:
        OSError: it is not there, not a file, not within a root, or reached through a symbolic link.
        ValueError: a number is out of range, or the content is not UTF-8.
    """
    if offset < 0:
        raise ValueError(f"offset is {offset}, it must be 0 or more")
    if not 1 <= length <= _MAX_READ:
        raise ValueError(f"length is {length}, it must be 1 to {_MAX_READ}; read the rest with another offset")
    with _opened(path) as file:
        size = os.fstat(file).st_size
        data = os.pread(file, length, offset)
    end = offset + len(data)
    if encoding == "base64":
        content = base64.b64encode(data).decode()
    else:
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            content = decoder.decode(data, final=end >= size)
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path} is not UTF-8 at byte {offset + error.start}; read it with encoding base64"
            ) from error
        end -= len(decoder.getstate()[0])
        if data and end == offset:
            raise ValueError(f"{path}: length {length} ends within the first character; ask for 4 bytes or more")
    return {
        "path": path,
        "size": size,
        "offset": offset,
        "next_offset": end,
        "is_end": end >= size,
        "encoding": encoding,
        "content": content,
    }


@method(destructive=False, idempotent=True)
def touch(path: str) -> Touched:
    """Make an empty file, or set the times of one that is there to now.

    Args:
        path: absolute, within a root; its folder must exist. A new file has mode 0644, less the umask.

    Raises:
        OSError: it is something else than a file, not within a root, or reached through a symbolic link.
    """
    with _entry(path) as (folder, name):
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            os.close(os.open(name, flags, 0o644, dir_fd=folder))
            created = True
        except FileExistsError:
            _require_file(os.stat(name, dir_fd=folder, follow_symlinks=False), path)
            os.utime(name, dir_fd=folder, follow_symlinks=False)
            created = False
        modified = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime_ns
    return {"path": path, "created": created, "modified_ns": modified}


@method(destructive=True)
def remove(path: str) -> Removed:
    """Remove one file or symbolic link; folders are refused, empty or not.

    Args:
        path: absolute, within a root. Of a link, the link is removed and not what it leads to.

    Raises:
        OSError: it is not there, a folder or a device, not within a root, or reached through a symbolic link.
    """
    with _entry(path) as (folder, name):
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not modes.S_ISLNK(found.st_mode):
            _require_file(found, path)
        os.unlink(name, dir_fd=folder)
    return {"path": path, "kind": _kind(found), "size": found.st_size}


@contextlib.contextmanager
def _entry(path: str) -> Iterator[tuple[int, str]]:
    """Open the folder of a path component by component: its descriptor, and the last component's name.

    Errors of the system within the block name the whole path.
    """
    root, parts = _within(path)
    try:
        folder = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in parts[:-1]:
                following = os.open(part, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
                os.close(folder)
                folder = following
            yield folder, parts[-1]
        finally:
            os.close(folder)
    except NotADirectoryError:
        raise PermissionError(
            f"{path}: something on the way is no folder, or is a symbolic link, which is not followed within a root"
        ) from None
    except OSError as error:
        if error.errno is None or error.filename == path:
            raise
        raise type(error)(error.errno, error.strerror, path) from error


@contextlib.contextmanager
def _opened(path: str) -> Iterator[int]:
    """Open a regular file for reading; nothing else, for opening a device or pipe has effects of its own."""
    with _entry(path) as (folder, name):
        _require_file(os.stat(name, dir_fd=folder, follow_symlinks=False), path)
        # Not blocking: what is there now may have become a pipe since.
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        try:
            _require_file(os.fstat(file), path)
            yield file
        finally:
            os.close(file)


def _within(path: str) -> tuple[str, list[str]]:
    """Split a path into the root that allows it and the components below."""
    if not path.startswith("/") or "\0" in path or len(path) > _MAX_PATH:
        raise PermissionError(f"{path[:200]!r} must be an absolute path of at most {_MAX_PATH} characters without NUL")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise PermissionError(f"{path!r} has .. in it; give the path without")
    allowed = roots()
    if not allowed:
        raise PermissionError(
            "filemgr has no roots on this host and so may do nothing; allow folders in filemgr.toml beside the plugin:"
            ' [settings] roots = ["/srv/files"]'
        )
    # The longest first: it leaves the fewest components in which links are refused.
    for root in sorted(allowed, key=len, reverse=True):
        above = [part for part in root.split("/") if part not in ("", ".")]
        if parts[: len(above)] == above and len(parts) > len(above):
            return root, parts[len(above) :]
    raise PermissionError(f"{path!r} is not within the roots of filemgr: {', '.join(allowed)}")


def _require_file(found: os.stat_result, path: str) -> None:
    if modes.S_ISDIR(found.st_mode):
        raise IsADirectoryError(f"{path} is a directory; this is for files only")
    if not modes.S_ISREG(found.st_mode):
        raise PermissionError(f"{path} is a {_kind(found)}; this is for files only")


def _kind(found: os.stat_result) -> str:
    return _KINDS.get(modes.S_IFMT(found.st_mode), "unknown")


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
