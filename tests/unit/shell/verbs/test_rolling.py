"""``roll call …``: batch by batch at the shell, as direct calls do it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from matahari.errors import AbortedError
from matahari.shell.base.outcome import ExitStatus
from matahari.shell.base.selection import Snapshot
from tests.support.shell import CALC, TestShell

CLOSING = "3 hosts: 3 answered, 0 failed, 0 silent, 0.00 s\n"


def shell(*broken: str) -> TestShell:
    """A shell on which calc is selected; ``show`` fails on some hosts."""

    def show(host: str, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        if host in broken:
            raise AbortedError("no", remote_type="")
        return host

    made = TestShell()
    made.console.kind("calc").behaviours["show"] = show
    made.run(CALC)
    made.out()
    made.err()
    return made


def test_a_call_goes_batch_by_batch_and_the_next_one_does_not() -> None:
    made = shell()
    assert made.run("roll -b 2 -p 0.1 call show") is ExitStatus.OK
    assert made.out() == "db1:  db1\nweb1: web1\nweb2: web2\n"
    assert made.err() == f"batch 1 of 2: db1, web1\nbatch 2 of 2: web2\n{CLOSING}"
    made.run("call show")
    assert made.err() == CLOSING


def test_a_canary_that_fails_spares_the_others() -> None:
    made = shell("db1")
    assert made.run("roll -c 1 call show") is ExitStatus.SOME_FAILED
    assert made.out() == "db1:  % no\n"
    assert made.err().endswith("2 not asked, 0.00 s\nnot asked: web1, web2 (a canary failed)\n")
    assert made.run("roll -b1 -f0 call show") is ExitStatus.SOME_FAILED
    assert made.err().endswith("not asked: web1, web2 (too many hosts failed before)\n")


def test_a_sample_is_for_this_call_alone() -> None:
    made = shell()
    prompt = made.session.prompt
    made.run("roll -l 34% call show")
    assert made.err().startswith("2 of 3 hosts, taken at random\n")
    assert len(made.out().splitlines()) == 2
    assert made.session.prompt == prompt
    made.run("call show")
    assert made.err() == CLOSING


def test_a_call_that_is_interrupted_leaves_no_trace() -> None:
    def interrupt(host: str, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        raise KeyboardInterrupt

    made = shell()
    made.console.kind("calc").behaviours["show"] = interrupt
    with pytest.raises(KeyboardInterrupt):
        made.run("roll -b 1 -l 2 call show")
    assert "not asked: " in made.err()
    assert made.session.steps is None and made.session.selection.hosts == ()


def test_it_can_be_timed_and_several_calls_are_rolled_in_quotes() -> None:
    made = shell()
    assert made.run("time roll -b 2 'call show; call show'") is ExitStatus.OK
    assert made.err().count("batch 2 of 2: web2\n") == 2


FAULTS = [
    ("roll", "Missing arguments"),
    ("roll -b 2", "Missing arguments: 'call'"),
    ("roll -b 0 call show", "'0' is neither a number of hosts from 1 on nor a share as 10%"),
    ("roll -f 101% call show", "neither a number of hosts from 0 on"),
    ("roll -c x call show", "Invalid argument value"),
    ("roll -p -1 call show", "underflows"),
    ("roll -x 1 call show", "There is no option '-x' here"),
    ("roll -b 2 list hosts", "Only calls can be rolled"),
    ("roll -b 2 'call show; list hosts'", "Only calls can be rolled"),
    ("roll -b 2 'call show | count'", "Only calls can be rolled"),
    ("roll -b 2 roll -b 2 call show", "Only calls can be rolled"),
    ("roll -p 2 call show", "pause and max_failures need a batch or a canary"),
]


@pytest.mark.parametrize(("line", "said"), FAULTS)
def test_what_cannot_be_meant_calls_nothing(line: str, said: str) -> None:
    made = shell()
    assert made.run(line) is ExitStatus.USAGE
    assert said in made.out()
    assert made.console.calls == [] and made.session.steps is None


def test_without_a_class_there_is_nothing_to_call() -> None:
    made = TestShell()
    assert made.run("roll -l 1 call show") is not ExitStatus.OK
    assert made.session.steps is None


def test_options_and_the_call_complete() -> None:
    commands = shell().session.commands(Snapshot())
    assert commands.complete("roll ") == (5, ["-b ", "-c ", "-p ", "-f ", "-l ", "call "])
    assert commands.complete("roll -b 2 c") == (10, ["call "])
    assert commands.complete("roll -b 2 call sh") == (15, ["show "])
    assert "-b: so many hosts at a time" in TestShell().says("help roll")
