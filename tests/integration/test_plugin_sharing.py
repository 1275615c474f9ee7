"""What workers share with the warm parent: the library for typed annotations, from the first plugin on that needs it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from pathlib import Path

import pytest

from tests.support.plugins import plugin_service

pytestmark = [pytest.mark.integration, pytest.mark.embedded]

PLAIN = """
import os
import sys


def libraries() -> list[str]:
    return [name for name in ("pydantic", "pydantic_core", "jsonschema", "asyncio") if name in sys.modules]


def parent_has_types() -> bool:
    with open(f"/proc/{os.getppid()}/maps") as maps:
        return "pydantic_core" in maps.read()


def signals(kind: str) -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1], 16) for line in status if line.startswith(kind))
"""

TYPED = """
import sys
from dataclasses import dataclass

IMPORTED_BEFORE = "pydantic" in sys.modules


@dataclass
class Point:
    x: int


def move(point: Point, by: int) -> Point:
    assert isinstance(point, Point)
    return Point(point.x + by)


def was_shared() -> bool:
    return IMPORTED_BEFORE
"""

#: A type that nothing in the text tells.
SECRETLY_TYPED = """
import sys

IMPORTED_BEFORE = "pydantic" in sys.modules
make = __import__("datetime").timedelta


def double(span: make) -> make:
    return span * 2


def was_shared() -> bool:
    return IMPORTED_BEFORE
"""


def mask(*numbers: int) -> int:
    return sum(1 << (number - 1) for number in numbers)


def run(story: Coroutine[object, object, None]) -> None:
    asyncio.run(story)


def test_a_plain_worker_and_the_warm_parent_have_not_loaded_the_library_for_types(tmp_path: Path) -> None:
    async def story() -> None:
        async with plugin_service(tmp_path) as box:
            box.save("plain.py", PLAIN)
            await box.wait_state("plain", "ready")
            assert await box.call("plain", "libraries") == []
            assert await box.call("plain", "parent_has_types") is False

    run(story())


def test_the_first_typed_plugin_has_the_warm_parent_load_it_and_workers_share_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with plugin_service(tmp_path) as box:
            box.save("plain.py", PLAIN)
            await box.wait_state("plain", "ready")
            for name in ("first", "second"):
                box.save(f"{name}.py", TYPED)
                await box.wait_state(name, "ready")
                assert await box.call(name, "was_shared") is True
                assert await box.call(name, "move", {"x": 1}, 2) == {"x": 3}
            assert await box.call("plain", "parent_has_types") is True
            assert await box.call("plain", "libraries") == []  # it was forked before

    run(story())


def test_a_plugin_whose_types_were_not_guessed_loads_the_library_by_itself(tmp_path: Path) -> None:
    async def story() -> None:
        async with plugin_service(tmp_path) as box:
            box.save("plain.py", PLAIN)
            box.save("secret.py", SECRETLY_TYPED)
            await box.wait_state("plain", "ready")
            await box.wait_state("secret", "ready")
            assert await box.call("secret", "was_shared") is False
            assert await box.call("secret", "double", "PT1H") == "PT2H"
            assert await box.call("plain", "parent_has_types") is False

    run(story())


def test_a_worker_starts_with_the_signals_of_a_fresh_program(tmp_path: Path) -> None:
    """Only SIGPIPE is ignored, as in every Python program, and only the faults are caught, for their traceback."""

    async def story() -> None:
        async with plugin_service(tmp_path) as box:
            box.save("plain.py", PLAIN)
            await box.wait_state("plain", "ready")
            assert await box.call("plain", "signals", "SigBlk") == 0
            # Two that the C library keeps for itself: no program can set them; they come with threads or whoever started us.
            own = mask(32, 33)
            ignored = await box.call("plain", "signals", "SigIgn")
            assert isinstance(ignored, int)
            assert ignored & ~own == mask(signal.SIGPIPE)
            found = await box.call("plain", "signals", "SigCgt")
            assert isinstance(found, int)
            assert found & ~own == mask(signal.SIGILL, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGSEGV)

    run(story())
