"""The command line of ``matahari plugin``."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from matahari.shell.author.command import add_plugin_commands
from matahari.shell.base.parser import Parser


def test_of_a_call_without_a_method_the_method_alone_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_plugin_commands(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["run", "calc.py"])
    assert capsys.readouterr().err.endswith("are required: METHOD\n")
    assert parser.parse_args(["run", "calc.py", "now"]).words == []
    assert parser.parse_args(["run", "calc.py", "add", "1", "y=2"]).words == ["1", "y=2"]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What ``run`` was asked for: method, words, JSON, time limit, whether it is approved."""
    asked: list[tuple[object, ...]] = []

    def take(
        path: Path,
        method: str,
        words: list[str],
        *,
        as_json: bool,
        timeout: float,
        settings: Path | None,
        is_approved: bool,
    ) -> int:
        asked.append((method, words, as_json, timeout, is_approved))
        return 0

    monkeypatch.setattr("matahari.shell.author.run.run", take)
    return asked


def start(*words: str) -> int:
    parser = Parser(prog="matahari plugin")
    add_plugin_commands(parser)
    arguments = parser.parse_args(["run", "calc.py", *words])
    status: int = arguments.run(arguments)
    return status


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["add", "1", "--timeout", "2", "y=2"], ("add", ["1", "y=2"], False, 2.0, False)),
        (["add", "1", "--json", "-y"], ("add", ["1"], True, 60.0, True)),
        (["--json", "--timeout", "3", "add", "--yes"], ("add", [], True, 3.0, True)),
        (["--timeout", "3", "add", "--timeout=4"], ("add", [], False, 4.0, False)),
        (["add", "-5", "-.5", "-"], ("add", ["-5", "-.5", "-"], False, 60.0, False)),
        (["add", "--json", "--", "--json", "-y"], ("add", ["--json", "-y"], True, 60.0, False)),
    ],
)
def test_options_of_a_call_may_stand_behind_the_method_as_in_mhsh(
    ran: list[tuple[object, ...]], words: list[str], expected: tuple[object, ...]
) -> None:
    assert start(*words) == 0
    assert ran == [expected]


def test_an_option_that_there_is_not_is_told_with_the_one_that_was_meant(
    ran: list[tuple[object, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        start("add", "1", "--timout", "2")
    assert ended.value.code == 64
    assert capsys.readouterr().err.endswith("unrecognized arguments: --timout; did you mean '--timeout'?\n")
    assert ran == []


def test_several_files_are_looked_at_in_turn_and_the_worst_makes_the_status(monkeypatch: pytest.MonkeyPatch) -> None:
    statuses = {"a.py": 0, "b.py": 1, "c.py": 0}
    looked: list[str] = []

    def lint(path: Path, *, as_json: bool, settings: Path | None) -> int:
        looked.append(str(path))
        return statuses[str(path)]

    monkeypatch.setattr("matahari.shell.author.lint.lint", lint)
    parser = argparse.ArgumentParser()
    add_plugin_commands(parser)
    arguments = parser.parse_args(["lint", *statuses])
    assert arguments.run(arguments) == 1
    assert looked == list(statuses)
