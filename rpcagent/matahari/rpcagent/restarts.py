"""The next start of a plugin whose worker has died: when, and whether it is left in quarantine. Pure; time is given."""

from __future__ import annotations

import math

from .limits import Limits
from .policy import RestartPolicy

__all__ = ["Restarts"]


class Restarts:
    """Holds at most one planned start.

    Args:
        limits: times and bounds.
    """

    def __init__(self, limits: Limits) -> None:
        self._policy = RestartPolicy(limits)
        self._at = math.inf
        self._is_quarantined = False

    def reconfigure(self, limits: Limits) -> None:
        """Use other limits from now on."""
        self._policy.reconfigure(limits)

    @property
    def at(self) -> float:
        """When to start; infinite when never."""
        return self._at

    @property
    def is_planned(self) -> bool:
        """Whether there will be a start."""
        return self._at < math.inf

    @property
    def is_quarantined(self) -> bool:
        """Whether the plugin failed too often to be started again."""
        return self._is_quarantined

    def plan_now(self, now: float) -> None:
        """Start at once: nothing failed by the plugin's own fault."""
        self._at = now

    def plan_after_failure(self, now: float, *, lived: float, is_replaced: bool = False) -> None:
        """A worker failed that had been ready for ``lived`` seconds; ``is_replaced`` when a newer version is to come."""
        delay = self._policy.next_delay(lived=lived)
        if delay is None:
            self._is_quarantined = not is_replaced
            self._at = math.inf
        else:
            self._at = now + delay

    def call_off(self) -> None:
        """No start: something else is being done."""
        self._at = math.inf

    def succeed(self) -> None:
        """A worker is ready. What failed before still counts until it has lived long enough."""
        self._at = math.inf
        self._is_quarantined = False

    def forgive(self) -> None:
        """The content is new, somebody asked for it, or a call gave a result: what failed before does not count."""
        self._policy.reset()
        self._is_quarantined = False
