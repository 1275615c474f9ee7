"""Why a line is no command: what may have been meant, and where."""

from __future__ import annotations

import pytest

from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.syntax.commands import Command, CommandSet
from matahari.shell.syntax.grammar import Keyword, Value
from matahari.shell.syntax.lines import split
from matahari.shell.syntax.mismatches import pipe_hint
from tests.support.shell import TestShell


def nothing(values: tuple[object, ...]) -> ExitStatus:
    return ExitStatus.OK


def caught(commands: CommandSet, text: str, *, more: str = "") -> CommandError:
    with pytest.raises(CommandError) as found:
        commands.find(split(text)[0], more=more)
    return found.value


def test_an_ambiguous_abbreviation_is_pointed_at_where_the_commands_part() -> None:
    commands = CommandSet.of(
        Command((Keyword("show"), Keyword(second), Keyword(third)), nothing)
        for second, third in (("all", "hosts"), ("all", "history"))
    )
    error = caught(commands, "sh al  h")
    assert error.lines[0] == 'Ambiguous Command: "sh al  h"'
    assert error.position == 7


def test_an_ambiguous_first_word_is_pointed_at() -> None:
    commands = CommandSet.of(Command((Keyword(word),), nothing) for word in ("select", "set"))
    assert caught(commands, "  se").position == 2


def test_what_lists_all_commands_is_the_callers_to_say() -> None:
    commands = CommandSet.of(Command((Keyword("get"), Keyword(f"name{at}")), nothing) for at in range(10))
    assert caught(commands, "get x").lines[-1] == "    … and 2 more: help get"
    assert caught(commands, "get x", more="ask me").lines[-1] == "    … and 2 more: ask me"


def test_a_first_word_that_stands_behind_others_names_these() -> None:
    shell = TestShell()
    assert shell.says("hosts nosuch") == (
        "*** Unknown syntax: hosts nosuch\n% Did you mean list hosts, select hosts, show hosts?\n\n"
    )
    assert shell.says("LITS hosts") == "*** Unknown syntax: LITS hosts\n% Did you mean list?\n\n"


@pytest.mark.parametrize(
    ("line", "reason"),
    [("clear class", "Invalid keyword 'class'"), ("clear host", "Invalid keyword 'host'"), ("show run", "'run'")],
)
def test_the_reason_comes_before_the_candidates(line: str, reason: str) -> None:
    first, _, second, third, *_ = TestShell().says(line).splitlines()
    assert first.startswith("% Invalid Command: ")
    assert reason in second
    assert third == "% Candidates are:"


def test_a_pipe_without_a_blank_behind_it_is_told() -> None:
    said = TestShell().says("list hosts |count").splitlines()
    assert "% Excess arguments: '|count'" in said
    assert "% A pipe has blanks around it: | count" in said
    single = CommandSet.of([Command((Keyword("get"),), nothing)])
    assert caught(single, "get |count").lines[1:] == ("A pipe has blanks around it: | count",)


def test_a_pipe_without_blanks_is_told() -> None:
    [line] = split("list hosts|head 'a|b' |")
    assert [pipe_hint(word) for word in line.words] == [
        [],
        ["A pipe has blanks around it: hosts | head"],
        [],
    ]


def test_a_value_that_refuses_is_no_keyword() -> None:
    commands = CommandSet.of([Command((Keyword("a"), Value("B")), nothing), Command((Keyword("a"),), nothing)])
    assert caught(commands, "a b c").lines[1] == "Excess arguments: 'c'"
