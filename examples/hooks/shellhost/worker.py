"""A worker (PROTOCOL.md 4): one generation of one plugin. Each call is a shell of its own."""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import json
import os
import re
import selectors
import signal
import socket
import subprocess
import sys

from channel import LANGUAGE, Channel, Message

SHELL = "/bin/sh"
HOOKS = ("self_check", "activate")
HOOK_LIMIT = 10.0  # seconds that one of them may take
MAX_WORDS = 4096  # of what a call prints to standard error, characters that a failure shows

FUNCTION = re.compile(r"((?:^#.*\n)*)^([A-Za-z][A-Za-z0-9_]*)[ \t]*\(\)", re.MULTILINE)
SYNTAX_ERROR = re.compile(r": (?:line )?(\d+): (.*)")


class Call:
    """A call that runs."""

    def __init__(self, number: int, process: subprocess.Popen[bytes]) -> None:
        self.number = number
        self.process = process
        assert process.stdout is not None and process.stderr is not None
        self.stdout, self.stderr = process.stdout, process.stderr
        self.ended = os.pidfd_open(process.pid)
        self.printed = b""
        self.words = ""
        self.is_cancelled = False

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)  # it is not reaped: the number is its own


class Worker:
    """Runs one generation of one plugin."""

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
                    now = self.selector.get_map().get(key.fd)
                    if now is not None and now.data is key.data:  # not when this turn has ended the call
                        self.take(key.data, key.fd)
                    continue
                messages = self.channel.receive()
                if messages is None:
                    sys.exit(2)
                for message in messages:
                    self.handle(message)
        self.channel.send("bye")

    def handle(self, message: Message) -> None:
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

    def load(self, message: Message) -> None:
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

    def describe(self, name: str, comment: str) -> Message:
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
        said = dict.fromkeys(effects, True)
        return {"name": name, "params": params, "result": {"type": "string"}, "doc": doc, "effects": said}

    def activity(self) -> Message:
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

    def call(self, message: Message) -> None:
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
                for each in (call.stdout.fileno(), call.stderr.fileno(), call.ended):
                    self.selector.register(each, selectors.EVENT_READ, call)

    def arguments(self, method: str, positional: list[str], named: dict[str, str]) -> list[str]:
        names = self.parameters[method]
        given = dict(zip(names, positional, strict=False)) | named
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
            for pipe in (call.stdout, call.stderr):
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
        elif descriptor == call.stdout.fileno():
            call.printed += data[: self.limit + 1 - len(call.printed)]
            if len(call.printed) > self.limit:
                call.kill()
        else:
            words = data.decode("utf-8", "backslashreplace").replace("\x1e", "?")
            call.words = (call.words + words)[-MAX_WORDS:]
            marked = "".join(f"\x1e{call.number}\x1e{line}\n" for line in words.splitlines())
            os.write(2, marked.encode())
        return bool(data)

    def end(self, call: Call) -> None:
        for descriptor in (call.stdout.fileno(), call.stderr.fileno(), call.ended):
            if descriptor in self.selector.get_map():
                self.selector.unregister(descriptor)
        status = call.process.wait()
        call.stdout.close()
        call.stderr.close()
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
