"""The thread on which the asynchronous console runs for the blocking face."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from matahari.errors import MatahariError, RequestError

__all__ = ["Background"]

T = TypeVar("T")

THREAD_TIMEOUT = 5.0  # seconds for the background thread to end; it has little left to do by then
END_TIMEOUT = 2.0  # seconds of these in which what still runs there must end


class Background:
    """An event loop on a thread of its own. All methods may be called from any thread; none waits on this one."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()  # what is begun before the end is told how it ends
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="matahari console", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Wait for ``coroutine``; an interrupt of the waiting thread cancels it.

        Raises:
            RequestError: as :meth:`begin`.
        """
        future = self.begin(coroutine)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def begin(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Start ``coroutine``, which may be waited for in pieces.

        Raises:
            RequestError: the console is closed, here or, when that happens meanwhile, by the future; or the caller is
                the background thread itself, as callbacks are: waiting there would be for ever.
        """
        with self._lock:
            try:
                if self._is_closed:
                    raise RequestError("the console is closed")
                if threading.current_thread() is self._thread:
                    raise RequestError("a callback cannot wait for the console, which waits for its end")
            except RequestError:
                coroutine.close()
                raise
            begun: list[Future[T]] = []  # the coroutine may end before it is there
            begun.append(asyncio.run_coroutine_threadsafe(self._until_closed(coroutine, begun), self._loop))
            return begun[0]

    def end(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Wait for what ends something. Nothing is left to do when the console is closed, by another thread meanwhile too.

        Raises:
            RequestError: the caller is the background thread.
        """
        try:
            self.run(coroutine)
        except RequestError:
            if not self._is_closed:
                raise

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    def close(self) -> None:
        """End what still runs and then the thread; a second call does nothing."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(THREAD_TIMEOUT)

    async def _until_closed(self, coroutine: Coroutine[Any, Any, T], begun: Sequence[Future[T]]) -> T:
        """Run it; what it ends with is told nobody when whoever began it has given it up: asyncio would complain."""
        try:
            return await coroutine
        except asyncio.CancelledError:
            if self._is_closed and not _is_given_up(begun):
                raise RequestError("the console is closed") from None
            raise
        except MatahariError:
            if _is_given_up(begun):
                raise asyncio.CancelledError from None
            raise

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(_end_all())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()


def _is_given_up(begun: Sequence[Future[T]]) -> bool:
    return any(future.cancelled() for future in begun)


async def _end_all() -> None:
    """Have every task end, so that no thread waits for one that never will; and those that they begin meanwhile."""
    loop = asyncio.get_running_loop()
    limit = loop.time() + END_TIMEOUT
    await asyncio.sleep(0)  # those that were begun at the last moment take their first step, to hear of the end
    cancelled: set[asyncio.Task[Any]] = set()
    while (tasks := asyncio.all_tasks() - {asyncio.current_task()}) and loop.time() < limit:
        for task in tasks - cancelled:
            task.cancel()
        cancelled |= tasks
        await asyncio.wait(tasks, timeout=limit - loop.time(), return_when=asyncio.FIRST_COMPLETED)
