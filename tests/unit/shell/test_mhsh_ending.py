"""How the program mhsh ends: at once, after what Python owes to others has been done."""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys
import threading
from collections.abc import Callable

import pytest

from matahari.shell import mhsh
from matahari.shell.base.outcome import ExitStatus


class Left(BaseException):
    """The process would be gone."""


class Full(io.StringIO):
    """A file on a disk that is full."""

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


class Unread(io.StringIO):
    """A pipe whose reader has gone away."""

    def flush(self) -> None:
        raise BrokenPipeError(32, "Broken pipe")


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done, in order. Nothing of it is for real."""
    told: list[str] = []

    def leave(status: int) -> None:
        told.append(f"left with {status}")
        raise Left

    monkeypatch.setattr(os, "_exit", leave)
    monkeypatch.setattr(atexit, "_run_exitfuncs", lambda: told.append("exit functions"))
    monkeypatch.setattr(gc, "set_threshold", lambda number: told.append(f"garbage after {number}"))
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr(mhsh, "_nowhere", lambda mode: io.StringIO())
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.StringIO())
    return told


def ends_with(monkeypatch: pytest.MonkeyPatch, status: ExitStatus, also: Callable[[], None] = lambda: None) -> None:
    def main() -> ExitStatus:
        also()
        return status

    monkeypatch.setattr(mhsh, "main", main)


def test_the_process_ends_at_once_after_exit_functions_have_run(
    done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ends_with(monkeypatch, ExitStatus.SOME_FAILED)
    with pytest.raises(Left):
        mhsh.run()
    assert done == [f"garbage after {mhsh.GARBAGE_THRESHOLD}", "exit functions", "left with 2"]


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_what_exit_functions_print_is_written_before(
    name: str, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, name, io.TextIOWrapper(raw))
    monkeypatch.setattr(atexit, "_run_exitfuncs", lambda: print("goodbye", file=getattr(sys, name)))
    ends_with(monkeypatch, ExitStatus.OK)
    with pytest.raises(Left):
        mhsh.run()
    assert raw.getvalue() == b"goodbye\n"


def test_a_stream_that_is_closed_or_missing_is_no_fault(done: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def close() -> None:
        sys.stdout.close()
        monkeypatch.setattr(sys, "stderr", None)

    ends_with(monkeypatch, ExitStatus.OK, close)
    with pytest.raises(Left):
        mhsh.run()
    assert done[-1] == "left with 0"


def test_what_cannot_be_written_is_told_and_is_the_status(done: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    told = io.StringIO()
    monkeypatch.setattr(sys, "stderr", told)
    ends_with(monkeypatch, ExitStatus.OK, lambda: monkeypatch.setattr(sys, "stdout", Full()))
    with pytest.raises(Left):
        mhsh.run()
    assert done[-1] == "left with 4"
    assert told.getvalue() == "mhsh: cannot go on: No space left on device\n"


def test_where_nothing_can_be_written_the_status_tells(done: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, Full())
    ends_with(monkeypatch, ExitStatus.OK)
    with pytest.raises(Left):
        mhsh.run()
    assert done[-1] == "left with 4"


def test_a_reader_that_has_gone_away_is_no_fault(done: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    told = io.StringIO()
    monkeypatch.setattr(sys, "stderr", told)
    ends_with(monkeypatch, ExitStatus.SOME_FAILED, lambda: monkeypatch.setattr(sys, "stdout", Unread()))
    with pytest.raises(Left):
        mhsh.run()
    assert done[-1] == "left with 2"
    assert told.getvalue() == ""


def test_a_thread_that_still_runs_is_waited_for_as_python_does(
    done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    ends_with(monkeypatch, ExitStatus.NONE_ANSWERED)
    with pytest.raises(SystemExit) as caught:
        mhsh.run()
    assert caught.value.code == 3
    assert done == [f"garbage after {mhsh.GARBAGE_THRESHOLD}"]
