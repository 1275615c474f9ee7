"""What a process must do to itself to be a warm parent or a worker (Linux)."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import faulthandler
import fcntl
import os
import pwd
import resource
import signal
from collections.abc import Iterator, Mapping
from typing import Final

__all__ = [
    "BOUNDS",
    "LIMITS",
    "WORKER_SOCKET",
    "adopt_orphans",
    "become_worker",
    "die_with_parent",
    "hear_signals",
    "name_process",
    "shown_when_ended",
]

#: The worker's socket is always this descriptor (PROTOCOL.md section 1).
WORKER_SOCKET: Final = 3
#: Name in a spawn message -> what it limits.
LIMITS: Final[Mapping[str, int]] = {
    "address_space": resource.RLIMIT_AS,
    "open_files": resource.RLIMIT_NOFILE,
    "processes": resource.RLIMIT_NPROC,
    "core": resource.RLIMIT_CORE,
    "cpu": resource.RLIMIT_CPU,
}

#: All names that a spawn message may have among its limits.
BOUNDS: Final = frozenset((*LIMITS, "nice", "uid"))

#: Signals that the warm parent hears of. A stop of the whole service signals it too, but only the agent knows when its
#: workers are done.
_HEARD: Final = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
_PR_SET_CHILD_SUBREAPER: Final = 36
#: Room for the duplicates that are made while 0 to 3 are put in place.
_SPARE_DESCRIPTOR: Final = 16

_prctl = ctypes.CDLL(None, use_errno=True).prctl


def _control(option: int, argument: int | bytes) -> None:
    if _prctl(option, argument, 0, 0, 0) != 0:
        code = ctypes.get_errno() or errno.EINVAL
        raise OSError(code, os.strerror(code))


def die_with_parent(signal_number: int) -> None:
    """Have the kernel send us ``signal_number`` when the thread that started us ends."""
    _control(_PR_SET_PDEATHSIG, signal_number)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent has ended, so that they can be reaped."""
    _control(_PR_SET_CHILD_SUBREAPER, 1)


def name_process(name: str) -> None:
    """Set the name that ``ps`` and ``top`` show; the kernel keeps 15 bytes."""
    _control(_PR_SET_NAME, name.encode("utf-8", "replace"))


def become_worker(plugin: str, socket_fd: int, log_fd: int, limits: Mapping[str, int]) -> None:
    """Turn a freshly forked child into a worker: its own session, descriptors, signals and limits.

    Args:
        plugin: name of the plugin, for the process's name.
        socket_fd: becomes ``WORKER_SOCKET``.
        log_fd: becomes standard output and standard error.
        limits: names of ``BOUNDS`` -> value, soft and hard.

    Raises:
        OSError, ValueError: the system refuses.
    """
    parent = os.getppid()
    os.setsid()
    # A worker without its warm parent has nobody who would reap or signal it.
    die_with_parent(signal.SIGKILL)
    if os.getppid() != parent:
        raise ProcessLookupError("the warm parent has ended")
    _hear_no_more()
    _place_descriptors(socket_fd, log_fd)
    name_process(f"mh-{plugin}")
    faulthandler.enable(2)  # after a segmentation fault the agent has at least the Python lines
    for name, value in limits.items():
        if name in LIMITS:
            resource.setrlimit(LIMITS[name], (value, value))
    if "nice" in limits:
        os.nice(limits["nice"])
    if "uid" in limits:
        _become_user(limits["uid"], parent)


@contextlib.contextmanager
def shown_when_ended() -> Iterator[None]:
    """Have SIGTERM print where the process is, before it ends it: what hangs while it is loaded has no other witness."""
    faulthandler.register(signal.SIGTERM, 2, all_threads=False, chain=True)
    try:
        yield
    finally:
        # Not when the plugin has taken the signal for itself: that would be undone.
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            faulthandler.unregister(signal.SIGTERM)


def _become_user(uid: int, parent: int) -> None:
    """Give up all rights but those of this user. Last of all: the rest may need them."""
    user = pwd.getpwuid(uid)
    os.initgroups(user.pw_name, user.pw_gid)
    os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
    os.setresuid(uid, uid, uid)
    die_with_parent(signal.SIGKILL)  # the kernel forgets it when the user changes
    if os.getppid() != parent:
        raise ProcessLookupError("the warm parent has ended")


def hear_signals(descriptor: int) -> None:
    """Be woken through ``descriptor`` by the signals of ``_HEARD``, and put all others into the state that workers need.

    Not left to the workers: a walk over all signals would write to twenty pages that each of them shares otherwise.
    """
    for number in signal.valid_signals():
        if number in (signal.SIGKILL, signal.SIGSTOP):
            continue
        # Python programs ignore SIGPIPE: writing to a closed pipe is an exception there, not an end.
        action = signal.SIG_IGN if number == signal.SIGPIPE else signal.SIG_DFL
        with contextlib.suppress(OSError):  # two real-time signals belong to the C library
            signal.signal(number, action)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.set_wakeup_fd(descriptor, warn_on_full_buffer=False)
    for number in _HEARD:
        signal.signal(number, lambda *_: None)


def _hear_no_more() -> None:
    signal.set_wakeup_fd(-1)
    for number in _HEARD:
        signal.signal(number, signal.SIG_DFL)


def _place_descriptors(socket_fd: int, log_fd: int) -> None:
    # 1. Out of the way: either may be one of the numbers that are about to be taken.
    socket_copy = fcntl.fcntl(socket_fd, fcntl.F_DUPFD_CLOEXEC, _SPARE_DESCRIPTOR)
    log_copy = fcntl.fcntl(log_fd, fcntl.F_DUPFD_CLOEXEC, _SPARE_DESCRIPTOR)
    null = os.open(os.devnull, os.O_RDONLY)
    # 2. Into place.
    if null != 0:
        os.dup2(null, 0)
    os.dup2(log_copy, 1)
    os.dup2(log_copy, 2)
    os.dup2(socket_copy, WORKER_SOCKET, inheritable=False)
    # 3. Nothing else of the warm parent, above all not its control socket, reaches a plugin. The objects of 0, 1 and 2
    #    are those of the warm parent: they go by the number.
    os.closerange(WORKER_SOCKET + 1, os.sysconf("SC_OPEN_MAX"))
