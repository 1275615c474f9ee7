"""mhsh on a terminal: the stories of the README, typed key by key."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.support.node import PLUGIN_PACKAGE, Box
from tests.support.stage import ASTERISK, SELECT, SHORT, stage
from tests.support.terminal import CTRL_C, CTRL_D, CTRL_U, ENTER, TAB, Terminal, open_shell

pytestmark = [pytest.mark.integration, pytest.mark.together]

CHANNELS = ["    0 active channels", "    0 active calls", "    0 calls processed"]
CLOSING = r"2 hosts: {} answered, {} failed, 0 silent, \d+\.\d\d s"


@pytest.fixture(scope="module")
def place() -> Iterator[Box]:
    with stage() as made:
        yield made


@pytest.fixture
def shell(place: Box) -> Iterator[Terminal]:
    with open_shell(place) as terminal:
        yield terminal


def test_the_story_of_the_readme_in_few_keys(shell: Terminal) -> None:
    assert shell.run("list hosts") == ["alpha", "beta"]
    shell.wait_completion("select host al", "select host alpha")
    shell.type("sel", TAB)
    shell.edits("select ")
    shell.type("cl", TAB, "pac", TAB)
    shell.edits("select class package ")
    shell.type("org.m", TAB)
    shell.edits("select class package org.matahariproject")
    shell.type(".rpc.p", TAB, "ast", TAB)
    shell.edits(f"{ASTERISK} ")
    assert shell.enter() == []
    assert shell.screen.before_cursor == f"mhsh [{PLUGIN_PACKAGE}:asterisk]> "
    shell.type("cal", TAB, "num", TAB)
    shell.edits("call num_calls ")
    rows = shell.enter()
    assert re.fullmatch(CLOSING.format(2, 0), rows[-1])
    assert sorted([rows[0], rows[4]]) == ["alpha:", "beta:"]
    assert rows[1:4] == rows[5:8] == CHANNELS
    shell.run("sel cl Host")
    shell.type("select host al", TAB)
    shell.edits("select host alpha")
    assert shell.enter() == []
    assert shell.screen.before_cursor == "mhsh (host)[org.matahariproject:Host]> "
    [load] = shell.run("get lo")
    assert re.fullmatch(r'alpha: \{"1": \S+, "5": \S+, "15": \S+\}', load)
    assert shell.run("no select host") == []
    assert shell.screen.before_cursor == "mhsh [org.matahariproject:Host]> "
    shell.type(CTRL_D)
    assert shell.wait_end() == 0
    assert not shell.screen.takes_pastes  # the terminal is as it was


def test_tab_lists_what_fits_and_the_line_stays(shell: Terminal) -> None:
    shell.run(SELECT)
    shell.type("call ", TAB)
    shell.shows(r"^add +copy +echo +endless +listing +.* wipe$")
    shell.edits("call ")
    shell.type("p", TAB, TAB)
    shell.shows(r"^red +green +colour= +deep=$")
    shell.edits("call paint ")
    shell.type("g", TAB, "d", TAB, "t", TAB)
    shell.edits("call paint green deep=true ")
    assert sorted(shell.enter()[:2]) == ["alpha: green True", "beta:  green True"]


def test_a_question_mark_explains_in_place_and_the_line_goes_on(shell: Terminal) -> None:
    shell.type("?")
    shell.shows(r"^Commands:$")
    shell.shows(r"^  select +")
    shell.edits("")
    shell.type("sel?")
    shell.shows(r"^mhsh> sel\n  select  host, class, .*\n")
    shell.edits("sel")
    shell.type("ect ?")
    shell.shows(r"^mhsh> select\n  host +Restrict .*\n  class +Select a class, .*\n")
    shell.edits("select ")
    shell.type(CTRL_U)
    shell.run(SELECT)
    shell.type("call ?")
    shell.shows(r"^  add +Add two numbers\.$")
    shell.edits("call ")
    shell.type("paint ?")
    shell.shows(r"^  COLOUR +string \[one of red, green\]\n  deep= +boolean \(default false\)$")
    shell.edits("call paint ")
    shell.type("red ?")
    shell.shows(r"^  DEEP +boolean \(default false\)\n  <cr>$")
    shell.edits("call paint red ")
    shell.type(ENTER)
    shell.shows("^alpha: red False$")


def test_an_error_points_at_the_column_and_suggests(shell: Terminal) -> None:
    shell.run(SELECT)
    for line, wrong, told in (
        ("select host alhpa", "alhpa", '% Host "alhpa" not found; did you mean alpha?'),
        ("list hosts; call ad 1", "ad", '% Method "ad" not found; did you mean add?'),
        ("select hosts role = and x", "and", '% Invalid filter: unexpected "and", expected a value'),
    ):
        rows = shell.run(line)
        assert any(row.startswith(told) for row in rows)
        pointed = next(at for at, row in enumerate(rows) if re.fullmatch("% +\\^", row))
        assert rows[pointed].index("^") == rows[pointed - 1].rindex(wrong)
    assert shell.run("frobnicate now") == ["*** Unknown syntax: frobnicate now", ""]
    assert sorted(shell.run("call add 1")[:2]) == ["alpha: 3", "beta:  3"]


def test_pipes_time_describe_and_a_look_around(shell: Terminal) -> None:
    assert shell.run("list hosts | count") == ["2"]
    shell.run(ASTERISK)
    rows = shell.run("call num_calls | grep 'active c'")
    assert sorted(rows[:-1]) == [
        f"{host}: 0 active {what}" for host in ("alpha", "beta") for what in ("calls", "channels")
    ]
    shell.run(SELECT)
    rows = shell.run("time call add 1")
    assert sorted(rows[:2]) == ["alpha: 3", "beta:  3"]
    assert re.fullmatch(CLOSING.format(2, 0), rows[2])
    assert re.fullmatch(r"\d+\.\d\d\d s, 2 answers", rows[3])
    rows = shell.run("describe pai")
    assert rows[0] == 'paint(colour: "red"|"green", deep: boolean = false) -> string'
    assert "     string  colour  [one of red, green]" in rows
    rows = shell.run("show plugins")
    assert [row.split()[0] for row in rows] == ["asterisk", "stage"]
    assert all(row.endswith("alpha, beta") for row in rows)
    shell.run("select host alpha")
    assert shell.run("call add 1") == ["alpha: 3"]
    shell.run("no select host")
    assert shell.screen.before_cursor == SHORT


def test_a_destructive_call_is_asked_about_once_for_all_hosts(shell: Terminal, place: Box) -> None:
    victim = place.home / "victim"
    victim.touch()
    shell.run(SELECT)
    line = f"call wipe {victim}"
    question = rf'^wipe "{victim}" is declared destructive, and would be called on 2 hosts: alpha, beta\nCall it\? \[y/N\]\n+\Z'
    for keys, told in ((f"n{ENTER}", "% wipe was not called"), (ENTER, "% wipe was not called"), (CTRL_C, "")):
        shell.typed(line)
        shell.type(ENTER)
        shell.shows(question)
        shell.type(keys)
        shell.wait_prompt()
        assert told in shell.screen.text
        assert victim.exists()
        shell.screen.clear()
    shell.typed(line)
    shell.type(ENTER)
    shell.shows(question)
    shell.type("y", ENTER)
    shell.shows(CLOSING.format(1, 1))  # the other one came too late
    shell.wait_prompt()
    assert shell.screen.text.count("Call it?") == 1
    assert not victim.exists()
