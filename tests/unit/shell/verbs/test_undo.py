"""``no …`` and ``clear …``."""

from __future__ import annotations

import pytest

from matahari.shell.base.outcome import ExitStatus
from matahari.shell.base.selection import Snapshot
from tests.support.shell import TestShell

BOTH = "select host web1 web2; select class Host; select property hostname web1; select property update_interval 5"

UNDONE = [
    ("no select host", "mhsh [org.matahariproject:Host]*> "),
    ("no select hosts", "mhsh [org.matahariproject:Host]*> "),
    ("n sel ho", "mhsh [org.matahariproject:Host]*> "),
    ("clear hosts", "mhsh [org.matahariproject:Host]*> "),
    ("no select class", "mhsh (host)> "),
    ("no sel cl", "mhsh (host)> "),
    ("no select property", "mhsh (host)[org.matahariproject:Host]> "),
    ("no select property hostname; no sel pr update_interval", "mhsh (host)[org.matahariproject:Host]> "),
    ("no select class; no select host; no select host; no select property; no select class", "mhsh> "),
]


@pytest.mark.parametrize(("line", "prompt"), UNDONE)
def test_what_was_selected_is_taken_back(line: str, prompt: str) -> None:
    shell = TestShell()
    assert shell.run(f"{BOTH}; {line}") is ExitStatus.OK
    assert shell.session.prompt == prompt


def test_one_host_or_filter_of_several_is_taken_back() -> None:
    shell = TestShell()
    shell.run(f"{BOTH}; no select property hostname; no select host web1")
    assert shell.session.selection.filters == {"update_interval": 5}
    assert shell.session.selection.hosts == ("web2",)
    shell.run("no select host web2")
    assert shell.session.prompt == "mhsh [org.matahariproject:Host]*> "


@pytest.mark.parametrize("line", ["no select host db1", "no select property load"])
def test_what_was_not_selected_cannot_be_taken_back_and_what_follows_is_not_run(line: str) -> None:
    shell = TestShell()
    shell.run(BOTH)
    before = shell.session.selection
    assert shell.run(f"{line}; clear all") is ExitStatus.NOTHING_MATCHED
    assert shell.session.selection == before
    assert shell.session.is_lost


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("no", "% Undo what?\n% What can be:\n"),
        ("no call reboot", '% "call" cannot be undone\n% What can be:\n%     no select host ([HOST])\n'),
        ("no select", "% Invalid Command:"),
        ("no select everything", "% Invalid Command:"),
    ],
)
def test_anything_else_tells_what_can_be(line: str, said: str) -> None:
    shell = TestShell()
    assert shell.run(line) is ExitStatus.USAGE
    told = shell.out()
    assert told.startswith(said)
    assert "%     no select property (NAME)\n" in told


def test_hosts_and_filters_that_are_chosen_complete() -> None:
    shell = TestShell()
    shell.run(BOTH)
    commands = shell.session.commands(Snapshot(("elsewhere",)))
    assert commands.complete("no select host ") == (15, ["web1", "web2"])
    assert commands.complete("no select property h") == (19, ["hostname "])
    assert commands.complete("no ") == (3, ["select "])
