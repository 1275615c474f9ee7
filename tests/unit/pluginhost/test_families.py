"""Which worker a process descends from, by its mark."""

from __future__ import annotations

import os
import resource

import pytest

from matahari.pluginhost import _families as module
from matahari.pluginhost._families import Families


@pytest.fixture
def marks(monkeypatch: pytest.MonkeyPatch) -> dict[int, int | None]:
    """Process id -> its mark; setting one on this process fills it in for process 1."""
    found: dict[int, int | None] = {}

    def set_limit(kind: int, limits: tuple[int, int]) -> None:
        assert kind == resource.RLIMIT_RTTIME
        assert limits[0] == limits[1]
        found[1] = limits[1]

    monkeypatch.setattr(module, "_mark_of", found.get)
    monkeypatch.setattr(resource, "setrlimit", set_limit)
    return found


@pytest.mark.parametrize("hard", [resource.RLIM_INFINITY, 5_000_000])
def test_a_mark_says_which_worker_it_was(
    marks: dict[int, int | None], monkeypatch: pytest.MonkeyPatch, hard: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (hard, hard))
    families = Families()
    for worker in (1, 2, 70_000):
        assert families.mark(worker)
        assert families.worker_of(1) == worker


def test_no_mark_or_one_that_was_there_before_us_is_none_of_ours(
    marks: dict[int, int | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (5_000_000, 5_000_000))
    families = Families()
    marks.update({2: None, 3: 5_000_000, 4: 6_000_000})
    assert [families.worker_of(pid) for pid in (2, 3, 4, 99)] == [None] * 4


@pytest.mark.parametrize("hard", [0, 2])
def test_a_limit_with_no_room_for_marks_leaves_workers_without_one(
    marks: dict[int, int | None], monkeypatch: pytest.MonkeyPatch, hard: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (hard, hard))
    families = Families()
    assert not families.mark(3)
    assert not marks
    marks[2] = hard
    assert families.worker_of(2) is None


@pytest.mark.parametrize(
    "error", [OSError(1, "Operation not permitted"), ValueError("not allowed to raise maximum limit")]
)
def test_where_the_limit_cannot_be_set_workers_have_no_mark(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def refuse(kind: int, limits: tuple[int, int]) -> None:
        raise error

    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert not Families().mark(1)


def test_the_mark_of_a_process_is_its_hard_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_RTTIME)
    assert module._mark_of(os.getpid()) == (None if hard == resource.RLIM_INFINITY else hard)
    assert module._mark_of(0) is None


def test_without_proc_nobody_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(path: str) -> list[str]:
        raise FileNotFoundError(2, "No such file or directory", path)

    monkeypatch.setattr(module, "_HAS_LISTS", False)
    monkeypatch.setattr(os, "listdir", missing)
    assert Families().end(module.EVERY_WORKER, spare=()) == set()
    assert not module.kill_children()
