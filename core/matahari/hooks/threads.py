"""Foreign code that may block, run beside the event loop with a time limit.

A thread cannot be stopped. One that does not return keeps its place until it does, so a hook that hangs can take
away a bounded number of threads and no more. They are daemons: the process ends without waiting for them.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Final, TypeVar

__all__ = ["MAX_THREADS", "Threads"]

T = TypeVar("T")

MAX_THREADS: Final = 32  # as many calls as an agent decides upon at once; more would wait for the same disk or server


class Threads:
    """Runs functions in threads, at most ``limit`` at once; further ones wait for their turn. Used from one event loop.

    Args:
        limit: threads.
        may_hang: the functions are foreign. When nobody waits for any of those that run, further ones are refused at
            once; else they wait for their turn all the same, because what runs ends by itself.

    Attributes:
        busy: threads that run now, those included that nobody waits for any more.
    """

    def __init__(self, limit: int = MAX_THREADS, *, may_hang: bool = True) -> None:
        self._limit = limit
        self._may_hang = may_hang
        self._left = 0  # of the busy ones those that nobody waits for any more: they may never end
        self._waiting: deque[asyncio.Future[None]] = deque()  # no more than there are calls under way
        self.busy = 0

    async def run(self, function: Callable[[], T], *, timeout: float) -> T:
        """What ``function`` returns or raises.

        Raises:
            TimeoutError: not within ``timeout`` seconds, its turn included, or all threads hang.
            RuntimeError: it raised what would end the task that waits, or the loop, instead of failing.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        if self.busy < self._limit:
            self.busy += 1
        else:
            await self._wait_place(deadline)
        future: asyncio.Future[T] = loop.create_future()

        def settle(value: Callable[[], None]) -> None:
            if future.done():
                self._left -= 1
            else:
                value()
            self._leave_place()

        def work() -> None:
            try:
                result = function()
            except BaseException as error:  # noqa: BLE001 - it is raised again where somebody waits
                told = _harmless(error)
                value: Callable[[], None] = lambda: future.set_exception(told)
            else:
                value = lambda: future.set_result(result)
            try:
                loop.call_soon_threadsafe(settle, value)
            except RuntimeError:
                pass  # the loop is closed: nobody waits and nobody counts any more

        try:
            threading.Thread(target=work, name="matahari-hook", daemon=True).start()
        except RuntimeError as error:
            self._leave_place()
            raise TimeoutError(f"no thread could be started: {error}") from error
        try:
            async with asyncio.timeout_at(deadline):
                return await future
        except TimeoutError:
            if future.done() and not future.cancelled() and future.exception() is not None:
                raise  # its own TimeoutError
            raise TimeoutError(f"not ended within {timeout:g} s") from None
        finally:
            if future.cancelled():
                self._left += 1

    async def _wait_place(self, deadline: float) -> None:
        """Return with a place that another thread has left."""
        text = f"all {self._limit} threads are busy with earlier calls"
        if self._may_hang and self._left >= self._limit:
            raise TimeoutError(text)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        is_taken = False
        try:
            async with asyncio.timeout_at(deadline):
                await turn
                is_taken = True
        except TimeoutError:
            raise TimeoutError(text) from None
        finally:
            if turn in self._waiting:
                self._waiting.remove(turn)
            elif not is_taken and not turn.cancelled():
                self._leave_place()  # it came in the very moment in which nobody waited for it any more

    def _leave_place(self) -> None:
        """Give a place to who has waited longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.busy -= 1


def _harmless(error: BaseException) -> Exception:
    """What a future can hold and a task can raise: neither an end of the process nor a cancellation of the task."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    made = RuntimeError(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
    made.__cause__ = error
    return made
