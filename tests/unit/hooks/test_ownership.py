"""Files and directories that others can write."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path

import pytest

from matahari.errors import ConfigError
from matahari.hooks import read_owned, require_owned, require_owned_directory, require_unshared

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


class TestUnshared:
    """Group 1000 is ``me``'s own, 1001 a group of that name with somebody else in it, 1002 one of another name."""

    @pytest.fixture(autouse=True)
    def groups(self, monkeypatch: pytest.MonkeyPatch) -> None:
        users = {1000: ("me", 1000), 1001: ("you", 1001), 1002: ("he", 1002), 0: ("root", 0)}
        groups = {1000: ("me", []), 1001: ("you", ["me"]), 1002: ("staff", []), 0: ("root", ["root"])}
        monkeypatch.setattr(
            pwd, "getpwuid", lambda uid: pwd.struct_passwd((users[uid][0], "x", uid, users[uid][1], "", "/", ""))
        )
        monkeypatch.setattr(grp, "getgrgid", lambda gid: grp.struct_group((groups[gid][0], "x", gid, groups[gid][1])))

    @pytest.mark.parametrize(("uid", "mode"), [(ME, 0o644), (0, 0o755), (ME, 0o664), (0, 0o664), (ME, 0o600)])
    def test_what_root_and_the_user_alone_can_write_is_taken_and_a_group_of_one_is_alone(
        self, uid: int, mode: int
    ) -> None:
        require_unshared(look(uid, stat.S_IFREG | mode), Path("f"), ME)

    @pytest.mark.parametrize("uid", [1001, 1002, 1003])
    def test_a_group_with_others_of_another_name_or_without_any_is_shared(self, uid: int) -> None:
        with pytest.raises(ConfigError, match=f"f: has mode 0664, so group {uid} can change it .chmod go-w."):
            require_unshared(look(uid, stat.S_IFREG | 0o664), Path("f"), uid)

    @pytest.mark.parametrize("mode", [0o646, 0o666])
    def test_a_file_for_everybody_is_shared(self, mode: int) -> None:
        with pytest.raises(ConfigError, match=f"has mode {mode:04o}, so other users can change it .chmod go-w."):
            require_unshared(look(ME, stat.S_IFREG | mode), Path("f"), ME)

    def test_others_can_add_to_a_folder_for_everybody_though_it_is_sticky(self) -> None:
        with pytest.raises(ConfigError, match="has mode 1777, so other users can add files"):
            require_unshared(look(0, stat.S_IFDIR | 0o1777), Path("d"), ME)

    def test_another_owner_is_named_and_root_trusts_root_only(self) -> None:
        with pytest.raises(ConfigError, match="belongs to user 1001, not to root or user 1000 who runs this"):
            require_unshared(look(1001, stat.S_IFREG | 0o644), Path("f"), ME)
        with pytest.raises(ConfigError, match="belongs to user 1000, not to root, who runs this"):
            require_unshared(look(ME, stat.S_IFREG | 0o644), Path("f"), 0)
