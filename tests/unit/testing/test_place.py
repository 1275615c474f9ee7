"""Which paths are plugins, and what lies beside them. Files in a temporary folder, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from matahari.errors import PluginError
from matahari.testing import PluginPlace
from matahari.testing.place import MAX_NEIGHBOURS, is_neighbour, stage


def test_a_file_a_folder_and_the_init_of_a_folder_are_plugins(tmp_path: Path) -> None:
    (tmp_path / "calc.py").write_text("")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("")
    file = PluginPlace.of(tmp_path / "calc.py")
    assert (file.name, file.is_folder, file.main) == ("calc", False, tmp_path / "calc.py")
    for path in (tmp_path / "shop", tmp_path / "shop" / "__init__.py"):
        folder = PluginPlace.of(path)
        assert (folder.name, folder.path, folder.is_folder) == ("shop", tmp_path / "shop", True)
        assert folder.main == tmp_path / "shop" / "__init__.py"


def test_a_relative_path_and_a_dot_are_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("")
    monkeypatch.chdir(tmp_path / "shop")
    assert PluginPlace.of(".") == PluginPlace("shop", tmp_path / "shop")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nowhere.py", "there is no"),
        ("empty", "has no __init__.py"),
        ("plugin.rb", "ends in .py"),
        ("my-plugin.py", "letters, digits and _"),
        ("_private.py", "begins with a letter"),
        ("Plugins.py", "is not Plugins"),
    ],
)
def test_anything_else_is_refused_with_the_reason(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "empty").mkdir()
    for other in ("plugin.rb", "my-plugin.py", "_private.py", "Plugins.py"):
        (tmp_path / other).write_text("")
    with pytest.raises(PluginError, match=text):
        PluginPlace.of(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "is_plugin_folder", "expected"),
    [
        ("_helper.py", False, True),
        ("calc.toml", False, True),
        ("data", False, True),
        ("other.py", False, False),
        ("shop", True, False),
        (".git", False, False),
        ("__pycache__", False, False),
    ],
)
def test_what_belongs_to_a_plugin_and_what_is_another(name: str, is_plugin_folder: bool, expected: bool) -> None:
    assert is_neighbour(name, is_plugin_folder=is_plugin_folder) is expected


def test_a_stage_holds_the_plugin_and_its_neighbours(tmp_path: Path) -> None:
    home, there = tmp_path / "home", tmp_path / "stage"
    (home / "shop").mkdir(parents=True)
    there.mkdir()
    for name in ("calc.py", "other.py", "_helper.py", "calc.toml", "shop/__init__.py"):
        (home / name).write_text(name)
    stage(PluginPlace.of(home / "calc.py"), there)
    assert sorted(path.name for path in there.iterdir()) == ["_helper.py", "calc.py", "calc.toml"]
    assert (there / "calc.py").read_text() == "calc.py"


def test_a_crowded_directory_is_linked_up_to_a_limit(tmp_path: Path) -> None:
    home, there = tmp_path / "home", tmp_path / "stage"
    home.mkdir()
    there.mkdir()
    (home / "calc.py").write_text("")
    for number in range(MAX_NEIGHBOURS + 5):
        (home / f"data{number}").touch()
    stage(PluginPlace.of(home / "calc.py"), there)
    assert len(list(there.iterdir())) == MAX_NEIGHBOURS + 1
