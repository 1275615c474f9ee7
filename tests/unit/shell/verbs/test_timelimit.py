"""``timeout``, and the limit that calls get: of the command line, of the shell, or none."""

from __future__ import annotations

import json

import pytest

from matahari.shell.base.outcome import ExitStatus
from matahari.shell.base.selection import Snapshot
from matahari.shell.mhsh import main
from tests.support.fake_console import fleet
from tests.support.records import faults
from tests.support.shell import CALC, TestShell


def test_calls_have_no_limit_until_one_is_given() -> None:
    shell = TestShell()
    shell.run(CALC)
    for line in ("call add 1 2", "timeout 600; call add 1 2", "timeout default; call add 1 2"):
        assert shell.run(line) is ExitStatus.OK
    assert shell.console.limits == [None, 600, None]


def test_it_is_shown() -> None:
    shell = TestShell()
    usual = "10 s; calls of methods that declare more: as long\n"
    assert shell.says("timeout") == usual
    assert shell.says("timeout 2.5; timeout") == "2.5 s\n"
    assert shell.session.timeout == 2.5
    assert shell.says("timeout default; timeout") == usual
    assert shell.session.timeout == 10
    [record] = TestShell(as_json=True).records("timeout")
    assert faults("text", record) == []


@pytest.mark.parametrize("value", ["0", "-1", "86401", "soon", "nan", "5 6"])
def test_what_is_no_time_changes_nothing(value: str) -> None:
    shell = TestShell()
    shell.run("timeout 5")
    assert shell.run(f"timeout {value}") is ExitStatus.USAGE
    assert shell.session.limit == 5


def test_time_is_still_time() -> None:
    shell = TestShell()
    assert shell.run("time list hosts") is ExitStatus.OK
    assert shell.err().endswith(" s, 3 rows\n")
    assert shell.run("timeo 7") is ExitStatus.OK
    assert shell.session.limit == 7
    assert shell.run("ti 8") is ExitStatus.USAGE
    assert "timeout" in shell.out() and shell.session.limit == 7


def test_it_completes_and_has_help() -> None:
    shell = TestShell()
    commands = shell.session.commands(Snapshot())
    assert commands.complete("timeo") == (0, ["timeout "])
    assert commands.complete("timeout d") == (8, ["default "])
    told = shell.says("help timeout")
    for syntax in ("timeout", "timeout SECONDS", "timeout default"):
        assert f" > {syntax}\n" in told


@pytest.mark.parametrize(("words", "limit"), [([], None), (["-t", "10"], 10), (["-t", "600"], 600)])
@pytest.mark.parametrize("rolling", [[], ["--batch", "3"]])
def test_a_direct_call_has_the_limit_of_its_option(words: list[str], rolling: list[str], limit: float | None) -> None:
    console = fleet()
    main(["call", *words, *rolling, "calc.add", "1", "2"], connect=lambda options: console)
    assert console.limits == [limit]


def test_the_option_holds_for_a_shell_until_it_is_changed(capsys: pytest.CaptureFixture[str]) -> None:
    console = fleet()
    lines = f"{CALC}; call add 1 2; timeout; timeout default; call add 1 2"
    assert main(["-t", "30", "--json", "-c", lines], connect=lambda options: console) == 0
    assert console.limits == [30, None]
    assert {"text": "30 s"} in [json.loads(line) for line in capsys.readouterr().out.splitlines()]
