"""mhsh on a terminal: calls that take long or tell much, Ctrl-C, and a broker that goes away."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from tests.support.node import TIME, Box, box
from tests.support.stage import BETA, PLUGIN, SELECT, SHORT, Gate, stage
from tests.support.terminal import CTRL_C, ENTER, Terminal, open_shell

pytestmark = [pytest.mark.integration, pytest.mark.together]

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
    gate = Gate(place.home / "gate")
    shell.typed(f"call copy {gate.path}")
    shell.type(ENTER)
    gate.wait()  # it runs on beta
    shell.shows("^alpha: copied$")
    shell.shows("^beta:  copying$")
    shell.shows(r"^beta: 1/4 \(25 %\) first of four$")  # the line at the bottom
    assert shell.screen.before_cursor.startswith("beta: 1/4")
    shell.type(CTRL_C)
    shell.shows("^% cancelling; Ctrl-C again stops waiting for the hosts$")
    gate.wait()  # it was told
    shell.wait_prompt()
    shell.shows("^beta:  % copy was cancelled by its caller$")
    shell.shows(rf"^{CLOSING.format('1 answered, 0 failed, 1 cancelled')}")
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
    assert sorted(shell.run("call add 1")[:2]) == ["alpha: 3", "beta:  3"]


def test_ctrl_c_ends_the_events(shell: Terminal, place: Box) -> None:
    shell.typed("events")
    shell.type(ENTER)
    shell.shows("^listening to all hosts, heartbeats left out; Ctrl-C ends$")
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
    """All comes once, in order, behind its host; nothing of it is lost at Ctrl-C."""
    shell.typed("call endless")
    shell.type(ENTER)
    for host in ("alpha", "beta"):
        shell.shown(rf"{host}: +out 1000\r\n", timeout=LONG)
    shell.type(CTRL_C)
    shell.wait_prompt(timeout=LONG)
    told = [row.replace("^C", "") for row in shell.screen.everything]  # its echo stands wherever the output was
    assert any(row.startswith("% cancelling") for row in told)
    for host in ("alpha", "beta"):
        lines = [row.removeprefix(f"{host}:").strip() for row in told if row.startswith(f"{host}:")]
        assert lines.pop() == "% endless was cancelled by its caller"
        assert len(lines) > 1000
        assert lines == [f"out {number}" for number in range(len(lines))]
    assert any(re.fullmatch(CLOSING.format("0 answered, 0 failed, 2 cancelled"), row) for row in told)
    assert sorted(shell.run("call add 1")[:2]) == ["alpha: 3", "beta:  3"]


def test_a_second_ctrl_c_at_once_gives_the_prompt_back(shell: Terminal, place: Box) -> None:
    gate = Gate(place.home / "again")
    shell.typed(f"call copy {gate.path}")
    shell.type(ENTER)
    gate.wait()
    shell.type(CTRL_C)
    shell.shows("^% cancelling")
    shell.type(CTRL_C)  # while it waits at the gate, and so cannot end
    shell.wait_prompt()
    gate.wait()
    assert sorted(shell.run("call add 1")[:2]) == ["alpha: 3", "beta:  3"]


class TestBroker:
    """A broker that is killed, and comes back."""

    @pytest.fixture
    def lonely(self) -> Iterator[Box]:
        with box() as made:
            made.save("stage.py", PLUGIN.replace(*BETA))
            yield made

    def test_it_may_go_away_at_the_prompt_and_in_a_call_and_come_back(self, lonely: Box) -> None:
        words = ("--state", "state", "--plugins", "plugins", "--hostname", "beta")
        gate = Gate(lonely.home / "gate")
        broker = lonely.broker()
        with broker, lonely.agent(*words), open_shell(lonely, "-t", f"{3 * TIME:g}") as shell:
            shell.run(SELECT)
            assert shell.run("call add 1") == ["beta: 3"]
            broker.kill()
            nobody = "% there is no connection to .* at the moment; it is being tried again"
            for line, head in (("list hosts", ""), ("call add 1", "beta: "), ("select class Host", "")):
                rows = [row for row in shell.run(line) if row and not row.startswith("mhsh: ")]
                assert len(rows) == 1
                assert re.fullmatch(head + nobody, rows[0])
            assert shell.screen.before_cursor == SHORT
            with lonely.broker() as again:
                self.call(shell)
                shell.typed(f"call copy {gate.path}")
                shell.type(ENTER)
                gate.wait()
                shell.shows("^beta: copying$")
                again.kill()
                shell.wait_prompt()
                shell.shows("^beta: % the connection to .* was lost: ")
                gate.wait()  # the agent ends what nobody waits for
            with lonely.broker():
                self.call(shell)
                assert shell.run("list hosts") == ["beta"]

    def call(self, shell: Terminal) -> None:
        """Call until it is answered: shell and agent connect again, each at its time."""
        deadline = time.monotonic() + 30 * TIME
        while (rows := shell.run("call add 1")) != ["beta: 3"]:
            assert time.monotonic() < deadline, rows
