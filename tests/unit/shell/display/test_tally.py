"""The closing line and the exit status of a call."""

from __future__ import annotations

import pytest

from matahari.console import AgentSummary
from matahari.shell.base.outcome import ExitStatus
from matahari.shell.display.tally import Tally, absent_lines, unanswered_lines


@pytest.mark.parametrize(
    ("tally", "text", "status"),
    [
        (Tally(0, 0), "0 hosts: 0 answered, 0 failed, 0 silent", ExitStatus.NOTHING_MATCHED),
        (Tally(1, 1, 1), "1 host: 1 answered, 0 failed, 0 silent", ExitStatus.OK),
        (Tally(3, 3, 1, 1), "3 hosts: 1 answered, 1 failed, 1 silent", ExitStatus.SOME_FAILED),
        (Tally(2, 3, 0, 0), "2 hosts, 3 objects: 0 answered, 0 failed, 3 silent", ExitStatus.NONE_ANSWERED),
        (Tally(2, 2, 0, 2), "2 hosts: 0 answered, 2 failed, 0 silent", ExitStatus.SOME_FAILED),
    ],
)
def test_the_closing_line_and_status_follow_the_counts(tally: Tally, text: str, status: ExitStatus) -> None:
    assert (str(tally), tally.status) == (text, status)


def test_the_time_that_it_took_stands_behind_the_counts() -> None:
    tally = Tally(3, 3, 2, missing=["web7"], seconds=0.3449)
    assert str(tally) == "3 hosts: 2 answered, 0 failed, 1 silent, 0.34 s (not on the bus: web7)"


HUNG = "% Connected, but silent since this shell began: find the agent that hangs, and restart it"


def test_agents_that_did_not_answer_have_a_line_each_unless_they_are_many() -> None:
    agents = [AgentSummary(f"v:p:{at}", f"web{at}", "p") for at in range(30)]
    assert unanswered_lines(agents[:2]) == ["% web0 did not answer: v:p:0", "% web1 did not answer: v:p:1"]
    assert len(unanswered_lines(agents[:10])) == 10
    named = "web0, web1, web2, web3, web4, web5, web6, web7, web8, web9"
    assert unanswered_lines(agents) == [f"% 30 agents did not answer: {named} and 20 more"]
    assert unanswered_lines(agents[1:2], "not selected") == ["% web1 did not answer; not selected: v:p:1"]
    assert unanswered_lines(agents, "undecided") == [f"% 30 agents did not answer; undecided: {named} and 20 more"]


def test_agents_of_which_the_host_is_not_known_share_a_line_that_says_what_to_do() -> None:
    ghosts = [AgentSummary("v:host:1", "", "host"), AgentSummary("v:rpc:2", "", "rpc")]
    one = "% a host of unknown name did not answer; not listed: v:host:1, v:rpc:2"
    assert unanswered_lines(ghosts, "not listed") == [one, HUNG]
    known = AgentSummary("v:rpc:3", "web1", "rpc")
    two = "% 2 hosts of unknown name did not answer: v:host:1, v:rpc:2, v:rpc:4"
    lines = unanswered_lines([*ghosts, known, AgentSummary("v:rpc:4", "", "rpc")])
    assert lines == ["% web1 did not answer: v:rpc:3", two, HUNG]


def test_hosts_that_have_left_have_a_line_each_unless_they_are_many() -> None:
    assert absent_lines(["db2", "db3"]) == ["% db2 is not on the bus", "% db3 is not on the bus"]
    assert absent_lines([f"h{at}" for at in range(12)])[0].startswith("% 12 hosts are not on the bus: h0, h1, ")


def test_hosts_whose_objects_are_not_known_are_silent_and_a_failure() -> None:
    tally = Tally(2, 2, 2, unheard=1, absent=["db2"])
    assert str(tally) == "4 hosts: 2 answered, 0 failed, 2 silent (not on the bus: db2)"
    assert tally.status is ExitStatus.SOME_FAILED
