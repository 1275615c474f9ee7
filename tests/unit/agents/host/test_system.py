"""Facts and statistics from a made-up /proc."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from matahari.agents.host.system import System


def proc_in(folder: Path) -> Path:
    (folder / "meminfo").write_text(
        "MemTotal: 1000 kB\nMemFree: 400 kB\nMemAvailable: 900 kB\nSwapTotal: 20 kB\nSwapFree: 10 kB\n"
    )
    (folder / "loadavg").write_text("0.10 0.20 0.30 1/2 3\n")
    block = "model name : Fast\nflags : fpu\nphysical id : 0\n"
    (folder / "cpuinfo").write_text(f"processor : 0\ncore id : 0\n{block}\nprocessor : 1\ncore id : 0\n{block}")
    for pid, letter in ((1, "S"), (2, "R")):
        (folder / str(pid)).mkdir()
        (folder / str(pid) / "stat").write_text(f"{pid} (x) {letter} 0")
    (folder / "99").mkdir()  # ended between the listing and the look
    (folder / "self").mkdir()
    return folder


def test_facts_come_from_the_kernel(tmp_path: Path) -> None:
    facts = System(proc_in(tmp_path)).facts()
    name = os.uname()
    assert facts.os == f"{name.sysname} ({name.release})"
    assert facts.arch == name.machine
    assert facts.wordsize in (32, 64)
    assert (facts.memory, facts.swap) == (1000, 20)
    assert (facts.cpu_count, facts.cpu_model, facts.cpu_flags) == (2, "Fast", "fpu")


@pytest.mark.parametrize(("known", "expected"), [(6, 6), (None, 1)])
def test_cores_fall_back_on_the_core_ids(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: int | None, expected: int
) -> None:
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: known)
    assert System(proc_in(tmp_path)).facts().cpu_cores == expected


def test_without_any_knowledge_there_is_one_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: None)
    facts = System(tmp_path / "absent").facts()
    assert (facts.cpu_count, facts.cpu_cores, facts.memory) == (1, 1, 0)


def test_statistics_come_from_the_kernel(tmp_path: Path) -> None:
    statistics = System(proc_in(tmp_path)).statistics()
    assert (statistics.free_mem, statistics.free_swap) == (400, 10)
    assert statistics.load == {"1": 0.1, "5": 0.2, "15": 0.3}
    assert statistics.process_statistics["total"] == 2


def test_statistics_without_proc_are_zero(tmp_path: Path) -> None:
    statistics = System(tmp_path / "absent").statistics()
    assert (statistics.free_mem, statistics.load, statistics.process_statistics["total"]) == (0, {}, 0)
