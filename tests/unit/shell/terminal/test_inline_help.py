"""``?`` in place: what may come next, and where a question mark is text."""

from __future__ import annotations

import pytest

from matahari.shell.base.selection import Snapshot, take_snapshot
from matahari.shell.terminal.inline_help import NOTHING, explain, help_lines, is_character
from tests.support.fake_classes import PLUGINS
from tests.support.shell import TestShell

HOST_MODE = "select class Host"
CALC_MODE = f"select class package {PLUGINS} calc"


def explained(mode: str, typed: str) -> dict[str, str]:
    shell = TestShell()
    shell.run(mode)
    return dict(explain(shell.session.commands(take_snapshot(shell.console)), typed))


def shown(mode: str, typed: str) -> list[str]:
    shell = TestShell()
    shell.run(mode)
    return help_lines(shell.session.commands(take_snapshot(shell.console)), typed)


def test_an_empty_line_lists_the_commands_with_their_help() -> None:
    lines = shown("", "")
    assert lines[0] == "Commands:"
    assert any(line.split(None, 1) == ["sleep", "Wait that many seconds."] for line in lines)
    assert any(line.split()[0] == "select" and "class" in line and "hosts" in line for line in lines)


def test_a_word_that_is_begun_lists_words_that_begin_so() -> None:
    assert list(explained("", "sel")) == ["select"]
    assert {"select", "show", "sleep"} <= set(explained("", "s"))
    assert list(explained("", "select cl")) == ["class"]
    assert list(explained("", "sel cl")) == ["class"]


def test_behind_a_blank_it_lists_what_may_follow() -> None:
    found = explained("", "select ")
    assert found["class"].startswith("Select a class")
    assert found["host"].startswith("Restrict the selection to these hosts.")
    assert "property" not in found
    assert explained("", "select host ") == {"HOST": "db1, web1, web2"}
    assert explained("", "select host w") == {"HOST": "web1, web2"}
    assert explained("", "select host x") == {}
    assert explained("", "reload ")["all"].startswith("Load every plugin of the selected hosts anew.")


def test_the_end_of_a_complete_line_is_shown_last() -> None:
    assert list(explained("", "list hosts "))[-1] == "<cr>"
    assert explained("", "select host web1 ") == {"HOST": "db1, web1, web2", "<cr>": ""}
    assert "<cr>" not in explained("", "select class ")
    assert list(explained("", "list classes ")) == ["package", "<cr>"]
    assert "<cr>" not in explained("", "list hosts")


@pytest.mark.parametrize(
    ("typed", "may_end"),
    [
        ("select hosts os.id = ", False),
        ("select hosts web1 and ", False),
        ("select hosts (web1 ", False),
        ("select hosts (web1) ", True),
        ("select hosts explain web1 or ", False),
        ("list hosts | grep -i ", False),
        ("list hosts | grep -i x ", True),
        ("list hosts | file -a ", False),
        ("list hosts | file -a x ", True),
        ("time ", False),
        ("time list ", False),
        ("time select hosts web1 or ", False),
        ("time list hosts ", True),
        ("time 'list hosts | count' ", True),
        ("watch -n ", False),
        ("watch -n 5 ", False),
        ("watch -n 5 list hosts ", True),
        ("events ", True),
        ("events -n ", False),
        ("events -n 5 ", True),
        ("show events x y ", False),
        ("roll -b 1 ", False),
        ("roll -b 1 call ", False),
        ("roll -b 1 call add 1 ", True),
    ],
)
def test_the_end_is_not_offered_behind_what_is_unfinished(typed: str, may_end: bool) -> None:
    assert ("<cr>" in explained(CALC_MODE, typed)) is may_end


def test_values_are_shown_with_type_unit_and_range() -> None:
    assert explained("", "sleep ") == {"FLOAT": "float [at least 0 and at most 604800]"}
    assert explained("", "sleep x") == {}
    assert explained("", "show history ")["N|TEXT"].startswith("Show the last N lines")
    assert explained(HOST_MODE, "set update_interval ") == {"VALUE": "int Heartbeat (s) [0 to 86400]"}
    assert explained(HOST_MODE, "call set_uuid x ") == {"UUID": "str [at most 36 characters]", "<cr>": ""}


def test_members_are_shown_with_their_help() -> None:
    assert explained(CALC_MODE, "call a")["add"] == "Add two numbers."
    assert explained(HOST_MODE, "get host")["hostname"].startswith("Show hostname of the selected objects")


def test_arguments_of_plugins_are_shown_with_their_schema() -> None:
    assert explained(CALC_MODE, "call greet ") == {"NAME": "string", "greeting=": 'string (default "Hello")'}
    assert list(explained(CALC_MODE, "call greet bob ")) == ["GREETING", "<cr>"]


def test_behind_a_pipe_the_stages_are_shown() -> None:
    assert {"grep", "head", "json"} <= set(explained("", "list hosts | "))
    assert list(explained("", "list hosts | he")) == ["head"]
    assert list(explained("", "list hosts | head ")) == ["ROWS", "<cr>"]


def test_where_nothing_fits_that_is_said() -> None:
    assert shown("", "nosuch ") == [NOTHING]
    assert shown("", "list hosts x ") == [NOTHING]


def test_help_is_one_harmless_line_each() -> None:
    shell = TestShell()
    names = Snapshot(host_names=("\x1b[31mevil\n", *(f"host{number}" for number in range(1000))))
    lines = help_lines(shell.session.commands(names), "select host ")
    assert len(lines) == 1
    assert "\x1b" not in lines[0]
    assert len(lines[0]) < 120


@pytest.mark.parametrize(
    "typed",
    [
        "call echo 'what",
        'call echo "what',
        "call echo \\",
        'call echo {"a": "b',
        "call pair [1, ",
        "call echo x={",
        "list hosts # why",
        "select hosts /we",
        "select hosts /^web server",
        "select hosts role =~ /a",
        "select hosts not(/a\\/b",
        "select hosts explain web1 or /x",
        "call add 1 2 | grep a",
        "call add 1 2 | gr ",
    ],
)
def test_in_quotes_json_comments_and_regular_expressions_it_is_a_character(typed: str) -> None:
    shell = TestShell()
    shell.run(CALC_MODE)
    assert is_character(shell.session.commands(Snapshot()), typed)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "sel",
        "select ",
        "call echo 'what' ",
        "call pair [1] ",
        "call show /tmp/x",
        "select hosts /web/",
        "select hosts /web/i and ",
        "select hosts role = web",
        "call add 1 2 | ",
        "call add 1 2 | he",
        "nosuch ",
    ],
)
def test_elsewhere_it_asks_for_help(typed: str) -> None:
    shell = TestShell()
    shell.run(CALC_MODE)
    assert not is_character(shell.session.commands(Snapshot()), typed)


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_each_text_stays_on_one_line_of_the_terminal(columns: int) -> None:
    shell = TestShell()
    shell.run(CALC_MODE)
    for typed in ("", "s", "select ", "watch ", "call greet "):
        lines = help_lines(shell.session.commands(take_snapshot(shell.console)), typed, columns)
        assert all(len(line) < columns for line in lines), lines
    assert any(line.endswith("…") for line in help_lines(shell.session.commands(Snapshot()), "", 60))
