"""What methods declare: told by help, and asked about before a call that may destroy something."""

from __future__ import annotations

import io
from unittest.mock import Mock

import pytest
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from matahari.agents.host.schema import EFFECTS
from matahari.qmf import Value
from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.display.approval import MAX_NAMED, Risk, TerminalApproval, always, never
from matahari.shell.display.effects import DESTRUCTIVE, declared_text
from matahari.shell.mhsh import main
from matahari.shell.terminal.interactive import interact
from matahari.shell.verbs.line_history import LineHistory
from tests.support.fake_classes import PLUGINS
from tests.support.fake_console import FakeConsole, fleet
from tests.support.shell import CALC, TestShell

DECLARED: dict[str, Value] = {
    "effects": {"destructive": True, "read_only": False},
    "timeout": 600.0,
    "sensitive": ["y"],
    "streams": True,
}


def dangerous(*hosts: str) -> FakeConsole:
    """A fleet in which ``calc.add`` is destructive on some hosts; ``Host`` has ``reboot``, as real ones do."""
    console = fleet()
    for host in hosts:
        methods = console.kind("calc").values[host]["calc"]["methods"]
        assert isinstance(methods, dict)
        entry = methods["add"]
        assert isinstance(entry, dict)
        methods = {**methods, "add": {**entry, **DECLARED}}
        console.kind("calc").values[host]["calc"]["methods"] = methods
    kind = console.kind("Host")
    identify = next(one for one in kind.methods if one.name == "identify")
    kind.methods.append(type(identify)("reboot", "Reboot node"))
    kind.behaviours["reboot"] = kind.behaviours["identify"]
    return console


class Person:
    """Gives one answer to each question, and remembers the questions."""

    def __init__(self, *answers: str) -> None:
        self.answers = io.StringIO("".join(answers))
        self.questions = io.StringIO()
        self.forgotten = 0
        self.approval = TerminalApproval(self.answers, self.questions, forget_input=self.forget)

    def forget(self) -> None:
        self.forgotten += 1


def shell(console: FakeConsole, person: Person) -> TestShell:
    made = TestShell(console)
    made.session.approval = person.approval
    return made


def test_a_destructive_method_is_asked_about_once_for_all_hosts() -> None:
    person = Person("y\n", "YES \n", "y\n")
    made = shell(dangerous("web1", "db1"), person)
    made.run(CALC)
    for line in ("call add 1 2", "call add [1, 2] {}", "call add 1 y=2"):
        assert made.run(line) is ExitStatus.OK
    question = "is declared destructive, and would be called on 3 hosts: db1, web1, web2\nCall it? [y/N] "
    # y is declared sensitive.
    assert person.questions.getvalue() == f"add 1 *** {question}" * 2 + f"add 1 y=*** {question}"
    assert person.forgotten == 3  # what was typed before the question is no answer to it
    assert len(made.console.calls) == 3


@pytest.mark.parametrize("answer", ["\n", "n\n", "no\n", "yess\n", "call add 1 2\n", ""])
def test_without_a_yes_nothing_is_called_and_the_status_tells(answer: str) -> None:
    person = Person(answer)
    made = shell(dangerous("web1"), person)
    made.run(f"{CALC}; select host web1")
    assert made.run("call add 1 2") is ExitStatus.INTERRUPTED
    assert made.out().startswith("% add was not called\n")
    assert "on 1 host: web1\n" in person.questions.getvalue()
    assert made.console.calls == []
    assert person.questions.getvalue().endswith("[y/N] " if answer else "[y/N] \n")


def test_ctrl_c_at_the_question_says_that_nothing_was_called(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> str:
        raise KeyboardInterrupt

    person = Person()
    monkeypatch.setattr(person, "answers", Mock(readline=interrupted))
    person.approval = TerminalApproval(person.answers, person.questions, forget_input=person.forget)
    made = shell(dangerous("web1"), person)
    made.run(f"{CALC}; select host web1")
    with pytest.raises(KeyboardInterrupt):
        made.run("call add 1 2")
    assert person.questions.getvalue().endswith("Call it? [y/N] \n% add was not called\n")
    assert made.console.calls == []


def test_other_methods_are_called_without_a_question() -> None:
    person = Person()
    made = shell(dangerous("web1"), person)
    for line in (CALC, "call greet you", "select host db1; call add 1 2", "clear host; select class Host; get load"):
        assert made.run(line) is ExitStatus.OK
    assert person.questions.getvalue() == ""


def test_the_host_methods_that_destroy_are_known() -> None:
    person = Person("y\n")
    made = shell(dangerous(), person)
    made.run("select class Host")
    assert made.run("call reboot") is ExitStatus.OK
    assert made.run("call identify") is ExitStatus.OK
    assert person.questions.getvalue().count("reboot is declared destructive") == 1
    known = {name for name, effects in EFFECTS.items() if effects.destructive}
    assert known == DESTRUCTIVE["org.matahariproject", "Host"]


def test_many_hosts_are_counted_and_only_some_named() -> None:
    hosts = tuple(f"h{number}" for number in range(MAX_NAMED + 5))
    assert Risk("wipe", hosts).text.endswith("on 13 hosts: h0, h1, h2, h3, h4, h5, h6, h7 and 5 more")
    assert "\x1b" not in Risk("wi\x1bpe", ("h\x1b[2J",)).text


def test_where_nobody_can_be_asked_it_is_refused_with_the_remedy() -> None:
    with pytest.raises(CommandError) as caught:
        never(Risk("wipe", ("web1",)))
    assert caught.value.status is ExitStatus.USAGE
    assert "add -y (--yes)" in caught.value.lines[1]
    always(Risk("wipe", ("web1",)))


@pytest.mark.parametrize("flag", ["-y", "--yes"])
def test_a_script_calls_it_only_with_the_switch(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    console = dangerous("web1", "web2")
    commands = ("-c", f"{CALC}; call add 1 2")
    assert main(commands, connect=lambda options: console) == ExitStatus.USAGE
    printed = capsys.readouterr()
    assert "% add 1 *** is declared destructive, and would be called on 3 hosts: db1, web1, web2\n" in printed.out
    assert "add -y (--yes) to the command line of mhsh" in printed.out
    assert console.calls == []
    assert main((flag, *commands), connect=lambda options: console) == ExitStatus.OK
    assert len(console.calls) == 1


def test_the_question_is_asked_between_lines_of_the_terminal() -> None:
    person = Person("y\n")
    made = shell(dangerous("web1"), person)
    with create_pipe_input() as pipe:
        pipe.send_text(f"{CALC}\rcall add 1 2\rquit\r")
        interact(made.session, history=LineHistory(), input=pipe, output=DummyOutput())
    assert len(made.console.calls) == 1


def test_a_question_is_no_place_for_json_and_no_answer_is_shown() -> None:
    made = TestShell(dangerous("web1"), as_json=True)
    made.run(CALC)
    made.out()
    assert made.run("call add 1 2") is ExitStatus.USAGE
    assert made.out() == ""
    assert "declared destructive" in made.err()


def test_help_tells_what_is_declared() -> None:
    made = TestShell(dangerous("web2"))
    made.run(CALC)
    told = "Declared: destructive; not read only; at most 600 s; never shown: y; gives partial results"
    assert f" > call add X Y\n\nAdd two numbers.\n{told}\nParameters:\n" in made.says("help call")
    made.run("select class Host")
    assert " > call reboot\n\nReboot node\nDeclared: destructive\n" in made.says("help call")
    assert "Declared" not in TestShell().says(f"select class package {PLUGINS} calc; help call")


def test_nothing_declared_is_nothing_said_and_nonsense_of_a_host_harms_nobody() -> None:
    assert declared_text({}) == ""
    made = shell(dangerous(), Person())
    values = made.console.kind("calc").values["web1"]["calc"]
    several: list[Value] = [1, {"add": 1}, {"add": {"effects": 1, "timeout": "x", "sensitive": 1}}]
    for nonsense in several:
        values["methods"] = nonsense
        assert made.run(f"{CALC}; help call; call add 1 2") is ExitStatus.OK
