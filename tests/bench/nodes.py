"""Programs that are measured: starting and ending them, their memory and their time on the processors."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

__all__ = ["BIN", "cpu_seconds", "family", "memory_mib", "program", "running"]

BIN = Path(sys.executable).parent
#: They are for programs that run once; what is measured is used to having its bytecode at hand.
_UNUSUAL = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")


@contextlib.contextmanager
def running(home: Path, words: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """A program; terminated at the end."""
    environment = {name: value for name, value in os.environ.items() if name not in _UNUSUAL}
    process = subprocess.Popen(
        words,
        cwd=home,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


@contextlib.contextmanager
def program(home: Path, words: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """A program that prints a line with "ready" when it is; terminated at the end."""
    with running(home, words) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if "ready" not in line:
            raise SystemExit(f"{words} did not start: {line!r}")
        yield process


def family(pid: int) -> list[int]:
    """The process and all its descendants."""
    children = Path(f"/proc/{pid}/task").glob("*/children")
    return [pid, *(one for child in children for word in child.read_text().split() for one in family(int(word)))]


def memory_mib(pids: Sequence[int]) -> float:
    """Proportional set size of all in MiB: a page that several processes share counts once, in parts."""
    return sum(map(_pss_kib, pids)) / 1024


def _pss_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def cpu_seconds(pid: int) -> float:
    """What the process has used of the processors."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
