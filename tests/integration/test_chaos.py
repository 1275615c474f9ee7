"""Plugins that misbehave, each on a real node: every caller is answered, the others are served, nothing stays behind."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import psutil
import pytest

from matahari.console.sync import Console
from matahari.errors import RemoteError
from tests.support.node import PLUGIN_PACKAGE, TIME, Box, Program, box

pytestmark = [pytest.mark.integration, pytest.mark.embedded]

#: A variable that every process of the node has, whatever became of its parents and sessions.
MARK = "CHAOS_MARK"
CALLERS = 8
CALL_TIMEOUT = 1.0 * TIME
LOAD_TIMEOUT = 1.5 * TIME
#: Until everybody is answered: the call's own time, that of the calls before it in the queue, and ending a worker.
ANSWERED = 12.0 * TIME
#: What an innocent caller of another plugin may have to wait.
PULSE = 1.0 * TIME

GOOD = "import os\ndef pid(): return os.getpid()\ndef fine(): return {answer!r}\n"


@dataclass
class Node:
    """A node with a plugin ``witness`` that does nothing wrong."""

    box: Box
    program: Program

    def save(self, name: str, source: str, *, answer: str) -> None:
        """Save a plugin that also has the actions of a good one."""
        self.box.save(f"{name}.py", GOOD.format(answer=answer) + dedent(source))

    def processes(self) -> dict[int, psutil.Process]:
        """Every process that was started below the node, and the node."""
        found: dict[int, psutil.Process] = {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):  # it ends just now, or is another user's
                if process.environ().get(MARK) == str(self.box.home):
                    found[process.pid] = process
        return found

    @contextlib.contextmanager
    def place(self, name: str) -> Iterator[Path]:
        """The path of ``NAME.toml``; the plugin is taken away at the end, so that the next test begins anew."""
        options = self.box.plugins / f"{name}.toml"
        try:
            yield options
        finally:
            for path in (options.with_suffix(".py"), options):
                path.unlink(missing_ok=True)

    def check_processes(self, console: Console, *plugins: str) -> None:
        """Nothing is left but the node, the warm parent, and one worker of each plugin."""
        wanted = {self.program.process.pid}
        for name in ("witness", *plugins):
            [result] = console.select(name, package=PLUGIN_PACKAGE).call("pid")
            assert isinstance(result.value, int), result.error
            wanted |= {result.value, psutil.Process(result.value).ppid()}
        found = self.processes()
        assert wanted <= set(found)
        extra = [process for pid, process in found.items() if pid not in wanted]
        _, alive = psutil.wait_procs(extra, timeout=10.0 * TIME)
        assert not alive, [(process.pid, process.name()) for process in alive]

    @contextlib.contextmanager
    def pulse(self) -> Iterator[None]:
        """Within the block another console calls another plugin all the time, and is always answered at once."""
        is_over = threading.Event()
        waits: list[float] = []
        faults: list[object] = []

        def beat() -> None:
            with self.box.connect() as console:
                witness = console.select("witness", package=PLUGIN_PACKAGE)
                while True:
                    started = time.monotonic()
                    [result] = witness.call("fine", timeout=ANSWERED)
                    waits.append(time.monotonic() - started)
                    if result.value != "witness":
                        faults.append(result.error)
                    if is_over.wait(0.02):
                        return

        with ThreadPoolExecutor(1) as executor:
            beating = executor.submit(beat)
            try:
                yield
            finally:
                is_over.set()
                beating.result(ANSWERED)
        assert not faults
        assert max(waits) < PULSE, f"{max(waits):.3f} s of {len(waits)} calls"


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with box() as made:
        config = made.home / "matahari.toml"
        config.write_text(f"[plugins]\ncall_timeout = {CALL_TIMEOUT}\nload_timeout = {LOAD_TIMEOUT}\n")
        made.save("witness.py", GOOD.format(answer="witness"))
        with made.up("--config", config, **{MARK: str(made.home)}) as program:
            yield Node(made, program)


def ask_all(console: Console, name: str, method: str, number: int = CALLERS) -> set[str]:
    """Call from many threads at once; gives the kinds of failure. Each call has one answer, and in time."""
    plugin = console.select(name, package=PLUGIN_PACKAGE)

    def ask(_: int) -> str:
        [result] = plugin.call(method, timeout=ANSWERED)
        assert isinstance(result.error, RemoteError), result
        assert str(result.error)
        return result.error.kind

    started = time.monotonic()
    with ThreadPoolExecutor(number) as executor:
        kinds = set(executor.map(ask, range(number)))
    assert time.monotonic() - started < ANSWERED
    return kinds


STORMS = {
    "sleeps for ever": ("import time\ndef go(): time.sleep(3600)", {"timeout"}),
    "loops": ("def go():\n    while True: pass", {"timeout"}),
    "ignores SIGTERM": (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ndef go(): time.sleep(3600)",
        {"timeout"},
    ),
    "floods stdout": ("def go():\n    while True: print('x' * 200)", {"timeout"}),
    "crashes": ("import ctypes\ndef go(): ctypes.string_at(0)", {"crashed", "not_loaded"}),
    "ends itself": ("def go(): os._exit(3)", {"crashed", "not_loaded"}),
    "kills its group": ("import signal\ndef go(): os.killpg(0, signal.SIGKILL)", {"crashed", "not_loaded"}),
    "closes all descriptors": ("def go(): os.closerange(0, 65536)", {"crashed", "not_loaded"}),
    "talks nonsense to the agent": ("def go(): os.write(3, b'rubbish!' * 10000)", {"crashed", "not_loaded"}),
    "has a grandchild and dies": (
        "import subprocess\ndef go():\n    subprocess.Popen(['sh', '-c', 'sleep 3600 & sleep 3600'])\n    os._exit(1)",
        {"crashed", "not_loaded"},
    ),
    "has a grandchild and hangs": (
        "import subprocess\ndef go(): subprocess.run(['sh', '-c', 'trap \"\" TERM; sleep 3600 & wait'])",
        {"timeout"},
    ),
    "forks again and again": (
        """
        import time
        def go():
            for _ in range(5):
                os.fork()
            time.sleep(3600)
        """,
        {"timeout", "crashed", "not_loaded"},
    ),
    "allocates 10 GB": ("def go(): return len(bytearray(10 << 30))", {"raised"}),
    "opens file after file": (
        "def go():\n    files = []\n    while True: files.append(open(os.devnull))",
        {"raised", "crashed"},
    ),
    "is a fork bomb": (
        """
        import time
        def go():
            while True:
                try:
                    os.fork()
                except OSError:
                    time.sleep(0.01)
        """,
        {"timeout", "crashed", "not_loaded"},
    ),
}

#: Limits of their own, as their ``NAME.toml`` has them.
LIMITS = {
    "allocates 10 GB": "memory = 512",
    "opens file after file": "open_files = 64",
    "is a fork bomb": "",  # see bounded_processes
}


def bounded_processes() -> str:
    """Limits under which a fork bomb has room for 40 processes; the kernel counts all of a user's, and none of root's."""
    if os.geteuid() == 0:
        return 'user = "nobody"\nprocesses = 40'
    number = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # it ends just now
            number += process.num_threads() if process.uids().real == os.getuid() else 0
    return f"processes = {number + 40}"


@pytest.mark.parametrize("what", STORMS)
def test_a_plugin_that(what: str, node: Node) -> None:
    source, expected = STORMS[what]
    name = "storm_" + what.lower().replace(" ", "_")
    with node.place(name) as options, node.box.connect() as console, node.pulse():
        if what in LIMITS:
            options.write_text(f"[limits]\n{LIMITS[what] or bounded_processes()}\n")
        node.save(name, source, answer="before")
        node.box.wait_plugin(console, name, lambda values: values["state"] == "ready")
        kinds = ask_all(console, name, "go")
        assert kinds <= expected
        assert kinds & (expected - {"not_loaded"})
        node.save(name, "", answer="after")
        node.box.wait_plugin(console, name, lambda v: v["state"] == "ready" and v["generation"] == 2)
        assert console.select(name, package=PLUGIN_PACKAGE).call("fine").values() == ["after"]
        node.check_processes(console, name)


IMPORTS = {
    "exits at import": "os._exit(4)",
    "raises SystemExit at import": "raise SystemExit(4)",
    "blocks at import": "import time\ntime.sleep(3600)",
    "loops at import and ignores SIGTERM": (
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: pass"
    ),
    "crashes at import": "import ctypes\nctypes.string_at(0)",
    "closes all descriptors at import": "os.closerange(0, 65536)\nimport time\ntime.sleep(3600)",
    "floods stdout at import": "while True: print('x' * 200)",
    "leaves a child at import": "import subprocess\nsubprocess.Popen(['sleep', '3600'])\n1 / 0",
}


@pytest.mark.parametrize("what", IMPORTS)
def test_a_version_that(what: str, node: Node) -> None:
    """The version before stays in service; without one, there is nothing to call, and the error is to be seen."""
    name = "storm_" + what.lower().replace(" ", "_")
    with node.place(name), node.box.connect() as console, node.pulse():
        node.save(name, IMPORTS[what], answer="never")
        values = node.box.wait_plugin(console, name, lambda values: values["state"] == "failed")
        failure = values["last_error"]
        assert isinstance(failure, dict)
        [result] = console.select(name, package=PLUGIN_PACKAGE).call("fine")
        assert isinstance(result.error, RemoteError)
        assert result.error.kind == "not_loaded"
        assert str(failure["text"]).partition("\n")[0] in str(result.error)
        node.save(name, "", answer="before")
        node.box.wait_plugin(console, name, lambda values: values["state"] == "ready")
        node.save(name, IMPORTS[what], answer="never")
        node.box.wait_plugin(console, name, lambda values: values["state"] == "degraded")
        assert console.select(name, package=PLUGIN_PACKAGE).call("fine").values() == ["before"]
        node.save(name, "", answer="after")
        node.box.wait_plugin(console, name, lambda v: v["state"] == "ready" and v["generation"] == 2)
        assert console.select(name, package=PLUGIN_PACKAGE).call("fine").values() == ["after"]
        node.check_processes(console, name)


def test_after_all_that_the_node_stops_and_no_process_is_left(node: Node) -> None:
    """Runs last in this module: the node is the same through all of it."""
    node.save("stubborn", STORMS["ignores SIGTERM"][0], answer="before")
    with node.box.connect() as console:
        node.box.wait_plugin(console, "stubborn", lambda values: values["state"] == "ready")
    assert node.program.stop() == 0
    assert not node.processes()
