"""``mhsh events``: what it takes, when it ends, and with which status."""

from __future__ import annotations

import argparse
import io

import pytest

from matahari.console import ConsoleEvent
from matahari.shell.base.outcome import ExitStatus
from matahari.shell.base.parser import Parser
from matahari.shell.direct.events import add_event_options, check_events, run_events
from matahari.shell.display.output import Output
from tests.support.fake_console import FakeConsole, fleet
from tests.support.fake_events import HEARTBEAT, heartbeat


def parsed(*argv: str, words: tuple[str, ...] = ()) -> argparse.Namespace:
    parser = Parser(prog="mhsh events")
    add_event_options(parser)
    options = parser.parse_args(argv)
    options.words, options.timeout = list(words), 3.0
    check_events(parser, options)
    return options


def run(console: FakeConsole, *argv: str, words: tuple[str, ...] = ()) -> tuple[ExitStatus, int]:
    out = io.StringIO()
    try:
        status = run_events(parsed(*argv, words=words), lambda options: console, Output(out, io.StringIO()))
    finally:
        assert console.is_closed
        assert not any(stream.is_open for stream in console.bus.streams)
    return status, len(out.getvalue().splitlines())


def scripted(*script: ConsoleEvent | None) -> FakeConsole:
    console = fleet()
    console.bus.script = script
    return console


def test_it_follows_until_an_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt):
        run(scripted(heartbeat("web1"), None), "--follow", "--heartbeats")


def test_it_ends_after_so_many() -> None:
    beats = (heartbeat("web1"), heartbeat("web2"))
    assert run(scripted(*beats), "--heartbeats", "--count", "1") == (ExitStatus.OK, 1)
    assert run(scripted(*beats), "--heartbeats", "-f", "-n2") == (ExitStatus.OK, 2)


def test_when_the_time_is_over_it_tells_whether_there_was_enough() -> None:
    brief = ("--for", "0.000001")
    nothing = [None] * 1000  # more than fit into that time
    assert run(scripted(*nothing), *brief) == (ExitStatus.NOTHING_MATCHED, 0)
    assert run(scripted(*nothing), *brief, "--count", "3") == (ExitStatus.NOTHING_MATCHED, 0)


def test_hosts_and_class_are_chosen() -> None:
    console = scripted(heartbeat("web1"))
    run(console, "-n", "1", "--hosts", "web*", "--class", HEARTBEAT)
    run(console, "-n", "1", words=("heartbeat",))
    assert console.bus.asked == [(HEARTBEAT, ["web1", "web2"]), (None, None)]


def test_heartbeats_are_left_out_unless_they_are_wanted() -> None:
    started = ConsoleEvent("event", "db1", "a:host:1", "org.matahariproject", "started", 6, 1, {})
    assert run(scripted(heartbeat("web1"), started), "-n", "1") == (ExitStatus.OK, 1)
    with pytest.raises(KeyboardInterrupt):
        run(scripted(heartbeat("web1")), "-n", "1")


def test_a_class_that_nobody_publishes_is_told() -> None:
    console, err = scripted(), io.StringIO()
    with pytest.raises(KeyboardInterrupt):
        run_events(parsed("-f", words=("hartbeat",)), lambda options: console, Output(io.StringIO(), err))
    assert err.getvalue() == "% no agent publishes the event class hartbeat; did you mean heartbeat?\n"


def test_a_filter_that_means_nobody_is_told_and_nothing_is_waited_for() -> None:
    console = scripted()
    assert run(console, "-f", "--hosts", "nosuch") == (ExitStatus.NOTHING_MATCHED, 5)
    assert run(console, "-f", "--hosts", "a b c") == (ExitStatus.USAGE, 4)
    assert console.bus.asked == []


def test_hosts_that_could_not_be_asked_make_the_status() -> None:
    console = scripted(heartbeat("web1"))
    console.deaf = {"db1"}
    status, lines = run(console, "-n", "1", "--hosts", "role = web or web1", "--heartbeats")
    assert (status, lines) == (ExitStatus.SOME_FAILED, 3)
    assert console.bus.asked == [(None, ["web1"])]


@pytest.mark.parametrize(
    ("argv", "words", "said"),
    [
        ((), (), "when shall it end? --follow for Ctrl-C, --count N events, or --for SECONDS"),
        (("--hosts", "web1"), (), "when shall it end?"),
        (("-f",), ("a", "b"), "one class of events at a time, not a and b"),
        (("-f", "--class", "a"), ("b",), "one class of events at a time, not b and a"),
        (("--count", "0"), (), "'0' is not a number of events"),
        (("--count", "x"), (), "'x' is not a number of events"),
        (("--count", "9" * 5000), (), "is not a number of events"),
        (("--count", "²"), (), "is not a number of events"),
        (("--for", "0"), (), "'0' is not a number of seconds above 0 and up to"),
        (("--for", "inf"), (), "is not a number of seconds"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(
    argv: tuple[str, ...], words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed(*argv, words=words)
    assert ended.value.code == ExitStatus.USAGE
    assert said in capsys.readouterr().err
