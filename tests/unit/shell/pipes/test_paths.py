"""Names of files behind ``| file``."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from matahari.shell.base.selection import Snapshot
from matahari.shell.pipes import paths
from matahari.shell.pipes.paths import MAX_OFFERED, complete_path
from tests.support.shell import TestShell


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "old.csv").touch()
    for name in ("rows.csv", "rows.json", ".hidden", "my rows.csv", "bad\nname"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("fragment", "expected"),
    [
        ("", ["my rows.csv ", "reports/", "rows.csv ", "rows.json "]),
        ("r", ["reports/", "rows.csv ", "rows.json "]),
        ("rows.j", ["rows.json "]),
        ("reports/", ["reports/old.csv "]),
        ("./reports/o", ["./reports/old.csv "]),
        (".", [".hidden "]),
        ("~", ["~/"]),
        ("~/rep", ["~/reports/"]),
        ("nosuch/", []),
        ("new", []),
        ("rows.csv/", []),
        ("a\0b/", []),
    ],
)
def test_files_get_a_blank_and_directories_a_slash(place: Path, fragment: str, expected: list[str]) -> None:
    assert complete_path(fragment) == expected


def test_a_path_that_must_be_quoted_has_no_abbreviation_of_the_home_directory(place: Path) -> None:
    assert complete_path("~/my") == [f"{place}/my rows.csv "]


def test_the_stage_completes_its_path_as_it_must_be_typed(place: Path) -> None:
    commands = TestShell().session.commands(Snapshot())
    assert commands.complete("list hosts | file my") == (18, ["'my rows.csv' "])
    assert commands.complete("list hosts | file -a rep") == (21, ["reports/"])
    assert commands.complete("list hosts | file 'my r") == (18, ["'my rows.csv' "])
    assert commands.complete("list hosts | file -") == (18, ["-a "])
    assert commands.complete("list hosts | file rows.csv ") == (27, [""])


def test_a_full_directory_gives_no_endless_list(tmp_path: Path) -> None:
    for number in range(MAX_OFFERED + 10):
        (tmp_path / f"f{number}").touch()
    assert len(complete_path(f"{tmp_path}/")) == MAX_OFFERED


def test_a_directory_that_does_not_answer_is_not_waited_for_twice(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers, scandir = threading.Event(), os.scandir
    ended = threading.Event()

    def late(path: str) -> object:
        answers.wait(10)
        ended.set()
        return scandir(path)

    monkeypatch.setattr(paths, "TIMEOUT", 0.0)
    monkeypatch.setattr(os, "scandir", late)
    assert complete_path("r") == []
    assert complete_path("r") == []  # one thread hangs, and no second one
    assert sum(one.name == "mhsh-paths" for one in threading.enumerate()) == 1
    answers.set()
    for one in threading.enumerate():
        if one.name == "mhsh-paths":
            one.join(10)
    monkeypatch.undo()
    os.chdir(place)
    assert ended.is_set()
    assert complete_path("rows.j") == ["rows.json "]
