"""Pipes of mhsh against a real node."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Iterator

import pexpect
import pytest

from tests.support.node import BIN, PLUGIN_PACKAGE, TIME, Box, box, environment

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]

PLUGIN = """
from matahari.plugin import output, progress

def copy() -> str:
    for number in range(3):
        progress(number, 3, "copying")
        output(f"file {number}\\n")
    return "done\\nall"

def boom() -> str:
    raise ValueError("boom")
"""
CLASS = f"select class package {PLUGIN_PACKAGE} files"


@pytest.fixture(scope="module")
def node() -> Iterator[Box]:
    with box() as made:
        made.save("files.py", PLUGIN)
        with made.up("--hostname", "alpha"):
            yield made


def said(node: Box, line: str) -> subprocess.CompletedProcess[str]:
    return node.mhsh("-c", f"{CLASS}; {line}")


def test_live_lines_and_answers_are_searched(node: Box) -> None:
    done = said(node, "call copy | grep 'file [12]|all'")
    assert (done.returncode, done.stdout) == (0, "alpha: file 1\nalpha: file 2\nalpha: all\n")
    assert said(node, "call copy | grep nothing").returncode == 1
    assert said(node, "call boom | grep nothing").returncode == 2


def test_formats_are_read_back(node: Box) -> None:
    path = node.home / "out.csv"
    done = said(node, f"call copy | csv | file {path}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", f"% 1 row written to {path}\n")
    with path.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["host"], row["ok"], row["value"]) == ("alpha", "true", "done\nall")
    reports = [json.loads(line).get("report") for line in said(node, "call copy | json").stdout.splitlines()]
    assert reports[-1] is None
    assert reports.count("output") == 3
    assert said(node, "call boom | table").stdout == "HOST   ERROR\nalpha  ValueError: boom\n"
    assert said(node, "list hosts | yaml").stdout.startswith("---\nhost: alpha\nuuid: ")


def test_the_line_of_progress_does_not_mix_with_rows_on_a_terminal(node: Box) -> None:
    env = environment(XDG_CONFIG_HOME=str(node.home), XDG_STATE_HOME=str(node.home), TERM="xterm")
    words = [*node.bus.words, "-c", f"{CLASS}; call copy | grep file | grep -v 0"]
    child: pexpect.spawn[str] = pexpect.spawn(
        str(BIN / "mhsh"), list(map(str, words)), cwd=node.home, env=env, encoding="utf-8", timeout=20 * TIME
    )
    try:
        child.expect(pexpect.EOF)
        shown = [line.rsplit("\x1b[K", 1)[-1] for line in (child.before or "").split("\r\n")]
        assert [line for line in shown if line] == ["alpha: file 1", "alpha: file 2"]
    finally:
        child.close(force=True)
