"""Foreign code that may block, run beside the event loop with a time limit.

A thread cannot be stopped. One that does not return keeps its place until it does, so a hook that hangs can take
away a bounded number of threads and no more. They are daemons: the process ends without waiting for them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Final, TypeVar

__all__ = ["MAX_THREADS", "Threads"]

T = TypeVar("T")

MAX_THREADS: Final = 32  # as many calls as an agent decides upon at once; more would wait for the same disk or server


class Threads:
    """Runs functions in threads, at most ``limit`` at once. Used from one event loop.

    Attributes:
        busy: threads that run now, those included that nobody waits for any more.
    """

    def __init__(self, limit: int = MAX_THREADS) -> None:
        self._limit = limit
        self.busy = 0

    async def run(self, function: Callable[[], T], *, timeout: float) -> T:
        """What ``function`` returns or raises.

        Raises:
            TimeoutError: not within ``timeout`` seconds, or all threads are busy.
        """
        if self.busy >= self._limit:
            raise TimeoutError(f"all {self._limit} threads are busy with earlier calls")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def settle(value: Callable[[], None]) -> None:
            self.busy -= 1
            if not future.done():
                value()

        def work() -> None:
            try:
                result = function()
            except BaseException as error:  # noqa: BLE001 - it is raised again where somebody waits
                told: BaseException = error
                value: Callable[[], None] = lambda: future.set_exception(told)
            else:
                value = lambda: future.set_result(result)
            try:
                loop.call_soon_threadsafe(settle, value)
            except RuntimeError:
                pass  # the loop is closed: nobody waits and nobody counts any more

        self.busy += 1
        try:
            threading.Thread(target=work, name="matahari-hook", daemon=True).start()
        except RuntimeError as error:
            self.busy -= 1
            raise TimeoutError(f"no thread could be started: {error}") from error
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            if future.done() and not future.cancelled() and future.exception() is not None:
                raise  # its own TimeoutError
            raise TimeoutError(f"not ended within {timeout:g} s") from None
