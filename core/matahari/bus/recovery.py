"""How often a session may end before its whole connection is thought to be ill. Pure."""

from __future__ import annotations

from collections import deque

__all__ = ["SessionLimit"]

MAX_ENDS = 3  # sessions that are begun anew within the period; one refused message costs one
PERIOD = 60.0  # seconds


class SessionLimit:
    """Remembers when sessions ended, those of earlier connections too."""

    def __init__(self) -> None:
        self._ends: deque[float] = deque(maxlen=MAX_ENDS + 1)

    def may_go_on(self, now: float) -> bool:
        """Count one end at ``now`` (monotonic seconds); False when there were too many within the period."""
        self._ends.append(now)
        return len(self._ends) <= MAX_ENDS or now - self._ends[0] > PERIOD
