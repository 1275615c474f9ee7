"""Private directories and the lock of the state directory (design D10)."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from matahari.config import StateLock, private_directory
from matahari.errors import ConfigError


def test_a_missing_directory_is_made_for_us_alone(tmp_path: Path) -> None:
    made = private_directory(tmp_path / "parent" / "mine")
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_missing_parents_are_for_us_alone_too_as_one_of_them_may_be_the_next_that_is_asked_for(tmp_path: Path) -> None:
    private_directory(tmp_path / "new" / "run" / "state")
    for made in (tmp_path / "new" / "run", tmp_path / "new"):
        assert private_directory(made) == made
        assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_missing_parents_of_an_open_directory_let_others_through(tmp_path: Path) -> None:
    private_directory(tmp_path / "new" / "run", is_open=True)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o711


def test_an_existing_private_directory_is_kept(tmp_path: Path) -> None:
    mine = private_directory(tmp_path / "mine")
    (mine / "file").write_text("kept")
    assert (private_directory(mine) / "file").read_text() == "kept"


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o777])
def test_a_directory_that_lets_others_in_is_refused_and_not_changed(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "open"
    path.mkdir()
    path.chmod(mode)
    with pytest.raises(ConfigError, match=f"mode {mode:04o}.*directory of its own"):
        private_directory(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_link_is_refused(tmp_path: Path) -> None:
    real = private_directory(tmp_path / "real")
    (tmp_path / "link").symlink_to(real)
    with pytest.raises(ConfigError, match="symbolic link"):
        private_directory(tmp_path / "link")


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="not a directory"):
        private_directory(tmp_path / "file")
    with pytest.raises(ConfigError, match="cannot be used"):
        private_directory(tmp_path / "file" / "below")


def test_somebody_elses_directory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = private_directory(tmp_path / "mine")
    stranger = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: stranger)
    with pytest.raises(ConfigError, match=f"belongs to user {stranger - 1}"):
        private_directory(mine)


def test_a_second_node_on_the_same_directory_learns_who_has_it(tmp_path: Path) -> None:
    with StateLock(tmp_path / "state") as first:
        with pytest.raises(ConfigError, match=rf"another node \(pid {os.getpid()}\) uses {tmp_path}/state"):
            StateLock(tmp_path / "state").acquire()
        first.acquire()  # holding it already is fine
    with StateLock(tmp_path / "state"):
        pass


def test_a_lock_file_with_nonsense_inside_is_no_obstacle(tmp_path: Path) -> None:
    state = private_directory(tmp_path / "state")
    (state / "lock").write_bytes(b"\xff" * 100)
    with StateLock(state):
        assert (state / "lock").read_text() == f"{os.getpid()}\n"
        (state / "lock").write_bytes(b"\xff" * 100)
        with pytest.raises(ConfigError, match="pid unknown"):
            StateLock(state).acquire()


def test_a_link_in_the_lock_files_place_is_not_followed(tmp_path: Path) -> None:
    state = private_directory(tmp_path / "state")
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (state / "lock").symlink_to(victim)
    with pytest.raises(ConfigError, match="cannot be opened"):
        StateLock(state).acquire()
    assert victim.read_text() == "precious"


def test_releasing_twice_is_harmless(tmp_path: Path) -> None:
    lock = StateLock(tmp_path / "state")
    lock.release()
    lock.acquire()
    lock.release()
    lock.release()
