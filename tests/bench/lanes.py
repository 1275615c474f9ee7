"""Calls of one kind each, one or many in flight, to be run in turns with the others."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from matahari.console import Console, Results
from tests.bench.figures import Run

__all__ = ["PLAIN", "TYPED", "Lane", "bare_lane", "call_lane", "host_lane", "plugin_lane", "run_in_turns", "typed_lane"]

PACKAGE = "org.matahariproject.rpc.plugin"

#: ``version`` is for the time from a save to the first answer.
PLAIN = """
def echo(text: str) -> str:
    return text


def nothing():
    return None


def version() -> int:
    return {version}
"""

TYPED = """
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field


@dataclass
class Window:
    start: datetime
    minutes: Annotated[int, Field(ge=1, le=1440)]


def plan(
    window: Window,
    mode: Literal["fast", "safe"],
    share: Annotated[float, Field(ge=0, le=100)] = 50.0,
    until: datetime | None = None,
) -> Window:
    return Window(until or window.start, window.minutes)


def version() -> int:
    return {version}
"""
_WINDOW = {"start": "2026-03-01T04:00:00Z", "minutes": 90}
_UNTIL = "2026-03-02T04:00:00Z"


@dataclass(frozen=True, slots=True)
class Lane:
    """A kind of call: ``run(in_flight, count)`` keeps so many open until so many were answered."""

    key: str
    name: str
    run: Callable[[int, int], Awaitable[Run]]


def bare_lane(asker: subprocess.Popen[str]) -> Lane:
    """Proton alone, asked by a process of its own: ``bare.py``."""

    async def run(in_flight: int, count: int) -> Run:
        assert asker.stdin is not None
        assert asker.stdout is not None
        asker.stdin.write(f"{in_flight} {count}\n")
        asker.stdin.flush()
        answer = json.loads(asker.stdout.readline())
        return count / answer["seconds"], answer["latencies"]

    return Lane("bare", "bare proton request/reply", run)


def call_lane(key: str, name: str, call: Callable[[], Awaitable[Results]]) -> Lane:
    """Calls through a console; each must succeed."""

    async def run(in_flight: int, count: int) -> Run:
        latencies: list[float] = []

        async def caller(calls: int) -> None:
            for _ in range(calls):
                start = time.perf_counter()
                results = await call()
                latencies.append(time.perf_counter() - start)
                results.raise_for_errors()

        start = time.perf_counter()
        await asyncio.gather(*(caller(count // in_flight) for _ in range(in_flight)))
        return len(latencies) / (time.perf_counter() - start), latencies

    return Lane(key, name, run)


async def plugin_lane(console: Console, key: str, name: str, method: str, *arguments: object) -> Lane:
    """Calls of a method of the plugin ``PLAIN``."""
    objects = await console.select("bench", package=PACKAGE)
    return call_lane(key, name, lambda: objects.call(method, *arguments))


async def typed_lane(console: Console) -> Lane:
    """Calls of the typed plugin: checked in the console, by the agent and in the worker."""
    objects = await console.select("typed", package=PACKAGE)
    return call_lane("typed", "typed method", lambda: objects.call("plan", _WINDOW, "safe", 12.5, until=_UNTIL))


async def host_lane(console: Console) -> Lane:
    """Calls of a method that the Host agent runs in its own process."""
    objects = await console.select("Host")
    return call_lane("host", "Host agent's get_uuid, in process", lambda: objects.call("get_uuid", "reboot"))


async def run_in_turns(lanes: Sequence[Lane], *, rounds: int, calls: int) -> dict[tuple[str, int], list[Run]]:
    """Run all, round after round, so that a noisy moment meets all of them.

    Returns:
        (lane's key, in flight) -> a run for each round.
    """
    plan = {1: calls, 64: calls * 2}
    found: dict[tuple[str, int], list[Run]] = {(lane.key, in_flight): [] for lane in lanes for in_flight in plan}
    for lane in lanes:
        await lane.run(1, 200)
    for _ in range(rounds):
        for in_flight, count in plan.items():
            for lane in lanes:
                found[lane.key, in_flight].append(await lane.run(in_flight, count))
    return found
