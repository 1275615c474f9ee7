"""Processes of the host: list them, show whose children they are, send signals.

A process id alone does not name a process, for it may be another's a moment later: ``signal`` takes the
moment of the start as well, and holds on to the process before it looks.
"""

from __future__ import annotations

import builtins
import errno
import fnmatch
import os
import select
from collections.abc import Callable
from pathlib import Path
from signal import Signals, pidfd_send_signal
from typing import Literal, TypedDict

import psutil

from matahari.plugin import context, method

__version__ = "1.0"

#: Most processes in one answer, and most characters of a command line in it: together below what a result may have.
_MAX_PROCESSES = 1000
_MAX_COMMAND = 512
#: Most seconds to wait for an end; a longer wait is a question of its own.
_MAX_WAIT = 60.0
#: Field "starttime" of /proc/PID/stat, counted after the name, which may hold blanks and parentheses (proc(5), 22).
_START_FIELD = 19


class Process(TypedDict):
    """One process.

    ``start_ticks`` is its start in clock ticks since the boot: with ``pid`` it names a process for good, as
    ``signal`` asks. ``started_ns`` is the same as Unix time. ``cpu_percent`` is the share of one processor
    since its start, as ``ps`` shows it. Memory is resident, in bytes.
    """

    pid: int
    ppid: int
    name: str
    user: str
    state: str
    start_ticks: int
    started_ns: int
    cpu_percent: float
    memory_bytes: int
    threads: int
    command: str


class ProcessList(TypedDict):
    """Answer of ``list``: how many matched, and the first of them."""

    matched: int
    processes: builtins.list[Process]


class Branch(TypedDict):
    """One process in the tree: ``depth`` is 0 for the root."""

    depth: int
    pid: int
    ppid: int
    name: str
    user: str
    start_ticks: int
    command: str


class Signalled(TypedDict):
    """Answer of ``signal``; ``ended`` is false when it was not, or not long enough, waited for."""

    pid: int
    name: str
    signal: str
    ended: bool


@method(read_only=True)
def list(
    name: str = "*", user: str = "", sort: Literal["pid", "cpu", "memory"] = "pid", limit: int = 200
) -> ProcessList:
    """List processes, filtered by name and user.

    Command lines are shown as they are: what a program was told in its arguments is not a secret on a host.

    Args:
        name: shell pattern for the process's name, such as ``python*``.
        user: name of the user it runs as; empty for all.
        sort: by number, or those that use most first.
        limit: most processes in the answer, 1 to 1000.

    Raises:
        ValueError: the limit is out of range.
    """
    if not 1 <= limit <= _MAX_PROCESSES:
        raise ValueError(f"limit is {limit}, it must be 1 to {_MAX_PROCESSES}")
    found: builtins.list[Process] = []
    for process in psutil.process_iter():
        try:
            with process.oneshot():
                if fnmatch.fnmatchcase(process.name(), name) and (not user or process.username() == user):
                    found.append(_described(process))
        except (psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile, or hidden from this user
    found.sort(key=_ORDERS[sort])
    return {"matched": len(found), "processes": found[:limit]}


@method(read_only=True)
def tree(pid: int = 1, depth: int = 16) -> builtins.list[Branch]:
    """Show a process and all below it, parents before their children.

    Args:
        pid: the root of the tree.
        depth: how many generations below the root, 0 to 64.

    Raises:
        LookupError: there is no such process.
        ValueError: the depth is out of range.
    """
    if not 0 <= depth <= 64:
        raise ValueError(f"depth is {depth}, it must be 0 to 64")
    children: dict[int, builtins.list[psutil.Process]] = {}
    root: psutil.Process | None = None
    for process in psutil.process_iter():
        try:
            if process.pid == pid:
                root = process
            children.setdefault(process.ppid(), []).append(process)
        except psutil.NoSuchProcess:
            continue
    if root is None:
        raise LookupError(f"no process {pid} on this host")
    branches: builtins.list[Branch] = []
    left = [(root, 0)]
    while left and len(branches) < _MAX_PROCESSES:
        process, level = left.pop()
        try:
            one = _described(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError, ProcessLookupError):
            continue
        branches.append(
            {
                "depth": level,
                "pid": one["pid"],
                "ppid": one["ppid"],
                "name": one["name"],
                "user": one["user"],
                "start_ticks": one["start_ticks"],
                "command": one["command"],
            }
        )
        if level < depth:
            below = sorted(children.get(process.pid, []), key=lambda child: child.pid, reverse=True)
            left += [(child, level + 1) for child in below]
    return branches


@method(destructive=True)
def signal(
    pid: int,
    start_ticks: int,
    name: Literal["TERM", "KILL", "INT", "HUP", "QUIT", "USR1", "USR2", "STOP", "CONT", "WINCH"] = "TERM",
    wait: float = 0.0,
) -> Signalled:
    """Send a signal to one process, if it is still the one that was meant.

    Args:
        pid: its number.
        start_ticks: when it started, as ``list`` and ``tree`` tell it.
        name: of the signal, without ``SIG``.
        wait: seconds to wait for its end, 0 to 60.

    Raises:
        PermissionError: the first process, this plugin's worker, its warm parent or the agent; or the system refuses.
        LookupError: no such process, or another one has its number now.
        ValueError: the number, the signal or the wait is out of range.
    """
    if pid < 1:
        raise ValueError(f"pid is {pid}, it must be the number of one process, 1 or more")
    if not 0.0 <= wait <= _MAX_WAIT:
        raise ValueError(f"wait is {wait}, it must be 0 to {_MAX_WAIT:g} seconds")
    if f"SIG{name}" not in Signals.__members__:
        raise ValueError(f"name is {name!r}, it must be the name of a signal without SIG, such as TERM")
    if pid in _protected():
        raise PermissionError(f"process {pid} is the first process, the agent or this worker: not signalled from here")
    try:
        handle = os.pidfd_open(pid)
    except OSError as error:
        if error.errno not in (errno.ESRCH, errno.EINVAL):  # the latter: the number of a thread, or none at all
            raise
        raise LookupError(f"no process {pid} on this host") from None
    try:
        # From here on the number cannot come to mean another process without the handle knowing.
        try:
            described, now = _text(psutil.Process(pid).name()), _start_ticks(pid)
        except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            raise LookupError(f"process {pid} has ended") from None
        if now != start_ticks:
            raise LookupError(
                f"process {pid} ({described}) started at tick {now}, not {start_ticks}: the number has been given"
                " to another process; list again"
            )
        try:
            pidfd_send_signal(handle, Signals[f"SIG{name}"])
        except ProcessLookupError:
            raise LookupError(f"process {pid} has ended") from None
        except PermissionError:
            raise PermissionError(
                f"the system does not let user {os.geteuid()} signal process {pid} ({described})"
            ) from None
        return {"pid": pid, "name": described, "signal": name, "ended": wait > 0 and _has_ended(handle, wait)}
    finally:
        os.close(handle)


def _has_ended(handle: int, wait: float) -> bool:
    waiter = select.poll()
    waiter.register(handle, select.POLLIN)
    return bool(waiter.poll(min(wait, context().remaining) * 1000))


def _protected() -> set[int]:
    """The first process, this worker, and the two above it: the warm parent and the agent."""
    return {1, os.getpid(), *(parent.pid for parent in psutil.Process().parents()[:2])}


def _start_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return int(fields[_START_FIELD])


def _described(process: psutil.Process) -> Process:
    with process.oneshot():
        started = process.create_time()
        cpu = process.cpu_times()
        age = max(psutil.boot_time() + _uptime() - started, 0.01)
        return {
            "pid": process.pid,
            "ppid": process.ppid(),
            "name": _text(process.name()),
            "user": process.username(),
            "state": process.status(),
            "start_ticks": _start_ticks(process.pid),
            "started_ns": int(started * 1e9),
            "cpu_percent": round(100 * (cpu.user + cpu.system) / age, 1),
            "memory_bytes": process.memory_info().rss,
            "threads": process.num_threads(),
            "command": _text(" ".join(process.cmdline())[:_MAX_COMMAND]),
        }


def _text(text: str) -> str:
    """Without the halves of characters that stand for bytes that are not UTF-8: no JSON may have them."""
    return text.encode(errors="replace").decode()


def _uptime() -> float:
    return float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])


_ORDERS: dict[str, Callable[[Process], float]] = {
    "pid": lambda one: one["pid"],
    "cpu": lambda one: -one["cpu_percent"],
    "memory": lambda one: -one["memory_bytes"],
}
