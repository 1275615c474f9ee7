"""Threads that run the blocking actions of a plugin, started when they are needed."""

from __future__ import annotations

import resource
import threading
from collections.abc import Callable
from queue import SimpleQueue

__all__ = ["NoThread", "Pool", "start_thread"]


class NoThread(Exception):
    """The system gives no thread: too many processes of this user, or no memory."""


def start_thread(run: Callable[[], None], name: str) -> None:
    """Run something in a daemon thread: a plugin that does not return must not keep the worker from ending.

    Raises:
        NoThread: there is none to be had.
    """
    thread = threading.Thread(target=run, name=name, daemon=True)
    try:
        thread.start()
    except (RuntimeError, MemoryError) as error:
        raise NoThread(f"the system gives the worker no thread: {error}{_remedy()}") from error


def _remedy() -> str:
    """Which bounds of this process may be the reason, and what to do, as the rest of a sentence; empty without bounds."""
    named = (("memory", resource.RLIMIT_AS, 1 << 20, " MiB"), ("processes", resource.RLIMIT_NPROC, 1, ""))
    found: list[str] = []
    for name, number, unit, shown in named:
        bound, _ = resource.getrlimit(number)
        if bound != resource.RLIM_INFINITY:
            found.append(f"limits.{name} ({bound // unit}{shown})")
    return f"; in NAME.toml raise {' or '.join(found)}, or lower limits.concurrency" if found else ""


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
            NoThread: the system does not give a single one.
        """
        if active > self._threads and self._threads < self._size:
            self._start_thread()
        self._work.put(work)

    def _start_thread(self) -> None:
        try:
            start_thread(self._serve, f"call-{self._threads + 1}")
        except NoThread:
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
