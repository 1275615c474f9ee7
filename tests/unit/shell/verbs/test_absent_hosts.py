"""Hosts that have left since they were selected, hang, or are misspelt: the others go on, and these are told."""

from __future__ import annotations

import pytest

from matahari.console import AgentSummary, ConsoleEvent
from matahari.shell.base.outcome import ExitStatus
from matahari.shell.direct.target import choose_hosts
from tests.support.shell import ASTERISK, TestShell, without_time

GHOSTS = [
    AgentSummary("matahariproject.org:host:1", "", "host"),
    AgentSummary("matahariproject.org:rpc:2", "", "rpc"),
]
UNKNOWN = "% a host of unknown name did not answer; {}: matahariproject.org:host:1, matahariproject.org:rpc:2\n"
OK, NOTHING, SOME = ExitStatus.OK, ExitStatus.NOTHING_MATCHED, ExitStatus.SOME_FAILED


def shell_after_leaving(select: str = "select hosts *1 or web2") -> TestShell:
    """Three hosts are selected, of which web2 has left."""
    shell = TestShell()
    assert shell.run(select) is OK
    shell.console.gone = {"web2"}
    shell.out(), shell.err()
    return shell


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (ASTERISK, ""),
        ("select class Host", ""),
        ("show facts", "db1  os"),
        ("show plugins", "asterisk"),
        ("show hosts", "db1 "),
        ("show agents", "db1 "),
        ("show classes", "Host"),
        ("list agents", "matahariproject.org:host:db1"),
        ("events -n 1", ""),
    ],
)
def test_a_host_that_has_left_is_named_once_and_the_others_go_on(line: str, shown: str) -> None:
    shell = shell_after_leaving()
    for values in shell.console.kind("Host").values["db1"].values():
        values["facts"] = {"os": "debian"}
    shell.console.bus.script = [ConsoleEvent("event", "db1", "a", "p", "n")]
    assert shell.run(line) is SOME
    text = shell.out() + shell.err()
    assert text.count("% web2 is not on the bus") == text.count("web2") == 1
    assert shown in text


def test_a_host_that_has_left_hinders_no_other_from_being_taken_back() -> None:
    shell = shell_after_leaving("select hosts *1 or web2; select class Host")
    assert shell.run("no select host db1") is SOME
    assert shell.session.selection.hosts == ("web1", "web2")
    assert [one.host for one in shell.session.objects or ()] == ["web1"]


def test_a_call_counts_a_selected_host_that_has_left_as_silent() -> None:
    shell = shell_after_leaving()
    shell.run(ASTERISK)
    shell.out(), shell.err()
    assert shell.run("call num_calls") is SOME
    assert without_time(shell.err()) == "3 hosts: 2 answered, 0 failed, 1 silent (not on the bus: web2)\n"


def test_when_all_that_were_selected_have_left_that_is_what_is_said() -> None:
    shell = shell_after_leaving("select host web2")
    assert shell.run("select class Host") is NOTHING
    assert "% web2 is not on the bus\n" in shell.out()
    shell = shell_after_leaving("select host web1 web2")
    shell.console.gone.add("web1")
    assert shell.run("show facts") is NOTHING
    assert "% None of the 2 selected hosts is on the bus\n" in shell.out()


def test_a_name_that_is_typed_is_still_refused() -> None:
    shell = shell_after_leaving()
    assert shell.run("select host web2") is NOTHING
    assert 'Host "web2" not found' in shell.out()


@pytest.mark.parametrize("line", ["list hosts", "list agents", "show hosts", "show agents"])
def test_lists_of_hosts_and_agents_tell_who_hangs(line: str) -> None:
    shell = TestShell()
    assert shell.run(line) is OK
    shell.console.ghosts = GHOSTS
    shell.out()
    assert shell.run(line) is SOME
    assert UNKNOWN.format("not listed") in shell.out()
    shell.run("select host web1")
    assert shell.run(line) is (SOME if line == "list hosts" else OK)  # only this one ignores the selection


@pytest.mark.parametrize("where", ["db*", "not web1", "db1 or db2"])
def test_a_host_of_unknown_name_that_may_be_meant_is_told_and_counts_as_silent(where: str) -> None:
    shell = TestShell()
    shell.console.ghosts = GHOSTS
    chosen = choose_hosts(shell.session, where)
    assert (chosen.status, list(chosen.undecided)) == (SOME, GHOSTS)
    assert UNKNOWN.format("undecided and left out") in shell.out()
    assert shell.run(f"select hosts {where}") is SOME
    assert UNKNOWN.format("undecided and not selected") in shell.out()
    shell.run("select host db1 web1" if where == "db*" else f"select hosts {where}")
    shell.run(ASTERISK)
    shell.err()
    is_known = where == "db*"  # these names were typed, and found
    assert shell.run("call num_calls") is (OK if is_known else SOME)
    assert f" {0 if is_known else 1} silent" in (shell.err() or " 1 silent")


def test_without_a_filter_a_call_counts_them_too() -> None:
    shell = TestShell()
    shell.console.ghosts = GHOSTS
    assert shell.run(ASTERISK) is SOME
    shell.err()
    assert shell.run("call num_calls") is SOME
    assert without_time(shell.err()) == "4 hosts: 3 answered, 0 failed, 1 silent\n"


def test_names_beside_others_that_no_host_has_are_told_with_what_may_be_meant() -> None:
    shell = TestShell()
    chosen = choose_hosts(shell.session, "web1 or (wep2 or (not db9)) or WEB1")
    assert ("web1" in chosen.names, chosen.status) == (True, SOME)
    assert shell.out() == '% no host is called "wep2"; did you mean web2?\n\n'
    assert shell.run("select hosts db1 or other") is SOME
    assert '% no host is called "other"\n' in shell.out()
    shell.console.ghosts = GHOSTS
    choose_hosts(shell.session, "db1 or db2")
    assert '% no host is called "db2", of those that announced themselves\n' in shell.out()


def test_of_many_names_that_no_host_has_some_are_told() -> None:
    shell = TestShell()
    choose_hosts(shell.session, " or ".join(["db1", *(f"x{at}" for at in range(20))]))
    assert "% and 12 more names that no host has\n" in shell.out()
