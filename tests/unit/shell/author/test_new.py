"""``matahari plugin new``: both files or none."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from matahari.shell.author.new import new_plugin, source_of_plugin, source_of_test


def test_plugin_and_test_are_written_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert new_plugin("calc", tmp_path / "deep") == 0
    plugin, test = tmp_path / "deep" / "calc.py", tmp_path / "deep" / "tests" / "test_calc.py"
    assert capsys.readouterr().out.splitlines() == [str(plugin), str(test)]
    assert plugin.read_text() == source_of_plugin("calc")
    assert test.read_text() == source_of_test("calc")


def test_every_function_written_is_typed_and_documented() -> None:
    tree = ast.parse(source_of_plugin("calc"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert ast.get_docstring(tree)
    assert functions
    for function in functions:
        assert ast.get_docstring(function)
        assert function.returns is not None
        assert all(argument.annotation is not None for argument in function.args.args)


@pytest.mark.parametrize("name", ["my-plugin", "", "_x", "9x", "a/b", "a.py"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert new_plugin(name, tmp_path) == 64
    assert "letters, digits and _" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Plugins", "'Plugins' is the name of an object of the agent itself; take another"),
        ("x" * 256, "is longer than 255 characters"),
        ("a\x1b[2J", "'a\\x1b[2J' is no name for a plugin"),
    ],
)
def test_the_refusal_of_a_name_says_what_is_wrong_with_this_one(
    tmp_path: Path, name: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert new_plugin(name, tmp_path) == 64
    said = capsys.readouterr().err
    assert why in said
    assert len(said) < 300
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("taken", ["calc.py", "tests/test_calc.py", "calc/__init__.py"])
def test_nothing_is_overwritten_and_nothing_else_is_written(
    tmp_path: Path, taken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / taken).parent.mkdir(exist_ok=True)
    (tmp_path / taken).write_text("mine")
    assert new_plugin("calc", tmp_path) == 1
    assert "already" in capsys.readouterr().err
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / taken]
    assert (tmp_path / taken).read_text() == "mine"


def test_a_link_to_nowhere_is_in_the_way_too(tmp_path: Path) -> None:
    (tmp_path / "calc.py").symlink_to(tmp_path / "nowhere")
    assert new_plugin("calc", tmp_path) == 1


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert new_plugin("calc", tmp_path / "file") == 1
    assert "file" in capsys.readouterr().err
