"""The shell session: what cannot be done, the words for it and the status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from matahari.console import Host
from matahari.errors import ConnectionLostError, RefusedError, SchemaError, UnknownActionError
from matahari.shell.base.outcome import ExitStatus
from tests.support.shell import CALC, TestShell


@pytest.mark.parametrize(
    ("deaf", "line", "status"),
    [
        (set(), "call add 1 2", ExitStatus.OK),
        ({"web1"}, "call add 1 2", ExitStatus.SOME_FAILED),
        ({"db1", "web1", "web2"}, "call add 1 2", ExitStatus.NONE_ANSWERED),
        ({"db1"}, "call boom", ExitStatus.SOME_FAILED),
        (set(), "call nosuch", ExitStatus.NOTHING_MATCHED),
        (set(), "get nosuch", ExitStatus.NOTHING_MATCHED),
        (set(), "get", ExitStatus.USAGE),
        (set(), "clear property x", ExitStatus.USAGE),
        (set(), "select host nosuch", ExitStatus.NOTHING_MATCHED),
        (set(), "select class Nosuch", ExitStatus.NOTHING_MATCHED),
        (set(), "help nosuch", ExitStatus.NOTHING_MATCHED),
        (set(), "nosuch", ExitStatus.USAGE),
        (set(), "call add 'x", ExitStatus.USAGE),
        (set(), "quit", ExitStatus.OK),
    ],
)
def test_each_command_has_an_honest_status(deaf: set[str], line: str, status: ExitStatus) -> None:
    shell = TestShell()
    shell.run(CALC)
    shell.console.deaf = deaf
    assert shell.run(line) is status


def test_an_unknown_first_word_is_unknown_syntax() -> None:
    shell = TestShell()
    assert shell.says("foo bar") == "*** Unknown syntax: foo bar\n\n"
    assert shell.says("call num_calls") == (
        '% "call" needs a class or plugin: select class (package PACKAGE) CLASS, or select plugin NAME\n\n'
    )


def test_a_misspelt_keyword_is_pointed_at_and_what_was_meant_is_named() -> None:
    shell = TestShell()
    assert shell.says("lits hosts") == "*** Unknown syntax: lits hosts\n% Did you mean list?\n\n"
    assert shell.says("list hsts").startswith(
        '% Invalid Command: "list hsts"\n'
        "%                        ^\n"
        "% Invalid keyword 'hsts'; did you mean hosts?\n"
        "% Candidates are:\n"
    )
    assert "did you mean" not in shell.says("list frobnicate")


def test_an_unknown_host_is_named_in_the_group_error() -> None:
    assert TestShell().says("select host  web3") == (
        '% Invalid Command: "select host  web3"\n'
        "%                                ^\n"
        '% Host "web3" not found; did you mean web1, web2?\n'
        "% Candidates are:\n"
        "%     select host [HOST]\n"
        "%     select class (package PACKAGE) CLASS\n"
        "%     select plugin PLUGIN\n"
        "%     select hosts explain FILTER\n"
        "%     select hosts FILTER\n"
        "\n"
    )


def test_an_unknown_member_is_named_with_close_matches() -> None:
    shell = TestShell()
    shell.run(CALC)
    said = shell.says("call ad 1 2").splitlines()
    assert said[2] == '% Method "ad" not found; did you mean add?'
    assert said[3] == "% Candidates are:"


def test_errors_of_a_single_command_point_at_the_column() -> None:
    shell = TestShell()
    assert shell.says("list hosts; sleep 1 x").endswith("% Excess arguments: 'x'\n%     sleep 1 x\n%             ^\n\n")
    assert shell.says("sleep") == "% Missing arguments: 'FLOAT'\n%     sleep\n%           ^\n\n"
    assert shell.says("sleep x") == ('% Invalid argument value ("x" is not a number)\n%     sleep x\n%           ^\n\n')
    assert shell.says("sleep 'x") == "% Unclosed quote\n%     sleep 'x\n%           ^\n\n"


def test_ambiguous_abbreviations_say_between_what() -> None:
    shell = TestShell()
    shell.run("select class Host")
    assert shell.says("se").startswith('% Ambiguous command: "se" begins select, set\n')
    assert shell.says("list c").startswith(
        '% Ambiguous Command: "list c"\n'
        "%                          ^\n"
        "% Candidates are:\n"
        "%     list classes (package PACKAGE)\n"
        "%     list commands\n"
    )


def test_members_that_change_something_have_no_abbreviations() -> None:
    shell = TestShell()
    shell.run("select class Host")
    assert shell.run("call ident") is ExitStatus.NOTHING_MATCHED
    assert shell.run("set update 5") is ExitStatus.NOTHING_MATCHED
    assert shell.console.calls == []


def test_an_empty_selection_has_nothing_to_ask() -> None:
    shell = TestShell()
    shell.run("select class Host; select property hostname none")
    for line in ("get load", "set load 1", "call identify", "select property load {}"):
        assert shell.run(line) is ExitStatus.NOTHING_MATCHED
        assert shell.out() == "% No objects selected\n\n"
    assert shell.run("show selection") is ExitStatus.NOTHING_MATCHED


def test_a_plugin_without_methods_has_no_such_method() -> None:
    shell = TestShell()
    shell.console.kind("calc").methods.clear()
    shell.run(CALC)
    assert shell.run("call ls /") is ExitStatus.NOTHING_MATCHED
    text = 'Invalid argument value (calc has no method "ls"; it has none)'
    assert shell.out() == f"% {text}\n%     call ls /\n%          ^\n\n"
    assert shell.run("call") is ExitStatus.USAGE
    assert shell.out().startswith("% Missing arguments: 'METHOD'\n")
    assert "call" not in shell.says("list commands")


def test_an_argument_that_json_cannot_carry_is_pointed_at() -> None:
    shell = TestShell()
    shell.run(CALC)
    text = "calc.add, argument 'y': nan and infinity have no form in JSON; pass a finite number"
    shell.console.refusal = SchemaError(text)
    assert shell.run("call add 1 1e400") is ExitStatus.USAGE
    assert shell.out() == f"% {text}\n%     call add 1 1e400\n%                ^\n\n"


def test_a_class_without_methods_has_no_such_method() -> None:
    shell = TestShell()
    shell.console.kind("Host").methods.clear()
    shell.run("select class Host")
    assert shell.run("call beep") is ExitStatus.NOTHING_MATCHED
    assert '(org.matahariproject:Host has no method "beep"; it has none)' in shell.out()


def test_a_selection_that_fails_changes_nothing() -> None:
    shell = TestShell()
    shell.run("select host web1; select class Host")
    shell.run("select class Nosuch")
    assert shell.session.prompt == "mhsh (host)[org.matahariproject:Host]> "
    assert shell.out() == (
        '% Class "org.matahariproject:Nosuch" not found\n%     select class Nosuch\n%                  ^\n\n'
    )


def test_an_error_of_the_bus_is_one_line() -> None:
    shell = TestShell()
    shell.console.fault = ConnectionLostError("the broker went away")
    assert shell.run("list hosts") is ExitStatus.COULD_NOT_ASK
    assert shell.out() == "% the broker went away\n\n"


def test_with_debug_the_traceback_of_an_error_goes_to_standard_error() -> None:
    shell = TestShell(debug=True)
    shell.console.fault = ConnectionLostError("gone")
    shell.run("list hosts")
    assert "Traceback (most recent call last)" in shell.err()


def test_a_line_stops_at_the_first_error_when_that_is_asked_for() -> None:
    shell = TestShell()
    assert shell.run("nosuch; list hosts") is ExitStatus.USAGE
    assert shell.out().endswith("web2\n")
    assert shell.run("select host x; nosuch; list hosts", stop_on_error=True) is ExitStatus.NOTHING_MATCHED
    assert "web2\n" not in shell.out().splitlines()


@pytest.mark.parametrize(
    ("error", "status"),
    [(UnknownActionError("no such"), ExitStatus.SOME_FAILED), (RefusedError("no"), ExitStatus.SOME_FAILED)],
)
def test_an_answered_refusal_is_a_failed_answer(error: Exception, status: ExitStatus) -> None:
    def refuse(host: str, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        raise error

    shell = TestShell()
    shell.console.kind("calc").behaviours["add"] = refuse
    shell.run(CALC)
    assert shell.run("call add 1 2") is status


def test_a_host_whose_name_has_line_breaks_is_one_line_in_lists() -> None:
    shell = TestShell()
    shell.console.machines.append(Host("web3\ndb9", ""))
    assert shell.says("list hosts") == "db1\nweb1\nweb2\nweb3\\x0adb9\n"


def test_of_many_candidates_some_are_shown_those_first_that_came_furthest() -> None:
    shell = TestShell()
    shell.run("select class Host")
    said = shell.says("select property nosuch 5").splitlines()
    assert said[2] == '% Property "nosuch" not found'
    assert said[3:5] == ["% Candidates are:", "%     select property hostname VALUE"]
    assert len(said) == 14
    assert said[-2:] == ["%     … and 2 more: help select", ""]


@pytest.mark.parametrize(
    ("line", "reasons"),
    [
        ("get", ["% Missing arguments: a property"]),
        ("call", ["% Missing arguments: a method"]),
        ("select property", ["% Missing arguments: a property"]),
        ("select property load", ["% Missing arguments: 'VALUE'"]),
        ("list", ["% Missing arguments: one of those below"]),
        ("reload", ["% Missing arguments: 'all'", "% Missing arguments: 'PLUGIN'"]),
    ],
)
def test_what_is_missing_is_told_in_few_lines(line: str, reasons: list[str]) -> None:
    shell = TestShell()
    shell.run("select class Host")
    assert shell.run(line) is ExitStatus.USAGE
    said = shell.out().splitlines()
    assert said[2 : said.index("% Candidates are:")] == reasons


def test_a_pipe_without_blanks_is_explained() -> None:
    shell = TestShell()
    assert "% A pipe has blanks around it: hosts | count\n" in shell.says("list hosts|count")
    assert "% A pipe has blanks around it: packages |\n" in shell.says("list packages| count")
    assert "% A pipe has blanks around it: quit | count\n" in shell.says("quit|count")
    assert "A pipe" not in shell.says("list 'hosts|count'")
