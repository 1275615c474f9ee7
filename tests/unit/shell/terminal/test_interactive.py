"""The terminal side, on a pipe instead of a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from prompt_toolkit.application import Application
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from matahari.shell.base.outcome import ExitStatus
from matahari.shell.terminal.interactive import SessionCompleter, interact
from matahari.shell.terminal.snapshot import SnapshotKeeper
from matahari.shell.verbs.line_history import LineHistory
from tests.support.fake_classes import PLUGINS
from tests.support.shell import CALC, TestShell

HOSTS = "db1\nweb1\nweb2\n"


def type_into(shell: TestShell, keys: str, history: LineHistory | None = None) -> ExitStatus:
    with create_pipe_input() as pipe:
        pipe.send_bytes(keys.encode("utf-8", "surrogateescape"))
        return interact(shell.session, history=history or LineHistory(), input=pipe, output=DummyOutput())


def pasted(text: str) -> str:
    return f"\x1b[200~{text}\x1b[201~"


def test_lines_are_run_until_quit() -> None:
    shell = TestShell()
    assert type_into(shell, "list hosts\rselect host web1\rquit\rlist agents\r") is ExitStatus.OK
    assert shell.out() == HOSTS
    assert shell.session.prompt == "mhsh (host)> "


def test_control_d_leaves() -> None:
    assert type_into(TestShell(), "\x04") is ExitStatus.OK


def test_control_c_drops_the_line() -> None:
    shell = TestShell()
    type_into(shell, "list ho\x03list packages\rquit\r")
    assert shell.out() == f"org.matahariproject\n{PLUGINS}\n"


def test_control_z_suspends_and_is_no_character_of_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    suspended: list[bool] = []
    monkeypatch.setattr(Application, "suspend_to_background", lambda self: suspended.append(True))
    shell = TestShell()
    type_into(shell, "list \x1ahosts\rquit\r")
    assert (suspended, shell.out()) == ([True], HOSTS)


def test_control_c_cancels_the_call_and_the_shell_goes_on() -> None:
    def interrupt(host: str, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        raise KeyboardInterrupt

    shell = TestShell()
    shell.console.kind("calc").behaviours["add"] = interrupt
    shell.run(f"select host web1; select class package {PLUGINS} calc")
    type_into(shell, "call add 1 2\rlist hosts\rquit\r")
    assert shell.out() == HOSTS


def test_pasted_lines_are_run_one_by_one_each_with_its_prompt() -> None:
    shell = TestShell()
    type_into(shell, pasted("select host web1\r\n\nselect class Host\nget hostname\nquit\nlist hosts\n") + "\r")
    assert shell.out() == "web1: web1\n"
    assert shell.err() == (
        "mhsh> select host web1\n"
        "mhsh (host)> select class Host\n"
        "mhsh (host)[org.matahariproject:Host]> get hostname\n"
        "mhsh (host)[org.matahariproject:Host]> quit\n"
    )
    assert not shell.session.echo


def test_an_error_in_a_pasted_line_does_not_stop_the_others_unless_it_was_to_select() -> None:
    shell = TestShell()
    type_into(shell, pasted("frobnicate\nlist hosts") + "\rquit\r")
    assert shell.out() == f"*** Unknown syntax: frobnicate\n\n{HOSTS}"
    shell = TestShell()
    type_into(shell, pasted("select class nosuch\nlist hosts\nlist agents") + "\r\x04")
    assert "db1" not in shell.out()
    assert shell.err().endswith("mhsh> select class nosuch\n2 more lines were not run\n")


def test_a_line_that_is_not_utf_8_is_refused_and_not_sent() -> None:
    shell = TestShell()
    shell.run(CALC)
    type_into(shell, pasted("call greet a\udcffb\nlist hosts") + "\rquit\r")
    assert shell.console.calls == []
    assert shell.out().startswith(
        "% The byte 0xff is not UTF-8\n%     call greet a\\udcffb\n%                 ^\n\ndb1\n"
    )


def test_tab_completes() -> None:
    shell = TestShell()
    type_into(shell, "lis\tpac\t\rquit\r")
    assert shell.out() == f"org.matahariproject\n{PLUGINS}\n"


def test_a_question_mark_shows_help_and_leaves_the_line_as_it_was() -> None:
    shell = TestShell()
    type_into(shell, "list h?osts\rquit\r")
    helped, answer = shell.out().split("\n", 1)
    assert helped.split() == [
        "hosts",
        "List",
        "the",
        "names",
        "of",
        "all",
        "hosts",
        "on",
        "the",
        "bus,",
        "one",
        "a",
        "line.",
    ]
    assert answer == HOSTS


def test_help_looks_at_what_is_before_the_cursor() -> None:
    shell = TestShell()
    type_into(shell, "list hosts\x01\x1bf ?\x05\x08\x15quit\r")  # to the start, over a word, and back to the end
    assert "packages" in shell.out()


@pytest.mark.parametrize(
    "keys", ["call show 'a?'\r", "call show a\x16?\r", "call show a\x11?\r", pasted("call show a?") + "\r"]
)
def test_quoted_escaped_or_pasted_it_is_text(keys: str) -> None:
    shell = TestShell()
    shell.run(f"select host web1; {CALC}")
    type_into(shell, keys + "quit\r")
    assert shell.console.calls == [("show", ("a?",), {})]


def test_a_search_for_an_old_line_may_have_a_question_mark() -> None:
    shell = TestShell()
    history = LineHistory()
    history.add("list hosts # why?", "-")
    history.add("list agents", "-")
    type_into(shell, "\x12why?\r\rquit\r", history)
    assert shell.out() == HOSTS


def test_lines_are_remembered_with_the_mode_they_were_run_in() -> None:
    history = LineHistory()
    type_into(TestShell(), "list hosts\r\rselect class Host\rquit\r", history)
    assert [(entry.text, entry.context) for entry in history.entries] == [
        ("list hosts", "-"),
        ("select class Host", "-"),
        ("quit", "[org.matahariproject:Host]"),
    ]


UP = "\x1b[A"


@pytest.mark.parametrize(("keys", "said"), [(UP, "web1: web1\n"), (f"get{UP}{UP}", '% Property "nosuch" not found')])
def test_up_offers_lines_of_the_present_mode_first_and_then_the_others(keys: str, said: str) -> None:
    shell = TestShell()
    shell.run("select class Host; select host web1")
    history = LineHistory()
    history.add("get hostname", "(host)[org.matahariproject:Host]")
    history.add("get nosuch", "[p:C]")
    type_into(shell, f"{keys}\rquit\r", history)
    assert said in shell.out()


def test_a_pasted_secret_does_not_get_into_the_file(tmp_path: Path) -> None:
    shell = TestShell()
    published = shell.console.kind("calc").values["web1"]["calc"]["methods"]
    assert isinstance(published, dict)
    entry = published["greet"]
    assert isinstance(entry, dict)
    entry["sensitive"] = ["name"]
    path = tmp_path / "history"
    lines = f"{CALC}\ncall greet hunter2\nclear class\n{CALC}; call greet hunter2; clear class"
    type_into(shell, pasted(lines) + "\rquit\r", LineHistory(path))
    assert [call[1] for call in shell.console.calls] == [("hunter2",), ("hunter2",)]
    kept = path.read_text()
    assert "hunter2" not in kept
    assert CALC in kept
    assert "quit" in kept


class StillKeeper(SnapshotKeeper):
    """A keeper without its thread."""

    def __init__(self, shell: TestShell) -> None:
        super().__init__(shell.console)
        self.refresh()


def test_completions_replace_the_fragment() -> None:
    shell = TestShell()
    completer = SessionCompleter(shell.session, StillKeeper(shell))

    def offered(text: str) -> list[tuple[str, int]]:
        found = completer.get_completions(Document(text), CompleteEvent())
        return [(one.text, one.start_position) for one in found]

    assert offered("select host w") == [("web1", -1), ("web2", -1)]
    assert offered("sel cl Ho") == [("Host ", -2)]
    assert offered("sleep ") == []
    assert offered("select host web1") == []
