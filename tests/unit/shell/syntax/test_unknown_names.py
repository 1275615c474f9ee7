"""A package, class or plugin that nobody knows is pointed at; the console, which refuses it, knows of no line."""

from __future__ import annotations

import pytest

from matahari.errors import ConnectionLostError, MissingArgumentError, NoAgentsError
from matahari.shell.base.outcome import CommandError, ExitStatus, status_of
from matahari.shell.base.selection import Snapshot, take_snapshot
from matahari.shell.syntax.lines import split
from matahari.shell.syntax.unknown_names import pointed_at
from tests.support.shell import CALC, TestShell


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("sel cl Hots", "Hots"),
        ("select class package org.nosuch Host", "org.nosuch"),
        ("select class package org.matahariproject Hots", "Hots"),
        ("select plugin clac", "clac"),
        ("list classes package org.nosuch", "org.nosuch"),
        ("list hosts; select class Hots | count", "Hots"),
        ("time select class Hots", "Hots"),
    ],
)
def test_the_name_that_nobody_knows_is_pointed_at(line: str, word: str) -> None:
    shell = TestShell()
    assert shell.run(line) is ExitStatus.NOTHING_MATCHED
    printed = [*shell.out().splitlines(), *shell.err().splitlines()]
    [mark] = [at for at, one in enumerate(printed) if one.strip("% ") == "^"]
    column = printed[mark].index("^")
    assert printed[mark - 1][column:].startswith(word)


def test_a_watched_line_whose_class_may_come_later_is_not_given_up() -> None:
    shell = TestShell()
    shell.run("list classes package org.nosuch")
    assert not shell.session.is_wrong


def test_the_error_is_as_it_was_where_its_word_is_not_known() -> None:
    shell = TestShell()
    [line] = split("select class Host")
    error = NoAgentsError("no agent is on the bus")
    for snapshot in (take_snapshot(shell.console), Snapshot()):
        assert pointed_at(error, line, shell.session.commands(snapshot)) is error


def test_the_text_the_status_and_the_cause_are_those_of_the_error() -> None:
    shell = TestShell()
    [line] = split("select class Hots")
    error = NoAgentsError("one\ntwo")
    found = pointed_at(error, line, shell.session.commands(take_snapshot(shell.console)))
    assert isinstance(found, CommandError)
    assert (found.lines, found.position, found.status) == (("one", "two"), 13, ExitStatus.NOTHING_MATCHED)
    assert found.__cause__ is error


def test_names_that_cannot_be_asked_for_leave_the_error_without_a_column() -> None:
    shell = TestShell()
    shell.console.fault = ConnectionLostError("gone")
    assert shell.says("select class Hots") == "% gone\n\n"


def test_a_property_that_is_read_only_is_pointed_at() -> None:
    shell = TestShell()
    shell.run("select class Host")
    assert shell.says("set hostname 'a b'") == (
        "% Property \"hostname\" is read-only\n%     set hostname 'a b'\n%         ^\n\n"
    )


@pytest.mark.parametrize(("text", "position"), [("call add", 9), ("call add 1", None), ("call add password=1", None)])
def test_an_argument_that_is_missing_is_pointed_at_where_none_is_given(text: str, position: int | None) -> None:
    """Where some are given they may be secret; who knows what they are points at them."""
    shell = TestShell()
    shell.run(CALC)
    [line] = split(text)
    error = MissingArgumentError("calc.add needs argument 'a'")
    found = pointed_at(error, line, shell.session.commands(take_snapshot(shell.console)))
    assert getattr(found, "position", None) == position
    assert status_of(found) is ExitStatus.USAGE
