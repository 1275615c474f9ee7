"""Speed and memory of one node, beside bare proton through the same broker in the same run. ``make bench`` prints it.

Runs are interleaved and medians are quoted, because machines are noisy; the ratio to the bare figure is what to compare
between machines. Nothing here is a test: no number fails.

    run.py [--rounds N] [--calls N] [--saves N]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from matahari.console import Console, Objects, connect

BIN = Path(sys.executable).parent
BARE = Path(__file__).with_name("bare.py")
PLUGIN_PACKAGE = "org.matahariproject.rpc.plugin"
IDLE_PLUGINS = 10
IDLE_SECONDS = 10.0
COMMAND_RUNS = 9

PLUGIN = """
def echo(text: str) -> str:
    return text


def version() -> int:
    return {version}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default %(default)s)")
    parser.add_argument(
        "--calls", type=int, default=1500, help="calls in each run at 1 in flight (default %(default)s)"
    )
    parser.add_argument("--saves", type=int, default=40, help="saves of a plugin (default %(default)s)")
    options = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}\n")
    with tempfile.TemporaryDirectory(prefix="mhbench") as name:
        home = Path(name)
        home.chmod(0o700)
        (home / "plugins").mkdir()
        save(home, 0)
        for number in range(IDLE_PLUGINS - 1):
            (home / "plugins" / f"idle{number}.py").write_text("def nothing():\n    return None\n")
        for title, programs in (
            ("One process: matahari up", [["up", "--socket", "bus.sock", "--state", "s1", "--plugins", "plugins"]]),
            (
                "Two processes: matahari broker, matahari agent",
                [
                    ["broker", "--socket", "bus.sock"],
                    ["agent", "-b", "unix:bus.sock", "--state", "s2", "--plugins", "plugins"],
                ],
            ),
        ):
            print(title)
            with contextlib.ExitStack() as stack:
                nodes = [stack.enter_context(program(home, [str(BIN / "matahari"), *words])) for words in programs]
                memory(nodes)
                asyncio.run(measure(home, options.rounds, options.calls, options.saves))
                commands(home)
            print()


def save(home: Path, version: int) -> None:
    new = home / "plugins" / ".bench.new"
    new.write_text(PLUGIN.format(version=version))
    new.replace(home / "plugins" / "bench.py")


@contextlib.contextmanager
def program(home: Path, words: Sequence[str], **more: object) -> Iterator[subprocess.Popen[str]]:
    """A program that prints a line with "ready" when it is; terminated at the end."""
    running = subprocess.Popen(
        words, cwd=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert running.stdout is not None
        line = running.stdout.readline()
        if "ready" not in line:
            raise SystemExit(f"{words} did not start: {line!r}")
        yield running
    finally:
        running.terminate()
        running.wait(30)


async def measure(home: Path, rounds: int, calls: int, saves: int) -> None:
    path = str(home / "bus.sock")
    plan = {1: calls, 64: calls * 4}
    bare: dict[int, list[list[float]]] = {1: [], 64: []}
    ours: dict[int, list[list[float]]] = {1: [], 64: []}
    rates: dict[tuple[str, int], list[float]] = {(who, n): [] for who in ("bare", "ours") for n in plan}
    with contextlib.ExitStack() as stack:
        stack.enter_context(program(home, [sys.executable, str(BARE), "respond", path]))
        asker = stack.enter_context(program(home, [sys.executable, str(BARE), "ask", path]))
        async with await connect(f"unix:{path}") as console:
            objects = await console.select("bench", package=PLUGIN_PACKAGE)
            await run_ours(objects, 1, 200)
            for _ in range(rounds):
                for in_flight, count in plan.items():
                    seconds, latencies = run_bare(asker, in_flight, count)
                    rates["bare", in_flight].append(count / seconds)
                    bare[in_flight].append(latencies)
                    seconds, latencies = await run_ours(objects, in_flight, count)
                    rates["ours", in_flight].append(count / seconds)
                    ours[in_flight].append(latencies)
            for in_flight in plan:
                for who, found in (("bare proton request/reply", bare), ("call of a Python plugin", ours)):
                    rate = statistics.median(rates["bare" if found is bare else "ours", in_flight])
                    p50 = statistics.median(statistics.median(run) for run in found[in_flight])
                    p99 = statistics.median(sorted(run)[int(len(run) * 0.99)] for run in found[in_flight])
                    print(
                        f"  {in_flight:2} in flight  {who:27} {rate:6.0f} /s   p50 {p50 * 1e3:6.2f} ms"
                        f"   p99 {p99 * 1e3:6.2f} ms"
                    )
                pairs = zip(ours[in_flight], bare[in_flight], strict=True)
                ratio = statistics.median(statistics.median(a) / statistics.median(b) for a, b in pairs)
                print(f"  {in_flight:2} in flight  ratio of the p50s, ours to bare, round by round: {ratio:.2f}")
            await save_to_callable(home, console, saves)


def run_bare(asker: subprocess.Popen[str], in_flight: int, count: int) -> tuple[float, list[float]]:
    assert asker.stdin is not None
    assert asker.stdout is not None
    asker.stdin.write(f"{in_flight} {count}\n")
    asker.stdin.flush()
    answer = json.loads(asker.stdout.readline())
    return answer["seconds"], answer["latencies"]


async def run_ours(objects: Objects, in_flight: int, count: int) -> tuple[float, list[float]]:
    latencies: list[float] = []
    text = "x" * 150  # a request body of about the 200 bytes of the bare run

    async def caller(calls: int) -> None:
        for _ in range(calls):
            start = time.perf_counter()
            results = await objects.call("echo", text)
            latencies.append(time.perf_counter() - start)
            results.raise_for_errors()

    start = time.perf_counter()
    await asyncio.gather(*(caller(count // in_flight) for _ in range(in_flight)))
    return time.perf_counter() - start, latencies


async def save_to_callable(home: Path, console: Console, saves: int) -> None:
    """From the rename of an editor's save to the first answer of the new version."""
    objects = await console.select("bench", package=PLUGIN_PACKAGE)
    seconds = []
    for version in range(1, saves + 1):
        start = time.perf_counter()
        save(home, version)
        while (await objects.call("version"))[0].value != version:
            pass
        seconds.append(time.perf_counter() - start)
    seconds.sort()
    print(
        f"  saved to callable, {saves} saves: p50 {statistics.median(seconds) * 1e3:.0f} ms, "
        f"p95 {seconds[int(saves * 0.95) - 1] * 1e3:.0f} ms, worst {seconds[-1] * 1e3:.0f} ms"
    )
    save(home, 0)


def commands(home: Path) -> None:
    seconds = []
    for _ in range(COMMAND_RUNS):
        start = time.perf_counter()
        subprocess.run(
            [BIN / "mhsh", "-b", "unix:bus.sock", "-c", "list hosts"], cwd=home, check=True, stdout=subprocess.DEVNULL
        )
        seconds.append(time.perf_counter() - start)
    print(
        f"  mhsh -c 'list hosts', whole process: median {statistics.median(seconds) * 1e3:.0f} ms, "
        f"best {min(seconds) * 1e3:.0f} ms"
    )


def memory(nodes: Sequence[subprocess.Popen[str]]) -> None:
    """Proportional set size of all processes with idle plugins, and what they use of a core while idle."""
    pids = [pid for node in nodes for pid in family(node.pid)]
    used = sum(cpu(pid) for pid in pids)
    time.sleep(IDLE_SECONDS)
    share = (sum(cpu(pid) for pid in pids) - used) / IDLE_SECONDS
    total = sum(pss(pid) for pid in pids)
    print(
        f"  {IDLE_PLUGINS} idle plugins, {len(pids)} processes: {total / 1024:.1f} MiB proportional set size in all, "
        f"{share * 100:.2f} % of a core"
    )


def family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task").glob("*/children")
    return [pid, *(one for child in children for word in child.read_text().split() for one in family(int(word)))]


def pss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
