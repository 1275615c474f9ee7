"""The plugin process on the test's own process: what it tells, whom it never signals."""

from __future__ import annotations

import os

import psutil
import pytest

from plugins import process


def me() -> process.Process:
    [found] = [one for one in process.list(limit=1000)["processes"] if one["pid"] == os.getpid()]
    return found


def test_this_process_is_in_the_list_as_it_is() -> None:
    mine = me()
    assert mine["ppid"] == os.getppid()
    assert mine["user"] == psutil.Process().username()
    assert mine["start_ticks"] == process._start_ticks(os.getpid()) > 0
    assert abs(mine["started_ns"] / 1e9 - psutil.Process().create_time()) < 1
    assert mine["memory_bytes"] > 1_000_000
    assert "pytest" in mine["command"]


def test_name_and_user_choose() -> None:
    mine = me()
    assert mine["pid"] in {one["pid"] for one in process.list(name=mine["name"][:3] + "*", limit=1000)["processes"]}
    assert process.list(name="no such program")["matched"] == 0
    assert process.list(user="no such user")["matched"] == 0


def test_the_list_is_sorted_and_says_how_many_there_are() -> None:
    told = process.list(sort="memory", limit=2)
    sizes = [one["memory_bytes"] for one in told["processes"]]
    assert sizes == sorted(sizes, reverse=True)
    assert told["matched"] >= len(sizes)
    numbers = [one["pid"] for one in process.list()["processes"]]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("limit", [0, 1001])
def test_a_limit_out_of_range_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="limit is"):
        process.list(limit=limit)


def test_the_tree_begins_with_its_root_and_names_parents_first() -> None:
    branches = process.tree(os.getppid())
    assert (branches[0]["pid"], branches[0]["depth"]) == (os.getppid(), 0)
    seen = {branches[0]["pid"]}
    for branch in branches[1:]:
        assert branch["ppid"] in seen
        seen.add(branch["pid"])
    assert os.getpid() in seen
    assert {branch["depth"] for branch in process.tree(os.getppid(), depth=0)} == {0}


def test_the_tree_of_nobody_is_an_error() -> None:
    with pytest.raises(LookupError, match="no process 4194304"):
        process.tree(4194304)
    with pytest.raises(ValueError, match="depth is"):
        process.tree(depth=65)


def test_the_first_process_this_one_and_the_two_above_are_never_signalled() -> None:
    above = [parent.pid for parent in psutil.Process().parents()[:2]]
    for pid in (1, os.getpid(), *above):
        with pytest.raises(PermissionError, match="not signalled from here"):
            process.signal(pid, process._start_ticks(pid), "CONT")


@pytest.mark.parametrize("pid", [0, -1, -77])
def test_groups_and_everybody_are_no_process(pid: int) -> None:
    with pytest.raises(ValueError, match="must be the number of one process"):
        process.signal(pid, 0)


def test_a_wait_out_of_range_and_an_unknown_signal_are_refused() -> None:
    with pytest.raises(ValueError, match="wait is"):
        process.signal(5, 0, wait=61)
    with pytest.raises(ValueError, match="name is 'NOSUCH'"):
        process.signal(5, 0, "NOSUCH")  # type: ignore[arg-type]  # what a caller without the schema may send


def test_nobody_is_a_lookup_error() -> None:
    with pytest.raises(LookupError, match="no process 4194304"):
        process.signal(4194304, 0)
