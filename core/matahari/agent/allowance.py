"""How many of something pass: so many at once, then so many a second. Pure; time is given."""

from __future__ import annotations

__all__ = ["Allowance"]


class Allowance:
    """A bucket of tokens that fills by itself."""

    def __init__(self, burst: int, rate: float) -> None:
        self._burst = float(burst)
        self._rate = rate
        self._tokens = self._burst
        self._filled = 0.0
        self._dropped = 0

    def take(self, now: float) -> tuple[bool, int]:
        """Ask for one.

        Returns:
            Whether it may pass, and, when it may, how many were refused before it.
        """
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._filled) * self._rate)
        self._filled = now
        if self._tokens < 1.0:
            self._dropped += 1
            return False, 0
        self._tokens -= 1.0
        dropped, self._dropped = self._dropped, 0
        return True, dropped
