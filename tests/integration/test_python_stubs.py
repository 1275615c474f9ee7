"""Stub files of a fleet's plugins: a type checker finds wrong calls by them, and the program runs as it did."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from matahari.console import write_stubs
from tests.support.node import TIME, Box, box

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]

PLUGIN = '''
from typing import List, Literal, Optional, TypedDict


class Disk(TypedDict):
    name: str
    size: int


def resize(name: str, /, size: int, tags: Optional[List[str]] = None) -> Optional[int]:
    """Resize a disk.

    Args:
        size: in gigabytes.
    """
    return size


def list(kind: Literal["hdd", "ssd"] = "ssd") -> List[Disk]:
    """All disks."""
    return [{"name": "sda", "size": 20}]
'''
RIGHT = """
import asyncio

import fleet
from fleet.sync import Disks, DisksDisk, connect
from matahari.console import Result


def work(disks: Disks) -> None:
    for result in disks.using(timeout=30).resize("sda", 20, ["fast"]):
        plain: Result = result
        if result.value is not None:
            print(plain.host, result.value + 1)
    found: list[list[DisksDisk]] = disks.list(kind="hdd").values()
    print(found[0][0]["name"])


async def main() -> None:
    async with fleet.connect() as mh:
        disks = await mh.plugin("disks")
        async for result in disks.resize("sda", size=5):
            value: int | None = result.value
            print(value)
        values: list[int | None] = (await disks.resize("sda", 6)).values()
        print(values)


with connect() as mh:
    work(mh.plugin("disks"))
asyncio.run(main())
"""
WRONG = """
from fleet.sync import connect

with connect() as mh:
    disks = mh.plugin("disks")
    disks.resize("sda", size="big")
    disks.resize()
    disks.list(kind="floppy")
    disks.resise("sda")
    names: list[str] = disks.resize("sda", 1).values()
"""
FOUND = (
    '6: error: Argument "size" to "resize" of "Disks" has incompatible type "str"; expected "int"',
    '7: error: Too few arguments for "resize"',
    '''8: error: Argument "kind" to "list" of "Disks" has incompatible type "Literal['floppy']"''',
    '9: error: Argument 1 to "__call__" of "NoBlockingMethod" has incompatible type "str"; expected "Never"',
    "10: error: Incompatible types in assignment",
)  # fmt: skip


@pytest.fixture(scope="module")
def node() -> Iterator[Box]:
    with box() as place, place.up():
        place.save("disks.py", PLUGIN)
        with place.connect() as console:
            place.wait_plugin(console, "disks", lambda values: values["state"] == "ready")
        yield place


def check(program: Path) -> list[str]:
    """What mypy says."""
    roots = [str(Path(__file__).parents[2] / name) for name in ("core", "rpcagent", "clients")]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--namespace-packages", "--hide-error-context",
         "--explicit-package-bases", "--cache-dir", str(program.parent / "cache"), program.name],
        cwd=program.parent, env={"MYPYPATH": ":".join([str(program.parent), *roots])},
        capture_output=True, text=True, timeout=180 * TIME, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if ": note: " not in line]


def test_a_type_checker_finds_wrong_calls_and_the_program_runs(node: Box, tmp_path: Path) -> None:
    done = node.run("plugin", "stubs", tmp_path / "fleet", "--broker", node.address)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(Path(line).name for line in done.stdout.splitlines()) == [
        "__init__.py", "__init__.pyi", "py.typed", "sync.py", "sync.pyi",
    ]  # fmt: skip
    right, wrong = tmp_path / "right.py", tmp_path / "wrong.py"
    right.write_text(RIGHT)
    wrong.write_text(WRONG)
    assert check(right) == []
    said = check(wrong)
    assert len(said) == len(FOUND), said
    for line, expected in zip(said, FOUND, strict=True):
        assert line.startswith(f"wrong.py:{expected}")
    ran = subprocess.run(
        [sys.executable, right.name], cwd=tmp_path, env={**os.environ, "MATAHARI_BROKER": node.address},
        capture_output=True, text=True, timeout=60 * TIME, check=False,
    )  # fmt: skip
    assert [line.split()[-1] for line in ran.stdout.splitlines()] == ["21", "sda", "5", "[6]"], ran.stderr


def test_what_is_not_there_or_not_ours_is_said(node: Box, tmp_path: Path) -> None:
    place = tmp_path / "fleet"
    done = node.run("plugin", "stubs", place, "--plugin", "diks", "--broker", node.address)
    assert done.returncode == 1 and "did you mean" in done.stderr and not place.exists()
    place.mkdir()
    (place / "sync.py").write_text("mine")
    done = node.run("plugin", "stubs", place, "--plugin", "disks", "--broker", node.address)
    assert done.returncode == 2 and "was not written by this command" in done.stderr
    assert [path.name for path in place.iterdir()] == ["sync.py"]


def test_a_program_can_write_them_too(node: Box, tmp_path: Path) -> None:
    async def story() -> list[Path]:
        async with node.connect_async() as console:
            return await write_stubs(console, tmp_path / "fleet", ["disks"])

    assert (tmp_path / "fleet" / "sync.pyi") in asyncio.run(story())
