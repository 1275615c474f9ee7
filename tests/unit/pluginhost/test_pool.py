"""What a worker says when the system gives it no thread."""

from __future__ import annotations

import resource
import threading

import pytest

from matahari.pluginhost.pool import NoThread, start_thread

_NONE = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("memory", "processes", "remedy"),
    [
        (_NONE, _NONE, ""),
        (96 << 20, _NONE, "; in NAME.toml raise limits.memory (96 MiB), or lower limits.concurrency"),
        (_NONE, 50, "; in NAME.toml raise limits.processes (50), or lower limits.concurrency"),
        (
            64 << 20,
            5,
            "; in NAME.toml raise limits.memory (64 MiB) or limits.processes (5), or lower limits.concurrency",
        ),
    ],
)
def test_it_names_the_bounds_that_may_be_the_reason(
    monkeypatch: pytest.MonkeyPatch, memory: int, processes: int, remedy: str
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    bounds = {resource.RLIMIT_AS: memory, resource.RLIMIT_NPROC: processes}
    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr(resource, "getrlimit", lambda number: (bounds[number], _NONE))
    with pytest.raises(NoThread) as told:
        start_thread(print, "call-1")
    assert str(told.value) == f"the system gives the worker no thread: can't start new thread{remedy}"
