"""mhsh that is told to end, or whose terminal is closed: as with Ctrl-C, nothing of it stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from tests.support.node import BIN, TIME, Box, environment
from tests.support.stage import Gate, stage

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]

SIGNALS = [signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(scope="module")
def place() -> Iterator[Box]:
    with stage() as made:
        yield made


def begin(place: Box, *words: str) -> subprocess.Popen[str]:
    env = environment(XDG_CONFIG_HOME=str(place.home), XDG_STATE_HOME=str(place.home))
    return subprocess.Popen(
        [BIN / "mhsh", *place.bus.words, *words],
        cwd=place.home,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", SIGNALS)
def test_a_call_is_cancelled_on_its_hosts(place: Box, tmp_path: Path, number: signal.Signals) -> None:
    gate = Gate(tmp_path / "gate")
    program = begin(place, "-t", "600", "call", "stage.copy", str(gate.path))
    gate.wait()  # it runs
    program.send_signal(number)
    gate.wait()  # it was cancelled, long before its time is over
    program.communicate(timeout=20 * TIME)
    assert program.returncode == 128 + number


@pytest.mark.parametrize("number", SIGNALS)
def test_a_file_that_is_being_written_is_as_it_was(place: Box, tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "out"
    path.write_text("old\n")
    program = begin(place, "-c", f"watch -n 0.1 list hosts | file {path}")
    assert program.stderr is not None
    assert program.stderr.readline().startswith("--- Every")
    program.send_signal(number)
    program.communicate(timeout=20 * TIME)
    assert program.returncode == 128 + number
    assert (os.listdir(tmp_path), path.read_text()) == (["out"], "old\n")


@pytest.mark.parametrize("line", ["", "watch list hosts"])
def test_a_terminal_that_is_closed_ends_the_shell_and_nothing_is_complained_about(
    place: Box, tmp_path: Path, line: str
) -> None:
    errors = tmp_path / "errors"
    env = environment(XDG_CONFIG_HOME=str(place.home), XDG_STATE_HOME=str(tmp_path), TERM="xterm")
    command = f"exec '{BIN / 'mhsh'}' {' '.join(map(str, place.bus.words))} 2>'{errors}'"
    child = pexpect.spawn("/bin/sh", ["-c", command], cwd=place.home, env=env, timeout=20 * TIME)
    child.expect("mhsh>")
    if line:
        child.sendline(line)
        child.expect("Every")
    assert child.pid is not None
    os.close(child.child_fd)
    _, status = os.waitpid(child.pid, 0)
    child.closed = child.terminated = True
    assert (os.waitstatus_to_exitcode(status), errors.read_text()) == (128 + signal.SIGHUP, "")
