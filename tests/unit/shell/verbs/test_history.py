"""``show history`` and ``clear history``."""

from __future__ import annotations

from pathlib import Path

import pytest

from matahari.shell.base.outcome import ExitStatus
from matahari.shell.verbs.line_history import LineHistory
from tests.support.shell import TestShell

NONE = "% There is no history: only lines that are typed at a terminal are remembered\n\n"


def typed(*lines: str) -> TestShell:
    shell = TestShell()
    shell.session.history = LineHistory()
    for line in lines:
        shell.session.history.add(line, "-")
    return shell


def test_a_script_is_told_that_there_is_no_history() -> None:
    shell = TestShell()
    for line in ("show history", "clear history"):
        assert shell.run(line) is ExitStatus.NOTHING_MATCHED
        assert shell.out() == NONE


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("show history", "    1  list hosts\n    2  list agents\n    3  select host web1\n"),
        ("show history 2", "    2  list agents\n    3  select host web1\n"),
        ("sh hi 0", ""),
        ("show history LIST", "    1  list hosts\n    2  list agents\n"),
        ("show history 'host web'", "    3  select host web1\n"),
        ("show history nothing", ""),
    ],
)
def test_the_last_lines_are_shown_or_those_with_a_text(line: str, shown: str) -> None:
    shell = typed("list hosts", "list agents", "select host web1")
    assert shell.says(line) == shown


def test_a_text_that_is_in_no_line_matches_nothing() -> None:
    shell = typed("list hosts")
    assert shell.run("show history nothing") is ExitStatus.NOTHING_MATCHED
    assert shell.run("show history") is ExitStatus.OK
    assert shell.run("clear history") is ExitStatus.OK
    assert shell.run("show history") is ExitStatus.OK
    assert "1  list hosts" in shell.out()


def test_without_a_number_fifty_lines_are_shown() -> None:
    shell = typed(*(f"sleep {number}" for number in range(60)))
    shown = shell.says("show history").splitlines()
    assert (len(shown), shown[0]) == (50, "   11  sleep 10")


def test_control_characters_are_shown_and_not_sent() -> None:
    assert typed("call echo \x1b[31m").says("show history") == "    1  call echo \\x1b[31m\n"


def test_records_have_the_mode() -> None:
    shell = TestShell(as_json=True)
    shell.session.history = LineHistory()
    shell.session.history.add("get load", "[p:C]")
    assert shell.records("show history") == [{"number": 1, "line": "get load", "context": "[p:C]"}]


def test_a_file_that_cannot_be_emptied_is_told(tmp_path: Path) -> None:
    shell = TestShell()
    shell.session.history = LineHistory(tmp_path / "history")
    shell.session.history.add("list hosts", "-")
    (tmp_path / "history").unlink()
    assert shell.run("clear history") is ExitStatus.SOME_FAILED
    assert shell.out() == "% The file of the history cannot be emptied: No such file or directory\n\n"
