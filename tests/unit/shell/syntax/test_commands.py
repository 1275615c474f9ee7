"""Completion of whole lines (matahari-2012.md 15.9) and the set of commands of a mode."""

from __future__ import annotations

import pytest

from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.base.selection import Snapshot, take_snapshot
from matahari.shell.syntax.commands import Command, CommandSet
from matahari.shell.syntax.grammar import Keyword, Repeat, Value
from matahari.shell.syntax.lines import split
from matahari.shell.syntax.values import Choice, JsonList
from tests.support.fake_classes import PLUGINS
from tests.support.shell import TestShell

HOST_MODE = "select host web1; select class Host"
CALC_MODE = f"select class package {PLUGINS} calc"

FIRST_WORDS = (
    "clear", "events", "exit", "help", "list", "no", "quit", "reload", "roll", "select", "show", "sleep", "time", "timeout", "watch",
)  # fmt: skip

COMPLETIONS = [
    # (mode, typed, column, suggestions)
    ("", "", 0, [f"{word} " for word in FIRST_WORDS]),
    ("", "s", 0, ["select ", "show ", "sleep "]),
    ("", "list ", 5, ["hosts ", "agents ", "packages ", "classes ", "commands "]),
    ("", "li h", 3, ["hosts "]),
    ("", "select host ", 12, ["db1", "web1", "web2"]),
    ("", "select host w", 12, ["web1", "web2"]),
    ("", "select host web1 w", 17, ["web1", "web2"]),
    ("", "select host nosuch w", 19, []),
    ("", "select class ", 13, ["package ", "Host ", "Volume "]),
    ("", "select class package org.matahariproject.r", 21, [f"{PLUGINS} "]),
    ("", f"select class package {PLUGINS} a", 21 + len(PLUGINS) + 1, ["asterisk "]),
    ("", "list hosts; sho", 12, ["show "]),
    ("", "nosuch ", 7, []),
    ("", "help se", 5, ["select "]),
    ("", "sleep ", 6, [""]),
    ("", "sleep 1", 6, ["1 "]),
    ("", "list # h", 8, []),
    ("", "# x ", 4, []),
    (HOST_MODE, "clear ", 6, ["history ", "all ", "host ", "class ", "properties "]),
    (HOST_MODE, "get l", 4, ["load ", "last_updated "]),
    (HOST_MODE, "set ", 4, ["update_interval "]),
    (HOST_MODE, "set update_interval 1", 20, ["1 "]),
    (HOST_MODE, "set update_interval x", 20, []),
    (HOST_MODE, "select property load ", 21, ["{"]),
    (HOST_MODE, "call get_uuid 'Cus", 14, ["'Cus' "]),
    (CALC_MODE, "call ", 5, ["add ", "greet ", "pair ", "show ", "boom ", "wait "]),
    (CALC_MODE, "call add 1", 9, ["1 "]),
]


@pytest.mark.parametrize(("mode", "typed", "column", "suggestions"), COMPLETIONS)
def test_a_line_completes(mode: str, typed: str, column: int, suggestions: list[str]) -> None:
    shell = TestShell()
    shell.run(mode)
    assert shell.session.commands(take_snapshot(shell.console)).complete(typed) == (column, suggestions)


def test_completion_asks_nothing_of_the_bus() -> None:
    shell = TestShell()
    shell.run(HOST_MODE)
    before = shell.console.selects
    snapshot = Snapshot(("elsewhere",), ("p",), (("p", "C"),))
    commands = shell.session.commands(snapshot)
    assert commands.complete("select host ") == (12, ["elsewhere"])
    assert commands.complete("select class package p ") == (23, ["C "])
    assert commands.complete("get l")[1] == ["load ", "last_updated "]
    assert shell.console.selects == before


def only(*commands: Command) -> CommandSet:
    return CommandSet.of(commands)


def nothing(values: tuple[object, ...]) -> ExitStatus:
    return ExitStatus.OK


def test_names_that_need_quotes_are_completed_in_quotes() -> None:
    names = Choice("Host", lambda bound: ["my host", "[x]", "plain"], final_blank=False)
    commands = only(Command((Keyword("pick"), Repeat(Value("HOST", names))), nothing))
    assert commands.complete("pick ") == (5, ["'my host'", "'[x]'", "plain"])
    assert commands.complete("pick 'my") == (5, ["'my host'"])
    assert split("pick 'my host'")[0].words[1].text == "my host"


def test_the_value_of_a_named_argument_is_quoted_and_its_name_is_not() -> None:
    choice = Choice("Thing", lambda bound: ["mode=very slow", "mode=fast", "mode="])
    commands = CommandSet.of([Command((Keyword("pick"), Value("THING", choice)), lambda values: ExitStatus.OK)])
    assert commands.complete("pick m") == (5, ["mode='very slow' ", "mode=fast ", "mode= "])


def test_brackets_are_completed_as_they_stand() -> None:
    commands = only(Command((Keyword("pick"), Value("L", JsonList())), nothing))
    assert commands.complete("pick ") == (5, ["["])
    assert commands.complete("pick [1") == (5, ["[1"])
    assert commands.complete("pick [1]") == (5, ["[1] "])


def test_a_quoted_first_word_is_no_abbreviation() -> None:
    commands = only(Command((Keyword("list"),), nothing))
    assert commands.find(split("li")[0])[1] == ("list",)
    with pytest.raises(CommandError, match="Unknown syntax: 'li'"):
        commands.find(split("'li'")[0])


def test_a_group_whose_candidates_are_all_hidden_lists_none() -> None:
    commands = only(*(Command((Keyword("x"), Keyword(word)), nothing, is_hidden=True) for word in "ab"))
    with pytest.raises(CommandError) as caught:
        commands.find(split("x c")[0])
    assert caught.value.lines == ('Invalid Command: "x c"', "Invalid keyword 'c'")
    assert commands.first_words() == []


def test_a_wrong_keyword_of_the_only_candidate_is_named() -> None:
    commands = only(Command((Keyword("x"), Keyword("a")), nothing))
    with pytest.raises(CommandError, match="Invalid keyword 'b'"):
        commands.find(split("x b")[0])


def test_a_group_with_words_missing_says_which() -> None:
    commands = only(
        Command((Keyword("x"), Keyword("a"), Value("V")), nothing), Command((Keyword("x"), Keyword("b")), nothing)
    )
    with pytest.raises(CommandError, match="Missing arguments: 'V'"):
        commands.find(split("x a")[0])
