"""What the fixture ``load_plugin`` writes for a test."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from matahari.testing import PluginLoader, PluginPlace


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("calc", "calc.py"),
        ("calc.py", "calc.py"),
        ("calc.toml", "calc.toml"),
        ("shop/__init__", "shop/__init__.py"),
        ("shop/__init__.py", "shop/__init__.py"),
    ],
)
def test_what_is_saved_has_a_name_under_which_it_is_looked_for(tmp_path: Path, name: str, file: str) -> None:
    with contextlib.ExitStack() as stack:
        path = PluginLoader(tmp_path, tmp_path / "scratch", stack).save(name, "    x = 1\n    y = 2\n")
    assert path == tmp_path / "scratch" / file
    assert path.read_text() == "x = 1\ny = 2\n"


def test_what_is_saved_without_a_suffix_is_a_plugin(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        path = PluginLoader(tmp_path, tmp_path / "scratch", stack).save("calc", "def add(x): return x\n")
    assert PluginPlace.of(path).name == "calc"
