#!/usr/bin/env python3
"""Runs plugins in POSIX shell for matahari: a host program that speaks the plugin host protocol.

It uses nothing of matahari, so that it can be read as a pattern for a host in another language. The numbers in comments
are sections of PROTOCOL.md.

A plugin is a file NAME.sh. Each function that begins at the start of a line is a method, unless its name begins with
``_``. The comment above it is its help; in it, ``# args: NAME [OTHER]`` names the arguments (those in brackets may be
left out), and ``# effects: read_only`` says what it does. A function gets its arguments as texts, and its result is what
it prints; what it prints to standard error goes to the agent's log. A status other than 0 is a failure.
``self_check`` and ``activate`` are asked as in other languages. MATAHARI_SETTINGS has the settings, as JSON.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import errno
import hashlib
import json
import os
import re
import resource
import select
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time
from collections import deque

LANGUAGE = "shell"
SHELL = "/bin/sh"
MAX_FRAME = 2 * 1024 * 1024 + 64 * 1024  # 2
LIMITS = {  # 5: those that can be applied; others are refused
    "address_space": resource.RLIMIT_AS,
    "open_files": resource.RLIMIT_NOFILE,
    "processes": resource.RLIMIT_NPROC,
    "core": resource.RLIMIT_CORE,
    "cpu": resource.RLIMIT_CPU,
}
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
MARKS = 1 << 62  # a number that is no limit; less a worker's number, it marks all that descends from the worker
FAMILY_LIMIT = 0.5  # 5: seconds that are waited for what cannot be killed
HOOKS = ("self_check", "activate")
HOOK_LIMIT = 10.0  # seconds that one of them may take
MAX_WORDS = 4096  # of what a call prints to standard error, characters that a failure shows

FUNCTION = re.compile(r"((?:^#.*\n)*)^([A-Za-z][A-Za-z0-9_]*)[ \t]*\(\)", re.MULTILINE)
SYNTAX_ERROR = re.compile(r": (?:line )?(\d+): (.*)")


class Channel:
    """Messages over a socket (2), and the descriptors that come with them."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.descriptors: deque[int] = deque()
        self._buffer = b""

    def send(self, kind: str, **members: object) -> None:
        data = json.dumps({"type": kind, **members}).encode()
        self.sock.sendall(struct.pack(">I", len(data)) + data)

    def hello(self, nonce: str) -> None:
        self.send("hello", framing=1, interface=1, pid=os.getpid(), nonce=nonce, language=LANGUAGE)  # 3

    def receive(self) -> list[dict] | None:
        """What has come, None at the end of the stream. A fault ends the process."""
        data, descriptors, flags, _ = socket.recv_fds(self.sock, 65536, 32)
        self.descriptors.extend(descriptors)
        if flags & socket.MSG_CTRUNC:
            sys.exit("matahari-shellhost: descriptors were lost")
        if not data:
            return None
        self._buffer += data
        messages = []
        while len(self._buffer) >= 4:
            (length,) = struct.unpack_from(">I", self._buffer)
            if not 0 < length <= MAX_FRAME:
                sys.exit("matahari-shellhost: a frame of an impossible length")
            if len(self._buffer) < 4 + length:
                break
            messages.append(json.loads(self._buffer[4 : 4 + length]))
            self._buffer = self._buffer[4 + length :]
        return messages


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
    """The warm parent: forks workers, signals them, reaps them (5, 6)."""

    def __init__(self, sock: socket.socket) -> None:
        self.channel = Channel(sock)
        self.workers: dict[int, int] = {}  # worker -> pid
        self.ended: dict[int, tuple[float, dict]] = {}  # worker -> until when its family is waited for, its exited

    def run(self, nonce: str) -> None:
        wake, self.wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self.wake_write, warn_on_full_buffer=False)
        # A stop of the whole service signals us too, but only the agent knows when its workers are done.
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
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
                    if messages is None or not all([self.handle(message) for message in messages]):
                        return
        finally:
            self.end()

    def handle(self, message: dict) -> bool:
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

    def spawn(self, message: dict, sock: int, log: int) -> None:
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
                        os.killpg(ended.si_pid, signal.SIGKILL)  # 6: before its number is given back
                    name = "status" if ended.si_code == os.CLD_EXITED else "signal"
                    self.ended[worker] = (time.monotonic() + FAMILY_LIMIT, {name: ended.si_status})
                os.waitpid(ended.si_pid, 0)
        if self.ended:
            self.end_families()

    def end_families(self) -> None:
        """Kill what ended workers have left (6): it has become ours, and bears their marks."""
        left = set()
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
        deadline = time.monotonic() + 1.0
        while (pids := children()) and time.monotonic() < deadline:
            for pid in pids:
                with contextlib.suppress(PermissionError):
                    os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(-1, 0)


def be_worker(message: dict, sock: int, log: int) -> None:
    """The whole life of a forked child."""
    status = 70
    try:
        parent = os.getppid()
        os.setsid()
        control(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(status)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        sock, log = os.dup(sock), os.dup(log)  # out of the way of 0 to 3, which are in use here
        for source, target in ((os.open(os.devnull, os.O_RDONLY), 0), (log, 1), (log, 2), (sock, 3)):  # 1
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


class Call:
    """A call that runs."""

    def __init__(self, number: int, process: subprocess.Popen[bytes]) -> None:
        self.number = number
        self.process = process
        self.ended = os.pidfd_open(process.pid)
        self.printed = b""
        self.words = ""
        self.is_cancelled = False

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)  # it is not reaped: the number is its own


class Worker:
    """Runs one generation of one plugin (4)."""

    def __init__(self, sock: socket.socket) -> None:
        self.channel = Channel(sock)
        self.selector = selectors.DefaultSelector()
        self.calls: dict[int, Call] = {}
        self.parameters: dict[str, list[str]] = {}
        self.is_draining = False
        self.has_activate = False

    def run(self, nonce: str) -> None:
        self.channel.hello(nonce)
        self.selector.register(self.channel.sock, selectors.EVENT_READ)
        while not (self.is_draining and not self.calls):
            for key, _ in self.selector.select():
                if key.data is not None:
                    if key.fd in self.selector.get_map():  # not when another event of this turn has ended the call
                        self.take(key.data, key.fd)
                    continue
                messages = self.channel.receive()
                if messages is None:
                    sys.exit(2)
                for message in messages:
                    self.handle(message)
        self.channel.send("bye")

    def handle(self, message: dict) -> None:
        kind = message["type"]
        if kind == "load":
            self.load(message)
        elif kind == "call":
            self.call(message)
        elif kind == "cancel" and message["id"] in self.calls:
            self.calls[message["id"]].is_cancelled = True
            self.calls[message["id"]].kill()
        elif kind == "activate":
            self.channel.send("activation", **self.activity())
        elif kind == "drain":
            self.is_draining = True
        elif kind == "ping":
            self.channel.send("pong", id=message["id"])
        elif kind == "bye":
            sys.exit(0)

    # Loading

    def load(self, message: dict) -> None:
        files = message.get("files")
        try:
            if files is None:
                with open(message["path"], "rb") as file:
                    source = file.read()
            else:
                source = base64.b64decode(files[""])
            text = source.decode()
        except (OSError, ValueError) as error:
            self.refuse(type(error).__name__, str(error), message["path"])
        self.limit, self.concurrency = message["result_limit"], message["concurrency"]
        # What is run is what was loaded, whatever happens to the file.
        self.source = os.memfd_create(message["name"])
        with open(self.source, "wb", closefd=False) as file:
            file.write(source)
        os.environ["MATAHARI_SETTINGS"] = json.dumps(message.get("settings", {}))
        checked = self.ask([SHELL, "-n", f"/proc/self/fd/{self.source}"])
        if checked.returncode != 0:
            found = SYNTAX_ERROR.search(checked.stderr)
            line, what = (int(found[1]), found[2]) if found else (0, checked.stderr.strip())
            self.refuse("SyntaxError", what, message["path"], line)
        methods = [self.describe(name, comment) for comment, name in FUNCTION.findall(text)]
        names = {method["name"] for method in methods}
        if "self_check" in names and (checked := self.ask(self.command("self_check"))).returncode != 0:
            self.refuse("SelfCheckFailed", (checked.stderr or checked.stdout).strip(), message["path"])
        self.has_activate = "activate" in names
        self.channel.send(
            "loaded",
            name=message["name"],
            generation=message["generation"],
            digest=f"sha256:{hashlib.sha256(source).hexdigest()}",
            language=LANGUAGE,
            methods=[method for method in methods if method["name"] not in HOOKS],
            **self.activity(),
        )

    def refuse(self, kind: str, text: str, file: str, line: int = 0) -> None:
        self.channel.send("load_failed", error_type=kind, text=text, file=file, line=line)
        sys.exit(1)

    def describe(self, name: str, comment: str) -> dict:
        """What is published about a function."""
        lines = [line.lstrip("#").strip() for line in comment.splitlines()]
        words = next((line[5:].split() for line in lines if line.startswith("args:")), [])
        effects = next((line[8:].split() for line in lines if line.startswith("effects:")), [])
        names = self.parameters[name] = [word.strip("[]") for word in words]
        params = {
            "type": "object",
            "properties": {each: {"type": "string"} for each in names},
            "required": [word for word in words if not word.startswith("[")],
            "additionalProperties": False,
            "x-positional": names,
            "x-positional-only": [],
            "x-varargs": False,
            "x-varkw": False,
        }
        doc = "\n".join(line for line in lines if not line.startswith(("args:", "effects:"))).strip()
        effects = dict.fromkeys(effects, True)
        return {"name": name, "params": params, "result": {"type": "string"}, "doc": doc, "effects": effects}

    def activity(self) -> dict:
        if not self.has_activate:
            return {"active": True, "reason": ""}
        asked = self.ask(self.command("activate"))
        return {"active": asked.returncode == 0, "reason": (asked.stdout or asked.stderr).strip()[:1000]}

    def ask(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                command, capture_output=True, text=True, timeout=HOOK_LIMIT, pass_fds=[self.source], check=False
            )
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, 1, "", f"it took longer than {HOOK_LIMIT:g} s")

    # Calls

    def command(self, method: str, *arguments: str) -> list[str]:
        # The text that the shell reads is always the same: arguments are only ever arguments.
        return [SHELL, "-c", '. "$1"; shift; "$@"', "plugin", f"/proc/self/fd/{self.source}", method, *arguments]

    def call(self, message: dict) -> None:
        number, method = message["id"], message["method"]
        if method not in self.parameters or method in HOOKS or method.startswith("_"):
            self.fail(number, "unknown_action", "LookupError", f"there is no {method}")
        elif len(self.calls) >= self.concurrency:
            self.fail(number, "busy", "Busy", f"{self.concurrency} calls run already")
        else:
            try:
                arguments = self.arguments(method, message["args"], message["kwargs"])
                process = subprocess.Popen(
                    self.command(method, *arguments),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    pass_fds=[self.source],
                    start_new_session=True,  # so that all of it can be cancelled
                )
            except ValueError as error:
                self.fail(number, "invalid_argument", "ValueError", str(error))
            except OSError as error:
                kind = "busy" if error.errno == errno.EAGAIN else "raised"
                self.fail(number, kind, "NoThread" if kind == "busy" else "OSError", str(error))
            else:
                call = self.calls[number] = Call(number, process)
                for each in (process.stdout.fileno(), process.stderr.fileno(), call.ended):
                    self.selector.register(each, selectors.EVENT_READ, call)

    def arguments(self, method: str, positional: list[str], named: dict[str, str]) -> list[str]:
        names = self.parameters[method]
        given = dict(zip(names, positional)) | named
        texts = []
        for name in names:
            if name not in given:
                break  # left out, and so are those behind it
            value = json.loads(given[name])
            texts.append(value if isinstance(value, str) else given[name])
        return texts

    def take(self, call: Call, descriptor: int) -> None:
        """Something of a call can be read, or it has ended."""
        if descriptor == call.ended:
            for pipe in (call.process.stdout, call.process.stderr):
                os.set_blocking(pipe.fileno(), False)  # what it has started may hold them open
                with contextlib.suppress(BlockingIOError):
                    while pipe.fileno() in self.selector.get_map() and self.read(call, pipe.fileno()):
                        pass
            self.end(call)
        else:
            self.read(call, descriptor)

    def read(self, call: Call, descriptor: int) -> bool:
        data = os.read(descriptor, 65536)
        if not data:
            self.selector.unregister(descriptor)
        elif descriptor == call.process.stdout.fileno():
            call.printed += data[: self.limit + 1 - len(call.printed)]
            if len(call.printed) > self.limit:
                call.kill()
        else:
            words = data.decode("utf-8", "backslashreplace").replace("\x1e", "?")
            call.words = (call.words + words)[-MAX_WORDS:]
            marked = "".join(f"\x1e{call.number}\x1e{line}\n" for line in words.splitlines())  # 1
            os.write(2, marked.encode())
        return bool(data)

    def end(self, call: Call) -> None:
        for descriptor in (call.process.stdout.fileno(), call.process.stderr.fileno(), call.ended):
            if descriptor in self.selector.get_map():
                self.selector.unregister(descriptor)
        status = call.process.wait()
        call.process.stdout.close()
        call.process.stderr.close()
        os.close(call.ended)
        del self.calls[call.number]
        text = json.dumps(call.printed.decode("utf-8", "backslashreplace").rstrip("\n"))
        if call.is_cancelled:
            self.fail(call.number, "cancelled", "Cancelled", "it was cancelled")
        elif len(text) > self.limit:
            self.fail(call.number, "too_large", "TooLarge", f"it printed more than {self.limit} bytes")
        elif status != 0:
            how = f"exit status {status}" if status > 0 else f"signal {-status}"
            self.fail(call.number, "raised", "ExitStatus", f"{how}: {call.words.strip()}".rstrip(": "))
        else:
            self.channel.send("result", id=call.number, text=text)

    def fail(self, number: int, kind: str, error_type: str, value: str) -> None:
        self.channel.send("failure", id=number, kind=kind, error_type=error_type, value=value)


def main(arguments: list[str]) -> None:
    if len(arguments) != 2:
        sys.exit("usage: matahari-shellhost CONTROL-FD NONCE (started by the agent)")
    sock = socket.socket(fileno=int(arguments[0]))
    sock.set_inheritable(False)
    Parent(sock).run(arguments[1])


if __name__ == "__main__":
    main(sys.argv[1:])
