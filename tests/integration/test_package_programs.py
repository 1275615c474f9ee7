"""Running the programs of the plugin package, which those of the system stand in for here."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from matahari.plugin import Context, running
from plugins.package import programs
from tests.support.plugins import TIME, is_alive

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]


def test_status_and_both_outputs_are_kept() -> None:
    with running(Context("package")):
        done = programs.run("sh", "-c", "echo out; echo err >&2; exit 3", timeout=20)
    assert (done.status, done.output, done.errors) == (3, "out\n", "err\n")
    with pytest.raises(programs.PackageError, match="ended with status 3: err"):
        done.require()
    assert done.require(0, 3) is done


def test_what_does_not_end_in_time_is_ended() -> None:
    before = {child.pid for child in psutil.Process().children()}
    with running(Context("package")), pytest.raises(programs.PackageError, match="did not end within its time"):
        programs.run("sleep", "60", timeout=0.1)
    assert {child.pid for child in psutil.Process().children()} <= before


def test_what_a_program_has_started_is_ended_with_it(tmp_path: Path) -> None:
    started = tmp_path / "pid"
    with running(Context("package")), pytest.raises(programs.PackageError, match="did not end within its time"):
        programs.run("sh", "-c", f"sleep 60 & echo $! > {started}; wait", timeout=1 * TIME)
    assert not is_alive(int(started.read_text()))


def test_what_it_leaves_in_the_background_does_not_keep_it_from_ending() -> None:
    with running(Context("package")):
        done = programs.run("sh", "-c", "echo out; sleep 60 & echo $!", timeout=30 * TIME)
    word, pid = done.output.split()
    try:
        assert (done.status, word, is_alive(int(pid))) == (0, "out", True)
    finally:
        os.kill(int(pid), signal.SIGKILL)


def test_a_question_ends_when_the_call_is_cancelled_and_a_change_goes_on() -> None:
    with running(Context("package")) as call:
        call.cancel()
        with pytest.raises(TimeoutError, match="cancelled"):
            programs.run("sleep", "60", timeout=60)
        assert programs.run("sh", "-c", "sleep 0.1; echo done", timeout=60, is_change=True).output == "done\n"


def test_a_change_that_the_calls_limit_could_end_is_not_begun(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    short = Context("package", deadline=time.monotonic() + programs.LEAST - 1)
    with running(short), pytest.raises(programs.TimeTooShortError, match="nothing was begun: the call has 2999 s left"):
        programs.run("touch", str(begun), timeout=programs.CHANGE, is_change=True)
    assert not begun.exists()
    with running(short):
        programs.run("touch", str(begun), timeout=20)  # a question may take what there is
    with running(Context("package", deadline=time.monotonic() + programs.LEAST + 60)):
        assert programs.run("rm", str(begun), timeout=20, is_change=True).status == 0


def test_nobody_is_asked_and_the_environment_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    with running(Context("package")):
        done = programs.run("sh", "-c", "read line; env", timeout=20)
    assert "DEBIAN_FRONTEND=noninteractive" in done.output
    assert "LC_ALL=C" in done.output
    assert "SECRET" not in done.output


def test_more_than_is_kept_is_an_error_and_the_program_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "MAX_OUTPUT", 100_000)
    with running(Context("package")), pytest.raises(programs.PackageError, match="said more than 100000 bytes"):
        programs.run("head", "-c", "3000000", "/dev/zero", timeout=20)


def test_a_program_that_is_not_there_is_named() -> None:
    with running(Context("package")), pytest.raises(programs.PackageError, match="nosuch is not installed"):
        programs.run("nosuch", timeout=1)
