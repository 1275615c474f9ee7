"""The file under the audit log."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from matahari.errors import ConfigError
from matahari.hooks.auditfile import AuditFile


def opened(path: Path, limit_bytes: int = 1000, keep: int = 2) -> AuditFile:
    file = AuditFile(path, limit_bytes=limit_bytes, keep=keep)
    file.open()
    return file


def test_it_is_made_for_its_owner_alone_and_only_grows(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    file = opened(path)
    file.append(b"one\n")
    file.close()
    assert path.stat().st_mode & 0o777 == 0o600
    file = opened(path)
    file.append(b"two\n")
    file.close()
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_file_that_others_can_reach_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    path.touch(0o600)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="mode 0640"):
        opened(path)


def test_a_link_and_a_pipe_are_refused(tmp_path: Path) -> None:
    os.symlink(tmp_path / "elsewhere", tmp_path / "link")
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(OSError, match="symbolic link"):
        opened(tmp_path / "link")
    with pytest.raises(ConfigError, match="not a regular file"):
        opened(tmp_path / "pipe")


def test_a_new_one_is_begun_by_size_and_old_ones_are_bounded(tmp_path: Path) -> None:
    file = opened(tmp_path / "audit", limit_bytes=8)
    for number in range(8):
        file.append(b"%3d\n" % number)
    file.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["audit", "audit.1", "audit.2"]
    assert [(tmp_path / name).read_bytes() for name in names] == [b"  6\n  7\n", b"  4\n  5\n", b"  2\n  3\n"]
    assert file.rotations == 3
    assert (tmp_path / "audit").stat().st_mode & 0o777 == 0o600


def test_without_old_ones_it_starts_afresh(tmp_path: Path) -> None:
    file = opened(tmp_path / "audit", limit_bytes=4, keep=0)
    file.append(b"one\n")
    file.append(b"two\n")
    file.close()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"two\n"]


def test_it_is_followed_when_somebody_moves_it_away(tmp_path: Path) -> None:
    file = opened(tmp_path / "audit")
    file.append(b"one\n")
    os.rename(tmp_path / "audit", tmp_path / "moved")
    file.append(b"two\n")
    file.close()
    assert (tmp_path / "moved").read_bytes() == b"one\n"
    assert (tmp_path / "audit").read_bytes() == b"two\n"


def test_half_a_line_of_an_earlier_run_does_not_swallow_a_record(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    path.write_bytes(b"ha")
    path.chmod(0o600)
    file = opened(path)
    file.append(b"one\n")
    file.append(b"two\n")
    file.close()
    assert path.read_bytes() == b"ha\none\ntwo\n"


def test_a_write_that_stops_in_the_middle_is_a_failure_and_is_closed_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = opened(tmp_path / "audit")
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:2]))
    with pytest.raises(OSError, match="No space left"):
        file.append(b"one\n")
    monkeypatch.undo()
    file.append(b"two\n")
    file.close()
    assert (tmp_path / "audit").read_bytes() == b"on\ntwo\n"
