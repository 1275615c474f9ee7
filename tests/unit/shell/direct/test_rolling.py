"""Direct calls batch by batch: what is asked, told and left out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pytest

from matahari.errors import AbortedError
from matahari.shell.base.outcome import ExitStatus
from matahari.shell.mhsh import main
from tests.support.fake_classes import PLUGINS
from tests.support.fake_console import FakeConsole, fleet


def run(*argv: str, console: FakeConsole | None = None) -> int:
    return main(["call", *argv], connect=lambda options: console or fleet())


def failing(*hosts: str) -> FakeConsole:
    """A fleet on whose ``hosts`` calc.show fails."""

    def show(host: str, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        if host in hosts:
            raise AbortedError("no", remote_type="")
        return host

    console = fleet()
    console.kind("calc").behaviours["show"] = show
    return console


def test_batches_are_announced_and_results_shown_as_they_come(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("calc.show", "--batch", "2", "--pause", "0.1", console=failing()) == 0
    printed = capsys.readouterr()
    assert printed.out == "db1:  db1\nweb1: web1\nweb2: web2\n"
    first, second, closing = printed.err.splitlines()
    assert (first, second) == ("batch 1 of 2: db1, web1", "batch 2 of 2: web2")
    assert closing.startswith("3 hosts: 3 answered, 0 failed, 0 silent")


def test_a_canary_that_fails_ends_the_call_and_the_others_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("calc.show", "--canary", "1", console=failing("db1")) == ExitStatus.SOME_FAILED
    printed = capsys.readouterr()
    assert printed.out == "db1:  % no\n"
    assert printed.err.splitlines()[0] == "batch 1 of 2 (canary): db1"
    assert "0 answered, 1 failed, 0 silent, 2 not asked" in printed.err
    assert printed.err.endswith("not asked: web1, web2 (a canary failed)\n")


def test_too_many_failures_end_the_call_and_fewer_do_not(capsys: pytest.CaptureFixture[str]) -> None:
    console = failing("db1")
    assert run("calc.show", "--batch", "1", "--max-failures", "0", console=console) == ExitStatus.SOME_FAILED
    assert len(console.calls) == 1
    console = failing("db1")
    assert run("calc.show", "--batch", "34%", "--max-failures", "34%", console=console) == ExitStatus.SOME_FAILED
    assert "not asked" not in capsys.readouterr().err.splitlines()[-1]


def test_hosts_that_are_left_out_are_records(capsys: pytest.CaptureFixture[str]) -> None:
    run("calc.show", "--batch", "1", "--max-failures", "0", "--json", console=failing("db1"))
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one.get("ok") for one in records] == [False, None, None]
    assert records[1:] == [
        {
            "host": host,
            "agent": "",
            "class": f"{PLUGINS}:calc",
            "object": "",
            "name": "show",
            "not_asked": "failures",
        }
        for host in ("web1", "web2")
    ]


@pytest.mark.parametrize(("limit", "count"), [("1", 1), ("34%", 2), ("100%", 3), ("7", 3)])
def test_a_sample_is_taken_at_random_and_again_with_a_seed(
    limit: str, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = set()
    for _ in range(2):
        assert run("calc.show", "--limit", limit, "--seed", "7", console=failing()) == 0
        printed = capsys.readouterr()
        assert printed.err.startswith(f"{count} of 3 hosts, taken at random\n")
        assert len(printed.out.splitlines()) == count
        seen.add(printed.out)
    assert len(seen) == 1


def test_the_question_about_a_destructive_method_is_about_the_sample(capsys: pytest.CaptureFixture[str]) -> None:
    console = failing()
    for host in console.kind("calc").values:
        console.kind("calc").values[host]["calc"]["methods"] = {"show": {"effects": {"destructive": True}}}
    assert run("calc.show", "--limit", "1", "--canary", "1", console=console) == ExitStatus.USAGE
    assert "would be called on 1 host: " in capsys.readouterr().err
    assert not console.calls


def test_other_classes_are_called_batch_by_batch_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("org.matahariproject:Host.identify", "--batch", "1") == 0
    printed = capsys.readouterr()
    assert printed.out == "db1:  OK\nweb1: OK\nweb2: OK\n"
    assert printed.err.startswith("batch 1 of 3: db1\nbatch 2 of 3: web1\nbatch 3 of 3: web2\n")


def crowd(count: int, *broken: int, deaf: tuple[int, ...] = ()) -> FakeConsole:
    """So many hosts, host01 and on, of which some fail and some are silent."""
    console = failing(*(f"host{number:02}" for number in broken))
    kind = console.kind("calc")
    kind.values = {f"host{number:02}": kind.values["db1"] for number in range(1, count + 1)}
    console.deaf = {f"host{number:02}" for number in deaf}
    return console


def test_failures_of_many_hosts_are_shown_before_the_next_batch_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    console = crowd(20, 1, 2, 6, 17, deaf=(7,))
    said: list[str] = []
    show = console.kind("calc").behaviours["show"]

    def look(host: str, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        said.append(capsys.readouterr().out)
        show(host, args, kwargs)
        return "done"

    console.kind("calc").behaviours["show"] = look
    assert run("calc.show", "--batch", "25%", "--pause", "1", console=console) == ExitStatus.SOME_FAILED
    shown = [(at, one) for at, one in enumerate(said) if one]
    # The silent host is not asked; so the third batch begins with the tenth that is.
    assert shown == [(5, "2 hosts: % no  (host01, host02)\n"), (9, "host06: % no\nhost07: % no answer within 10 s\n")]
    assert capsys.readouterr().out == "15 hosts: done\nhost17:   % no\n"  # each is told once


def test_failures_of_few_hosts_too(capsys: pytest.CaptureFixture[str]) -> None:
    run("calc.show", "--batch", "1", console=failing("db1", "web2"))
    assert capsys.readouterr().out == "db1:  % no\nweb1: web1\nweb2: % no\n"


def test_records_come_once_and_as_they_come(capsys: pytest.CaptureFixture[str]) -> None:
    run("calc.show", "--batch", "5", "--json", console=crowd(20, 3))
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["host"] for one in records] == [f"host{number:02}" for number in range(1, 21)]


def test_of_many_hosts_that_are_left_out_some_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    run("calc.show", "--batch", "2", "--max-failures", "0", console=crowd(20, 1))
    named = ", ".join(f"host{number:02}" for number in range(3, 11))
    assert capsys.readouterr().err.endswith(f"not asked: {named} and 10 more (too many hosts failed before)\n")


def test_an_interrupt_cancels_and_begins_no_further_batch(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(host: str, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        raise KeyboardInterrupt

    console = fleet()
    console.kind("calc").behaviours["show"] = interrupt
    assert run("calc.show", "--batch", "1", console=console) == ExitStatus.INTERRUPTED
    assert len(console.calls) == 1
    printed = capsys.readouterr()
    assert "not asked: web1, web2 (the call was cancelled)" in printed.err
    assert console.is_closed
