"""Tasks that wait for one thing to happen, without a lock or a queue."""

from __future__ import annotations

import asyncio

__all__ = ["Waiters"]


class Waiters:
    """Wakes all who wait, once; whoever waits again waits for the next time. Used on the event loop."""

    def __init__(self) -> None:
        self._futures: list[asyncio.Future[None]] = []

    async def wait(self) -> None:
        """Return when somebody wakes us."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._futures.append(future)
        try:
            await future
        finally:
            if future in self._futures:
                self._futures.remove(future)  # who gave up leaves nothing behind

    def wake(self) -> None:
        """Wake those who wait now."""
        futures, self._futures = self._futures, []
        for future in futures:
            if not future.done():
                future.set_result(None)
