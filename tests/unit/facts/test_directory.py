"""The sources of a facts.d directory."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from matahari.errors import ConfigError, SchemaError
from matahari.facts.directory import MAX_SOURCES, Source, find_sources


def found(directory: Path) -> dict[str, Source]:
    return {Path(one.name).name: one for one in find_sources(directory, os.geteuid(), threading.Event())}


def put(path: Path, text: str = "{}", mode: int = 0o644) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_sources_come_by_name_and_leftovers_are_skipped(tmp_path: Path) -> None:
    for name in ("b.json", "a.toml", "c.YML", ".hidden.json", "a.toml~", "b.json.bak", "README.md", "x.rpmsave"):
        put(tmp_path / name)
    (tmp_path / "sub").mkdir()
    assert list(found(tmp_path)) == ["a.toml", "b.json", "c.YML"]


def test_a_missing_directory_has_none(tmp_path: Path) -> None:
    assert found(tmp_path / "missing") == {}


def test_a_directory_whose_files_cannot_be_looked_at_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    put(tmp_path / "a.json")
    monkeypatch.setattr(Path, "is_dir", refuse)
    with pytest.raises(ConfigError, match="cannot be read: Permission denied"):
        found(tmp_path)


def test_a_file_is_read_by_its_suffix(tmp_path: Path) -> None:
    put(tmp_path / "a.json", '{"x": 1}', 0o755)
    put(tmp_path / "b.toml", "x = 1\n")
    sources = found(tmp_path)
    assert [source.read() for source in sources.values()] == [{"x": 1}, {"x": 1}]


def test_a_file_that_is_neither_data_nor_program_is_a_fault(tmp_path: Path) -> None:
    put(tmp_path / "notes")
    with pytest.raises(ConfigError, match="neither executable nor named"):
        found(tmp_path)["notes"].read()


@pytest.mark.parametrize("name", ["a.json", "program"])
def test_what_others_can_write_is_neither_read_nor_run(tmp_path: Path, name: str) -> None:
    put(tmp_path / name, mode=0o777)
    with pytest.raises(ConfigError, match="chmod go-w"):
        found(tmp_path)[name].read()


@pytest.mark.parametrize("name", ["a.json", "program"])
def test_a_link_is_neither_read_nor_run(tmp_path: Path, name: str) -> None:
    os.symlink("/bin/true", tmp_path / name)
    with pytest.raises(ConfigError, match="symbolic link"):
        found(tmp_path)[name].read()


def test_a_file_that_has_gone_meanwhile_is_a_fault(tmp_path: Path) -> None:
    put(tmp_path / "program", mode=0o755)
    source = found(tmp_path)["program"]
    (tmp_path / "program").unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        source.read()


def test_nonsense_is_a_fault(tmp_path: Path) -> None:
    put(tmp_path / "a.json", "{")
    with pytest.raises(SchemaError):
        found(tmp_path)["a.json"].read()


def test_a_directory_that_others_can_write_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(ConfigError, match="chmod go-w"):
        found(tmp_path)


def test_a_directory_given_by_mistake_is_refused(tmp_path: Path) -> None:
    for number in range(MAX_SOURCES + 1):
        put(tmp_path / f"{number}.json")
    with pytest.raises(ConfigError, match="at most"):
        found(tmp_path)
