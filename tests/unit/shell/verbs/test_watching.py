"""The rounds of ``watch``: pauses, screen, approval, end."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.display.approval import Risk
from matahari.shell.verbs.watching import MAX_APPROVED, Watch
from tests.support.shell import CALC, TestShell

NAMES = "db1\nweb1\nweb2\n"
NOON = 1_600_000_000_000_000_000
CLEAR = "\x1b[H\x1b[2J"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Rounds:
    """Counts pauses; at the given one Ctrl-C is pressed."""

    def __init__(self, last: int) -> None:
        self.waited: list[float] = []
        self._last = last

    def __call__(self, seconds: float) -> None:
        self.waited.append(seconds)
        if len(self.waited) == self._last:
            raise KeyboardInterrupt


def at_terminal(
    monkeypatch: pytest.MonkeyPatch, sleep: Callable[[float], None] = lambda s: None
) -> tuple[TestShell, Terminal]:
    monkeypatch.setenv("TERM", "xterm")
    shell, screen = TestShell(sleep=sleep), Terminal()
    shell.session.output.out = shell.session.output.err = screen
    return shell, screen


def test_it_goes_on_until_an_interrupt_and_the_shell_is_as_before() -> None:
    rounds = Rounds(3)
    shell = TestShell(sleep=rounds)
    approval = shell.session.approval
    with pytest.raises(KeyboardInterrupt):
        shell.run("watch list hosts")
    assert shell.out() == NAMES * 3
    assert rounds.waited == [2.0] * 3
    assert shell.session.approval is approval


def test_it_ends_after_the_given_number_of_rounds_without_a_pause_behind_the_last() -> None:
    rounds = Rounds(100)
    shell = TestShell(sleep=rounds)
    assert shell.run("watch -c 3 -n 0.5 list hosts") is ExitStatus.OK
    assert rounds.waited == [0.5, 0.5]


def test_where_there_is_no_terminal_a_line_beside_the_answers_parts_the_rounds() -> None:
    shell = TestShell()
    shell.run("watch -c 2 -n 5 list   hosts")
    first, second = shell.err().splitlines()
    for line in (first, second):
        assert line.startswith("--- Every 5 s: list hosts  ")
    assert shell.out() == NAMES * 2


def test_with_json_there_are_records_alone() -> None:
    shell = TestShell(as_json=True)
    assert [one["host"] for one in shell.records("watch -c 2 list hosts")] == ["db1", "web1", "web2"] * 2


def test_a_command_that_fails_is_run_again_and_one_that_is_wrong_is_not() -> None:
    rounds = Rounds(100)
    shell = TestShell(sleep=rounds)
    shell.run(CALC)
    assert shell.run("watch -c 3 call boom") is ExitStatus.SOME_FAILED
    assert len(rounds.waited) == 2
    assert shell.run("watch list nothing") is ExitStatus.USAGE
    assert len(rounds.waited) == 2


def test_quit_within_ends_it() -> None:
    rounds = Rounds(100)
    shell = TestShell(sleep=rounds)
    assert shell.run("watch quit") is ExitStatus.OK
    assert shell.session.finished
    assert rounds.waited == []


def test_on_a_terminal_each_round_has_the_screen_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    shell, screen = at_terminal(monkeypatch)
    watch = Watch(shell.session, " list  hosts", 2.0, now=lambda: NOON)
    assert watch.run(lambda: shell.run("list hosts"), 2) is ExitStatus.OK
    _, first, second = screen.getvalue().split(CLEAR)
    assert first == second
    head, empty, rest = first.split("\n", 2)
    assert head.startswith("Every 2 s: list hosts  ")
    assert (empty, rest) == ("", NAMES)
    assert shell.session.output.out is screen
    assert shell.session.output.err is screen


def test_the_last_round_can_be_read_until_the_next_one_says_something(monkeypatch: pytest.MonkeyPatch) -> None:
    shell, screen = at_terminal(monkeypatch)

    cleared: list[int] = []

    def look() -> None:
        cleared.append(screen.getvalue().count(CLEAR))

    def slow() -> ExitStatus:
        look()
        shell.session.output.remark("% told")
        look()
        shell.session.output.text("more")
        look()
        return ExitStatus.OK

    Watch(shell.session, "x", 2.0).run(slow, 2)
    assert cleared == [0, 1, 1, 1, 2, 2]


def test_a_round_that_says_nothing_clears_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    shell, screen = at_terminal(monkeypatch)
    shell.run("watch -c 3 clear all")
    assert screen.getvalue().count(CLEAR) == 3


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_clear_gets_lines(monkeypatch: pytest.MonkeyPatch, term: str) -> None:
    shell, screen = at_terminal(monkeypatch)
    monkeypatch.setenv("TERM", term)
    shell.run("watch -c 2 list hosts")
    assert CLEAR not in screen.getvalue()
    assert screen.getvalue().count("--- Every 2 s: list hosts") == 2


def test_remarks_that_go_elsewhere_do_not_clear_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    shell, screen = at_terminal(monkeypatch)
    shell.session.output.err = elsewhere = io.StringIO()

    def tell() -> ExitStatus:
        shell.session.output.remark("told")
        assert screen.getvalue() == ""
        return ExitStatus.OK

    Watch(shell.session, "x", 2.0).run(tell, 1)
    assert elsewhere.getvalue() == "told\n"


def test_the_header_is_harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    shell, screen = at_terminal(monkeypatch)
    Watch(shell.session, "call \x1b]0;x\x07\ny", 2.0).run(lambda: ExitStatus.OK, 1)
    assert "call \\x1b]0;x\\x07 y" in screen.getvalue()


class Person:
    """Answers questions about risks."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.asked: list[Risk] = []
        self._refuses = refuses

    def __call__(self, risk: Risk) -> None:
        self.asked.append(risk)
        if self._refuses:
            raise CommandError("not called", status=ExitStatus.INTERRUPTED)


def destructive(person: Person) -> TestShell:
    shell = TestShell()
    shell.session.ask_with(person)
    kind = shell.console.kind("calc")
    for values in kind.values.values():
        methods = values["calc"]["methods"]
        assert isinstance(methods, dict)
        for name in ("add", "show"):
            entry = methods[name]
            assert isinstance(entry, dict)
            entry["effects"] = {"destructive": True}
    shell.run(CALC)
    return shell


def test_a_destructive_method_is_asked_about_in_the_first_round_only() -> None:
    person = Person()
    shell = destructive(person)
    assert shell.run("watch -c 3 call add 1 2") is ExitStatus.OK
    assert len(shell.console.calls) == 3
    assert [risk.method for risk in person.asked] == ["add"]
    shell.run("call add 1 2")
    assert len(person.asked) == 2


def test_each_call_of_a_watched_line_is_asked_about() -> None:
    person = Person()
    shell = destructive(person)
    shell.run("watch -c 3 'call add 1 2; call add 3 4; call show'")
    assert [risk.method for risk in person.asked] == ["add", "add", "show"]


def test_who_is_asked_and_refuses_ends_it() -> None:
    person = Person(refuses=True)
    shell = destructive(person)
    assert shell.run("watch call add 1 2") is ExitStatus.INTERRUPTED
    assert shell.console.calls == []
    assert len(person.asked) == 1


def test_a_script_that_cannot_ask_is_refused_once() -> None:
    shell = destructive(Person())
    shell.session.ask_with(TestShell().session.approval)
    assert shell.run("watch call add 1 2") is ExitStatus.USAGE
    assert shell.console.calls == []


def test_more_hosts_than_were_approved_are_asked_about_again() -> None:
    person = Person()
    shell = destructive(person)
    steps = iter(["select host web1", "select host web1 web2", "select host web2", "select host web1 web2"])

    def step() -> ExitStatus:
        shell.run(next(steps))
        return shell.run("call add 1 2")

    Watch(shell.session, "", 2.0).run(step, 4)
    assert [risk.hosts for risk in person.asked] == [("web1",), ("web1", "web2")]


@pytest.mark.parametrize(
    "other", ["call show 1 3", "call show 1", "call show 1 y=2", "call show 1 2.0", "call show 1 '2'"]
)
def test_the_same_method_with_other_arguments_is_asked_about(other: str) -> None:
    person = Person()
    shell = destructive(person)
    lines = iter(["call show 1 2", other, "call show 1 2", other])
    Watch(shell.session, "", 2.0).run(lambda: shell.run(next(lines)), 4)
    assert len(person.asked) == 2


def test_arguments_that_a_question_does_not_show_are_told_from_each_other() -> None:
    person = Person()
    shell = destructive(person)
    for values in shell.console.kind("calc").values.values():
        methods = values["calc"]["methods"]
        assert isinstance(methods, dict)
        methods["add"] = {"effects": {"destructive": True}, "sensitive": ["y"]}
    shell.run(CALC)
    tails = iter(["one", "two", "one"])
    Watch(shell.session, "", 2.0).run(lambda: shell.run(f"call add {'x' * 200} {next(tails)}"), 3)
    assert len({risk.arguments for risk in person.asked}) == 1
    assert len(person.asked) == 2
    assert not any("two" in repr(risk) for risk in person.asked)


def test_another_object_of_the_same_host_is_asked_about() -> None:
    person = Person()
    shell = destructive(person)
    names = iter(["a", "b", "a"])

    def step() -> ExitStatus:
        shell.session.approval(Risk("wipe", ("web1",), objects=frozenset({("web1", next(names))})))
        return ExitStatus.OK

    Watch(shell.session, "", 2.0).run(step, 3)
    assert len(person.asked) == 2


def test_secrets_of_the_command_are_not_in_the_header(monkeypatch: pytest.MonkeyPatch) -> None:
    shell, screen = at_terminal(monkeypatch)
    shell.run(CALC)
    Watch(shell.session, "call add 1 password=hunter2", 2.0).run(lambda: ExitStatus.OK, 1)
    assert "Every 2 s: call add 1 ***  " in screen.getvalue()
    Watch(shell.session, "call add 1 2", 2.0).run(lambda: ExitStatus.OK, 1)
    assert "Every 2 s: call add 1 2  " in screen.getvalue()


def test_the_same_method_of_another_class_is_asked_about() -> None:
    person = Person()
    shell = destructive(person)
    watched = Watch(shell.session, "", 2.0)
    risk = Risk("wipe", ("web1",))

    def step() -> ExitStatus:
        shell.session.approval(risk)
        return ExitStatus.OK

    watched.run(step, 2)
    assert len(person.asked) == 1
    classes = iter(["select class Host", "select class Volume"])

    def other() -> ExitStatus:
        shell.run(next(classes))
        return step()

    watched.run(other, 2)
    assert len(person.asked) == 3


def test_approvals_are_remembered_up_to_a_limit() -> None:
    person = Person()
    shell = destructive(person)
    risks = [Risk(f"m{at}", ("web1",)) for at in range(MAX_APPROVED + 1)]

    def step() -> ExitStatus:
        for risk in risks:
            shell.session.approval(risk)
        return ExitStatus.OK

    Watch(shell.session, "", 2.0).run(step, 2)
    assert [risk.method for risk in person.asked[len(risks) :]] == ["m0"]


@pytest.mark.parametrize(
    "line", ["watch -n 1 get load", "watch call nosuch", "watch 'call boom; get load'", "watch get"]
)
def test_a_command_that_cannot_be_read_ends_it(line: str) -> None:
    rounds = Rounds(2)
    shell = TestShell(sleep=rounds)
    shell.run(CALC)
    assert shell.run(line) is not ExitStatus.OK
    assert rounds.waited == []


def test_what_is_missing_now_may_come() -> None:
    rounds = Rounds(2)
    shell = TestShell(sleep=rounds)
    with pytest.raises(KeyboardInterrupt):
        shell.run("watch show facts nosuch")
    assert len(rounds.waited) == 2
