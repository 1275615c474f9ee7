"""What the fixture ``load_plugin`` gives. Apart from it, so that tests can name the type."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from textwrap import dedent

from matahari.rpcagent import Limits

from .blocking import Plugin
from .options import Settings

__all__ = ["PluginLoader"]


class PluginLoader:
    """Loads plugins for one test, and ends them with it.

    Args:
        base: where relative paths begin: the folder of the test module.
        scratch: a folder for plugins that the test itself writes.
        stack: ends what was begun.
    """

    def __init__(self, base: Path, scratch: Path, stack: contextlib.ExitStack) -> None:
        self._base = base
        self._scratch = scratch
        self._stack = stack

    def __call__(
        self, path: str | os.PathLike[str], *, limits: Limits | None = None, settings: Settings | None = None
    ) -> Plugin:
        """Load the plugin at ``path``; limits and settings as for :class:`matahari.testing.Plugin`.

        Raises:
            PluginError: nothing there can be a plugin, or (``PluginLoadError``) it could not be loaded.
            TypeError, ValueError: a setting that TOML has no form for.
        """
        return self._stack.enter_context(Plugin(self._base / path, limits=limits, settings=settings))

    def save(self, name: str, source: str) -> Path:
        """Write ``source``, without common indentation, as the file ``name``, and give its path.

        It is not loaded yet: ``load_plugin(load_plugin.save("calc", source))`` does both. What is saved again is
        there for ``reload()``, and files beside the plugin are those that it finds at home.

        Args:
            name: ``calc.py``, ``shop/__init__.py``, ``calc.toml``; where it has no suffix, ``.py`` is added.
        """
        path = self._scratch / name
        if not path.suffix:
            path = path.with_name(f"{path.name}.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(source))
        return path
