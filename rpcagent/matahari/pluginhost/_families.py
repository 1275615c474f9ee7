"""Whose a process is, when the one that started it has ended, and how a whole family is ended (Linux).

A worker bears a mark that the kernel hands on to all that descend from it: through ``fork`` and ``exec``, into other
sessions and to other users. What loses its parent becomes a child of the warm parent, and the mark says which worker
it came from.

The mark is the hard limit of the time that a *real-time* process may run without a pause: one number for each worker,
and, unless it was low before us, all so large (thousands of years) that they limit nothing. A worker does not adopt its own orphans instead, because
it would have to reap them, and cannot tell them from children that the plugin's code wants to wait for.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from collections.abc import Container, Iterator
from typing import Final

__all__ = ["EVERY_WORKER", "Families", "kill_children"]

#: In microseconds; marks lie below it.
_LARGEST: Final = 1 << 62
#: All numbers that a worker may have.
EVERY_WORKER: Final = range(_LARGEST)
#: Its line in ``/proc/PID/limits`` goes on with the soft limit and the hard one.
_MARK_LINE: Final = "Max realtime timeout"
#: Walks over a family before it is killed, until one meets nobody who is not stopped. Processes that fork all the time
#: need three or four: the stopped ones keep their places below the limit of processes.
_MAX_WALKS: Final = 20


#: Whether this kernel lists the children of a process (``CONFIG_PROC_CHILDREN``).
_HAS_LISTS: Final = os.path.exists(f"/proc/self/task/{os.getpid()}/children")


class Families:
    """Marks workers, and ends what is left of them. Made by the warm parent, before it forks."""

    def __init__(self) -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_RTTIME)
        self._base = _LARGEST if hard == resource.RLIM_INFINITY else hard

    def mark(self, worker: int) -> bool:
        """Put this process, and what will descend from it, into the family of ``worker``.

        Returns:
            Whether that was possible. It is not where the limit was low before us, or where no such limit can be set (as
            in some sandboxes): then what a worker leaves behind in other groups ends with the warm parent.
        """
        mark = self._base - worker
        if mark <= 0:
            return False
        try:
            resource.setrlimit(resource.RLIMIT_RTTIME, (mark, mark))
        except (OSError, ValueError):
            return False
        return True

    def worker_of(self, pid: int) -> int | None:
        """The worker that a process descends from; None when it bears no mark, has ended, or is hidden from us."""
        mark = _mark_of(pid)
        return None if mark is None or mark >= self._base else self._base - mark

    def end(self, workers: Container[int], *, spare: Container[int]) -> set[int]:
        """Kill all that descends from ``workers``, and give those workers of whom there was anything.

        First all are stopped, so that none can fork while others are killed. Children of the killed become ours as they
        die, and the dead are there until they are reaped: to be called until nothing is found.

        Args:
            workers: whose families are to end.
            spare: children of ours that are left alone, with what is below them.
        """
        met: dict[int, int] = {}
        for _ in range(_MAX_WALKS):
            before = len(met)
            for pid in _below(spare):
                if pid not in met and (worker := self._signal(pid, signal.SIGSTOP, workers)) is not None:
                    met[pid] = worker
            if len(met) == before:
                break
        for pid in met:
            self._signal(pid, signal.SIGKILL, workers)
        return set(met.values())

    def _signal(self, pid: int, number: int, workers: Container[int]) -> int | None:
        """Signal a process if it belongs to one of ``workers``; gives that worker."""
        try:
            # The number may go to another process at any time, the descriptor does not.
            descriptor = os.pidfd_open(pid)
        except OSError:
            return None
        try:
            worker = self.worker_of(pid)
            if worker is None or worker not in workers:
                return None
            signal.pidfd_send_signal(descriptor, number)
        except OSError:
            return None  # it has ended, or has become somebody whom we may not signal
        finally:
            os.close(descriptor)
        return worker


def kill_children() -> bool:
    """Kill all children of ours, whosever they are; whether there were any. Only we reap them, so the numbers are theirs."""
    pids = list(_children_of(os.getpid()))
    for pid in pids:
        with contextlib.suppress(PermissionError):
            os.kill(pid, signal.SIGKILL)
    return bool(pids)


def _below(spare: Container[int]) -> Iterator[int]:
    """All that descends from us, but for ``spare`` and what is below them."""
    left = [pid for pid in _children_of(os.getpid()) if pid not in spare]
    while left:
        pid = left.pop()
        yield pid
        left.extend(_children_of(pid))


def _children_of(pid: int) -> Iterator[int]:
    """The children of a process, the dead ones that were not reaped included; none when it has ended itself."""
    if not _HAS_LISTS:
        yield from (child for child, parent in _parents() if parent == pid)
        return
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                yield from map(int, file.read().split())
    except OSError:
        return


def _parents() -> Iterator[tuple[int, int]]:
    try:
        entries = os.listdir("/proc")
    except OSError:
        return  # there is none: nobody can be found, and what is left ends with the warm parent at the latest
    for entry in entries:
        if entry.isdecimal():
            # Behind the name in parentheses, which may hold anything: state, parent, …
            with contextlib.suppress(OSError), open(f"/proc/{entry}/stat", "rb") as file:
                yield int(entry), int(file.read().rpartition(b")")[2].split()[1])


def _mark_of(pid: int) -> int | None:
    # Not prlimit: for another user's process it asks for a right that root may lack in a container.
    try:
        with open(f"/proc/{pid}/limits", encoding="ascii") as file:
            for line in file:
                if line.startswith(_MARK_LINE):
                    hard = line.removeprefix(_MARK_LINE).split()[1]
                    return int(hard) if hard.isdecimal() else None
    except OSError:
        pass  # it has ended, or is hidden from us
    return None
