"""A thread with a bounded queue before it."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Worker"]

_log = logging.getLogger(__name__)

T = TypeVar("T")


class Worker(Generic[T]):
    """Gives each item to ``handle``, one after the other, in a thread of its own.

    Args:
        limit: items that may wait.
    """

    def __init__(self, name: str, handle: Callable[[T], None], *, limit: int) -> None:
        self._queue: queue.Queue[tuple[T] | None] = queue.Queue(limit)
        self._handle = handle
        # A daemon: a disk that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._is_stopping = threading.Event()
        self.is_running = False

    def start(self) -> None:
        self.is_running = True
        self._thread.start()

    def put(self, item: T) -> bool:
        """Hand over an item without waiting; False when there is no room, or the worker is stopped."""
        if self._is_stopping.is_set():
            return False
        try:
            self._queue.put_nowait((item,))
        except queue.Full:
            return False
        return True

    def stop(self, timeout: float) -> bool:
        """Take nothing more, and wait until what is queued is done; False if that is not so after ``timeout`` seconds."""
        if not self.is_running:
            return True
        self._is_stopping.set()
        try:
            self._queue.put_nowait(None)  # wakes it; with a full queue it is awake and finds the flag at its end
        except queue.Full:
            pass
        self._thread.join(timeout)
        if self._thread.is_alive():
            return False
        self.is_running = False
        return True

    def _work(self) -> None:
        while True:
            if self._is_stopping.is_set() and self._queue.empty():
                return
            item = self._queue.get()
            if item is None:
                continue
            try:
                self._handle(item[0])
            # the thread serves everybody: one item that cannot be handled must not end it
            except Exception:  # noqa: BLE001 - see above
                _log.exception("%s: an item could not be handled", self._thread.name)
