"""Threads that run the blocking actions of a plugin, started when they are needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

__all__ = ["Pool"]


class Pool:
    """Runs work in at most ``size`` threads. Used by the one thread that reads the socket.

    The queue needs no bound of its own: the worker admits no more calls than there are threads.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._threads = 0
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def run(self, work: Callable[[], None], *, active: int) -> None:
        """Run ``work`` soon. It must not raise.

        Args:
            work: what to run.
            active: pieces of work that are not finished, this one included; tells whether a thread is free.

        Raises:
            RuntimeError: the system does not give a single thread.
        """
        if active > self._threads and self._threads < self._size:
            self._start_thread()
        self._work.put(work)

    def _start_thread(self) -> None:
        # Daemons: a plugin that does not return must not keep the worker from ending.
        thread = threading.Thread(target=self._serve, name=f"call-{self._threads + 1}", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # The system gives no more threads: those there are do the work, one after the other.
            if not self._threads:
                raise
        else:
            self._threads += 1

    def _serve(self) -> None:
        while True:
            work = self._work.get()
            work()
            del work  # or the arguments of the last call stay alive until the next
