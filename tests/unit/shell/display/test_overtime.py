"""What is said of a call that took too long, when its output was shown as it came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from matahari.console import Missed, Output, RemoteObject, Report
from matahari.errors import AbortedError, MatahariError, RemoteTimeoutError
from matahari.qmf import Value
from matahari.shell.display.overtime import DIRECT_REMEDY, REMEDY, without_output
from matahari.shell.mhsh import main
from tests.support.fake_console import FakeConsole, fleet
from tests.support.shell import CALC, TestShell

LATE = "calc.add took longer than 10 s"
WORDS = "; its output so far:\none\ntwo\n"


def late(text: str, *, declared: Value = None) -> FakeConsole:
    """A fleet on which ``calc.add`` of db1 takes too long, after it has printed two lines."""

    def add(host: str, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        if host == "db1":
            raise RemoteTimeoutError(text, kind="timeout")
        return 3

    console = fleet()
    kind = console.kind("calc")
    kind.behaviours["add"] = add
    methods = kind.values["db1"]["calc"]["methods"]
    assert isinstance(methods, dict) and isinstance(methods["add"], dict)
    kind.values["db1"]["calc"]["methods"] = {**methods, "add": {**methods["add"], "timeout": declared}}
    console.reports["add"] = lambda item: [Output(item, "one\ntwo\n")] if item.host == "db1" else []
    return console


def said(console: FakeConsole, *lines: str, as_json: bool = False) -> str:
    shell = TestShell(console, as_json=as_json)
    for line in (CALC, *lines):
        shell.run(line)
    shell.out()
    return shell.says("call add 1 2")


def test_output_that_was_shown_is_not_repeated_and_the_remedy_is_named() -> None:
    told = said(late(LATE + WORDS))
    assert told.endswith(f"db1:  % {LATE} {REMEDY}\n")
    assert told.count("one") == told.count("two") == 1


@pytest.mark.parametrize(
    ("seconds", "limit", "declared", "is_remedy"),
    [
        ("10", None, None, True),
        ("600", None, 600, False),  # the plugin's own
        ("5", None, 5, False),
        ("10", None, 10, False),
        ("601", None, 600, True),  # NAME.toml allows more than is declared
        ("5", 5, None, True),
        ("5", 5, 600, True),
        ("3", 5, 3, False),
        ("3", 5, None, False),
        ("0.333333", 1 / 3, None, True),
    ],
)
def test_the_remedy_is_for_limits_of_the_caller(
    seconds: str, limit: float | None, declared: Value, is_remedy: bool
) -> None:
    lines = [] if limit is None else [f"timeout {limit!r}"]
    told = said(late(f"calc.add took longer than {seconds} s{WORDS}", declared=declared), *lines)
    assert told.endswith(f"took longer than {seconds} s{f' {REMEDY}' if is_remedy else ''}\n")


def test_output_of_which_a_part_was_lost_is_told() -> None:
    def tell(item: RemoteObject) -> Sequence[Report]:
        return [Output(item, "one\n"), Missed(item, 1)] if item.host == "db1" else []

    console = late(LATE + WORDS)
    console.reports["add"] = tell
    assert said(console).endswith(f"db1:\n    % {LATE} {REMEDY}; its output so far:\n    % one\n    % two\n")


def test_what_was_not_shown_is_told() -> None:
    console = late(f"{LATE}; its process printed last:\noops")
    assert said(console).endswith(f"db1:\n    % {LATE} {REMEDY}; its process printed last:\n    % oops\n")


def test_records_have_the_whole_text() -> None:
    shell = TestShell(late(LATE + WORDS), as_json=True)
    shell.run(CALC)
    [error] = [one["error"] for one in shell.records("call add 1 2") if one.get("ok") is False]
    assert isinstance(error, dict) and error["text"] == LATE + WORDS


@pytest.mark.parametrize("rolling", [[], ["--batch", "2"]])
def test_direct_calls_are_told_too(rolling: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["call", "-t", "10", *rolling, "calc.add", "1", "2"], connect=lambda options: late(LATE))
    assert f"db1:  % {LATE} {DIRECT_REMEDY}\n" in capsys.readouterr().out


@pytest.mark.parametrize("error", [None, AbortedError("x took longer than 10 s"), RemoteTimeoutError("too slow")])
def test_other_failures_stay_as_they_are(error: MatahariError | None) -> None:
    [item, *_] = fleet().select("Host")
    assert without_output(error, item, "add", limit=None, is_shown=True) is error
