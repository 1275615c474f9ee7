"""``time`` and ``watch``: syntax, what they run, and what they do not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from matahari.shell.base.outcome import ExitStatus
from matahari.shell.base.selection import take_snapshot
from tests.support.shell import CALC, TestShell

NAMES = "db1\nweb1\nweb2\n"


def ticking() -> TestShell:
    """A shell whose clock is a quarter of a second later each time that it is read."""
    ticks: Iterator[float] = iter(at / 4 for at in range(1000))
    return TestShell(clock=lambda: next(ticks))


def never(seconds: float) -> None:
    raise AssertionError("there is nothing to wait for")


def test_time_runs_a_command_and_tells_how_long_it_took_and_how_many_rows_there_were() -> None:
    shell = ticking()
    assert shell.run("time list hosts") is ExitStatus.OK
    assert (shell.out(), shell.err()) == (NAMES, "0.250 s, 3 rows\n")


def test_time_counts_the_answers_of_a_call() -> None:
    shell = ticking()
    shell.run(f"{CALC}; time call add 1 2")
    assert shell.err().endswith(" s, 3 answers\n")
    shell.run("time call boom")
    assert shell.err().endswith(" s, 1 answer\n")


def test_what_prints_nothing_is_timed_alone() -> None:
    shell = ticking()
    shell.run("time select host web1")
    assert shell.err() == "0.250 s\n"
    assert shell.session.selection.hosts == ("web1",)


def test_the_status_is_that_of_the_command() -> None:
    shell = TestShell()
    assert shell.run("time list nothing") is ExitStatus.USAGE
    assert shell.run("time get hostname") is ExitStatus.USAGE
    assert shell.run(f"{CALC}; time call boom") is ExitStatus.SOME_FAILED
    assert shell.run("watch -c 2 list nothing") is ExitStatus.USAGE
    assert shell.run("watch -c 2 call boom") is ExitStatus.SOME_FAILED


def test_a_select_that_fails_within_ends_the_line() -> None:
    shell = TestShell()
    assert '% Host "nosuch" not found' in shell.says("time select host nosuch; list hosts")
    assert NAMES not in shell.says("time select host nosuch; list hosts")
    assert NAMES not in shell.says("watch -c 3 select host nosuch; list hosts")


def test_the_time_is_told_after_an_interrupt_too() -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    shell = TestShell(sleep=interrupted)
    with pytest.raises(KeyboardInterrupt):
        shell.run("time sleep 5")
    assert shell.err() == "0.000 s\n"


def test_a_quoted_word_is_a_whole_line() -> None:
    shell = ticking()
    assert shell.says("time 'select host web1; list hosts'") == NAMES
    assert shell.session.selection.hosts == ("web1",)
    assert shell.says('watch -c 2 "list packages; list hosts"').count(NAMES) == 2


def test_words_in_quotes_stay_what_they_are() -> None:
    shell = TestShell()
    shell.run(f"select host web1; {CALC}")
    assert shell.says("time call pair 'a ; b' {\"x\": [1]}") == 'web1: [["a ; b", {"x": [1]}], {}]\n'


def test_faults_are_pointed_at_where_they_were_typed() -> None:
    shell = TestShell()
    assert shell.says("watch -n 5 sleep x") == (
        '% Invalid argument value ("x" is not a number)\n%     sleep x\n%           ^\n\n'
    )
    assert shell.says("watch -n 5 -c x list hosts") == (
        '% Invalid argument value ("x" is not an integer)\n%     watch -n 5 -c x list hosts\n%                   ^\n\n'
    )


FAULTS = [
    ("time", "Missing arguments: 'COMMAND'"),
    ("watch", "Missing arguments: '(-n SECONDS) (-c COUNT) COMMAND'"),
    ("watch -n 5", "Missing arguments: 'COMMAND'"),
    ("watch -n", "Missing arguments: 'SECONDS"),
    ("watch -n 0 list hosts", "Value 0 underflows minimum of range (0.1)"),
    ("watch -n x list hosts", '"x" is not a number'),
    ("watch -n 1e9 list hosts", "overflows maximum of range (86400)"),
    ("watch -c 0 list hosts", "Value 0 underflows minimum of range (1)"),
    ("watch -x list hosts", "There is no option '-x' here, only -n SECONDS and -c COUNT"),
    ("watch -nx list hosts", '"x" is not a number'),
    ("watch -c 2 -x 1 list hosts", "There is no option '-x' here, only -n SECONDS and -c COUNT"),
    ("time time list hosts", "time cannot be run here"),
    ("time watch list hosts", "watch cannot be run here"),
    ('time "time list hosts"', "time cannot be run here"),
    ("watch wa list hosts", "watch cannot be run here"),
    ("watch watch list hosts", "watch cannot be run here"),
    ("watch 'list hosts; watch list hosts'", "watch cannot be run here"),
    ("time ''", "There is no command in it"),
    ("time '# nothing'", "There is no command in it"),
    ("time 'list \"hosts'", "Unclosed quote"),
]


@pytest.mark.parametrize(("line", "said"), FAULTS)
def test_what_cannot_be_run_is_refused_at_once(line: str, said: str) -> None:
    shell = TestShell(sleep=never)
    shown = shell.says(line)
    assert said in shown
    assert NAMES not in shown
    assert shell.run(line) is ExitStatus.USAGE


def test_an_unknown_command_is_told_once() -> None:
    shell = TestShell(sleep=never)
    assert shell.says("watch frobnicate") == "*** Unknown syntax: frobnicate\n\n"
    assert shell.says("time frobnicate") == "*** Unknown syntax: frobnicate\n\n"


def test_deep_nesting_is_refused_and_not_followed() -> None:
    shell = TestShell(sleep=never)
    assert shell.run("time " * 5000 + "list hosts") is ExitStatus.USAGE
    assert shell.run("watch " * 5000 + "list hosts") is ExitStatus.USAGE
    commands = shell.session.commands(take_snapshot(shell.console))
    assert commands.complete("time " * 5000) == (25_000, [])
    assert commands.complete("watch " * 5000) == (30_000, [])


def test_watch_may_watch_the_time() -> None:
    shell = ticking()
    shell.run("watch -c 2 time list hosts")
    assert shell.out() == NAMES * 2
    assert shell.err().count("0.250 s, 3 rows\n") == 2


def test_a_line_that_is_echoed_is_echoed_once() -> None:
    shell = TestShell()
    shell.session.echo = True
    shell.run("time list hosts; list packages")
    assert shell.err().count("mhsh> ") == 2
    assert shell.session.echo


COMPLETIONS = [
    ("ti", 0, ["time ", "timeout "]),
    ("wat", 0, ["watch "]),
    ("time li", 5, ["list "]),
    ("time list ho", 10, ["hosts "]),
    ("time wa", 5, []),
    ("time ti", 5, ["timeout "]),
    ("watch ti", 6, ["time ", "timeout "]),
    ("watch wa", 6, []),
    ("watch time list ho", 16, ["hosts "]),
    ("watch time wa", 11, []),
    ("watch -", 6, ["-n ", "-c "]),
    ("watch -n 5 -", 11, ["-c "]),
    ("watch -c 5 -", 11, ["-n "]),
    ("watch -n 5 -c 3 select host we", 28, ["web1", "web2"]),
    ("watch -c 3 -n 5 select host we", 28, ["web1", "web2"]),
]


@pytest.mark.parametrize(("typed", "column", "suggestions"), COMPLETIONS)
def test_what_is_wrapped_completes_as_it_does_alone(typed: str, column: int, suggestions: list[str]) -> None:
    shell = TestShell()
    assert shell.session.commands(take_snapshot(shell.console)).complete(typed) == (column, suggestions)


@pytest.mark.parametrize(
    "line",
    ["watch -n 5 -c 2 list hosts", "watch -c 2 -n 5 list hosts", "watch -n5 -c2 list hosts", "wat -c 2 -n 5 li ho"],
)
def test_options_of_watch_stand_in_either_order(line: str) -> None:
    waited: list[float] = []
    shell = TestShell(sleep=waited.append)
    assert shell.says(line) == NAMES * 2
    assert waited == [5.0]


def test_help_tells_both() -> None:
    shell = TestShell()
    assert shell.says("help time").startswith(" > time COMMAND\n\nRun a command and tell how long it took")
    assert shell.says("help watch").startswith(
        " > watch (-n SECONDS) (-c COUNT) COMMAND\n\nRun a command again and again"
    )
