"""The sources in a ``facts.d`` directory, and how each is read."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from matahari.errors import ConfigError
from matahari.hooks import read_owned, require_owned, require_owned_directory

from .executable import run_executable
from .formats import READERS, read_output

__all__ = ["MAX_SOURCES", "Source", "find_sources"]

MAX_SOURCES: Final = 64  # files of one directory; each is read at every refresh
MAX_FILE_BYTES: Final = 256 * 1024
_IGNORED: Final = ("~", ".bak", ".md", ".rpmsave", ".rpmnew", ".dpkg-old", ".dpkg-dist")  # editors, packagers, notes


@dataclass(frozen=True, slots=True)
class Source:
    """Something that has facts: ``read`` gives a map that may be nested. It may block, and raise anything."""

    name: str
    read: Callable[[], Mapping[str, object]]


def find_sources(directory: Path, uid: int, stop: threading.Event) -> list[Source]:
    """The files of ``directory`` in alphabetical order; a missing directory has none. It blocks.

    By suffix ``.json``, ``.yaml``, ``.yml`` and ``.toml`` are data; any other file has to be an executable. Hidden
    files, subdirectories and leftovers of editors and package managers are skipped.

    Args:
        uid: only what this user and root alone can write is taken; root takes only root's.

    Raises:
        ConfigError: others can change the directory, it is none, or holds too many files.
    """
    if not os.path.lexists(directory):
        return []
    require_owned_directory(directory, uid)
    try:
        paths = [path for path in sorted(directory.iterdir()) if _is_source(path)]
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(directory)) from error
    if len(paths) > MAX_SOURCES:
        raise ConfigError(f"has {len(paths)} files, at most {MAX_SOURCES} are read", file=str(directory))
    return [Source(str(path), _reader(path, uid, stop)) for path in paths]


def _is_source(path: Path) -> bool:
    return path.name[0] != "." and not path.name.endswith(_IGNORED) and not path.is_dir()


def _reader(path: Path, uid: int, stop: threading.Event) -> Callable[[], Mapping[str, object]]:
    parse = READERS.get(path.suffix.lower())
    if parse is not None:
        return lambda: parse(read_owned(path, uid, limit_bytes=MAX_FILE_BYTES))
    return lambda: _run(path, uid, stop)


def _run(path: Path, uid: int, stop: threading.Event) -> Mapping[str, object]:
    try:
        found = os.lstat(path)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(path)) from error
    if not stat.S_ISREG(found.st_mode):
        raise ConfigError("is a symbolic link or no regular file", file=str(path))
    # Between this look and the start only those can exchange it who can write the directory: its owner, and root.
    require_owned(found, path, uid)
    if not os.access(path, os.X_OK):
        known = ", ".join(READERS)
        raise ConfigError(f"is neither executable nor named {known}", file=str(path))
    return read_output(run_executable(path.absolute(), stop=stop))  # it runs in another directory
