"""Lines that were typed, with the mode of each, in memory and in a file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from matahari.shell.verbs import line_history
from matahari.shell.verbs.line_history import Entry, LineHistory, history_path
from tests.support.fake_classes import PLUGINS
from tests.support.fake_console import fleet

HOST = "[org.matahariproject:Host]"


def texts(history: LineHistory) -> list[str]:
    return [entry.text for entry in history.entries]


def test_lines_of_the_present_mode_come_first_then_those_of_its_class_then_all_others() -> None:
    history = LineHistory()
    for text, context in (
        ("list hosts", "-"),
        ("get load", HOST),
        ("get hostname", f"(host){HOST}"),
        ("call add 1 2", "[p:calc]"),
        ("select class Host", "-"),
    ):
        history.add(text, context)
    assert list(history.offered(HOST)) == [
        "get load",
        "get hostname",
        "select class Host",
        "call add 1 2",
        "list hosts",
    ]
    assert list(history.offered(f"(host){HOST}"))[:2] == ["get hostname", "get load"]
    assert list(history.offered("-"))[:2] == ["select class Host", "list hosts"]
    assert len(list(history.offered("(host)"))) == 5


def test_a_line_is_offered_once_however_often_it_was_typed() -> None:
    history = LineHistory()
    for context in ("-", HOST, "-"):
        history.add("list hosts", context)
        history.add("list agents", context)
    assert list(history.offered(HOST)) == ["list agents", "list hosts"]


@pytest.mark.parametrize("text", ["", "  ", "x" * 16_385])
def test_empty_and_endless_lines_are_not_remembered(text: str) -> None:
    history = LineHistory()
    history.add(text, "-")
    assert texts(history) == []


def test_memory_has_a_limit_in_characters_and_the_oldest_lines_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_history, "MAX_CHARACTERS", 50_000)
    history = LineHistory()
    for number in range(100):
        history.add(f"{number} {'x' * 16_000}", HOST)
    assert [text.split()[0] for text in texts(history)] == ["97", "98", "99"]
    history.clear()
    history.add("list hosts", HOST)
    assert texts(history) == ["list hosts"]


def test_a_line_that_is_kept_with_and_without_its_secret_counts_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_history, "MAX_CHARACTERS", 4_000)
    history = LineHistory()
    for number in range(9):
        history.add(f"{'x' * 1_000} password={number}", HOST)
    assert len(texts(history)) == 1


def test_of_a_file_that_is_too_long_the_end_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "history"
    path.write_text("".join(f"\n# 2025-01-01 10:00:00.5 -\n+list {number}\n" for number in range(1_000)))
    monkeypatch.setattr(line_history, "MAX_CHARACTERS", 1_000)  # and it is not long enough to be shortened
    found = texts(LineHistory(path))
    assert found[-1] == "list 999"
    assert 10 < len(found) < 30
    assert all(text.startswith("list ") for text in found)


def test_a_line_of_the_file_that_is_endless_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "history"
    path.write_text(f"\n# 2025-01-01 10:00:00.5 -\n+{'x' * 16_385}\n\n# 2025-01-01 10:00:00.5 -\n+list hosts\n")
    assert texts(LineHistory(path)) == ["list hosts"]


def test_a_line_that_is_given_again_at_once_is_one_entry_and_margins_are_none() -> None:
    history = LineHistory()
    for text in ("list hosts", " list hosts  ", "call echo \\ "):
        history.add(text, "-")
    assert texts(history) == ["list hosts", "call echo \\ "]


def test_the_file_keeps_lines_and_modes_for_the_next_shell(tmp_path: Path) -> None:
    path = tmp_path / "state" / "history"
    first = LineHistory(path)
    first.add("list hosts", "-")
    first.add("get load", HOST)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert LineHistory(path).entries == first.entries
    assert list(LineHistory(path).entries) == [
        Entry("list hosts", "-", "list hosts"),
        Entry("get load", HOST, "get load"),
    ]


def test_a_file_of_an_older_shell_is_read_and_made_private(tmp_path: Path) -> None:
    path = tmp_path / "history"
    path.write_bytes(b"\n# 2025-01-01 10:00:00.5\n+list hosts\n\n# 2025-01-01 10:00:01.5\n+a\n+b \xff\n")
    path.chmod(0o644)
    assert [(entry.text, entry.context) for entry in LineHistory(path).entries] == [
        ("list hosts", ""),
        ("a\nb \N{REPLACEMENT CHARACTER}", ""),
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_history_that_is_linked_away_is_in_memory_and_the_device_is_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed: list[int] = []
    monkeypatch.setattr(os, "fchmod", lambda descriptor, mode: changed.append(mode))  # root would lock everybody out
    path = tmp_path / "history"
    path.symlink_to(os.devnull)
    history = LineHistory(path)
    history.add("list hosts", "-")
    assert (texts(history), changed) == (["list hosts"], [])


def test_a_mode_with_a_line_break_cannot_forge_an_entry(tmp_path: Path) -> None:
    path = tmp_path / "history"
    LineHistory(path).add("list hosts", "[p:evil\n+call wipe /]")
    assert texts(LineHistory(path)) == ["list hosts"]


def test_two_shells_write_into_one_file(tmp_path: Path) -> None:
    path = tmp_path / "history"
    one, two = LineHistory(path), LineHistory(path)
    one.add("list hosts", "-")
    two.add("list agents", "-")
    one.add("list packages", "-")
    assert texts(LineHistory(path)) == ["list hosts", "list agents", "list packages"]
    assert texts(two) == ["list hosts", "list agents"]


def test_without_a_place_the_history_is_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    history = LineHistory(tmp_path / "file" / "history")
    history.add("list hosts", "-")
    history.clear()
    history.add("list agents", "-")
    assert texts(history) == ["list agents"]


def test_a_file_that_can_no_longer_be_written_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = LineHistory(tmp_path / "history")
    history.add("list hosts", "-")

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    history.add("list agents", "-")
    assert texts(history) == ["list hosts", "list agents"]


def test_a_long_file_that_cannot_be_shortened_is_kept_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "history"
    history = LineHistory(path)
    for number in range(100):
        history.add(f"list {number}", "-")

    def full(path: Path, data: bytes) -> int:
        path.touch()
        with path.open("wb"):
            raise OSError(28, "No space left on device")

    def refuse(old: str, new: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(line_history, "MAX_BYTES", 1000)
    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr(os, "replace", refuse)
    assert len(LineHistory(path).entries) == 100
    assert os.listdir(tmp_path) == ["history"]


def test_a_long_file_loses_its_older_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "history"
    history = LineHistory(path)
    for number in range(100):
        history.add(f"line {number}", "-")
    monkeypatch.setattr(line_history, "MAX_BYTES", 1000)
    kept = texts(LineHistory(path))
    assert kept[-1] == "line 99"
    assert 5 < len(kept) < 100
    assert path.stat().st_size <= 500


def test_only_so_many_lines_are_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_history, "MAX_ENTRIES", 3)
    history = LineHistory()
    for number in range(5):
        history.add(f"line {number}", "-")
    assert texts(history) == ["line 2", "line 3", "line 4"]


def test_clearing_forgets_the_file_too(tmp_path: Path) -> None:
    path = tmp_path / "history"
    history = LineHistory(path)
    history.add("list hosts", "-")
    history.clear()
    assert (texts(history), path.read_bytes()) == ([], b"")
    history.add("list agents", "-")
    assert texts(LineHistory(path)) == ["list agents"]


def test_a_line_with_a_declared_secret_is_in_memory_only(tmp_path: Path) -> None:
    console = fleet()
    published = console.kind("calc").values["web1"]["calc"]["methods"]
    assert isinstance(published, dict)
    entry = published["greet"]
    assert isinstance(entry, dict)
    entry["sensitive"] = ["greeting"]
    path = tmp_path / "history"
    history = LineHistory(path)
    history.meet(console.select("calc", package=PLUGINS))
    history.add("call greet bob hunter2", "[p:calc]")
    history.add("call greet bob", "[p:calc]")
    assert "hunter2" not in path.read_text()
    assert [entry.shown for entry in history.entries] == ["call greet bob ***", "call greet bob"]
    assert next(iter(history.offered("-"))) == "call greet bob"
    assert "call greet bob hunter2" in history.offered("-")


def test_the_history_is_below_the_state_directory(tmp_path: Path) -> None:
    assert history_path({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "matahari" / "mhsh_history"
    assert history_path({"XDG_STATE_HOME": "relative"}) == Path.home() / ".local/state/matahari/mhsh_history"
