"""Runs something with one loaded plugin, so that nothing is left behind however it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from matahari.errors import PluginError
from matahari.shell.base.outcome import CommandError
from matahari.shell.display.render import printable
from matahari.testing import REQUEST_ID, Limits, PluginHarness, PluginPlace

__all__ = ["find_plugin", "find_settings", "loaded"]

T = TypeVar("T")

#: A person waits: what still runs at the end is not worth three seconds, as it is in an agent.
_STOP_TIMEOUT: Final = 0.5
#: Exit status after SIGTERM, as of a program that does not handle it.
_TERMINATED: Final = 128 + signal.SIGTERM


def find_plugin(path: str | os.PathLike[str]) -> PluginPlace:
    """Give the plugin that the caller named.

    Raises:
        CommandError: there is none.
    """
    try:
        return PluginPlace.of(path)
    except PluginError as error:
        raise CommandError(str(error)) from error


def find_settings(path: str | os.PathLike[str] | None) -> Path | None:
    """Give the settings file that the caller named, if any.

    Raises:
        CommandError: there is no such file.
    """
    if path is None:
        return None
    file = Path(path)
    if not file.is_file():
        raise CommandError(f"--settings {file}: there is no such file; write one as NAME.toml is written")
    return file


def loaded(
    place: PluginPlace,
    use: Callable[[PluginHarness], Awaitable[T]],
    *,
    call_timeout: float = 60.0,
    stop_timeout: float = _STOP_TIMEOUT,
    settings: Path | None = None,
) -> T:
    """Load the plugin, give what ``use`` gives, and end the plugin; also on Ctrl-C and SIGTERM.

    What the plugin prints goes to standard error.

    Args:
        place: the plugin.
        use: called with the loaded plugin.
        call_timeout: longest time of a call, in seconds.
        stop_timeout: what a call that still runs at the end has left, in seconds.
        settings: file in place of the plugin's ``NAME.toml``.

    Raises:
        PluginLoadError: it could not be loaded.
        OSError: no process or no directory can be made.
        SystemExit: after SIGTERM.
    """
    limits = Limits(call_timeout=call_timeout, stop_timeout=stop_timeout)

    async def run() -> T:
        task = asyncio.current_task()
        assert task is not None  # a coroutine under asyncio.run is one
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        async with PluginHarness(place, limits=limits, settings=settings) as plugin:
            return await use(plugin)

    with _output_to_stderr(place.name):
        try:
            return asyncio.run(run())
        except asyncio.CancelledError:
            raise SystemExit(_TERMINATED) from None


@contextlib.contextmanager
def _output_to_stderr(name: str) -> Iterator[None]:
    logger = logging.getLogger("matahari.rpcagent")
    handler = logging.StreamHandler(sys.stderr)
    prefix = f"plugin {name}: "
    # Only what the plugin says: its failures are told where the answer is.
    handler.addFilter(lambda record: record.getMessage().startswith(prefix))
    handler.setFormatter(_Plain(prefix))
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])  # not the attribute: what loggers below have found out is forgotten with it
        logger.propagate = before[1]


class _Plain(logging.Formatter):
    """The text alone; without the number of the call, of which there is only one."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        return printable(self._prefix + text.removeprefix(self._prefix).removeprefix(f"[{REQUEST_ID}] "))
