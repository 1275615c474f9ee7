"""How long to wait before trying again: doubling, capped, with full jitter above a floor."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Backoff"]


class Backoff:
    """Delays between attempts. Pure: the random source is given.

    The first delay lies within ``first`` seconds, each further bound doubles up to ``limit``. A delay is drawn
    from the upper half of its bound, so that a thousand agents do not come back together, and none hammers.

    Args:
        random: returns a float in [0, 1).
    """

    def __init__(self, *, first: float = 0.2, limit: float = 30.0, random: Callable[[], float]) -> None:
        self._first = first
        self._limit = limit
        self._random = random
        self.failures = 0

    def next_delay(self) -> float:
        """Count one failure and return the seconds to wait."""
        bound = min(self._limit, self._first * float(1 << min(self.failures, 30)))
        self.failures += 1
        return bound * (0.5 + self._random() / 2)

    def reset(self) -> None:
        """The last attempt was good."""
        self.failures = 0
