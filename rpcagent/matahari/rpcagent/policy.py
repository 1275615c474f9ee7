"""When a dead worker is started again, and when not any more. Pure; time is given."""

from __future__ import annotations

from .limits import Limits

__all__ = ["RestartPolicy"]


class RestartPolicy:
    """Counts failures in a row.

    The first restart is at once: most crashes are one bad call. Then the waits double, up to a limit. A worker
    that lived for ``stable_after``, and a call that gives a result (:meth:`reset`), starts the count anew.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.failures = 0

    def next_delay(self, *, lived: float) -> float | None:
        """Count a failure.

        Args:
            lived: how long the worker was ready, in seconds; 0 when it never was.

        Returns:
            Seconds to wait before the next start, or None: leave it.
        """
        if lived >= self._limits.stable_after:
            self.failures = 0
        self.failures += 1
        if self.failures >= self._limits.restart_limit:
            return None
        if self.failures == 1:
            return 0.0
        # The exponent is bounded so that no limit, however large, makes the number overflow.
        return min(
            self._limits.restart_delay_limit, self._limits.restart_delay * float(1 << min(self.failures - 2, 30))
        )

    def reconfigure(self, limits: Limits) -> None:
        """Use other limits from now on."""
        self._limits = limits

    def reset(self) -> None:
        """Forget: the content is new, somebody asked for it, or the plugin has shown that it works."""
        self.failures = 0
