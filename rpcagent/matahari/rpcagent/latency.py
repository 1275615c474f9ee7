"""How long the calls of a plugin take. Pure."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

__all__ = ["WINDOW", "Latency"]

#: Calls whose times are kept for the percentile: enough that a hundredth is several, little enough to sort at once.
WINDOW: Final = 1000


class Latency:
    """Times of calls, in seconds."""

    def __init__(self) -> None:
        self._count = 0
        self._sum = 0.0
        self._last: deque[float] = deque(maxlen=WINDOW)

    def note(self, seconds: float) -> None:
        """One more call was answered."""
        self._count += 1
        self._sum += seconds
        self._last.append(seconds)

    @property
    def mean(self) -> float:
        """Over all calls; 0 before the first."""
        return self._sum / self._count if self._count else 0.0

    @property
    def p99(self) -> float:
        """Longer than 99 % of the last calls took, or as long; 0 before the first."""
        if not self._last:
            return 0.0
        return sorted(self._last)[math.ceil(len(self._last) * 0.99) - 1]
