"""When the Host object's heartbeat is due, and the task that sends it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from matahari.agents.host.schema import HEARTBEAT_SCHEMA
from matahari.errors import MatahariError
from matahari.qmf import Schema, Value

__all__ = ["HeartbeatSchedule", "heartbeats"]

_log = logging.getLogger(__name__)


class HeartbeatSchedule:
    """Decides when the next beat is due. Pure: time is an argument, in monotonic seconds.

    The first beat is due at once, then one every ``interval``. A change counts from the last beat on;
    from 0 (off) to anything else it is due at once. Beats that were missed, because the machine slept,
    are not made up for.
    """

    def __init__(self, interval: int) -> None:
        self._interval = interval
        self._last: float | None = None

    @property
    def interval(self) -> int:
        """Seconds between two beats, 0 when there are none."""
        return self._interval

    def change(self, interval: int) -> None:
        """Set another interval in seconds; 0 stops the beats."""
        if not self._interval:
            self._last = None
        self._interval = interval

    def next_deadline(self) -> float | None:
        """When the next beat is due, None when they are off, minus infinity for "at once"."""
        if not self._interval:
            return None
        return float("-inf") if self._last is None else self._last + self._interval

    def take(self, now: float) -> bool:
        """Whether a beat is due at ``now``; if so it counts as done."""
        deadline = self.next_deadline()
        if deadline is None or now < deadline:
            return False
        # Counting from the deadline keeps the rhythm although timers are late, counting from now drops what was missed.
        is_on_time = now < deadline + self._interval
        self._last = deadline if is_on_time else now
        return True


class Beating(Protocol):
    """What has heartbeats; the Host object is the one there is."""

    @property
    def schedule(self) -> HeartbeatSchedule:
        """When they are due."""
        ...

    @property
    def changed(self) -> asyncio.Event:
        """Is set when the schedule was changed."""
        ...

    def beat(self, wall_ns: int) -> Mapping[str, Value]:
        """Do what a heartbeat does, and return the event's values."""
        ...


async def heartbeats(
    host: Beating,
    raise_event: Callable[[Schema, Mapping[str, Value]], None],
    *,
    clock: Callable[[], float] = time.monotonic,
    wall_ns: Callable[[], int] = time.time_ns,
) -> None:
    """Send the heartbeat events of ``host`` until cancelled.

    Args:
        raise_event: publishes an event with the schema's default severity. What goes wrong there is
            logged and the next beat tried, because a broker that is away comes back.
    """
    while True:
        if host.schedule.take(clock()):
            try:
                raise_event(HEARTBEAT_SCHEMA, host.beat(wall_ns()))
            except MatahariError as error:
                _log.warning("heartbeat not sent: %s", error)
        host.changed.clear()
        deadline = host.schedule.next_deadline()
        delay = None if deadline is None else max(0.0, deadline - clock())
        try:
            async with asyncio.timeout(delay):
                await host.changed.wait()
        except TimeoutError:
            continue
