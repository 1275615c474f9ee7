"""Whether nobody but root and the agent's user can change plugins: whoever can runs code as the agent.

What counts is the plugins directory, a plugin's own files and folders, its ``NAME.toml``, and what a single file may
import beside it: modules and folders whose names begin with ``_``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from matahari.errors import ConfigError
from matahari.hooks import require_unshared
from matahari.pluginhost import source_files

__all__ = ["PlaceFaults", "folder_fault", "place_faults"]

_PYCACHE: Final = "__pycache__"


class PlaceFaults:
    """Why plugins of one directory may not be loaded: any of them (``all``), or those that are single files (``files``)."""

    __slots__ = ("all", "files")

    def __init__(self, all: ConfigError | None = None, files: ConfigError | None = None) -> None:
        self.all = all
        self.files = all or files


def place_faults(directory: Path, entries: Iterable[os.DirEntry[str]], uid: int) -> PlaceFaults:
    """Look at a plugins directory, and at what single files in it may import.

    Args:
        directory: the plugins directory.
        entries: what lies in it.
        uid: the agent's user.

    Raises:
        OSError: the directory cannot be looked at.
    """
    try:
        require_unshared(directory.stat(), directory, uid)
    except ConfigError as error:
        return PlaceFaults(error)
    for path in sorted(Path(entry.path) for entry in entries if entry.name.startswith("_")):
        try:
            if path.is_dir():
                fault = folder_fault(path, () if path.name == _PYCACHE else source_files(path, (".py",)), uid)
                if fault is not None:
                    return PlaceFaults(None, fault)
            elif path.suffix == ".py":
                require_unshared(path.stat(), path, uid)
        except ConfigError as error:
            return PlaceFaults(None, error)
        except (OSError, ValueError):
            continue  # what cannot be read, or has gone, nobody imports
    return PlaceFaults()


def folder_fault(folder: Path, names: Iterable[str], uid: int) -> ConfigError | None:
    """Why somebody else can change one of the files of a folder, or add some; ``names`` are relative paths of the files.

    Raises:
        OSError: one cannot be looked at.
    """
    files = [folder / name for name in names]
    folders = {folder, *(above for file in files for above in file.parents if above.is_relative_to(folder))}
    try:
        for path in (*sorted(folders), *files):
            require_unshared(path.stat(), path, uid)
    except ConfigError as error:
        return error
    return None
