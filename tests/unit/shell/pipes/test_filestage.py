"""The stage that writes rows to a file."""

from __future__ import annotations

import errno
import os
import stat
from functools import partial
from pathlib import Path

import pytest

from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.display.output import Row
from matahari.shell.pipes.filestage import File
from tests.support.pipes import Made, made

HEADING = Row(("HOST",), {}, is_heading=True)


def stage(path: Path | str, *, is_appended: bool = False) -> Made:
    return made(partial(File, path=str(path), is_appended=is_appended, position=7))


def write(path: Path, *lines: str, is_appended: bool = False) -> str:
    one = stage(path, is_appended=is_appended)
    one.stage.take(HEADING)
    for line in lines:
        one.stage.take(Row((line,), {}))
    assert one.stage.end() is ExitStatus.OK
    assert not one.rows
    return one.err()


def names(directory: Path) -> list[str]:
    return sorted(found.name for found in directory.iterdir())


def test_rows_are_written_and_counted_without_the_heading(tmp_path: Path) -> None:
    path = tmp_path / "out"
    assert write(path, "é", "a\nb") == f"% 2 rows written to {path}\n"
    assert path.read_bytes() == b"HOST\n\xc3\xa9\na\nb\n"
    assert write(path, "x") == f"% 1 row written to {path}\n"
    assert path.read_text() == "HOST\nx\n"
    assert names(tmp_path) == ["out"]


def test_rows_are_added_and_the_heading_only_to_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "out"
    write(path, "a", is_appended=True)
    write(path, "b", is_appended=True)
    assert path.read_text() == "HOST\na\nb\n"


@pytest.mark.parametrize("is_appended", [False, True])
def test_a_new_file_is_its_owners_only(tmp_path: Path, is_appended: bool) -> None:
    path = tmp_path / "out"
    write(path, is_appended=is_appended)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("is_appended", [False, True])
def test_the_umask_may_take_more(tmp_path: Path, is_appended: bool) -> None:
    before = os.umask(0o277)
    try:
        write(tmp_path / "out", is_appended=is_appended)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o400


@pytest.mark.parametrize("is_appended", [False, True])
def test_a_file_that_is_there_keeps_its_mode_and_a_link_to_it_stays_one(tmp_path: Path, is_appended: bool) -> None:
    path = tmp_path / "real"
    path.write_text("")
    path.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(path)
    write(link, "x", is_appended=is_appended)
    assert path.read_text() == "HOST\nx\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert link.is_symlink()


def test_the_old_file_is_there_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("old\n")
    one = stage(path)
    one.stage.take(Row(("new",), {}))
    assert path.read_text() == "old\n"
    one.stage.end()
    assert path.read_text() == "new\n"


def test_added_rows_are_there_at_once(tmp_path: Path) -> None:
    one = stage(tmp_path / "out", is_appended=True)
    one.stage.take(Row(("new",), {}))
    assert (tmp_path / "out").read_text() == "new\n"
    one.stage.end()


@pytest.mark.parametrize("is_appended", [False, True])
def test_what_is_dropped_leaves_everything_as_it_was(tmp_path: Path, is_appended: bool) -> None:
    path = tmp_path / "out"
    stage(path, is_appended=is_appended).stage.drop()
    assert names(tmp_path) == []
    path.write_text("old\n")
    stage(path, is_appended=is_appended).stage.drop()
    assert names(tmp_path) == ["out"]
    assert path.read_text() == "old\n"


@pytest.mark.parametrize("is_appended", [False, True])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no/out", "No such file or directory"),
        ("file/out", "Not a directory"),
        ("directory", "Is a directory"),
        ("pipe", "Not a regular file|No such device or address"),
        ("a\x00b", "embedded null byte"),
        ("x" * 300, "File name too long"),
    ],
)
def test_what_cannot_be_written_is_refused_with_the_path_and_the_reason(
    tmp_path: Path, name: str, reason: str, is_appended: bool
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "pipe")
    before = names(tmp_path)
    with pytest.raises(CommandError, match=rf"^Cannot write .*: ({reason})$") as caught:
        stage(tmp_path / name, is_appended=is_appended)
    assert caught.value.position == 7
    assert caught.value.status is ExitStatus.COULD_NOT_ASK
    assert names(tmp_path) == before


def test_a_directory_that_may_not_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*ignored: object, **others: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))  # root would never get that

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    monkeypatch.setattr("os.open", refuse)
    for is_appended in (False, True):
        with pytest.raises(CommandError, match="/out: Permission denied"):
            stage(tmp_path / "out", is_appended=is_appended)


def test_a_link_that_the_system_does_not_follow_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a directory as /tmp, where anybody may have put it."""
    link, real = tmp_path / "link", os.stat
    (tmp_path / "out").write_text("old\n")
    link.symlink_to("out")

    def stat_(path: int | str | Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if str(path) == str(link) and follow_symlinks:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(os, "stat", stat_)
    for is_appended in (False, True):
        with pytest.raises(CommandError, match="/link: Permission denied"):
            stage(link, is_appended=is_appended)
    assert (tmp_path / "out").read_text() == "old\n"


def test_a_file_keeps_its_permissions_but_runs_as_nobody_else(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.touch()
    path.chmod(0o4754)
    write(path, "a")
    assert stat.S_IMODE(path.stat().st_mode) == 0o754


def test_devices_are_not_replaced() -> None:
    with pytest.raises(CommandError, match="Cannot write /dev/null: Not a regular file"):
        stage("/dev/null")


@pytest.mark.parametrize("is_appended", [False, True])
def test_a_full_disk_is_told_at_the_end_and_the_rows_before_it_are_left_out(
    tmp_path: Path, is_appended: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out"
    path.write_text("old\n")
    real = os.fsync

    def full(descriptor: int) -> None:
        real(descriptor)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    one = stage(path, is_appended=is_appended)
    one.stage.take(Row(("new",), {}))
    assert one.stage.end() is ExitStatus.COULD_NOT_ASK
    assert f"% Cannot write {path}: No space left on device\n" in one.out() + one.err()
    assert path.read_text() == ("old\nnew\n" if is_appended else "old\n")
    assert names(tmp_path) == ["out"]


def test_a_row_that_cannot_be_written_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out"
    path.symlink_to("/dev/full")
    monkeypatch.setattr("matahari.shell.pipes.filestage._expect_regular", lambda mode: None)
    one = stage(path, is_appended=True)
    for text in ("one", "two"):
        one.stage.take(Row((text,), {}))
    assert one.stage.end() is ExitStatus.COULD_NOT_ASK
    assert f"% Cannot write {path}: No space left on device\n" in one.out()
