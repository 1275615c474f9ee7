"""Writing stub files for the plugins of a fleet; how is in ``stubs.py``, which is loaded when something is written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from matahari.console.arguments import PLUGIN_PACKAGE
from matahari.console.client import Console
from matahari.errors import NoAgentsError

__all__ = ["write_stubs"]


async def write_stubs(console: Console, directory: Path, plugins: Iterable[str] | None = None) -> list[Path]:
    """Write a package with the types of these plugins, or of all on the bus, as they are published now.

    Args:
        directory: of the package; it is made where there is none.
        plugins: names.

    Returns:
        The files.

    Raises:
        NoAgentsError: there is no such plugin, or none at all; the message names close matches.
        RequestTimeoutError: nothing was found, and agents that may have it did not answer.
        FileExistsError: a file is there that was not written so; nothing is changed.
        OSError: a file cannot be written.
    """
    from matahari.console.stubs import save_files, stub_files  # no other program pays for them

    if plugins is None:
        plugins = [one.name for one in await console.classes(PLUGIN_PACKAGE)]
        if not plugins:
            raise NoAgentsError("no plugin is on the bus")
    found = {name: (await console.plugin(name)).objects for name in dict.fromkeys(plugins)}
    return await asyncio.to_thread(lambda: save_files(directory, stub_files(found)))
