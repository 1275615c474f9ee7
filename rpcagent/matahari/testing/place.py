"""Where one plugin lies, and a directory in which it is the only one.

The plugin service loads whole directories. The one made here holds links: to the plugin, and to what lies beside it
and is no plugin itself (``_helper.py``, ``NAME.toml``, data files), so that the plugin finds what it would find at home.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from matahari.errors import PluginError
from matahari.rpcagent import NAME_RULE, find_options, is_plugin_name, name_fault

from .options import Settings, options_text

__all__ = ["MAX_NEIGHBOURS", "PluginPlace", "is_neighbour", "stage"]

#: Entries beside the plugin that are linked; a directory with more is no place where a plugin is at home.
MAX_NEIGHBOURS: Final = 1000
_INIT: Final = "__init__.py"


@dataclass(frozen=True, slots=True)
class PluginPlace:
    """A plugin on disk.

    Attributes:
        name: of the plugin.
        path: its file or folder, absolute.
    """

    name: str
    path: Path

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> PluginPlace:
        """Give the plugin at ``path``: a file, a folder, or the ``__init__.py`` of a folder.

        Raises:
            PluginError: there is nothing, or it could be no plugin.
        """
        place = Path(os.path.abspath(path))
        if place.name == _INIT:
            place = place.parent
        name = place.name if place.is_dir() else place.name.removesuffix(".py")
        if not place.exists():
            raise PluginError(f"there is no {path}", plugin=name)
        if place.is_dir() and not (place / _INIT).is_file():
            raise PluginError(f"the folder {path} is no plugin: it has no {_INIT}", plugin=name)
        if not place.is_dir() and place.suffix != ".py":
            raise PluginError(f"{path} is no plugin: the name of a Python plugin ends in .py", plugin=name)
        if not cls.is_name(name):
            raise PluginError(f"{path} is no plugin: {NAME_RULE}", plugin=name)
        return cls(name, place)

    @staticmethod
    def is_name(text: str) -> bool:
        """Whether a plugin may be called so."""
        return is_plugin_name(text)

    @staticmethod
    def name_fault(text: str) -> str:
        """Why no plugin may be called so, as the rest of a sentence that begins with the name; empty when one may."""
        return name_fault(text)

    @property
    def is_folder(self) -> bool:
        """Whether the plugin is a folder."""
        return self.path.is_dir()

    @property
    def main(self) -> Path:
        """The file with the plugin's own module."""
        return self.path / _INIT if self.is_folder else self.path


def is_neighbour(name: str, *, is_plugin_folder: bool) -> bool:
    """Whether the entry ``name`` beside a plugin may belong to it, and is no plugin itself."""
    if name.startswith(".") or name == "__pycache__" or is_plugin_folder:
        return False
    return name.startswith("_") or not name.endswith(".py")


def stage(place: PluginPlace, directory: Path, settings: Settings | None = None) -> None:
    """Fill the empty ``directory`` with links, so that it is a plugins directory with this plugin alone.

    Args:
        place: the plugin.
        directory: where to.
        settings: in place of what the plugin's ``NAME.toml`` says; None: what it says.

    Raises:
        OSError: a directory cannot be read or written.
        TypeError, ValueError: a setting that TOML has no form for.
    """
    (directory / place.path.name).symlink_to(place.path)
    options = directory / f"{place.name}.toml"
    if isinstance(settings, Mapping):
        options.write_text(options_text(settings, find_options(place.path)), encoding="utf-8")
    elif settings is not None:
        options.symlink_to(os.path.abspath(settings))
    for entry in _neighbours(place):
        if settings is None or entry.name != options.name:
            (directory / entry.name).symlink_to(entry)


def _neighbours(place: PluginPlace) -> Iterable[Path]:
    number = 0
    with os.scandir(place.path.parent) as entries:
        for entry in entries:
            if entry.name == place.path.name:
                continue
            is_plugin_folder = os.path.exists(os.path.join(entry.path, _INIT)) and not entry.name.startswith("_")
            if is_neighbour(entry.name, is_plugin_folder=is_plugin_folder):
                number += 1
                if number > MAX_NEIGHBOURS:
                    return
                yield Path(entry.path)
