"""Commands of the matahari program that extensions offer."""

from __future__ import annotations

from pathlib import Path

import pytest

from matahari.errors import HookError
from matahari.shell.command import main
from matahari.shell.service.extension_commands import find_commands, help_lines, run_command

OWN = ("up", "broker")
SOURCE = """
import argparse
from matahari.hooks import ShellCommand, hookimpl

def greet(arguments, output):
    output.write(f"hello {' '.join(arguments)}\\n")
    return len(arguments)

def parse(arguments, output):
    argparse.ArgumentParser(prog="parse").parse_args(arguments)
    return 0

def fail(arguments, output):
    raise KeyError("rack")

def stop(arguments, output):
    raise SystemExit("no rack")

@hookimpl
def shell_commands():
    return [
        ShellCommand("greet", "say hello", greet),
        ShellCommand("parse", "read arguments", parse),
        ShellCommand("fail", "never works", fail),
        ShellCommand("stop", "never works", stop),
        ShellCommand("none", "gives no status", lambda arguments, output: None),
        ShellCommand("up", "would hide our own", greet),
    ]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "hooks"
    made.mkdir(mode=0o755)
    (made / "rack.py").write_text(SOURCE)
    monkeypatch.setenv("MATAHARI_HOOKS", str(made))
    return made


def test_the_first_word_chooses_and_the_rest_are_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["greet", "a", "b"], OWN) == 2
    assert capsys.readouterr().out == "hello a b\n"


def test_a_word_that_nobody_offers_is_told_by_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["gret"], OWN) is None
    assert capsys.readouterr() == ("", "")


def test_our_own_commands_cannot_be_replaced() -> None:
    assert "up" not in find_commands(OWN).commands
    assert run_command(["up"], OWN) is None


def test_of_two_with_the_same_name_the_first_one_asked_counts(folder: Path) -> None:
    (folder / "zebra.py").write_text(SOURCE)
    providers = {provider for provider, _ in find_commands(OWN).commands.values()}
    assert len(providers) == 1


def test_a_command_that_raises_names_its_extension() -> None:
    with pytest.raises(HookError, match="hook shell_commands of rack: KeyError: 'rack'") as caught:
        run_command(["fail"], OWN)
    assert caught.value.error_type == "KeyError"
    with pytest.raises(HookError, match="command none returned NoneType, not an exit status"):
        run_command(["none"], OWN)


def test_a_command_may_end_itself_as_argparse_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["parse", "--help"], OWN) == 0
    assert run_command(["parse", "--nonsense"], OWN) == 2
    assert run_command(["stop"], OWN) == 1
    assert capsys.readouterr().err.endswith("no rack\n")


def test_help_lists_them_with_where_they_come_from() -> None:
    assert help_lines(OWN)[:2] == ["commands of extensions:", "  fail        never works (rack)"]


def test_what_cannot_be_loaded_is_named_where_the_word_may_have_been_its_own(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.py").write_text("1 / 0\n")
    assert run_command(["gret"], OWN) is None
    assert capsys.readouterr().err == (
        f"matahari: extension broken: ZeroDivisionError: division by zero ({folder}/broken.py:1)\n"
    )
    assert run_command(["greet"], OWN) == 0
    assert capsys.readouterr().err == ""
    assert "  greet       say hello (rack)" in help_lines(OWN)
    assert "extension broken" in capsys.readouterr().err


def test_a_configuration_that_is_wrong_leaves_our_own_commands_and_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MATAHARI_CONFIG", "/no/such/file")
    assert help_lines(OWN) == []
    assert "/no/such/file" in capsys.readouterr().err


class TestProgram:
    def test_it_runs_them(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["greet", "you"]) == 1
        assert capsys.readouterr().out == "hello you\n"

    def test_a_failure_is_one_line_and_a_status(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["fail"]) == 1
        assert capsys.readouterr().err == "matahari: hook shell_commands of rack: KeyError: 'rack'\n"

    @pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
    def test_help_has_its_own_commands_and_theirs(self, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        try:
            assert main(words) == 0
        except SystemExit as ended:
            assert ended.code == 0
        said = capsys.readouterr().out
        assert "run the embedded broker alone" in said
        assert "  greet       say hello (rack)\n" in said

    def test_an_unknown_word_is_a_fault_of_usage(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            main(["gret"])
        assert ended.value.code == 64
        assert "invalid choice: 'gret'" in capsys.readouterr().err
