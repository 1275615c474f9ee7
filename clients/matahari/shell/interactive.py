"""The shell at a terminal: line editing, history, completion.

Only this module imports prompt_toolkit, which costs more time than everything else at start-up. Completion works on a
snapshot of the names on the bus, which a background thread replaces whole: typing never waits for the network.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.output import Output as TerminalOutput
from prompt_toolkit.shortcuts import CompleteStyle

from matahari.errors import MatahariError
from matahari.shell.outcome import ExitStatus
from matahari.shell.ports import ConsoleLike
from matahari.shell.render import printable
from matahari.shell.selection import Snapshot, take_snapshot
from matahari.shell.session import Session

__all__ = ["SessionCompleter", "SnapshotKeeper", "history_path", "interact", "open_history"]

REFRESH_INTERVAL = 10.0  # seconds; a new host is offered by then, a running shell costs the bus next to nothing
STOP_TIMEOUT = 1.0  # seconds; leaving never waits longer for a question under way
MAX_HISTORY_BYTES = 1024 * 1024  # about 20,000 commands; the older half goes when the file is longer


class SnapshotKeeper:
    """Keeps a current snapshot in a thread of its own. Use as a context manager."""

    def __init__(self, console: ConsoleLike, *, interval: float = REFRESH_INTERVAL) -> None:
        self._console = console
        self._interval = interval
        self._wanted = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="mhsh-snapshot", daemon=True)
        self.snapshot = Snapshot()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stopped = True
        self._wanted.set()
        self._thread.join(STOP_TIMEOUT)

    def want_refresh(self) -> None:
        """Ask for a new snapshot soon; returns at once."""
        self._wanted.set()

    def refresh(self) -> None:
        """Replace the snapshot; an unreachable bus leaves the old one, names do not become wrong by that."""
        try:
            self.snapshot = take_snapshot(self._console)
        except MatahariError:
            return

    def _run(self) -> None:
        while not self._stopped:
            self.refresh()
            self._wanted.wait(self._interval)
            self._wanted.clear()


class SessionCompleter(Completer):
    """Completion of the session's current mode over the keeper's snapshot."""

    def __init__(self, session: Session, keeper: SnapshotKeeper) -> None:
        self._session = session
        self._keeper = keeper

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """The suggestions at the cursor."""
        before = document.current_line_before_cursor
        start, suggestions = self._session.commands(self._keeper.snapshot).complete(before)
        for text in suggestions:
            if text and text != before[start:]:
                yield Completion(text, start_position=start - len(before), display=printable(text))


def history_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the history is kept: below ``$XDG_STATE_HOME``, which must be absolute, else ``~/.local/state``."""
    state = environment.get("XDG_STATE_HOME", "")
    base = Path(state) if os.path.isabs(state) else Path.home() / ".local" / "state"
    return base / "matahari" / "mhsh_history"


def open_history(path: Path) -> History:
    """The history in ``path``, readable by its owner only; kept in memory when the file cannot be had."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            os.fchmod(file.fileno(), 0o600)
            _trim(path, os.fstat(file.fileno()).st_size)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))


def _trim(path: Path, size: int) -> None:
    if size <= MAX_HISTORY_BYTES:
        return
    kept = path.read_bytes()[-MAX_HISTORY_BYTES // 2 :]
    kept = kept[kept.find(b"\n#") + 1 :]  # an entry begins with its time as a comment
    path.write_bytes(kept)


def interact(
    session: Session,
    *,
    history: History | None = None,
    input: Input | None = None,
    output: TerminalOutput | None = None,
) -> ExitStatus:
    """Read and run commands until ``quit`` or Ctrl-D.

    Ctrl-C drops the line being typed, or cancels the running command and shows what is in.

    Args:
        session: runs the commands.
        history: where lines are remembered; the user's file by default.
        input, output: the terminal; the process's own by default.
    """
    # The cursor's position is wanted for menus only, which this shell has not; asking for it delays the first prompt on
    # terminals that do not answer, and an answer that comes late would be read as typed text.
    os.environ.setdefault("PROMPT_TOOLKIT_NO_CPR", "1")
    with SnapshotKeeper(session.console) as keeper:
        prompt: PromptSession[str] = PromptSession(
            history=open_history(history_path()) if history is None else history,
            completer=SessionCompleter(session, keeper),
            complete_while_typing=False,
            complete_style=CompleteStyle.READLINE_LIKE,
            enable_history_search=True,
            input=input,
            output=output,
        )
        while not session.finished:
            try:
                text = prompt.prompt(lambda: printable(session.prompt))
                _run(session, text)
                keeper.want_refresh()
            except KeyboardInterrupt:
                continue
            except EOFError:
                break
    return ExitStatus.OK


def _run(session: Session, text: str) -> None:
    try:
        for line in text.split("\n"):  # pasted text may have several
            session.execute(line)
            if session.finished:
                return
    except KeyboardInterrupt:
        session.output.remark("")
