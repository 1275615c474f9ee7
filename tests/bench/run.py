"""Speed and memory of one node, beside bare proton through the same broker in the same run. ``make bench`` prints it.

Runs are interleaved and medians are quoted, because machines are noisy; the ratio to the bare figure is what to compare
between machines. Nothing here is a test: no number fails.

    python -m tests.bench.run [--rounds N] [--calls N] [--saves N] [--many N] [--fleet N] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from matahari.console import connect
from tests.bench.figures import Figures
from tests.bench.fleet import measure_fleet
from tests.bench.lanes import PLAIN, TYPED, Lane, bare_lane, host_lane, plugin_lane, run_in_turns, typed_lane
from tests.bench.nodes import BIN, program
from tests.bench.plugins import many_at_start, memory_of_idle, save_to_callable

BARE = Path(__file__).with_name("bare.py")
COMMAND_RUNS = 9
#: A request body of about the 200 bytes of the bare run.
TEXT = "x" * 150


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default %(default)s)")
    parser.add_argument(
        "--calls", type=int, default=1000, help="calls in each run at 1 in flight (default %(default)s)"
    )
    parser.add_argument("--saves", type=int, default=40, help="saves of each plugin (default %(default)s)")
    parser.add_argument(
        "--many", type=int, default=500, help="plugins of the large start, 0 for none (default %(default)s)"
    )
    parser.add_argument("--fleet", type=int, default=1000, help="simulated hosts, 0 for none (default %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file as well")
    options = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}")
    figures = Figures()
    with tempfile.TemporaryDirectory(prefix="mhbench") as name:
        home = Path(name)
        home.chmod(0o700)
        plugins = home / "plugins"
        plugins.mkdir()
        (plugins / "bench.py").write_text(PLAIN.format(version=0))
        (plugins / "typed.py").write_text(TYPED.format(version=0))
        one_process(home, figures, options)
        two_processes(home, figures, options)
        figures.section("memory", "Memory: proportional set size in all, one process and its workers")
        memory_of_idle(home, figures)
        if options.many:
            figures.section("start", "A start with very many plugins")
            asyncio.run(many_at_start(home, options.many, figures))
        if options.fleet:
            measure_fleet(home, figures, hosts=options.fleet, rounds=options.rounds)
    if options.json:
        figures.save(options.json)


def matahari(*words: str) -> list[str]:
    return [str(BIN / "matahari"), *words]


def one_process(home: Path, figures: Figures, options: argparse.Namespace) -> None:
    figures.section("one_process", "One process: matahari up")
    with contextlib.ExitStack() as stack:
        stack.enter_context(
            program(home, matahari("up", "--socket", "bus.sock", "--state", "s1", "--plugins", "plugins"))
        )
        silent = matahari("up", "--socket", "silent.sock", "--state", "s3", "--plugins", "plugins", "--audit", "off")
        stack.enter_context(program(home, silent))
        asker = _bare(stack, home, "bus.sock")
        asyncio.run(_calls_of_all_kinds(home, asker, figures, options))
        commands(home, figures)


async def _calls_of_all_kinds(
    home: Path, asker: subprocess.Popen[str], figures: Figures, options: argparse.Namespace
) -> None:
    async with await connect(f"unix:{home}/bus.sock") as console, await connect(f"unix:{home}/silent.sock") as silent:
        lanes = [
            bare_lane(asker),
            await host_lane(console),
            await plugin_lane(console, "nothing", "plugin's no-op", "nothing"),
            await plugin_lane(silent, "unaudited", "plugin's no-op, audit log off", "nothing"),
            await plugin_lane(console, "echo", "plugin's echo of 150 characters", "echo", TEXT),
            await typed_lane(console),
        ]
        found = await run_in_turns(lanes, rounds=options.rounds, calls=options.calls)
        for in_flight in sorted({in_flight for _, in_flight in found}):
            for lane in lanes:
                base = None if lane.key == "bare" else found["bare", in_flight]
                figures.calls(lane.key, lane.name, in_flight, found[lane.key, in_flight], base)
        for key, name, one, other in (
            ("worker", "a worker: plugin's no-op against the Host agent's method", "nothing", "host"),
            ("types", "types: typed method against the plugin's no-op", "typed", "nothing"),
            ("audit", "the audit log: plugin's no-op with it against without", "nothing", "unaudited"),
        ):
            for in_flight in sorted({in_flight for _, in_flight in found}):
                figures.ratio(key, name, in_flight, found[one, in_flight], found[other, in_flight])
        await save_to_callable(home / "plugins", console, options.saves, figures)


def two_processes(home: Path, figures: Figures, options: argparse.Namespace) -> None:
    figures.section("two_processes", "Two processes: matahari broker, matahari agent")
    with contextlib.ExitStack() as stack:
        stack.enter_context(program(home, matahari("broker", "--socket", "bus2.sock")))
        agent = matahari("agent", "-b", "unix:bus2.sock", "--state", "s2", "--plugins", "plugins")
        stack.enter_context(program(home, agent))
        asyncio.run(_echo(home, _bare(stack, home, "bus2.sock"), figures, options))


async def _echo(home: Path, asker: subprocess.Popen[str], figures: Figures, options: argparse.Namespace) -> None:
    async with await connect(f"unix:{home}/bus2.sock") as console:
        echo: Lane = await plugin_lane(console, "echo", "plugin's echo of 150 characters", "echo", TEXT)
        bare = bare_lane(asker)
        found = await run_in_turns([bare, echo], rounds=options.rounds, calls=options.calls)
        for in_flight in sorted({in_flight for _, in_flight in found}):
            base = found["bare", in_flight]
            figures.calls(bare.key, bare.name, in_flight, base)
            figures.calls(echo.key, echo.name, in_flight, found["echo", in_flight], base)


def _bare(stack: contextlib.ExitStack, home: Path, sock: str) -> subprocess.Popen[str]:
    """Both ends of the bare run; gives the one that asks."""
    path = str(home / sock)
    stack.enter_context(program(home, [sys.executable, str(BARE), "respond", path]))
    return stack.enter_context(program(home, [sys.executable, str(BARE), "ask", path]))


def commands(home: Path, figures: Figures) -> None:
    """How long a whole command of the shell takes."""
    seconds = []
    for _ in range(COMMAND_RUNS):
        start = time.perf_counter()
        subprocess.run(
            [BIN / "mhsh", "-b", "unix:bus.sock", "-c", "list hosts"], cwd=home, check=True, stdout=subprocess.DEVNULL
        )
        seconds.append(time.perf_counter() - start)
    median, best = statistics.median(seconds) * 1e3, min(seconds) * 1e3
    figures.note(
        "command",
        f"mhsh -c 'list hosts', whole process: median {median:.0f} ms, best {best:.0f} ms",
        median_ms=median,
        best_ms=best,
    )


if __name__ == "__main__":
    main()
