"""Each limit of a plugin on a real node: from the configuration for all, and from ``NAME.toml`` for one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from matahari.console import Result
from matahari.console.sync import Console
from matahari.errors import RemoteError
from matahari.qmf import Value
from tests.support.node import PLUGIN_PACKAGE, TIME, Box, box

pytestmark = pytest.mark.integration

MIB = 1024 * 1024

CONFIG = """
[plugins]
concurrency = 3
queue = 2
call_timeout = 7
memory = 900
open_files = 77
processes = 2000
nice = 3
"""

SEEN = """
import os, resource
from matahari.plugin import context

def seen():
    limits = [resource.getrlimit(which)[0] for which in
              (resource.RLIMIT_AS, resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC)]
    return [*limits, os.nice(0), round(context().remaining), os.environ.get("COLOUR")]
"""

GATE = """
import os, threading

lock = threading.Lock()
now = most = 0

def work(gate):
    global now, most
    with lock:
        now += 1
        most = max(most, now)
    with open(gate):
        pass
    with lock:
        now -= 1
    return most

def count():
    return now
"""


@pytest.fixture
def home() -> Iterator[Box]:
    with box() as made:
        yield made


def ready(values: Mapping[str, Value]) -> bool:
    return values["state"] == "ready"


def call(console: Console, name: str, method: str, *arguments: object) -> Result:
    [result] = console.select(name, package=PLUGIN_PACKAGE).call(method, *arguments, timeout=30 * TIME)
    return result


def test_limits_of_the_configuration_are_in_force_and_a_file_beside_the_plugin_has_the_last_word(home: Box) -> None:
    config = home.home / "matahari.toml"
    config.write_text(CONFIG)
    own = 'call_timeout = 5\nmemory = 700\nopen_files = 55\nprocesses = 1500\nnice = 4\nenvironment = { COLOUR = "red" }\n'
    home.save("plain.py", SEEN)
    home.save("special.py", SEEN)
    home.save("special.toml", f"[limits]\n{own}")
    mine = os.nice(0)
    with home.up("--config", config), home.connect() as console:
        for name in ("plain", "special"):
            home.wait_plugin(console, name, ready)
        seen = call(console, "plain", "seen")
        assert (seen.error, seen.value) == (None, [900 * MIB, 77, 2000, mine + 3, 7, None])
        seen = call(console, "special", "seen")
        assert (seen.error, seen.value) == (None, [700 * MIB, 55, 1500, mine + 4, 5, "red"])


@pytest.mark.parametrize("place", ["configuration", "file"])
def test_only_so_many_calls_run_at_once_so_many_wait_and_the_rest_is_told_busy_at_once(home: Box, place: str) -> None:
    limits = "concurrency = 3\nqueue = 2\n"
    config = home.home / "matahari.toml"
    config.write_text(f"[plugins]\n{limits}" if place == "configuration" else "")
    home.save("gate.py", GATE)
    if place == "file":
        home.save("gate.toml", f"[limits]\n{limits}")
    gate = home.home / "gate"
    os.mkfifo(gate)
    running, extra = 3 + 2, 4
    with home.up("--config", config), home.connect() as console, ThreadPoolExecutor(running) as pool:
        home.wait_plugin(console, "gate", ready)
        plugin = console.select("gate", package=PLUGIN_PACKAGE)
        calls = [pool.submit(lambda: plugin.call("work", str(gate), timeout=30 * TIME)[0]) for _ in range(running)]
        home.wait_plugin(console, "gate", lambda values: values["active"] == running)
        for _ in range(extra):
            started = time.monotonic()
            [busy] = plugin.call("work", str(gate), timeout=30 * TIME)
            assert time.monotonic() - started < 1.0 * TIME  # the gate is still closed
            assert isinstance(busy.error, RemoteError)
            bound = "limits.queue in gate.toml, or plugins.queue"
            text = f"gate is busy: 2 calls are waiting, and no more may ({bound})"
            assert (busy.error.kind, str(busy.error)) == ("busy", text)
        assert not any(one.done() for one in calls)
        while not all(one.done() for one in calls):  # those that wait come to the gate later
            os.close(os.open(gate, os.O_RDWR | os.O_NONBLOCK))
        assert max(one.result().value for one in calls) == 3  # type: ignore[type-var]  # a number


@pytest.mark.parametrize("place", ["configuration", "file"])
def test_a_call_that_has_waited_too_long_is_told_busy(home: Box, place: str) -> None:
    limits = "concurrency = 1\nqueue = 5\nqueue_age = 0.5\n"
    config = home.home / "matahari.toml"
    config.write_text(f"[plugins]\n{limits}" if place == "configuration" else "")
    home.save("gate.py", GATE)
    if place == "file":
        home.save("gate.toml", f"[limits]\n{limits}")
    gate = home.home / "gate"
    os.mkfifo(gate)
    with home.up("--config", config), home.connect() as console, ThreadPoolExecutor(1) as pool:
        home.wait_plugin(console, "gate", ready)
        first = pool.submit(call, console, "gate", "work", str(gate))
        home.wait_plugin(console, "gate", lambda values: values["active"] == 1)
        started = time.monotonic()
        waited = call(console, "gate", "count")
        assert 0.5 <= time.monotonic() - started < 5.0 * TIME
        assert isinstance(waited.error, RemoteError)
        assert waited.error.kind == "busy"
        with gate.open("w"):
            pass
        assert first.result().value == 1
