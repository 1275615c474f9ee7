"""A real node in a private directory, and mhsh against it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Self

from matahari import console as asynchronous
from matahari.console import Connecting
from matahari.console.sync import Console, connect
from matahari.errors import NoAgentsError
from matahari.qmf import Value
from tests.support.buses import Broker, Bus, RabbitBus, take

#: Slow machines wait longer: every deadline is multiplied.
TIME = float(os.environ.get("MATAHARI_TEST_TIME", "1"))
BIN = Path(sys.executable).parent
PLUGIN_PACKAGE = "org.matahariproject.rpc.plugin"
START = 20.0  # seconds for a program to be ready
STOP = 20.0  # seconds for it to end


def environment(**more: str) -> dict[str, str]:
    """This process's environment without settings of ours that would leak into a test."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MATAHARI_")}
    return kept | {"PYTHONUNBUFFERED": "1", "NO_COLOR": "1"} | more


class Program:
    """One program of ours as a process; its standard output and error are kept line by line."""

    def __init__(self, *words: str | Path, cwd: Path, env: dict[str, str] | None = None) -> None:
        self.words = [str(word) for word in words]
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            [BIN / self.words[0], *self.words[1:]],
            cwd=cwd,
            env=env or environment(XDG_CONFIG_HOME=str(cwd), XDG_STATE_HOME=str(cwd)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.kill()
        if kind is not None:
            print(f"--- {' '.join(self.words)}", *self.lines, sep="\n", file=sys.stderr)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def wait_line(self, pattern: str, *, timeout: float = START) -> re.Match[str]:
        """The first line so far, or yet to come, in which ``pattern`` is found."""
        deadline = time.monotonic() + timeout * TIME
        seen = 0
        with self._changed:
            while True:
                for line in self.lines[seen:]:
                    if found := re.search(pattern, line):
                        return found
                seen = len(self.lines)
                if not self._reader.is_alive():
                    raise AssertionError(f"{self.words} ended without a line {pattern!r}:\n{self.text}")
                if not self._changed.wait(max(0.0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                    raise AssertionError(f"{self.words}: no line {pattern!r} in time:\n{self.text}")

    def wait_end(self, *, timeout: float = STOP) -> int:
        """The exit status, once the program has ended by itself."""
        status = self.process.wait(timeout * TIME)
        self._reader.join(timeout * TIME)
        return status

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.wait_end()

    def kill(self) -> None:
        """End it at once, with all its children that are still in its group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()


class Box:
    """A private directory with plugins, and programs in it that meet on ``bus``.

    Attributes:
        socket: of the embedded broker.
    """

    def __init__(self, home: Path, bus: Bus) -> None:
        self.home = home
        self.bus = bus
        self.address = bus.address
        self.socket = home / "bus.sock"
        self.plugins = home / "plugins"
        self.plugins.mkdir()

    def up(self, *words: str | Path, **env: str) -> Program:
        """A whole node, ready: ``matahari up``, or where the broker is a foreign one, all agents of ours on it."""
        return self.start(*self.up_words, *words, **env)

    @property
    def up_words(self) -> tuple[str | Path, ...]:
        """The words of :meth:`up` for those who do not wait for it to be ready; the broker is there."""
        folders = ("--state", "state", "--plugins", "plugins")
        if isinstance(self.bus, RabbitBus):
            self.bus.relay.__enter__()
            return ("agent", *self.bus.words, *folders)
        return ("up", "--socket", self.socket, *folders)

    def broker(self) -> Broker:
        """The bus's broker alone, which runs until this is left or killed; it may be started again."""
        if isinstance(self.bus, RabbitBus):
            return self.bus.relay
        return self.start("broker", "--socket", self.socket)

    def agent(self, *words: str | Path, **env: str) -> Program:
        """``matahari agent`` on the bus, ready."""
        return self.start("agent", *self.bus.words, *words, **env)

    def start(self, *words: str | Path, **env: str) -> Program:
        """``matahari …``, ready."""
        program = Program("matahari", *words, cwd=self.home, env=self._environment(env))
        try:
            program.wait_line("^ready ")
        except BaseException:
            program.kill()
            raise
        return program

    def save(self, name: str, source: str) -> Path:
        """Save as editors do: whole, or not at all."""
        path = self.plugins / name
        path.parent.mkdir(exist_ok=True)
        new = path.with_name(f".{path.name}.new")
        new.write_text(source)
        new.replace(path)
        return path

    def mhsh(self, *words: str | Path, stdin: str = "", timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run mhsh to its end."""
        return subprocess.run(
            [BIN / "mhsh", *self.bus.words, *words],
            cwd=self.home,
            env=self._environment({}),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout * TIME,
            check=False,
        )

    def json(self, commands: str) -> list[dict[str, object]]:
        """Records that ``mhsh --json -c`` prints."""
        done = self.mhsh("--json", "-c", commands)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def run(self, *words: str | Path, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run ``matahari …`` to its end."""
        return subprocess.run(
            [BIN / "matahari", *words],
            cwd=self.home,
            env=self._environment({}),
            capture_output=True,
            text=True,
            timeout=timeout * TIME,
            check=False,
        )

    def connect(self) -> Console:
        if isinstance(self.bus, RabbitBus):
            return connect(self.address, insecure_anonymous=True, virtual_host=self.bus.virtual_host)
        return connect(self.address)

    def connect_async(self) -> Connecting:
        if isinstance(self.bus, RabbitBus):
            return asynchronous.connect(self.address, insecure_anonymous=True, virtual_host=self.bus.virtual_host)
        return asynchronous.connect(self.address)

    def wait_plugin(
        self, console: Console, name: str, reached: Callable[[Mapping[str, Value]], bool], *, timeout: float = 30.0
    ) -> Mapping[str, Value]:
        """Values of a plugin's object, once ``reached`` says so; asks again and again."""
        deadline = time.monotonic() + timeout * TIME
        seen: object = "nothing"
        while time.monotonic() < deadline:
            try:
                found = console.select(name, package=PLUGIN_PACKAGE)
            except NoAgentsError as error:
                seen = error
                continue
            if found:
                values = found[0].values
                if reached(values):
                    return values
                seen = values
        raise AssertionError(f"plugin {name}: {seen}")

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        return environment(XDG_CONFIG_HOME=str(self.home), XDG_STATE_HOME=str(self.home), **more)


@contextlib.contextmanager
def box() -> Iterator[Box]:
    """A private directory with a short name, for Unix socket paths have 107 bytes at most."""
    home = Path(tempfile.mkdtemp(prefix="mhtest"))
    try:
        with take(home) as bus:
            yield Box(home, bus)
    finally:
        shutil.rmtree(home)
