"""The terminal side, on a pipe instead of a terminal."""

from __future__ import annotations

import stat
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, InMemoryHistory
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from matahari.errors import ConnectionLostError
from matahari.shell import interactive
from matahari.shell.interactive import SessionCompleter, SnapshotKeeper, history_path, interact, open_history
from matahari.shell.outcome import ExitStatus
from tests.support.fake_console import PLUGINS, FakeConsole
from tests.support.shell import TestShell


def type_into(shell: TestShell, keys: str, history: InMemoryHistory | None = None) -> ExitStatus:
    with create_pipe_input() as pipe:
        pipe.send_text(keys)
        return interact(shell.session, history=history or InMemoryHistory(), input=pipe, output=DummyOutput())


def test_lines_are_run_until_quit() -> None:
    shell = TestShell()
    assert type_into(shell, "list hosts\rselect host web1\rquit\rlist agents\r") is ExitStatus.OK
    assert shell.out() == "db1\nweb1\nweb2\n"
    assert shell.session.prompt == "mhsh (host)> "


def test_control_d_leaves() -> None:
    assert type_into(TestShell(), "\x04") is ExitStatus.OK


def test_control_c_drops_the_line() -> None:
    shell = TestShell()
    type_into(shell, "list ho\x03list packages\rquit\r")
    assert shell.out() == f"org.matahariproject\n{PLUGINS}\n"


def test_control_c_cancels_the_call_and_the_shell_goes_on() -> None:
    def interrupt(host: str, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        raise KeyboardInterrupt

    shell = TestShell()
    shell.console.kind("calc").behaviours["add"] = interrupt
    shell.run(f"select host web1; select class package {PLUGINS} calc")
    type_into(shell, "call add 1 2\rlist hosts\rquit\r")
    assert shell.out() == "db1\nweb1\nweb2\n"


def test_pasted_lines_are_run_one_by_one() -> None:
    shell = TestShell()
    type_into(shell, "\x1b[200~select host web1\nselect class Host\nget hostname\nquit\nlist hosts\x1b[201~\r")
    assert shell.out() == "web1: web1\n"


def test_tab_completes() -> None:
    shell = TestShell()
    type_into(shell, "lis\tpac\t\rquit\r")
    assert shell.out() == f"org.matahariproject\n{PLUGINS}\n"


def test_what_was_typed_is_remembered() -> None:
    history = InMemoryHistory()
    type_into(TestShell(), "list hosts\r\rquit\r", history)
    assert history.get_strings() == ["list hosts", "quit"]


class StillKeeper(SnapshotKeeper):
    """A keeper without its thread."""

    def __init__(self, console: FakeConsole) -> None:
        super().__init__(console)
        self.refresh()


def test_completions_replace_the_fragment() -> None:
    shell = TestShell()
    completer = SessionCompleter(shell.session, StillKeeper(shell.console))

    def offered(text: str) -> list[tuple[str, int]]:
        found = completer.get_completions(Document(text), CompleteEvent())
        return [(one.text, one.start_position) for one in found]

    assert offered("select host w") == [("web1", -1), ("web2", -1)]
    assert offered("sleep ") == []
    assert offered("select host web1") == []


def test_the_snapshot_survives_a_lost_broker() -> None:
    shell = TestShell()
    keeper = StillKeeper(shell.console)
    shell.console.fault = ConnectionLostError("gone")
    keeper.refresh()
    assert keeper.snapshot.hosts() == ("db1", "web1", "web2")


def test_the_snapshot_is_replaced_when_asked_for() -> None:
    shell = TestShell()
    seen = threading.Event()
    original: Callable[[], object] = shell.console.hosts
    counted: list[int] = []

    def hosts() -> object:
        counted.append(1)
        if len(counted) == 2:
            seen.set()
        return original()

    shell.console.hosts = hosts  # type: ignore[method-assign,assignment]  # counts the questions
    with SnapshotKeeper(shell.console, interval=3600) as keeper:
        keeper.want_refresh()
        assert seen.wait(10)


def test_the_history_is_below_the_state_directory(tmp_path: Path) -> None:
    assert history_path({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "matahari" / "mhsh_history"
    assert history_path({"XDG_STATE_HOME": "relative"}) == Path.home() / ".local/state/matahari/mhsh_history"


def test_the_history_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "state" / "history"
    path.parent.mkdir()
    path.touch(mode=0o644)
    history = open_history(path)
    assert isinstance(history, FileHistory)
    history.append_string("list hosts")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(open_history(path).load_history_strings()) == ["list hosts"]


def test_without_a_place_the_history_is_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert isinstance(open_history(tmp_path / "file" / "history"), InMemoryHistory)


def test_a_long_history_loses_its_older_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "history"
    history = open_history(path)
    for number in range(100):
        history.append_string(f"line {number}")
    monkeypatch.setattr(interactive, "MAX_HISTORY_BYTES", 1000)
    kept = list(open_history(path).load_history_strings())
    assert kept[0] == "line 99"
    assert 5 < len(kept) < 100
    assert path.stat().st_size <= 500
