"""From a plugin's files to a running module.

How a plugin is imported:

- Its module is named ``matahari_plugins.NAME``, whatever else is called NAME: a plugin ``json`` is loaded as
  itself, and ``import json`` anywhere, in that plugin too, gives the standard library's.
- Where nothing else can be imported as NAME, ``import NAME`` gives the plugin.
- A folder's modules come from one snapshot of its files, also when they are imported late, so that no
  generation ever mixes two saves. ``from . import helper`` is the way to import them.
- The folder that holds the plugin is *last* on the path: a plugin may import ``_helper.py`` beside it, but
  nothing there takes the place of an installed module.
- Bytecode of plugins is neither read nor written: a stale cache would be a stale plugin.
"""

from __future__ import annotations

import base64
import binascii
import importlib.util
import linecache
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

from matahari.hostproto import MAX_ITEMS, SINGLE_FILE, content_digest

__all__ = ["MAX_SOURCE", "NAMESPACE", "Sources", "import_plugin", "python_files", "source_files"]

NAMESPACE: Final = "matahari_plugins"
#: All files of one plugin; a worker keeps them in memory. In bytes.
MAX_SOURCE: Final = 16 * 1024 * 1024
_INIT: Final = "__init__.py"


def python_files(folder: Path) -> list[str]:
    """Do as :func:`source_files` for Python."""
    return source_files(folder, (".py",))


def source_files(folder: Path, suffixes: tuple[str, ...]) -> list[str]:
    """Give the paths of a folder plugin's files with one of these suffixes, relative and with ``/``, sorted.

    Hidden folders and ``__pycache__`` are left out; links to folders are not followed.

    Raises:
        OSError: the folder cannot be read.
        ValueError: more files than a plugin may have, or the name of one is not UTF-8.
    """
    found: list[str] = []

    def refuse(error: OSError) -> None:
        raise error

    for root, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__pycache__"]
        base = Path(root).relative_to(folder)
        found += [(base / name).as_posix() for name in names if name.endswith(suffixes) and not name.startswith(".")]
        if len(found) > MAX_ITEMS:
            raise ValueError(f"more than {MAX_ITEMS} files")
    for name in found:
        if any("\ud800" <= char <= "\udfff" for char in name):
            raise ValueError(f"the name of {name!a} is not UTF-8")
    return sorted(found)


@dataclass(frozen=True, slots=True)
class Sources:
    """One version of a plugin: ``files`` maps relative paths to contents, ``""`` for a single file."""

    path: str
    files: Mapping[str, bytes]

    @classmethod
    def read(cls, path: str) -> Sources:
        """Read what is on disk now.

        Raises:
            OSError, ValueError: it cannot be read, or is too large.
        """
        place = Path(path)
        names = python_files(place) if place.is_dir() else [SINGLE_FILE]
        files: dict[str, bytes] = {}
        size = 0
        for name in names:
            files[name] = (place / name).read_bytes()
            size += len(files[name])
            if size > MAX_SOURCE:
                raise ValueError(f"more than {MAX_SOURCE} bytes of source")
        return cls(path, files)

    @classmethod
    def decode(cls, path: str, files: Mapping[str, str]) -> Sources:
        """Take the files of a load message (base64).

        Raises:
            ValueError: not base64.
        """
        try:
            return cls(path, {name: base64.b64decode(text, validate=True) for name, text in files.items()})
        except binascii.Error as error:
            raise ValueError(f"files of {path} are not base64: {error}") from error

    @property
    def is_folder(self) -> bool:
        """Whether the plugin is a folder with ``__init__.py``."""
        return SINGLE_FILE not in self.files

    @property
    def digest(self) -> str:
        """The content's digest."""
        return content_digest(self.files)

    def full_path(self, name: str) -> str:
        """The path, as in tracebacks, of one of the files."""
        return self.path if name == SINGLE_FILE else os.path.join(self.path, name)

    def by_full_path(self) -> dict[str, bytes]:
        """Full path -> content."""
        return {self.full_path(name): content for name, content in self.files.items()}

    @property
    def main(self) -> bytes:
        """The source of the plugin's own module."""
        return self.files[SINGLE_FILE if not self.is_folder else _INIT]

    def show_in_tracebacks(self) -> None:
        """Let tracebacks show the lines that run, not those that have been saved since."""
        for path, content in self.by_full_path().items():
            try:
                lines = importlib.util.decode_source(content).splitlines(keepends=True)
            except (SyntaxError, UnicodeDecodeError):
                continue
            # Without a modification time the cache is never compared with the file.
            linecache.cache[path] = (len(content), None, lines, path)


class _Loader(SourceFileLoader):
    """Loads a module of the plugin from the snapshot."""

    def __init__(self, fullname: str, path: str, files: Mapping[str, bytes]) -> None:
        super().__init__(fullname, path)
        self._files = files

    def get_data(self, path: str) -> bytes:
        content = self._files.get(path)
        return super().get_data(path) if content is None else content

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


class _Finder:
    """Finds the plugin's module and, in a folder, the modules within."""

    def __init__(self, root: str, sources: Sources) -> None:
        self._root = root
        self._sources = sources
        self._by_path = sources.by_full_path()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The import system's question; None for everything that is not the plugin's."""
        if fullname == self._root:
            return self._spec(fullname, _INIT if self._sources.is_folder else SINGLE_FILE)
        if self._sources.is_folder and fullname.startswith(self._root + "."):
            inner = fullname[len(self._root) + 1 :].replace(".", "/")
            for name in (f"{inner}/{_INIT}", f"{inner}.py"):
                if name in self._sources.files:
                    return self._spec(fullname, name)
        return None

    def _spec(self, fullname: str, name: str) -> ModuleSpec | None:
        path = self._sources.full_path(name)
        is_package = name.endswith(_INIT)
        return importlib.util.spec_from_file_location(
            fullname,
            path,
            loader=_Loader(fullname, path, self._by_path),
            submodule_search_locations=[os.path.dirname(path)] if is_package else None,
        )


def import_plugin(name: str, sources: Sources) -> ModuleType:
    """Run the plugin's module and give it. To be done once in a process.

    Raises:
        BaseException: whatever the plugin's code raises; ``FileNotFoundError`` for a folder without ``__init__.py``.
    """
    if sources.is_folder and _INIT not in sources.files:
        raise FileNotFoundError(f"{sources.path} has no {_INIT}")
    fullname = f"{NAMESPACE}.{name}"
    namespace = ModuleType(NAMESPACE)
    namespace.__path__ = []
    sys.modules[NAMESPACE] = namespace
    sys.meta_path.insert(0, _Finder(fullname, sources))
    sys.argv = [name]
    sys.dont_write_bytecode = True
    is_free = not _is_importable(name)
    sys.path.append(os.path.dirname(sources.path))
    spec = importlib.util.find_spec(fullname)
    if spec is None or spec.loader is None:  # the finder above always answers
        raise ImportError(f"no loader for {fullname}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[fullname] = module
    if is_free:
        sys.modules[name] = module
    setattr(namespace, name, module)
    spec.loader.exec_module(module)
    return module


def _is_importable(name: str) -> bool:
    if name in sys.stdlib_module_names or name in sys.modules:
        return True
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return True
