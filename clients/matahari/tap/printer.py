"""Lines to a terminal, a file or a pipe, written by a thread so that a slow reader never holds up the bus.

A terminal that was stopped with Ctrl-S does not take anything for minutes. What does not fit the queue meanwhile is
dropped and counted, and the count is shown where the gap is.
"""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

__all__ = ["QUEUE_BYTES", "QUEUE_LINES", "Printer"]

QUEUE_LINES: Final = 5000  # a hundred screens; whoever stops the terminal for longer is told how many are missing
QUEUE_BYTES: Final = 16 << 20  # the same for whole messages (--full), of which each may have a megabyte
_BATCH_BYTES = 1 << 16  # written at once: few calls when much is to be shown


class Printer:
    """Owns a thread that writes to file descriptors. All methods are called by one other thread.

    Attributes:
        dropped: lines that were not shown.
    """

    def __init__(self, out: int, err: int, *, gap: Callable[[int], str], broken: Callable[[], None]) -> None:
        """Start the thread.

        Args:
            out, err: file descriptors of lines and of remarks.
            gap: the line that stands for so many dropped ones.
            broken: called from the thread, once, when nobody reads any more.
        """
        self.dropped = 0
        self._out = out
        self._err = err
        self._gap = gap
        self._broken = broken
        self._missing = 0
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._size = 0
        self._changed = threading.Condition()
        self._closing = False
        self._is_broken = False
        # a daemon: a terminal that never takes the last line must not keep the program from ending
        self._thread = threading.Thread(target=self._run, name="printer", daemon=True)
        self._thread.start()

    def line(self, text: str) -> None:
        """Show a line, or count it as dropped when too many wait."""
        data = _encoded(text)
        with self._changed:
            if len(self._waiting) >= QUEUE_LINES or self._size + len(data) > QUEUE_BYTES:
                self._missing += 1
                self.dropped += 1
                return
            if self._missing:
                self._put(self._out, _encoded(self._gap(self._missing)))
                self._missing = 0
            self._put(self._out, data)

    def remark(self, text: str) -> None:
        """A line beside the others; never dropped, for there are few."""
        with self._changed:
            self._put(self._err, _encoded(text))

    def close(self, timeout: float) -> bool:
        """Write what waits, for ``timeout`` seconds at most; False when something was left."""
        with self._changed:
            if self._missing:
                self._put(self._out, _encoded(self._gap(self._missing)))
                self._missing = 0
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout)
        return not self._thread.is_alive() and not self._waiting

    def _put(self, descriptor: int, data: bytes) -> None:
        if not self._is_broken:
            self._waiting.append((descriptor, data))
            self._size += len(data)
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closing:
                    self._changed.wait()
                if not self._waiting:
                    return
                descriptor, data = self._take()
            try:
                _write(descriptor, data)
            except OSError:
                if descriptor == self._out:
                    self._stop()
                    return

    def _take(self) -> tuple[int, bytes]:
        """As many lines for one descriptor as may be written at once."""
        descriptor, first = self._waiting.popleft()
        parts, size = [first], len(first)
        while self._waiting and self._waiting[0][0] == descriptor and size < _BATCH_BYTES:
            part = self._waiting.popleft()[1]
            parts.append(part)
            size += len(part)
        self._size -= size
        return descriptor, b"".join(parts)

    def _stop(self) -> None:
        """Nobody reads: a closed pipe, a terminal that has gone."""
        with self._changed:
            self._is_broken = True
            self._waiting.clear()
            self._size = 0
        self._broken()


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace") + b"\n"


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:  # somebody who shares the terminal has made it so
            poll = select.poll()
            poll.register(descriptor, select.POLLOUT)
            poll.poll(1000)
