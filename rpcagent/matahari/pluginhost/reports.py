"""What a running call tells the agent before its answer: progress, output, events, yielded values.

Sending blocks while the agent does not read, and with it the thread that reports: a plugin cannot fill anybody's
memory. An event loop waits as a whole. What is beyond the limits below is left out, and the log says so; a yielded
value is never left out.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from matahari.hostproto import MAX_CHUNK, MAX_NOTE, Output, Partial, PluginEvent, Progress

__all__ = ["MAX_OUTPUT", "MAX_STREAM", "CallReporter", "EventBudget", "Report", "TooMuch"]

#: Output of one call, in bytes: what a caller may want to read, and the agent keeps for answers at the time limit.
MAX_OUTPUT: Final = 1024 * 1024
#: JSON texts of all values that one call yields, in bytes.
MAX_STREAM: Final = 64 * 1024 * 1024
#: Seconds between two reports of progress: nobody reads faster.
_PROGRESS_INTERVAL: Final = 0.1
#: Events that one plugin may send at once, and then per second: each of them goes over the bus to everybody.
_EVENT_BURST: Final = 100
_EVENT_RATE: Final = 20.0
#: Characters that certainly fit into a chunk (four bytes each at most).
_SAFE_PIECE: Final = MAX_CHUNK // 4

Report: TypeAlias = Progress | Output | Partial | PluginEvent

_log = logging.getLogger(__name__)


class TooMuch(Exception):
    """A call yields more than a call may."""


class EventBudget:
    """How many events a plugin may still send. Used from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._left = float(_EVENT_BURST)
        self._filled = clock()

    def take(self) -> bool:
        """Take one; false when there is none."""
        with self._lock:
            now = self._clock()
            self._left = min(_EVENT_BURST, self._left + (now - self._filled) * _EVENT_RATE)
            self._filled = now
            if self._left < 1:
                return False
            self._left -= 1
            return True


class CallReporter:
    """Takes the reports of one call, from any of its threads, until it is closed.

    Args:
        call: number of the call; None for what runs outside of calls, which can only send events.
        plugin: the plugin's name, for the log.
        send: sends a message; blocks while the agent does not read.
        events: the plugin's budget.
        clock: gives monotonic seconds.
    """

    def __init__(
        self,
        call: int | None,
        plugin: str,
        send: Callable[[Report], None],
        events: EventBudget,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._call = call
        self._plugin = plugin
        self._send = send
        self._events = events
        self._clock = clock
        # Held while sending: the order of reports, and that none follows the answer, depend on it.
        self._lock = threading.Lock()
        self._output_left = MAX_OUTPUT
        self._left_out = 0
        self._stream_left = MAX_STREAM
        self._next_progress = 0.0
        self._waiting: Progress | None = None
        self._has_warned = False

    @property
    def call(self) -> int | None:
        """Number of the call, None when it is over or there was none."""
        return self._call

    def progress(self, done: float, total: float | None, text: str) -> None:
        """Take how far the call is."""
        with self._lock:
            if self._call is None:
                return
            self._waiting = Progress(self._call, done, total, _cut(_clean(text), MAX_NOTE))
            if self._clock() >= self._next_progress:
                self._send_progress()

    def output(self, chunk: str) -> None:
        """Take text to show, of any length."""
        with self._lock:
            if self._call is None or not chunk:
                return
            self._send_progress()
            for piece in _pieces(_clean(chunk)):
                size = len(piece.encode())
                if self._left_out or size > self._output_left:
                    if not self._left_out:
                        self._send(Output(self._call, f"\n… more than {MAX_OUTPUT} bytes of output are left out …\n"))
                    self._left_out += size
                else:
                    self._output_left -= size
                    self._send(Output(self._call, piece))

    def event(self, name: str, severity: int, fields: str) -> None:
        """Take an event. One that comes after the answer belongs to no call.

        Raises:
            ValueError: ``fields`` is too long.
        """
        size = len(fields.encode())
        if size > MAX_CHUNK:
            raise ValueError(f"the fields of event {name} have {size} bytes of JSON, at most {MAX_CHUNK} are allowed")
        if not self._events.take():
            if not self._has_warned:
                self._has_warned = True
                _log.warning("%s sends more than %g events a second; some are left out", self._plugin, _EVENT_RATE)
            return
        with self._lock:
            self._send(PluginEvent(self._call, name, fields, severity))

    def partial(self, text: str) -> None:
        """Take the JSON text of a yielded value.

        Raises:
            TooMuch: the call has yielded more than a call may.
        """
        with self._lock:
            if self._call is None:
                return
            self._stream_left -= len(text) if text.isascii() else len(text.encode())
            if self._stream_left < 0:
                raise TooMuch(f"yielded more than {MAX_STREAM} bytes of JSON")
            self._send_progress()
            self._send(Partial(self._call, text))

    def close(self) -> None:
        """Send what is held back; afterwards only events are taken. To be called before the answer is sent."""
        with self._lock:
            self._send_progress()
            if self._left_out and self._call is not None:
                self._send(Output(self._call, f"… {self._left_out} bytes of output were left out …\n"))
            self._call = None

    def renew_lock(self) -> None:
        """In a forked process: whoever held the lock does not exist here."""
        self._lock = threading.Lock()

    def _send_progress(self) -> None:
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            self._next_progress = self._clock() + _PROGRESS_INTERVAL
            self._send(waiting)


def _clean(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit and text.isascii() else text.encode()[:limit].decode("utf-8", "ignore")


def _pieces(text: str) -> Iterator[str]:
    size = MAX_CHUNK if text.isascii() else _SAFE_PIECE
    for start in range(0, len(text), size):
        yield text[start : start + size]
