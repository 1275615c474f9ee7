"""The events that the shell has heard since it began to listen, the latest ones only."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from matahari.shell.base.event_ports import EventLike, EventSource
from matahari.shell.events.meaning import is_heartbeat

__all__ = ["MAX_EVENTS", "EventLog", "Heard"]

MAX_EVENTS: Final = 1_000
"""Enough to look back on what just happened; who wants all of them follows them into a file."""

MAX_BYTES: Final = 16 * 1024 * 1024
"""Of all values together: agents choose how large an event is, and a shell may be open for weeks."""

_OVERHEAD = 64  # bytes of a value beside its text


@dataclass(frozen=True, slots=True)
class Heard:
    """An event, and when it was heard, in nanoseconds since 1970."""

    event: EventLike
    heard_ns: int

    @property
    def time_ns(self) -> int:
        """When it happened as its agent says, else when it was heard."""
        return self.event.timestamp_ns or self.heard_ns


class EventLog:
    """Listens from :meth:`begin` until the console is closed. All methods may be called from any thread.

    Args:
        now: nanoseconds since 1970.
    """

    def __init__(self, now: Callable[[], int] = time.time_ns) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._kept: deque[_Kept] = deque()
        self._beats: deque[_Kept] = deque()
        self._bytes = 0
        self._total = 0
        self._total_beats = 0
        self._since_ns: int | None = None

    @property
    def since_ns(self) -> int | None:
        """When it began to listen, in nanoseconds since 1970; None before that."""
        return self._since_ns

    @property
    def total(self) -> int:
        """Events heard, those included that are no longer kept."""
        return self._total

    def forgotten(self, *, heartbeats: bool) -> int:
        """How many events are no longer kept: heartbeats, or all others."""
        with self._lock:
            if heartbeats:
                return self._total_beats - len(self._beats)
            return self._total - self._total_beats - len(self._kept)

    def begin(self, source: EventSource) -> None:
        """Listen from now on; a second call does nothing.

        Raises:
            RequestError: the console is closed, or has too many listeners.
        """
        with self._lock:
            if self._since_ns is not None:
                return
            self._since_ns = self._now()
        try:
            source.listen(self.hear)
        except BaseException:
            self._since_ns = None
            raise

    def hear(self, event: EventLike) -> None:
        """Keep one event, and forget the oldest where that is too much: of many the heartbeats first."""
        size, is_beat = _size(event.values), is_heartbeat(event)
        with self._lock:
            (self._beats if is_beat else self._kept).append(_Kept(self._total, Heard(event, self._now()), size))
            self._bytes += size
            self._total += 1
            self._total_beats += is_beat
            while len(self._kept) + len(self._beats) > MAX_EVENTS:
                self._forget(self._beats or self._kept)
            while self._bytes > MAX_BYTES and len(self._kept) + len(self._beats) > 1:
                self._forget(min(filter(None, (self._kept, self._beats)), key=lambda some: some[0].number))

    def recent(self) -> list[Heard]:
        """Those that are kept, in the order in which they were heard."""
        with self._lock:
            kept = sorted([*self._kept, *self._beats], key=lambda one: one.number)
        return [one.heard for one in kept]

    def _forget(self, some: deque[_Kept]) -> None:
        self._bytes -= some.popleft().size


@dataclass(frozen=True, slots=True)
class _Kept:
    number: int
    heard: Heard
    size: int


def _size(value: object) -> int:
    """About how many bytes of memory a value takes."""
    match value:
        case str() | bytes():
            return _OVERHEAD + len(value)
        case Mapping():
            return _OVERHEAD + sum(_size(key) + _size(item) for key, item in value.items())
        case list() | tuple():
            return _OVERHEAD + sum(map(_size, value))
        case _:
            return _OVERHEAD
