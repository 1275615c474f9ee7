"""A thread with a bounded queue before it.

Waking a thread costs more than what it does here, and it takes the interpreter away from whoever woke it. So it takes all
that has gathered at once, and whoever can wait for a moment need not wake it. It sleeps on a pipe: of the kernel's ways to
wake somebody that one reckons with a waker who is about to sleep, and takes two thirds of a lock's time.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

__all__ = ["MAX_BATCH", "Worker"]

_log = logging.getLogger(__name__)

T = TypeVar("T")

MAX_BATCH: Final = 256  # items handled at once: some who wait for one of them wait for all


class Worker(Generic[T]):
    """Gives items to ``handle``, in order and as many as there are, in a thread of its own.

    One thread hands over; ``stop`` may be called from another one, when nothing more is handed over.

    Args:
        limit: items that may wait.
    """

    def __init__(self, name: str, handle: Callable[[list[T]], None], *, limit: int) -> None:
        self._items: deque[T] = deque()
        self._limit = limit
        self._handle = handle
        self._pipe = (-1, -1)
        self._is_idle = False
        # A daemon: a disk that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._is_stopping = False
        self._closing = threading.Lock()  # a wake that was on its way must not write to what is closed
        self.is_running = False

    def start(self) -> None:
        self._pipe = os.pipe()
        self.is_running = True
        self._thread.start()

    def put(self, item: T, *, wake: bool = True) -> bool:
        """Hand over an item without waiting; False when there is no room, or the worker is stopped.

        Args:
            wake: False leaves it to a later item, or to :meth:`wake`, to get the item handled.
        """
        if self._is_stopping or len(self._items) >= self._limit:
            return False
        self._items.append(item)
        if wake:
            self.wake()
        return True

    def wake(self) -> None:
        """Get what was handed over handled; while it is being stopped, that is under way."""
        # The thread says that it is idle before it looks whether there is something; here it is the other way round.
        if self._is_idle:
            with self._closing:
                if not self._is_stopping:
                    self._is_idle = False
                    os.write(self._pipe[1], b"\0")  # a byte for each time that it became idle: never full

    def stop(self, timeout: float) -> bool:
        """Take nothing more, and wait until what is queued is done; False if that is not so after ``timeout`` seconds."""
        if not self.is_running:
            return True
        with self._closing:
            if not self._is_stopping:
                self._is_stopping = True
                os.write(self._pipe[1], b"\0")
        self._thread.join(timeout)
        if self._thread.is_alive():
            return False
        self.is_running = False
        for descriptor in self._pipe:
            os.close(descriptor)
        return True

    def _work(self) -> None:
        while True:
            self._is_idle = True
            if not self._items:
                if self._is_stopping:
                    return
                os.read(self._pipe[0], 64)
            self._is_idle = False
            batch: list[T] = []
            while self._items and len(batch) < MAX_BATCH:
                batch.append(self._items.popleft())
            if not batch:
                continue
            try:
                self._handle(batch)
            # the thread serves everybody: items that cannot be handled must not end it
            except Exception:  # noqa: BLE001 - see above
                _log.exception("%s: %d items could not be handled", self._thread.name, len(batch))
