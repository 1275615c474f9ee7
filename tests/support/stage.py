"""Two hosts, alpha and beta, with plugins for what a person does at a terminal."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.node import PLUGIN_PACKAGE, TIME, Box, box

__all__ = ["ASTERISK", "BETA", "PLUGIN", "SELECT", "SHORT", "Gate", "stage"]

EXAMPLE: Final = Path(__file__).parents[2] / "examples" / "asterisk"
ASTERISK: Final = f"select class package {PLUGIN_PACKAGE} asterisk"
SELECT: Final = f"select class package {PLUGIN_PACKAGE} stage"
SHORT: Final = f"mhsh [{PLUGIN_PACKAGE}:stage]> "
BETA: Final = ('HOST = "alpha"', 'HOST = "beta"')  # what is replaced in PLUGIN for the other host
PLUGIN: Final = '''
import os
import threading
from collections.abc import Iterator
from typing import Literal

from matahari.plugin import context, method, output, progress

HOST = "alpha"


def add(x: int, y: int = 2) -> int:
    """Add two numbers."""
    return x + y


def paint(colour: Literal["red", "green"], deep: bool = False) -> str:
    """Paint it."""
    return f"{colour} {deep}"


def echo(text: str) -> str:
    """Give it back."""
    return text


@method(sensitive=["password"])
def login(user: str, password: str) -> str:
    """Log in."""
    return user


@method(destructive=True)
def wipe(path: str) -> str:
    """Remove a file."""
    os.unlink(path)
    return "gone"


def copy(gate: str) -> str:
    """Copy; only alpha comes to an end by itself. The gate is opened when this runs, and again when it was cancelled."""
    if HOST == "alpha":
        return "copied"
    output("copying\\n")
    progress(1, 4, "first of four")
    open(gate, "w").close()
    while not context().is_cancelled:
        threading.Event().wait(0.01)
    open(gate, "w").close()
    return "never seen"


def report(count: int) -> str:
    """Write lines."""
    for number in range(count):
        output(f"out {number}\\n")
    return "reported"


def numbers(count: int) -> Iterator[int]:
    """Yield numbers."""
    yield from range(count)


def endless() -> str:
    """Write lines until it is cancelled."""
    number = 0
    while not context().is_cancelled:
        output(f"out {number}\\n")
        number += 1
    return "never seen"


def listing(count: int) -> str:
    """Give many lines as one answer."""
    return "".join(f"line {number}\\n" for number in range(count))


def odd() -> str:
    """Tell and give what no terminal should get as it is."""
    output("told \\x1b[2J\\x07 \\u6f22\\u5b57 \\u202e\\x9b\\n")
    os.write(1, b"printed caf\\xe9 \\x1b[31m\\n")
    return "given \\x1b]0;title\\x07 \\u6f22\\u5b57 caf\\u00e9 e\\u0301\\x9b"
'''


class Gate:
    """A place in the file system at which ``copy`` waits until the test waits there too."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path

    def wait(self) -> None:
        """Return when the plugin has come by, now or later."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            poll = select.poll()
            poll.register(descriptor, 0)  # the end of a writer is always told
            assert poll.poll(20_000 * TIME), f"nobody came to {self.path}"
        finally:
            os.close(descriptor)


@contextmanager
def stage() -> Iterator[Box]:
    """Both hosts, known to a console, with ``PLUGIN`` as ``stage`` and the example ``asterisk``."""
    with box() as place:
        others = place.home / "others"
        others.mkdir()
        for name, source in (("stage.py", PLUGIN), ("asterisk.py", (EXAMPLE / "asterisk.py").read_text())):
            place.save(name, source)
            (others / name).write_text(source.replace(*BETA))
        path = f"{EXAMPLE / 'bin'}{os.pathsep}{os.environ['PATH']}"
        words = ("--state", "others-state", "--plugins", others, "--hostname", "beta")
        with place.up("--hostname", "alpha", PATH=path), place.agent(*words, PATH=path):
            wait_hosts(place, 2)
            yield place


def wait_hosts(place: Box, count: int) -> None:
    """Return when the plugins of so many hosts are in service, for a console that comes now."""
    deadline = time.monotonic() + 30 * TIME
    with place.connect() as console:
        while (found := len(console.select("Plugins", package=PLUGIN_PACKAGE.removesuffix(".plugin")))) < count:
            assert time.monotonic() < deadline, f"{found} hosts, not {count}"
        for plugin in ("stage", "asterisk"):
            while (states := console.select(plugin, package=PLUGIN_PACKAGE).get("state")) != ["ready"] * count:
                assert time.monotonic() < deadline, states
