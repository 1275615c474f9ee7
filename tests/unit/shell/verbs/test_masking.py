"""Lines that are shown again, by an echo, by ``watch`` and by errors: without their secrets."""

from __future__ import annotations

import json

import pytest

from matahari.errors import InvalidArgumentError
from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.mhsh import main
from matahari.shell.syntax.lines import scan
from matahari.shell.verbs.masking import masked_ahead, masked_error
from tests.support.shell import CALC, TestShell

SECRET = "hunter2"


def login(*, selected: bool = True) -> TestShell:
    """A shell on plugins of which calc has a method that takes a password."""
    shell = TestShell()
    schema = {
        "properties": {"user": {"type": "string"}, "phrase": {"type": "string"}},
        "required": ["user", "phrase"],
        "additionalProperties": False,
        "x-positional": ["user", "phrase"],
    }
    kind = shell.console.kind("calc")
    kind.behaviours["add"] = kind.behaviours["show"] = lambda host, args, kwargs: "done"
    for values in kind.values.values():
        methods = values["calc"]["methods"]
        assert isinstance(methods, dict)
        methods["add"] = {"params": json.dumps(schema), "sensitive": ["phrase"]}
    if selected:
        shell.run(CALC)
    return shell


@pytest.mark.parametrize(
    "line",
    [
        f"call add bob {SECRET}",
        f"call add bob phrase={SECRET}",
        f"call add bob {SECRET} excess",
        f"call add bob phrsae={SECRET}",
        f"call add bob phrase={SECRET} phrase={SECRET}",
        f"call add bob {SECRET} | nosuch",
        f"callx add bob {SECRET}",
        f'call add bob "{SECRET}',
        f'call add bob {SECRET} "quote',
        f"call ad bob {SECRET}",
        f"call show password={SECRET}",
        f"set password {SECRET}",
        f"watch -c 1 call add bob {SECRET}",
        f"watch -c 1 'call add bob {SECRET}'",
        f"watch -c 1 'time \"call add bob {SECRET}\"'",
        f"watch -c 1 '{CALC}; call add bob {SECRET}'",
        f"time 'call add bob {SECRET}'",
        f"time 'clear class; call add bob {SECRET}'",
    ],
)
@pytest.mark.parametrize("selected", [True, False])
def test_no_echo_and_no_error_and_no_header_has_a_secret_of_the_line(line: str, selected: bool) -> None:
    shell = login(selected=selected)
    shell.session.echo = True
    shell.run(line)
    said = shell.out() + shell.err()
    assert SECRET not in said
    assert "***" in said or '"' in line  # of a line with a quote left open nothing is run


def test_an_echo_shows_all_of_other_lines() -> None:
    shell = login()
    shell.session.echo = True
    shell.run("call show; get state")
    assert shell.err().count("call show\n") == 1


def test_what_comes_after_a_selection_is_not_known_yet() -> None:
    shell = login()
    assert masked_ahead(shell.session, "call show 1 2") == "call show 1 2"
    assert masked_ahead(shell.session, "select plugin other; call show 1 2") == "select plugin other; call show ***"
    assert masked_ahead(shell.session, "time 'select plugin x; call show 1'") == "time ***"
    assert masked_ahead(shell.session, "call other 1 2") == "call other ***"


def test_an_error_points_at_what_is_hidden() -> None:
    shell = login()
    assert shell.says(f"call add bob phrsae={SECRET}") == (
        "% calc.add has no argument 'phrsae'; did you mean 'phrase'?\n"
        "%     call add ***\n"
        "%              ^\n"
        "\n"
    )  # fmt: skip


def test_a_refusal_of_arguments_does_not_repeat_one_that_is_named_like_a_secret() -> None:
    shell = login()
    line = scan(f"call show password={SECRET}")[0]
    error, shown = masked_error(shell.session, InvalidArgumentError(f"show: '{SECRET}' is too short"), line)
    assert (str(error), shown.source) == ("show: '***' is too short", "call show ***")
    assert isinstance(error, CommandError) and error.status is ExitStatus.USAGE


def test_a_stage_is_no_argument() -> None:
    shell = login()
    shell.run(f"call add bob {SECRET} | bogus")
    assert shell.err().startswith('% There is no stage "bogus"; there are ')
    shell.run(f"call add bob {SECRET} | {SECRET}")
    assert shell.err().startswith('% There is no stage "***"; ')
    shell.run(f"call add bob my | grep {SECRET} {SECRET} -x")
    assert SECRET not in shell.err()


def test_arguments_in_front_of_a_secret_are_shown_with_what_is_wrong_with_them() -> None:
    shell = login()
    error = CommandError("calc.add, argument 'user': 'bob' is too long", position=9)
    told, shown = masked_error(shell.session, error, scan(f"call add bob {SECRET} more")[0])
    assert (str(told), shown.source) == ("calc.add, argument 'user': 'bob' is too long", "call add bob ***")
    assert isinstance(told, CommandError) and told.position == 9


def test_other_errors_are_as_they_were() -> None:
    shell = login()
    line, error = scan("call show 1 2")[0], CommandError("fault", position=5)
    assert masked_error(shell.session, error, line) == (error, line)


@pytest.mark.parametrize("argument", [f"phrsae={SECRET}", f"phrase={SECRET}"])
def test_a_direct_call_that_is_refused_does_not_repeat_it(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    console = login(selected=False).console
    words = ("call", "calc.add", "bob", f"phrase={SECRET}", argument)
    assert main(words, connect=lambda options: console) == ExitStatus.USAGE
    told = capsys.readouterr().err
    assert SECRET not in told
    assert ("%     call calc.add ***\n" if "phrsae" in argument else "%     call calc.add bob ***\n") in told
