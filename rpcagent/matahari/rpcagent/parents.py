"""The warm parents of all languages: which one a worker belongs to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from .languages import PYTHON, HostProgram
from .limits import ProcessBounds
from .parentkeeper import ParentKeeper
from .workerlink import WorkerLink

if TYPE_CHECKING:
    from .runtime import PluginRuntime

__all__ = ["WarmParents"]


class WarmParents:
    """One keeper for each language. Python's starts with the service, others when the first worker is asked for.

    Args:
        programs: one for each language, Python among them.
    """

    def __init__(self, programs: Iterable[HostProgram]) -> None:
        self._keepers = {program.language: ParentKeeper(program) for program in programs}

    @property
    def pids(self) -> Mapping[str, int]:
        """Language -> process id of its warm parent, for those that run."""
        return {language: keeper.pid for language, keeper in self._keepers.items() if keeper.pid is not None}

    def start(self) -> None:
        """Start Python's.

        Raises:
            OSError: it cannot be started.
        """
        self._keepers[PYTHON.name].start()

    def retire(self) -> None:
        """From now on none is started again when it ends."""
        for keeper in self._keepers.values():
            keeper.retire()

    async def stop(self) -> None:
        """End them and with them all workers; when this returns, all are reaped."""
        await asyncio.gather(*(keeper.stop() for keeper in self._keepers.values()))

    def spawn(self, runtime: PluginRuntime, link: WorkerLink, bounds: ProcessBounds, language: str) -> None:
        """Ask for a worker, now or when there is a warm parent."""
        self._keepers[language].spawn(runtime, link, bounds)

    def kill(self, worker: int, number: int) -> None:
        """Signal a worker's process group; nothing happens when it has ended."""
        for keeper in self._keepers.values():
            if worker in keeper:
                keeper.kill(worker, number)

    def stuck(self, worker: int) -> None:
        """A killed worker does not end: its warm parent does not do its work."""
        for keeper in self._keepers.values():
            if worker in keeper:
                keeper.kill_parent("it did not report the end of a killed worker")
