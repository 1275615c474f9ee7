"""One console and very many simulated hosts. ``python -m tests.bench.fleet [--hosts N] [--rounds N] [--json FILE]``.

Hosts, broker and console share this machine, so the times are those of all together; what the console alone takes of
the processors stands beside them.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from matahari.console import Console, Objects, connect
from matahari.testing.fleet import AsyncFleet
from tests.bench.figures import Figures
from tests.bench.nodes import BIN, memory_mib, program

__all__ = ["measure_fleet"]

PACKAGE = "org.matahariproject.rpc.plugin"
PLUGIN = """
from matahari.testing.fleet import simulated_host


def number() -> int:
    return simulated_host().number
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=1000, help="simulated hosts (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="of each measurement (default %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file as well")
    options = parser.parse_args()
    figures = Figures()
    with tempfile.TemporaryDirectory(prefix="mhbench") as name:
        home = Path(name)
        home.chmod(0o700)
        measure_fleet(home, figures, hosts=options.hosts, rounds=options.rounds)
    if options.json:
        figures.save(options.json)


def measure_fleet(home: Path, figures: Figures, *, hosts: int = 1000, rounds: int = 5) -> None:
    """Measure with a broker and a fleet of its own, in the private directory ``home``."""
    figures.section("fleet", f"One console and {hosts} simulated hosts, two agents each, all on this machine")
    (home / "calls.py").write_text(PLUGIN)
    with program(home, [str(BIN / "matahari"), "broker", "--socket", "fleet.sock"]) as broker:
        asyncio.run(_measure(home, figures, hosts, rounds, broker.pid))


async def _measure(home: Path, figures: Figures, hosts: int, rounds: int, broker: int) -> None:
    address = f"unix:{home}/fleet.sock"
    plugins, facts = {"calls": home / "calls.py"}, {"role": ["web", "web", "db"]}
    start = time.perf_counter()
    async with AsyncFleet(hosts, broker=address, plugins=plugins, facts=facts) as fleet:
        seconds = time.perf_counter() - start
        figures.note("up", f"all hosts are up after {seconds:.1f} s", seconds=seconds)
        before = memory_mib([os.getpid()])
        watch = _Watch(figures)
        for _ in range(rounds):
            with watch.of("connect", "connect and find all agents"):
                console = await connect(address)
            async with console:
                objects = await _questions(console, hosts, watch)
                for _ in range(rounds):
                    await _call(objects, watch)
                memory = memory_mib([os.getpid()])
        watch.note_all()
        used = {"console": memory - before, "hosts": memory_mib(fleet.pids) / hosts, "broker": memory_mib([broker])}
        text = f"memory: console {used['console']:+.1f} MiB, broker {used['broker']:.0f} MiB, a host {used['hosts']:.2f} MiB"
        figures.note("memory", text, **{f"{name}_mib": value for name, value in used.items()})
        await asyncio.to_thread(_commands, address, rounds, figures)


async def _questions(console: Console, hosts: int, watch: _Watch) -> Objects:
    with watch.of("filter", "hosts with role = db"):
        await console.hosts("role = db")
    with watch.of("select", "select the plugin on all hosts"):
        objects = await console.select("calls", package=PACKAGE)
    if len(objects) != hosts:
        raise SystemExit(f"{len(objects)} of {hosts} hosts answered: the figures would be worth nothing")
    return objects


async def _call(objects: Objects, watch: _Watch) -> None:
    start = time.perf_counter()
    count = 0
    with watch.of("last", "call all hosts: last answer"):
        async for result in objects.call_iter("number"):
            if not count:
                watch.add("first", "call all hosts: first answer", time.perf_counter() - start)
            count += result.ok
    if count != len(objects):
        raise SystemExit(f"{count} of {len(objects)} calls succeeded: the figures would be worth nothing")


def _commands(address: str, rounds: int, figures: Figures) -> None:
    """Whole commands, from start to end."""
    watch = _Watch(figures)
    for key, text in (
        ("mhsh_list", "list hosts"),
        ("mhsh_call", f"select class package {PACKAGE} calls; call number"),
    ):
        for _ in range(rounds):
            start = time.perf_counter()
            words = [str(BIN / "mhsh"), "-b", address, "-c", text]
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            watch.add(key, f"mhsh -c '{text}', whole process", time.perf_counter() - start)
    watch.note_all()


class _Watch:
    """Times of several kinds, each taken several times."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._names: dict[str, str] = {}
        self._seconds: dict[str, list[float]] = {}
        self._cpu: dict[str, list[float]] = {}

    def of(self, key: str, name: str) -> _Lap:
        """Time what happens inside of it, and what this process takes of the processors meanwhile."""
        return _Lap(self, key, name)

    def add(self, key: str, name: str, seconds: float, cpu: float | None = None) -> None:
        """Take one time."""
        self._names.setdefault(key, name)
        self._seconds.setdefault(key, []).append(seconds)
        if cpu is not None:
            self._cpu.setdefault(key, []).append(cpu)

    def note_all(self) -> None:
        """Print and keep the medians."""
        for key, name in self._names.items():
            seconds = self._seconds[key]
            numbers = {"median_ms": statistics.median(seconds) * 1e3, "best_ms": min(seconds) * 1e3}
            text = f"{name}: median {numbers['median_ms']:.0f} ms, best {numbers['best_ms']:.0f} ms"
            if key in self._cpu:
                numbers["cpu_ms"] = statistics.median(self._cpu[key]) * 1e3
                text += f", the console's processor time {numbers['cpu_ms']:.0f} ms"
            self._figures.note(key, text, **numbers)


class _Lap:
    def __init__(self, watch: _Watch, key: str, name: str) -> None:
        self._watch = watch
        self._key = key
        self._name = name

    def __enter__(self) -> None:
        self._start, self._cpu = time.perf_counter(), time.process_time()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            seconds, cpu = time.perf_counter() - self._start, time.process_time() - self._cpu
            self._watch.add(self._key, self._name, seconds, cpu)


if __name__ == "__main__":
    main()
