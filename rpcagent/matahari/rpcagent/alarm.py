"""One timer of the event loop that is set again and again."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

__all__ = ["Alarm"]


class Alarm:
    """Calls ``ring`` at the deadline; there is one at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = math.inf

    def arm(self, deadline: float) -> None:
        """Ring then and not before; never, when it is infinite."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._deadline = deadline
        if deadline != math.inf:
            self._timer = self._loop.call_at(deadline, self._rings)

    def arm_earlier(self, deadline: float) -> None:
        """Ring then, unless it will ring before."""
        if deadline < self._deadline:
            self.arm(deadline)

    def _rings(self) -> None:
        self._timer = None
        self._deadline = math.inf
        self._ring()
