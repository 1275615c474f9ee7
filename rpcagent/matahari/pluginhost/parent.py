"""The warm parent: forks workers, signals them, reaps them. It never runs a plugin's code.

One thread, so that a fork is safe. It has imported what workers need, and frozen it for the garbage collector,
so that an idle worker costs little more than the pages that its plugin writes. The library for typed annotations
is as large as all the rest: it is imported when the first plugin comes that seems to need it.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib.util
import os
import select
import signal
import socket
import sys
import time
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from matahari.hostproto import (
    FRAMING_VERSION,
    INTERFACE_VERSION,
    Closed,
    Connection,
    Exited,
    Fault,
    Hello,
    Kill,
    Message,
    Ping,
    Pong,
    Shutdown,
    Spawn,
    Spawned,
    SpawnFailed,
)

from ._families import EVERY_WORKER, Families, kill_children
from ._process import BOUNDS, WORKER_SOCKET, adopt_orphans, become_worker, die_with_parent, hear_signals, name_process
from .describe import examine
from .loading import NAMESPACE
from .rehearsal import rehearse
from .streams import install_streams
from .worker import LANGUAGE, Worker

__all__ = ["WarmParent", "import_before_user", "main"]

#: What plugins import most. Modules with threads or descriptors of their own do not belong here.
_PRELOADED: Final = ("collections", "datetime", "pathlib", "re", "shlex", "shutil", "subprocess", "tempfile", "time")
#: What a worker imports only when its plugin needs it, here and in the standard library; the second with typed annotations.
_LATER: Final = (".eventloop", "asyncio", "concurrent.futures.thread", "difflib")
_LATER_TYPED: Final = (".typed", ".typedsettings")
#: Read at once from the control socket, in bytes, and descriptors that may come with them.
_READ_SIZE: Final = 64 * 1024
_READ_DESCRIPTORS: Final = 32
#: How long, in seconds, an end is not told because what the worker had started is not gone: less than the time after
#: which the agent holds us for stuck.
_FAMILY_LIMIT: Final = 0.5
#: Time between two looks for what is left of ended workers, in milliseconds; each end of a child is one more look.
_FAMILY_PAUSE_MS: Final = 10
#: How long, in seconds, killed processes are waited for at the end.
_LAST_WAIT: Final = 1.0
#: Exit status of a child that could not become a worker.
_NOT_A_WORKER: Final = 70
_NOT_MARKED: Final = "RLIMIT_RTTIME is too low or cannot be set here: what this plugin starts in other sessions does not end with its worker"


@dataclass(slots=True)
class _Ended:
    """A worker that was reaped; ``message`` is told when all is gone that it had started, or after the deadline."""

    message: Exited | None
    deadline: float


class WarmParent:
    """Serves the control socket until it ends."""

    def __init__(self, control: socket.socket, *, nonce: str) -> None:
        self._control = control
        self._nonce = nonce
        self._connection = Connection.of_parent()
        self._descriptors: deque[int] = deque()
        self._workers: dict[int, int] = {}  # worker -> pid
        self._pids: dict[int, int] = {}  # pid -> worker
        self._ended: dict[int, _Ended] = {}
        self._families = Families()
        self._agent = os.getppid()
        self._is_over = False
        self._status = 0
        self._has_types = False

    def run(self) -> int:
        """Serve; gives the exit status. No worker is left when it returns."""
        wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        hear_signals(wake_write)
        die_with_parent(signal.SIGTERM)
        adopt_orphans()
        self._send(Hello(FRAMING_VERSION, INTERFACE_VERSION, os.getpid(), self._nonce, LANGUAGE))
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(wake_read, select.POLLIN)
        while not self._is_over:
            ready = {descriptor for descriptor, _ in poll.poll(_FAMILY_PAUSE_MS if self._ended else None)}
            if wake_read in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(wake_read, _READ_SIZE)
                self._reap()
                if os.getppid() != self._agent:
                    self._is_over = True
            if self._ended:
                self._end_families()
            if self._control.fileno() in ready:
                self._receive()
        self._end(wake_read)
        return self._status

    def _receive(self) -> None:
        try:
            data, descriptors, flags, _ = socket.recv_fds(self._control, _READ_SIZE, _READ_DESCRIPTORS)
        except OSError:
            data, descriptors, flags = b"", [], 0
        self._descriptors.extend(descriptors)
        if flags & socket.MSG_CTRUNC:
            # Some descriptors are lost, and with them the knowledge which belongs to which frame.
            self._fail("descriptors were lost: too many open files?")
            return
        if data:
            self._connection.receive_data(data)
        else:
            self._connection.receive_eof()
        while not self._is_over and (event := self._connection.next_event()) is not None:
            match event:
                case Spawn():
                    self._spawn(event)
                case Kill():
                    self._kill(event.worker, event.signal)
                case Ping():
                    self._send(Pong(event.id))
                case Shutdown() | Closed():
                    self._is_over = True
                case Fault():
                    self._fail(event.text)
                case _:
                    raise AssertionError(f"{event.TYPE} passed the connection")  # it lets in what we may get

    def _fail(self, text: str) -> None:
        print(f"matahari plugin host: {text}", file=sys.stderr)  # noqa: T201  # the agent's log is on this stream
        self._is_over = True
        self._status = 1

    def _spawn(self, message: Spawn) -> None:
        if len(self._descriptors) < 2:
            self._fail("spawn came without its descriptors")
            return
        socket_fd, log_fd = self._descriptors.popleft(), self._descriptors.popleft()
        try:
            unknown = sorted(set(message.limits) - BOUNDS)
            if unknown:
                self._send(SpawnFailed(message.worker, f"unknown limits: {', '.join(unknown)}"))
                return
            if message.typed and not self._has_types:
                self._has_types = True
                _warm_up_types()
            try:
                pid = os.fork()
            except OSError as error:
                self._send(SpawnFailed(message.worker, f"fork: {error.strerror}"))
                return
            if pid == 0:
                self._be_worker(message, socket_fd, log_fd)
        finally:
            os.close(socket_fd)
            os.close(log_fd)
        self._workers[message.worker] = pid
        self._pids[pid] = message.worker
        self._send(Spawned(message.worker, pid))

    def _be_worker(self, message: Spawn, socket_fd: int, log_fd: int) -> None:
        """The child's whole life; never returns."""
        status = _NOT_A_WORKER
        try:
            self._control.detach()  # its number is about to belong to somebody else
            is_marked = self._families.mark(message.worker)
            user = ""
            if "uid" in message.limits:
                import_before_user(typed=message.typed)
                user = message.environment.get("USER", "")
            become_worker(message.plugin, socket_fd, log_fd, message.limits)
            if not is_marked:
                print(_NOT_MARKED, file=sys.stderr)  # noqa: T201  # the agent's log
            for name, value in message.environment.items():  # update() would fill caches of abstract classes first
                os.environ[name] = value
            gc.enable()
            status = Worker(socket.socket(fileno=WORKER_SOCKET), nonce=message.nonce, user=user).run()
            atexit._run_exitfuncs()
        except BaseException as error:  # noqa: BLE001  # nothing may climb into the warm parent's frames
            with contextlib.suppress(BaseException):
                print(f"the worker failed: {type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
        finally:
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(BaseException):
                    stream.flush()
            # Not sys.exit: threads of the plugin may still run, and our frames below are not the child's.
            os._exit(status)

    def _kill(self, worker: int, number: int) -> None:
        pid = self._workers.get(worker)
        if pid is None:
            return
        is_told = False
        with contextlib.suppress(
            ProcessLookupError, PermissionError
        ):  # it has not made its own group yet, or see below
            os.killpg(pid, number)
            is_told = number != signal.SIGKILL
        if is_told:
            return
        try:
            os.kill(pid, number)  # it is not reaped, so the number is still its own
        except PermissionError:
            # A program like sudo has taken its place, and is another user's. It must not take all workers along.
            if number == signal.SIGKILL:
                self._give_up(worker, pid)

    def _give_up(self, worker: int, pid: int) -> None:
        """What cannot be killed is not waited for; it is reaped as a stranger when it ends."""
        del self._workers[worker], self._pids[pid]
        self._ended[worker] = _Ended(Exited(worker, None, signal.SIGKILL), time.monotonic() + _FAMILY_LIMIT)

    def _reap(self) -> None:
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            worker = self._pids.pop(ended.si_pid, None)
            if worker is not None:
                # What it had started is ours by now. All of it is stopped before any of it is killed, see there.
                self._families.end((worker,), spare=self._pids)
                # Before the number is given back: afterwards it may be another process's group.
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(ended.si_pid, signal.SIGKILL)
            os.waitpid(ended.si_pid, 0)
            if worker is not None:
                del self._workers[worker]
                by_signal = ended.si_code != os.CLD_EXITED
                status, number = (None, ended.si_status) if by_signal else (ended.si_status, None)
                deadline = time.monotonic() + _FAMILY_LIMIT
                self._ended[worker] = _Ended(Exited(worker, status, number), deadline)

    def _end_families(self) -> None:
        """Kill what ended workers have left behind in other groups and sessions, and tell the ends that are complete."""
        left = self._families.end(self._ended, spare=self._pids)
        now = time.monotonic()
        for worker, ended in list(self._ended.items()):
            if ended.message is not None and (worker not in left or ended.deadline <= now):
                self._send(ended.message)
                ended.message = None
            if worker not in left:
                del self._ended[worker]

    def _end(self, wake_read: int) -> None:
        """Kill and reap all that is left, whatever group or session it has gone to."""
        waiter = select.poll()
        waiter.register(wake_read, select.POLLIN)
        deadline = time.monotonic() + _LAST_WAIT
        # Children of the killed become ours as they die.
        while (self._families.end(EVERY_WORKER, spare=()) or kill_children()) and time.monotonic() < deadline:
            waiter.poll(_FAMILY_PAUSE_MS)
            with contextlib.suppress(BlockingIOError):
                os.read(wake_read, _READ_SIZE)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass

    def _send(self, message: Message) -> None:
        try:
            self._control.sendall(self._connection.send(message))
        except OSError:
            self._is_over = True


@dataclass
class _Sample:
    """Stand for a type of a plugin."""

    when: datetime


def _typed_sample(first: _Sample, second: Path | None = None) -> dict[str, _Sample]:
    """Stand for an action with annotations that need the library."""
    return {str(second): first}


def _warm_up() -> None:
    """Do once, before any fork, what every worker would do for itself: what is there already is shared."""
    for name in _PRELOADED:
        importlib.import_module(name)
    # The folders of the path are listed by the first search that fails.
    importlib.util.find_spec(NAMESPACE)
    rehearse()
    _freeze()


def _warm_up_types() -> None:
    """Do the same for typed annotations. The import takes a few hundredths of a second, once, and is shared from then on."""
    # Where the library cannot be imported, the worker's log says so for each annotation that needs it.
    form = examine("typed_sample", _typed_sample, _ignore).form
    form.read(['{"when": "2000-01-01T00:00:00Z"}'], {})
    _freeze()


def import_before_user(*, typed: bool) -> None:
    """Import what a worker may need later, before it becomes a user who perhaps cannot read it.

    Args:
        typed: the plugin seems to need the library for typed annotations.
    """
    for name in (*_LATER, *_LATER_TYPED) if typed else _LATER:
        with contextlib.suppress(ImportError):  # whoever needs it says so
            importlib.import_module(name, __package__)


def _freeze() -> None:
    """Keep the garbage collector of workers away from what is shared: it writes to all that it looks at."""
    gc.collect()
    gc.freeze()


def _ignore(_text: str) -> None:
    """Nobody can do anything about it here."""


def main(arguments: list[str]) -> int:
    """Be a warm parent: ``python -P -m matahari.pluginhost CONTROL-FD NONCE``."""
    if len(arguments) != 2 or not arguments[0].isdecimal():
        print("usage: python -P -m matahari.pluginhost CONTROL-FD NONCE (started by the agent)", file=sys.stderr)  # noqa: T201
        return 64
    # The agent needed these for its own purposes; programs that a plugin starts must not see them.
    os.environ.pop("MALLOC_ARENA_MAX", None)
    path = os.environ.pop("MATAHARI_PLUGIN_PYTHONPATH", None)
    if path is not None:
        os.environ["PYTHONPATH"] = path
    else:
        os.environ.pop("PYTHONPATH", None)
    control = socket.socket(fileno=int(arguments[0]))
    control.set_inheritable(False)
    name_process("mh-plugins")
    gc.disable()
    install_streams()
    _warm_up()
    return WarmParent(control, nonce=arguments[1]).run()
