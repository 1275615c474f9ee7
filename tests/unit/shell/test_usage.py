"""What is wrong on a command line ends with status 64, whichever program it is; what is wrong elsewhere does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from matahari.config.declaration import TABLE
from matahari.errors import ConfigError
from matahari.shell import command, mhsh
from matahari.shell.base.outcome import ExitStatus, is_usage, status_of


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for setting in TABLE:
        monkeypatch.delenv(setting.variable or "MATAHARI_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr("matahari.config.loader.configuration_files", lambda uid, environ: [])
    monkeypatch.setenv("MATAHARI_SOCKET", str(tmp_path / "none.sock"))


def status(program: str, *words: str) -> int:
    run = mhsh.main if program == "mhsh" else command.main
    try:
        return run(words)
    except SystemExit as ended:
        assert isinstance(ended.code, int)
        return ended.code


VALUES = [
    (("-b", "x y"), "--broker: broker address 'x y' names no host"),
    (("-p", "0"), "--port: must be a whole number from 1 to 65535"),
    (("--broker-kind", "foo"), "--broker-kind: must be one of auto, qpid"),
    (("--virtual-host", "a b"), "--virtual-host: "),
    (("--log", "loud"), "--log: must be one of error"),
    (("-b", "unix:/x", "-p", "1"), "set one of --broker and --port, not both"),
]


@pytest.mark.parametrize("program", ["mhsh", "tap", "doctor", "agent"])
@pytest.mark.parametrize(("words", "said"), VALUES)
def test_a_value_that_is_not_possible_is_wrong_usage_of_every_program(
    program: str, words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    called = words if program == "mhsh" else (program, *words)
    assert status(program, *called, *(("-c", "quit") if program == "mhsh" else ())) == 64
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "command line: " in printed.err
    assert said in printed.err


@pytest.mark.parametrize(
    ("words", "usage"),
    [
        (("mhsh", "--bogus"), "mhsh"),
        (("matahari", "--bogus"), "matahari"),
        (("matahari", "--bogus", "tap"), "matahari"),
        (("matahari", "tap", "--bogus"), "matahari tap"),
        (("matahari", "tap", "word"), "matahari tap"),
        (("matahari", "up", "--bogus", "x"), "matahari up"),
        (("matahari", "plugin", "lint", "--bogus", "x"), "matahari plugin lint"),
        (("matahari", "facts", "--bogus"), "matahari facts"),
    ],
)
def test_an_unknown_option_is_answered_with_the_usage_of_that_command(
    words: tuple[str, ...], usage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(*words[:1], *words[1:]) == 64
    said = capsys.readouterr().err
    assert said.startswith(f"usage: {usage} [-h]")
    assert f"\n{usage}: unrecognized arguments: " in said


@pytest.mark.parametrize(("program", "words", "expected"), [("mhsh", (), 4), ("matahari", ("tap",), 1)])
def test_the_same_fault_in_a_variable_or_a_file_is_a_configuration_that_cannot_be_used(
    program: str, words: tuple[str, ...], expected: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text("broker_kind = 'foo'\n")
    assert status(program, *words, "--config", str(file)) == expected
    assert status(program, *words, "--config", str(tmp_path / "none.toml")) == expected
    monkeypatch.setenv("MATAHARI_BROKER_KIND", "foo")
    assert status(program, *words) == expected


def test_only_a_value_on_the_command_line_is_wrong_usage() -> None:
    for place in ("", "environment", "/etc/matahari/matahari.toml"):
        assert not is_usage(ConfigError("x", file=place))
        assert status_of(ConfigError("x", file=place)) is ExitStatus.COULD_NOT_ASK
    assert is_usage(ConfigError("x", file="command line", key="--log"))
    assert status_of(ConfigError("x", file="command line")) is ExitStatus.USAGE


@pytest.mark.parametrize("program", ["mhsh", "tap"])
def test_both_clients_offer_every_setting_of_a_client_with_their_own_default(
    program: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status(program, *(() if program == "mhsh" else (program,)), "--help") == 0
    shown = " ".join(capsys.readouterr().out.split())
    flags = [flag for setting in TABLE if "console" in setting.programs for flag in setting.flags]
    assert len(flags) >= 8
    assert [flag for flag in (*flags, "--config", "--verbose") if flag not in shown] == []
    assert "how much to log: error, warning, info, debug (default warning)" in shown
