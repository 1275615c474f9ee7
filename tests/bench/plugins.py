"""What plugins cost that nobody calls, how soon a saved one is in service, and the start of very many."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from matahari.console import Console, connect
from matahari.errors import MatahariError
from tests.bench.figures import Figures, percentile
from tests.bench.lanes import PACKAGE, PLAIN, TYPED
from tests.bench.nodes import BIN, cpu_seconds, family, memory_mib, program, running

__all__ = ["many_at_start", "memory_of_idle", "save_to_callable"]

#: After the start, until memory is read, in seconds.
_SETTLE = 3.0
_IDLE_SECONDS = 10.0
#: With as many plugins as the aims speak of, the use of the processor is measured as well.
_OF_INTEREST = "plain10"
_POLL = 0.25
_WITNESS_PAUSE = 0.02
_DEADLINE = 180.0


def save(folder: Path, name: str, source: str) -> None:
    """Save as most editors do: beside it, then renamed."""
    new = folder / f".{name}.new"
    new.write_text(source)
    new.replace(folder / f"{name}.py")


def fill(folder: Path, count: int, *, typed: bool = False) -> None:
    """Write ``count`` small plugins."""
    folder.mkdir()
    for number in range(count):
        source = TYPED.format(version=number) if typed else "def nothing():\n    return None\n"
        (folder / f"idle{number}.py").write_text(source)


def _idle_share(pids: Sequence[int]) -> float:
    """How much of a core the processes use while nobody asks anything of them."""
    before = sum(map(cpu_seconds, pids))
    time.sleep(_IDLE_SECONDS)
    return (sum(map(cpu_seconds, pids)) - before) / _IDLE_SECONDS


def memory_of_idle(home: Path, figures: Figures) -> None:
    """Nodes in one process, with more and more plugins that are loaded and never called."""
    before: float | None = None
    for count, typed in ((0, False), (10, False), (50, False), (10, True)):
        name = f"{'typed' if typed else 'plain'}{count}"
        fill(home / name, count, typed=typed)
        words = ["up", "--socket", f"{name}.sock", "--state", f"state-{name}", "--plugins", name]
        with program(home, [str(BIN / "matahari"), *words]) as node:
            time.sleep(_SETTLE)
            pids = family(node.pid)
            agent, parent = memory_mib(pids[:1]), memory_mib(pids[1:2])
            workers = memory_mib(pids[2:])
            if name == _OF_INTEREST:
                share = _idle_share(pids)
                figures.note("idle", f"{count:3} idle plugins: {share * 100:.2f} % of a core", share_of_core=share)
        total = agent + parent + workers
        before = total if before is None else before
        each = (total - before) / count if count else 0.0
        figures.note(
            f"idle_{name}",
            f"{count:3} idle {'typed ' if typed else ''}plugins, {len(pids)} processes: {total:6.1f} MiB"
            f" (agent {agent:.1f}, warm parent {parent:.1f}, workers {workers:.1f}; {each:.1f} for each plugin)",
            total_mib=total,
            agent_mib=agent,
            parent_mib=parent,
            workers_mib=workers,
            each_mib=each,
            processes=len(pids),
        )


async def save_to_callable(folder: Path, console: Console, saves: int, figures: Figures) -> None:
    """From the rename of an editor's save to the first answer of the new version, in turns for both plugins."""
    sources = {"bench": PLAIN, "typed": TYPED}
    objects = {name: await console.select(name, package=PACKAGE) for name in sources}
    seconds: dict[str, list[float]] = {name: [] for name in sources}
    for version in range(1, saves + 1):
        for name, source in sources.items():
            start = time.perf_counter()
            save(folder, name, source.format(version=version))
            while (await objects[name].call("version"))[0].value != version:
                pass
            seconds[name].append(time.perf_counter() - start)
    for name, kind in (("bench", "plain"), ("typed", "typed")):
        p50, p95, worst = (
            1e3 * value
            for value in (statistics.median(seconds[name]), percentile(seconds[name], 0.95), max(seconds[name]))
        )
        figures.note(
            f"save_{kind}",
            f"saved to callable, {kind} plugin, {saves} saves: p50 {p50:.0f} ms, p95 {p95:.0f} ms, worst {worst:.0f} ms",
            p50_ms=p50,
            p95_ms=p95,
            worst_ms=worst,
        )


async def many_at_start(home: Path, count: int, figures: Figures) -> None:
    """Start a node with very many plugins, and ask the Host agent all the while."""
    fill(home / "many", count)
    words = ["up", "--socket", "many.sock", "--state", "state-many", "--plugins", "many"]
    start = time.perf_counter()
    with running(home, [str(BIN / "matahari"), *words]) as node:
        async with await _connected(f"unix:{home / 'many.sock'}") as console:
            first = time.perf_counter() - start
            stop = asyncio.Event()
            witness = asyncio.ensure_future(_witness(console, stop))
            try:
                async with asyncio.timeout(_DEADLINE):
                    while await _loaded(console) < count:
                        await asyncio.sleep(_POLL)
            finally:
                stop.set()
                latencies = await witness
            total = time.perf_counter() - start
            await asyncio.sleep(_SETTLE)
            pids = family(node.pid)
            memory = memory_mib(pids)
            used = sum(map(cpu_seconds, pids))
    worst, p99 = max(latencies) * 1e3, percentile(latencies, 0.99) * 1e3
    figures.note(
        "many",
        f"{count} plugins at start: all ready after {total:.1f} s ({used:.1f} s of processor time), the bus after {first:.1f} s;"
        f" {len(latencies)} calls of the Host agent meanwhile, p99 {p99:.0f} ms, worst {worst:.0f} ms;"
        f" {memory:.0f} MiB in {len(pids)} processes, {memory / count:.1f} for each",
        ready_s=total,
        bus_s=first,
        processor_s=used,
        witness_calls=len(latencies),
        witness_p99_ms=p99,
        witness_worst_ms=worst,
        total_mib=memory,
    )


async def _connected(address: str) -> Console:
    """A console, as soon as there is a Host agent."""
    async with asyncio.timeout(_DEADLINE):
        while True:
            with contextlib.suppress(MatahariError):
                console = await connect(address)
                try:
                    await console.select("Host")
                except BaseException:
                    await console.close()
                    raise
                return console
            await asyncio.sleep(_WITNESS_PAUSE)


async def _witness(console: Console, stop: asyncio.Event) -> list[float]:
    objects = await console.select("Host")
    latencies: list[float] = []
    while not stop.is_set():
        start = time.perf_counter()
        results = await objects.call("get_uuid", "reboot")
        latencies.append(time.perf_counter() - start)
        results.raise_for_errors()
        await asyncio.sleep(_WITNESS_PAUSE)
    return latencies


async def _loaded(console: Console) -> int:
    try:
        found = await console.select("Plugins", package="org.matahariproject.rpc")
    except MatahariError:
        return 0  # the RPC agent is not there yet
    loaded = found[0].values.get("loaded") if found else 0
    return loaded if isinstance(loaded, int) else 0
