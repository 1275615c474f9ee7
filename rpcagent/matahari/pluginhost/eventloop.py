"""The event loop for a plugin's async actions: one thread, started with the first of them.

asyncio is imported here and nowhere else in the host: most workers never need it.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable

from .pool import start_thread

__all__ = ["EventLoop"]


class EventLoop:
    """An asyncio loop in a daemon thread.

    Raises:
        NoThread: the system gives none.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        try:
            start_thread(self._run, "event-loop")
        except BaseException:
            self._loop.close()
            raise

    def start(self, key: int, work: Callable[[], Awaitable[None]], context: contextvars.Context) -> None:
        """Run ``work`` as a task, from any thread. It must not raise but ``CancelledError``."""
        self._loop.call_soon_threadsafe(self._start, key, work, context)

    def cancel(self, key: int) -> None:
        """Cancel the task, from any thread; nothing happens when it is done."""
        self._loop.call_soon_threadsafe(self._cancel, key)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _start(self, key: int, work: Callable[[], Awaitable[None]], context: contextvars.Context) -> None:
        async def run() -> None:
            await work()

        task = self._loop.create_task(run(), context=context)
        self._tasks[key] = task
        task.add_done_callback(lambda _: self._tasks.pop(key, None))

    def _cancel(self, key: int) -> None:
        task = self._tasks.get(key)
        if task is not None:
            # After its first step, which waits already: a task that is cancelled before it never runs its work.
            self._loop.call_soon(task.cancel)
