"""Owned tasks: every task has a keeper, and a task that fails says so."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine

from matahari.errors import MatahariError

__all__ = ["TaskKeeper"]

_log = logging.getLogger(__name__)


class TaskKeeper:
    """Keeps references to running tasks, logs their failures, and ends them all on request."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, coroutine: Coroutine[object, object, object], *, name: str) -> asyncio.Task[object]:
        """Run ``coroutine`` as a task that this keeper owns."""
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def cancel_all(self) -> None:
        """Cancel every task and wait until each has ended."""
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def wait_any(self, timeout: float) -> None:
        """Return when a task has ended, or after ``timeout`` seconds, or at once when there is none."""
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        if tasks:
            await asyncio.wait(tasks, timeout=max(0.0, timeout), return_when="FIRST_COMPLETED")

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # our own errors are complete sentences; of anything else the developer needs to see the place
            trace = None if isinstance(error, MatahariError) else error
            _log.error("task %s failed: %s", task.get_name(), error, exc_info=trace)
