"""Where the outcome of a call goes, and what is told afterwards: whether the call itself has ended."""

from __future__ import annotations

import asyncio
from typing import Final

from matahari.agent import Afterlife

from .records import CallResult

__all__ = ["LET_GO", "CallAnswer"]

#: How long, in seconds, a caller who gave a call up waits to hear whether it has ended: one that can be cancelled ends in
#: a few milliseconds, longer on a busy host, and one that goes on is to be called so. People hardly notice the wait.
LET_GO: Final = 0.25


class CallAnswer(asyncio.Future[CallResult]):
    """The outcome of one call; for one event loop.

    A call whose caller has his outcome, because he gave it up or its time was over, may go on in its worker.

    Args:
        listener: told that it does, and afterwards that it has ended; None when nobody wants to know.
    """

    def __init__(self, listener: Afterlife | None = None) -> None:
        super().__init__()
        self._listener = listener
        self._end: asyncio.Future[None] | None = None
        self._is_told = False

    def goes_on(self) -> None:
        """Nobody waits any more, and the call is still in its worker."""
        self._end = self._end or self.get_loop().create_future()

    def has_ended(self, state: str) -> None:
        """It has ended after all: ``ended`` by itself, or ``stopped`` with its worker."""
        if self._end is None or self._end.done():
            return
        self._end.set_result(None)
        if self._is_told and self._listener is not None:
            self._listener("stopped" if state == "stopped" else "ended")

    async def tell(self, patience: float = 0.0) -> None:
        """Tell the listener that the call goes on, unless it has ended, or does within ``patience`` seconds."""
        if self._end is None:
            return
        if patience and not self._end.done():
            await asyncio.wait({self._end}, timeout=patience)
        if not self._end.done() and not self._is_told and self._listener is not None:
            self._is_told = True
            self._listener("running")
