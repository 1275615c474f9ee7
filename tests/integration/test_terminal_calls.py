"""mhsh on a terminal: calls that take long or tell much, Ctrl-C, and a broker that goes away."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest

from tests.support.node import TIME, Box, box
from tests.support.stage import PLUGIN, SELECT, SHORT, stage
from tests.support.terminal import CTRL_C, ENTER, Terminal, open_shell

pytestmark = pytest.mark.integration

MANY = 10_000
CLOSING = r"2 hosts: {}, 0 silent, \d+\.\d\d s"
LONG = 60 * TIME


@pytest.fixture(scope="module")
def place() -> Iterator[Box]:
    with stage() as made:
        yield made


@pytest.fixture
def shell(place: Box) -> Iterator[Terminal]:
    with open_shell(place) as terminal:
        terminal.run(SELECT)
        terminal.screen.clear()
        yield terminal


def test_ctrl_c_ends_a_long_call_on_its_host_and_what_is_in_is_shown(shell: Terminal, place: Box) -> None:
    gate = place.home / "gate"
    os.mkfifo(gate)
    shell.typed(f"call copy {gate}")
    shell.type(ENTER)
    with gate.open():  # opens when the plugin opens it too: the call runs on beta
        shell.shows("^alpha: copied$")
        shell.shows("^beta:  copying$")
        shell.shows(r"^beta: 1/4 \(25 %\) first of four$")  # the line at the bottom
        assert shell.screen.before_cursor.startswith("beta: 1/4")
        shell.type(CTRL_C)
    shell.shows("^% cancelling; Ctrl-C again stops waiting for the hosts$")
    with gate.open():  # the plugin has seen it: it ran until now, and does no more
        pass
    shell.wait_prompt()
    shell.shows("^beta:  % copy was cancelled by its caller$")
    shell.shows(rf"^{CLOSING.format('1 answered, 1 failed')}")
    assert "first of four" not in shell.screen.text
    assert shell.screen.before_cursor == SHORT
    assert sorted(shell.run("call add 1")[:2]) == ["alpha: 3", "beta:  3"]


def test_ctrl_c_ends_a_watch_and_the_last_round_stays(shell: Terminal) -> None:
    shell.typed("watch -n 0.1 call add 40")
    shell.type(ENTER)
    for _ in range(3):
        at = len(shell.stream)
        shell.shown(r"\x1b\[H\x1b\[2JEvery 0\.1 s: call add 40  \d\d:\d\d:\d\d", since=at)
        shell.shown("alpha: 42", since=at)
    shell.type(CTRL_C)
    shell.wait_prompt()
    assert shell.screen.lines[0].startswith("Every 0.1 s: call add 40  ")
    assert shell.screen.before_cursor == SHORT
    assert shell.run("echo") != []
    assert sorted(shell.run("call add 1")[:2]) == ["alpha: 3", "beta:  3"]


def test_ctrl_c_ends_the_events(shell: Terminal, place: Box) -> None:
    shell.typed("events")
    shell.type(ENTER)
    shell.shows("^listening to all hosts; Ctrl-C ends$")
    with place.agent("--only", "host", "--hostname", "gamma", "--state", "gamma-state"):
        shell.shows(r"gamma")
    shell.type(CTRL_C)
    shell.wait_prompt()
    assert any("gamma" in row for row in shell.run("show events"))


def test_ten_thousand_lines_arrive_in_order_however_they_are_told(shell: Terminal) -> None:
    shell.run("select host beta")
    rows = shell.run(f"call listing {MANY}", timeout=LONG)
    assert rows == ["beta:", *(f"    line {number}" for number in range(MANY))]
    rows = shell.run(f"call report {MANY}", timeout=LONG)
    assert rows == [*(f"beta: out {number}" for number in range(MANY)), "beta: reported"]
    rows = shell.run(f"call numbers {MANY}", timeout=LONG)
    assert rows == [f"beta: {number}" for number in (*range(MANY), MANY)]
    assert shell.run("call add 1") == ["beta: 3"]


def test_a_flood_of_two_hosts_is_ended_in_the_middle(shell: Terminal) -> None:
    shell.typed("call endless")
    shell.type(ENTER)
    for host in ("alpha", "beta"):
        shell.shown(rf"{host}: +out 1000\r\n", timeout=LONG)
    shell.type(CTRL_C)
    shell.wait_prompt(timeout=LONG)
    told = shell.screen.everything
    for host in ("alpha", "beta"):
        told_by_host = [int(row.split()[-1]) for row in told if re.match(rf"{host}: +out ", row)]
        assert told_by_host == list(range(len(told_by_host)))
        assert any(re.fullmatch(rf"{host}: +% endless was cancelled by its caller", row) for row in told)
    assert any(re.fullmatch(CLOSING.format("0 answered, 2 failed"), row) for row in told)
    assert sorted(shell.run("call add 1")[:2]) == ["alpha: 3", "beta:  3"]


def test_a_second_ctrl_c_at_once_gives_the_prompt_back(shell: Terminal, place: Box) -> None:
    gate = place.home / "again"
    os.mkfifo(gate)
    shell.typed(f"call copy {gate}")
    shell.type(ENTER)
    with gate.open():
        shell.shows("^beta:  copying$")
        shell.type(CTRL_C)
        shell.shows("^% cancelling")
        shell.type(CTRL_C)
        shell.wait_prompt()
    with gate.open():
        pass
    assert sorted(shell.run("call add 1")[:2]) == ["alpha: 3", "beta:  3"]


class TestBroker:
    """A broker that is killed, and comes back."""

    @pytest.fixture
    def lonely(self) -> Iterator[Box]:
        with box() as made:
            made.save("stage.py", PLUGIN.replace('"alpha"', '"beta"'))
            yield made

    def test_it_may_go_away_at_the_prompt_and_in_a_call_and_come_back(self, lonely: Box) -> None:
        words = ("--state", "state", "--plugins", "plugins", "--hostname", "beta")
        gate = lonely.home / "gate"
        os.mkfifo(gate)
        broker = lonely.broker()
        with broker, lonely.agent(*words), open_shell(lonely) as shell:
            shell.run(SELECT)
            assert shell.run("call add 1") == ["beta: 3"]
            broker.kill()
            shell.type("list")  # typing goes on
            shell.edits("list")
            rows = shell.run(" hosts")
            print("at the prompt, killed:", rows)
            rows = shell.run("call add 1")
            print("call, killed:", rows)
            with lonely.broker() as again:
                while not (rows := shell.run("call add 1")) == ["beta: 3"]:
                    print("again", rows)
                shell.typed(f"call copy {gate}")
                shell.type(ENTER)
                with gate.open():
                    shell.shows("^beta: copying$")
                    again.kill()
                    shell.wait_prompt()
                print(shell.screen.text)
                with gate.open():
                    pass
            with lonely.broker():
                while not (rows := shell.run("call add 1")) == ["beta: 3"]:
                    print("again", rows)
        assert 0
