"""The warm parent (PROTOCOL.md 5, 6): forks workers, signals them, reaps them, and ends what they leave behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import select
import signal
import socket
import time

from channel import Channel, Message
from worker import Worker

# Those that can be applied; others are refused.
LIMITS = {
    "address_space": resource.RLIMIT_AS,
    "open_files": resource.RLIMIT_NOFILE,
    "processes": resource.RLIMIT_NPROC,
    "core": resource.RLIMIT_CORE,
    "cpu": resource.RLIMIT_CPU,
}
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
MARKS = 1 << 62  # a limit that limits nothing; less a worker's number, it marks all that descends from the worker
FAMILY_LIMIT = 0.5  # seconds that are waited for what cannot be killed
LAST_WAIT = 1.0  # seconds for the same at the end


def control(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def children() -> list[int]:
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def family_of(pid: int) -> int | None:
    """The worker that a process descends from."""
    try:
        with open(f"/proc/{pid}/limits", encoding="ascii") as file:
            line = next(line for line in file if line.startswith("Max realtime timeout"))
    except (OSError, StopIteration):
        return None
    hard = line.split()[4]
    return MARKS - int(hard) if hard.isdecimal() else None


class Parent:
    """The warm parent: forks workers, signals them, reaps them."""

    def __init__(self, sock: socket.socket) -> None:
        self.channel = Channel(sock)
        self.workers: dict[int, int] = {}  # worker -> pid
        self.ended: dict[
            int, tuple[float, dict[str, int]]
        ] = {}  # worker -> until when its family is waited for, its exited

    def run(self, nonce: str) -> None:
        wake, self.wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self.wake_write, warn_on_full_buffer=False)
        # A stop of the whole service signals us too, but only the agent knows when its workers are done.
        for number in SIGNALS:
            signal.signal(number, lambda *_: None)
        agent = os.getppid()
        control(PR_SET_PDEATHSIG, signal.SIGTERM)
        control(PR_SET_CHILD_SUBREAPER, 1)
        self.channel.hello(nonce)
        poll = select.poll()
        poll.register(self.channel.sock, select.POLLIN)
        poll.register(wake, select.POLLIN)
        try:
            while os.getppid() == agent:
                ready = {number for number, _ in poll.poll(10 if self.ended else None)}
                if wake in ready:
                    os.read(wake, 4096)
                self.reap()
                if self.channel.sock.fileno() in ready:
                    messages = self.channel.receive()
                    if messages is None or not all(self.handle(message) for message in messages):
                        return
        except ConnectionError:
            pass  # the agent has gone
        finally:
            self.end()

    def handle(self, message: Message) -> bool:
        """Obey; false when that was the last one."""
        kind, worker = message["type"], message.get("worker")
        if kind == "spawn":
            self.spawn(message, self.channel.descriptors.popleft(), self.channel.descriptors.popleft())
        elif kind == "kill" and worker in self.workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.workers[worker], message["signal"])  # it may not have a group yet
                os.killpg(self.workers[worker], message["signal"])
        elif kind == "ping":
            self.channel.send("pong", id=message["id"])
        return bool(kind != "shutdown")

    def spawn(self, message: Message, sock: int, log: int) -> None:
        try:
            unknown = sorted(set(message["limits"]) - set(LIMITS))
            if unknown:
                self.channel.send(
                    "spawn_failed",
                    worker=message["worker"],
                    text=f"plugins in shell cannot have the limits {', '.join(unknown)}",
                )
                return
            try:
                pid = os.fork()
            except OSError as error:
                self.channel.send("spawn_failed", worker=message["worker"], text=f"fork: {error.strerror}")
                return
            if pid == 0:
                be_worker(message, sock, log)
        finally:
            os.close(sock)
            os.close(log)
        self.workers[message["worker"]] = pid
        self.channel.send("spawned", worker=message["worker"], pid=pid)

    def reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
                worker = next((each for each, pid in self.workers.items() if pid == ended.si_pid), None)
                if worker is not None:
                    del self.workers[worker]
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.killpg(ended.si_pid, signal.SIGKILL)  # before its number is given back
                    name = "status" if ended.si_code == os.CLD_EXITED else "signal"
                    self.ended[worker] = (time.monotonic() + FAMILY_LIMIT, {name: ended.si_status})
                os.waitpid(ended.si_pid, 0)
        if self.ended:
            self.end_families()

    def end_families(self) -> None:
        """Kill what ended workers have left: it has become ours, and bears their marks."""
        left: set[int | None] = set()
        for pid in children():
            if pid not in self.workers.values() and (worker := family_of(pid)) in self.ended:
                left.add(worker)
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
        for worker, (deadline, how) in list(self.ended.items()):
            if worker not in left or deadline <= time.monotonic():
                self.channel.send("exited", worker=worker, **{"status": None, "signal": None, **how})
                del self.ended[worker]

    def end(self) -> None:
        """Leave nothing behind."""
        deadline = time.monotonic() + LAST_WAIT
        while (pids := children()) and time.monotonic() < deadline:
            for pid in pids:
                with contextlib.suppress(PermissionError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.005)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def be_worker(message: Message, sock: int, log: int) -> None:
    """The whole life of a forked child."""
    status = 70
    try:
        parent = os.getppid()
        os.setsid()
        control(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(status)
        signal.set_wakeup_fd(-1)
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        sock, log = os.dup(sock), os.dup(log)  # out of the way of 0 to 3, which are in use here
        for source, target in ((os.open(os.devnull, os.O_RDONLY), 0), (log, 1), (log, 2), (sock, 3)):
            os.dup2(source, target, inheritable=target < 3)
        os.closerange(4, os.sysconf("SC_OPEN_MAX"))
        mark = MARKS - message["worker"]
        resource.setrlimit(resource.RLIMIT_RTTIME, (mark, mark))
        for name, value in message["limits"].items():
            resource.setrlimit(LIMITS[name], (value, value))
        os.environ.update(message["environment"])
        Worker(socket.socket(fileno=3)).run(message["nonce"])
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException as error:  # noqa: BLE001  # nothing may climb into the parent's frames
        os.write(2, f"the worker failed: {type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(status)
