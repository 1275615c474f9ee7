"""Files and directories that others can write."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from matahari.errors import ConfigError
from matahari.hooks import read_owned, require_owned, require_owned_directory

ME = 1000


def look(uid: int, mode: int) -> os.stat_result:
    return os.stat_result((mode, 1, 1, 1, uid, uid, 0, 0, 0, 0))


@pytest.mark.parametrize("uid", [0, ME])
def test_what_root_and_the_user_alone_can_write_is_taken(uid: int) -> None:
    require_owned(look(uid, stat.S_IFREG | 0o644), Path("f"), ME)


@pytest.mark.parametrize(("uid", "mode"), [(1001, 0o644), (ME, 0o664), (ME, 0o646), (0, 0o666)])
def test_what_others_can_write_is_refused(uid: int, mode: int) -> None:
    with pytest.raises(ConfigError):
        require_owned(look(uid, stat.S_IFREG | mode), Path("f"), ME)


def test_root_takes_what_is_roots_only() -> None:
    with pytest.raises(ConfigError, match="belongs to user 1000"):
        require_owned(look(ME, stat.S_IFREG | 0o644), Path("f"), 0)


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"12345")
    path.chmod(0o644)
    assert read_owned(path, os.geteuid(), limit_bytes=5) == b"12345"
    with pytest.raises(ConfigError, match="longer than 4 bytes"):
        read_owned(path, os.geteuid(), limit_bytes=4)


def test_a_pipe_a_directory_and_a_missing_file_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", ".", "missing"):
        with pytest.raises(ConfigError):
            read_owned(tmp_path / name, os.geteuid(), limit_bytes=5)


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    with pytest.raises(ConfigError, match="no directory"):
        require_owned_directory(tmp_path / "f", os.geteuid())
    with pytest.raises(ConfigError, match="cannot be read"):
        require_owned_directory(tmp_path / "missing", os.geteuid())
