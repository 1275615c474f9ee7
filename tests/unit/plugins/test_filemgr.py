"""The plugin filemgr on a folder of the test's own: what it gives, and what it must never reach."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from matahari.plugin import Context, context, running
from plugins import filemgr

ACTIONS: dict[str, Callable[[str], object]] = {
    "stat": filemgr.stat,
    "digest": filemgr.digest,
    "read": filemgr.read,
    "touch": filemgr.touch,
    "remove": filemgr.remove,
}
action = pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """The one root; beside it lies ``outside`` with a secret."""
    made = tmp_path / "root"
    made.mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    with running(Context("filemgr", settings={"roots": [str(made)]})):
        yield made


@action
def test_without_roots_everything_is_refused_with_the_remedy(action: Callable[[str], object], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PermissionError, match=r"filemgr\.toml .*roots = "):
        action(str(tmp_path / "file"))
    assert (tmp_path / "file").exists()


@pytest.mark.parametrize("value", ["/srv", ["relative"], ["/a/../etc"], [5]])
def test_roots_that_are_no_absolute_paths_are_refused(value: object) -> None:
    with (
        running(Context("filemgr", settings={"roots": value})),
        pytest.raises((TypeError, ValueError), match="the setting roots"),
    ):
        filemgr.stat("/srv/file")


@action
def test_paths_outside_of_the_roots_are_refused(action: Callable[[str], object], root: Path) -> None:
    secret = root.parent / "outside" / "secret"
    for path in (str(secret), f"{root}/../outside/secret", f"{root}x/file", str(root), "file", f"{root}/a\0b"):
        with pytest.raises(PermissionError):
            action(path)
    assert secret.read_text() == "secret"


@action
def test_no_link_on_the_way_is_followed(action: Callable[[str], object], root: Path) -> None:
    (root / "way").symlink_to(root.parent / "outside")
    (root / "inner").mkdir()
    (root / "inside").symlink_to(root / "inner")
    (root / "inner" / "secret").write_text("x")
    for path in (root / "way" / "secret", root / "inside" / "secret"):
        with pytest.raises(PermissionError, match="symbolic link"):
            action(str(path))
    assert (root.parent / "outside" / "secret").read_text() == "secret"
    assert (root / "inner" / "secret").read_text() == "x"


@pytest.mark.parametrize("name", ["digest", "read", "touch"])
def test_a_link_at_the_end_is_refused_where_its_content_would_count(name: str, root: Path) -> None:
    link = root / "link"
    secret = root.parent / "outside" / "secret"
    link.symlink_to(secret)
    before = secret.stat().st_mtime_ns
    with pytest.raises(PermissionError, match="is a link"):
        ACTIONS[name](str(link))
    assert secret.stat().st_mtime_ns == before


def test_a_link_is_told_about_and_removed_as_itself(root: Path) -> None:
    secret = root.parent / "outside" / "secret"
    (root / "link").symlink_to(secret)
    told = filemgr.stat(str(root / "link"))
    assert (told["kind"], told["target"]) == ("link", str(secret))
    assert filemgr.remove(str(root / "link"))["kind"] == "link"
    assert not (root / "link").is_symlink()
    assert secret.exists()


def test_a_dangling_link_does_not_make_touch_create_its_target(root: Path) -> None:
    (root / "link").symlink_to(root.parent / "outside" / "new")
    with pytest.raises(PermissionError, match="is a link"):
        filemgr.touch(str(root / "link"))
    assert not (root.parent / "outside" / "new").exists()


def test_a_root_that_is_a_link_itself_is_the_administrators_choice(root: Path) -> None:
    (root / "file").write_text("x")
    alias = root.parent / "alias"
    alias.symlink_to(root)
    with running(Context("filemgr", settings={"roots": [str(alias)]})):
        assert filemgr.read(str(alias / "file"))["content"] == "x"


def test_stat_tells_what_is_there(root: Path) -> None:
    path = root / "file"
    path.write_text("four")
    path.chmod(0o640)
    told = filemgr.stat(str(path))
    assert (told["kind"], told["size"], told["mode"], told["uid"]) == ("file", 4, "0640", os.getuid())
    assert told["modified_ns"] == path.stat().st_mtime_ns
    assert filemgr.stat(str(root / "." / "file"))["size"] == 4
    (root / "folder").mkdir()
    assert filemgr.stat(str(root / "folder"))["kind"] == "directory"


@pytest.mark.parametrize("name", ["stat", "digest", "read", "remove"])
def test_what_is_not_there_is_named_with_its_whole_path(name: str, root: Path) -> None:
    for path in (root / "no", root / "no" / "file"):
        with pytest.raises(FileNotFoundError, match=str(path)):
            ACTIONS[name](str(path))


def test_the_digest_of_a_file_is_that_of_its_content(root: Path) -> None:
    content = os.urandom(3 * 1024 * 1024 + 1)
    (root / "file").write_bytes(content)
    told = filemgr.digest(str(root / "file"))
    assert (told["algorithm"], told["size"]) == ("sha256", len(content))
    assert told["digest"] == hashlib.sha256(content).hexdigest()
    assert filemgr.digest(str(root / "file"), "md5")["digest"] == hashlib.md5(content).hexdigest()


def test_a_cancelled_digest_ends(root: Path) -> None:
    (root / "file").write_text("x")
    context().cancel()
    with pytest.raises(TimeoutError, match="cancelled after 1 bytes"):
        filemgr.digest(str(root / "file"))


@pytest.mark.parametrize("length", [4, 5, 7, 100])
def test_reading_on_from_where_a_piece_ended_gives_the_whole_text(length: int, root: Path) -> None:
    text = "grüße, 猫🐈 and more\n" * 5
    (root / "file").write_text(text)
    pieces, offset, is_end = [], 0, False
    while not is_end:
        piece = filemgr.read(str(root / "file"), offset, length)
        pieces.append(piece["content"])
        offset, is_end = piece["next_offset"], piece["is_end"]
    assert "".join(pieces) == text
    assert offset == len(text.encode())


def test_bytes_are_read_as_base64_and_refused_as_text(root: Path) -> None:
    (root / "file").write_bytes(b"ab\xff\x00")
    with pytest.raises(ValueError, match="not UTF-8 at byte 2; read it with encoding base64"):
        filemgr.read(str(root / "file"))
    piece = filemgr.read(str(root / "file"), offset=1, encoding="base64")
    assert base64.b64decode(piece["content"]) == b"b\xff\x00"
    assert (piece["next_offset"], piece["size"], piece["is_end"]) == (4, 4, True)


def test_an_empty_file_and_an_offset_past_the_end_give_nothing(root: Path) -> None:
    (root / "file").write_text("")
    assert filemgr.read(str(root / "file"))["is_end"]
    assert filemgr.read(str(root / "file"), offset=10)["content"] == ""


@pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0, 0), (0, 600_000)])
def test_a_piece_out_of_range_is_refused(offset: int, length: int, root: Path) -> None:
    with pytest.raises(ValueError, match="must be"):
        filemgr.read(str(root / "file"), offset, length)


def test_touch_makes_a_file_and_then_only_its_time(root: Path) -> None:
    path = root / "file"
    assert filemgr.touch(str(path))["created"]
    path.write_text("kept")
    os.utime(path, (1, 1))
    told = filemgr.touch(str(path))
    assert not told["created"]
    assert told["modified_ns"] == path.stat().st_mtime_ns > 10**18
    assert path.read_text() == "kept"
    with pytest.raises(FileNotFoundError):
        filemgr.touch(str(root / "no" / "file"))


def test_remove_takes_files_only(root: Path) -> None:
    (root / "file").write_text("1234")
    assert filemgr.remove(str(root / "file")) == {"path": str(root / "file"), "kind": "file", "size": 4}
    assert not (root / "file").exists()
    (root / "folder").mkdir()
    with pytest.raises(IsADirectoryError, match="files only"):
        filemgr.remove(str(root / "folder"))
    assert (root / "folder").is_dir()


@pytest.mark.parametrize("name", ["digest", "read", "touch", "remove"])
def test_a_pipe_is_refused_without_being_opened(name: str, root: Path) -> None:
    os.mkfifo(root / "pipe")
    with pytest.raises(PermissionError, match="is a fifo"):
        ACTIONS[name](str(root / "pipe"))
    assert (root / "pipe").exists()


@action
def test_no_descriptor_is_left(action: Callable[[str], object], root: Path) -> None:
    (root / "way").symlink_to(root.parent)
    (root / "deep" / "er").mkdir(parents=True)
    (root / "deep" / "er" / "file").write_text("x")
    before = os.listdir("/proc/self/fd")
    for path in (root / "way" / "root" / "f", root / "deep" / "no" / "f", root / "deep" / "er" / "file"):
        try:
            action(str(path))
        except OSError:
            continue
    assert os.listdir("/proc/self/fd") == before
