"""mhsh on a terminal in front of a thousand simulated hosts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from matahari.testing.fleet import Fleet, Rule
from tests.support.node import PLUGIN_PACKAGE, TIME, Box, box
from tests.support.terminal import CTRL_C, ENTER, TAB, Terminal, open_shell

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]

COUNT = 1000
CLASS = f"select class package {PLUGIN_PACKAGE} calls"
LONG = 60.0
FOR_EVER = 3600.0
SOURCE = '''
from matahari.testing.fleet import simulated_host


def line() -> int:
    """Which line is in use."""
    return simulated_host().number % 3


def restart() -> str:
    """Start again."""
    return "up again"


def hang() -> str:
    """Answer, if ever."""
    return "here"
'''
RULES = (
    Rule(hosts="host0007", method="restart", outcome="fail", text="line is dead"),
    Rule(hosts="host000[12]", method="hang", delay=FOR_EVER),
)


@pytest.fixture(scope="module")
def place() -> Iterator[Box]:
    with box() as made, made.broker():
        simulated = Fleet(
            COUNT,
            broker=made.address,
            plugins={"calls": made.save("calls.py", SOURCE)},
            rules=RULES,
            facts={"role": ["web", "web", "db", "mail"]},
            processes=2,
            timeout=90 * TIME,
        )
        with simulated:
            yield made


@pytest.fixture
def shell(place: Box) -> Iterator[Terminal]:
    with open_shell(place, "-t", f"{30 * TIME:g}", columns=120) as terminal:
        while terminal.run("list hosts | count", timeout=LONG) != [f"{COUNT}"]:  # it finds them, in a moment
            terminal.screen.clear()
        yield terminal


def test_a_filter_chooses_hosts_and_their_answers_are_grouped(shell: Terminal) -> None:
    assert shell.run("select hosts role=web and not /[05]$/", timeout=LONG) == ["400 of 1000 hosts"]
    assert shell.run(CLASS, timeout=LONG) == []
    begin = len(shell.stream)
    rows = shell.run("call line", timeout=LONG)
    assert sorted(rows[:3], key=lambda row: row.split()[-1]) == [
        f"{len([n for n in chosen() if n % 3 == value])} hosts: {value}" for value in range(3)
    ]
    assert re.fullmatch(r"400 hosts: 400 answered, 0 failed, 0 silent, \d+\.\d\d s", rows[3])
    bars = re.findall(r"\r(\[[#.]{10}\]) (\d+)/400 answered (\d+), failed (\d+), waiting (\d+)", shell.stream[begin:])
    assert bars[0] == ("[..........]", "0", "0", "0", "400")
    assert bars[-1] == ("[##########]", "400", "400", "0", "0")
    assert [int(bar[1]) for bar in bars] == sorted(int(bar[1]) for bar in bars)
    assert "waiting" not in shell.screen.text  # the bar is gone


def test_a_host_that_fails_stands_behind_the_others(shell: Terminal) -> None:
    shell.run(CLASS, timeout=LONG)
    rows = shell.run("call restart", timeout=LONG)
    assert rows[0].split(":") == ["999 hosts", " up again"]
    assert re.fullmatch(r"host0007: +% \S+: line is dead", rows[1])
    assert re.fullmatch(r"1000 hosts: 999 answered, 1 failed, 0 silent, \d+\.\d\d s", rows[2])


def test_ctrl_c_shows_what_is_in_also_when_the_window_changed_below_the_bar(shell: Terminal) -> None:
    shell.run(CLASS, timeout=LONG)
    shell.typed("call hang")
    shell.type(ENTER)
    shell.shows(r"^\[#########\.\] 998/1000 answered 998, failed 0, waiting 2$", timeout=LONG)
    for rows, columns in ((30, 90), (10, 60)):
        shell.resize(rows, columns)
    shell.type(CTRL_C)
    shell.shows("^% cancelling")
    shell.wait_prompt()
    shell.shows(r"^998 hosts: +here$")
    shell.shows(r"^1000 hosts: 998 answered, 0 failed, 2 cancelled, 0 silent, ")
    assert "1000 answered" not in shell.screen.text


def test_in_a_narrow_window_the_bar_is_cut_and_leaves_nothing_behind(shell: Terminal) -> None:
    shell.run(CLASS, timeout=LONG)
    shell.resize(12, 40)
    shell.typed("call line")
    begin = len(shell.stream)
    shell.type(ENTER)
    shell.shown(r"\[##########\] 1000/1000 answered 1000,", since=begin, timeout=LONG)
    shell.shows(r"^1000 hosts: 1000 answered, 0 failed, 0 s", timeout=LONG)
    shell.line_is("")
    assert not re.search(r"\[[#.]{10}\]", "\n".join(shell.screen.everything))


def test_tab_completes_a_host_among_a_thousand(shell: Terminal) -> None:
    shell.wait_completion("select host host1", "select host host1000")
    shell.type("sel", TAB, "host host049", TAB)
    shell.shows(r"^host0490 +host0491 +.*host0499$")
    shell.edits("select host host049")
    shell.type("7", TAB)
    shell.edits("select host host0497")
    assert shell.enter() == []
    shell.run(CLASS)
    assert shell.run("call line") == ["host0497: 2"]


def chosen() -> list[int]:
    """Numbers of the hosts that the filter means."""
    return [n for n in range(1, COUNT + 1) if (n - 1) % 4 < 2 and n % 5 != 0]
