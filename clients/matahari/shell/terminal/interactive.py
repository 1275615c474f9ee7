"""The shell at a terminal: line editing, history, completion, help in place.

Only this module imports prompt_toolkit, which costs more time than everything else at start-up. Completion and help
work on a snapshot of the names on the bus, which a background thread replaces whole: typing never waits for the network.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app, run_in_terminal
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Condition, has_focus, in_paste_mode
from prompt_toolkit.history import History
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.key_binding.bindings.named_commands import get_by_name
from prompt_toolkit.output import Output as TerminalOutput
from prompt_toolkit.patch_stdout import StdoutProxy
from prompt_toolkit.shortcuts import CompleteStyle

from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.display.render import printable
from matahari.shell.events.log import EventLog
from matahari.shell.session import Session
from matahari.shell.syntax.lines import scan
from matahari.shell.terminal.ending import ended_in_order
from matahari.shell.terminal.inline_help import help_lines, is_character
from matahari.shell.terminal.snapshot import SnapshotKeeper
from matahari.shell.verbs.line_history import LineHistory, history_path

__all__ = ["SessionCompleter", "interact"]

_UNDECODABLE: Final = re.compile("[\ud800-\udfff]")


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


class _SearchedHistory(History):
    """The lines as the terminal's editor goes through them: those of the present mode first.

    It adds nothing: lines are remembered when they are run, each with the mode that it was run in.
    """

    def __init__(self, session: Session, lines: LineHistory) -> None:
        super().__init__()
        self._session = session
        self._lines = lines

    async def load(self) -> AsyncGenerator[str, None]:
        """Lines in the order in which they are wanted; asked for at each prompt."""
        for text in self._lines.offered(self._session.selection.context):
            yield text

    def append_string(self, string: str) -> None:
        """Nothing."""

    def load_history_strings(self) -> Iterable[str]:
        """Nothing: :meth:`load` gives them."""
        return ()

    def store_string(self, string: str) -> None:
        """Nothing."""


def interact(
    session: Session,
    *,
    history: LineHistory | None = None,
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
    lines = LineHistory(history_path()) if history is None else history
    session.history, session.sensitive = lines, lines.sensitive
    session.event_log = events = EventLog()
    # In the background: the first prompt does not wait until the console listens.
    with (
        _log_above_the_prompt(),
        SnapshotKeeper(session.console, first=lambda: events.begin(session.console)) as keeper,
    ):
        prompt: PromptSession[str] = PromptSession(
            history=_SearchedHistory(session, lines),
            completer=SessionCompleter(session, keeper),
            complete_while_typing=False,
            complete_style=CompleteStyle.READLINE_LIKE,
            enable_history_search=True,
            enable_suspend=True,  # Ctrl-Z, as while a command runs
            key_bindings=_bindings(session, keeper),
            input=input,
            output=output,
        )
        while not session.finished:
            try:
                with ended_in_order(prompt.app):
                    text = prompt.prompt(lambda: printable(session.prompt))
                _run(session, lines, text)
                keeper.want_refresh()
            except KeyboardInterrupt:
                continue
            except EOFError:
                break
    return ExitStatus.OK


@contextmanager
def _log_above_the_prompt() -> Iterator[None]:
    """Meanwhile what is logged to the terminal comes above the line that is being typed, and not into it."""
    handlers = [
        one for one in logging.getLogger().handlers if isinstance(one, logging.StreamHandler) and one.stream.isatty()
    ]
    if not handlers:
        yield
        return
    streams = [one.stream for one in handlers]
    with StdoutProxy() as above:
        for one in handlers:
            one.setStream(above)
        try:
            yield
        finally:
            for one, stream in zip(handlers, streams, strict=True):
                one.setStream(stream)


def _bindings(session: Session, keeper: SnapshotKeeper) -> KeyBindings:
    """``?`` for help, and Ctrl-V in front of one that is text, as on routers (Ctrl-Q is the editor's own)."""
    bindings = KeyBindings()

    def asks_for_help() -> bool:
        before = get_app().current_buffer.document.current_line_before_cursor
        return not is_character(session.commands(keeper.snapshot), before)

    # Only typed ones come here: what is pasted comes as a whole. A search for old lines has a field of its own.
    @bindings.add("?", filter=has_focus(DEFAULT_BUFFER) & ~in_paste_mode & Condition(asks_for_help))
    def show_help(event: KeyPressEvent) -> None:
        before = event.current_buffer.document.current_line_before_cursor
        shown = help_lines(session.commands(keeper.snapshot), before, event.app.output.get_size().columns)
        run_in_terminal(lambda: session.output.text("\n".join(shown)), render_cli_done=True)

    bindings.add("c-v", filter=has_focus(DEFAULT_BUFFER))(get_by_name("quoted-insert"))
    return bindings


def _run(session: Session, history: LineHistory, text: str) -> None:
    """Run what was typed; of several lines, which were pasted, each in turn with its prompt in front."""
    lines = [line for line in text.split("\n") if line.strip()]
    echo = session.echo
    session.echo = echo or len(lines) > 1
    try:
        for at, line in enumerate(lines, 1):
            _run_one(session, history, line)
            if session.finished:
                return
            if session.is_lost and at < len(lines):
                # As in a script: the rest was meant for other objects.
                left = len(lines) - at
                session.output.remark(f"{left} more {'line was' if left == 1 else 'lines were'} not run")
                return
    except KeyboardInterrupt:
        session.output.remark("")
    finally:
        session.echo = echo


def _run_one(session: Session, history: LineHistory, line: str) -> None:
    if fault := _UNDECODABLE.search(line):
        byte = ord(fault[0]) & 0xFF
        error = CommandError(f"The byte 0x{byte:02x} is not UTF-8", position=fault.start())
        session.output.error(error, scan(line)[-1])
        return
    context = session.selection.context
    if session.objects is not None:
        history.meet(session.objects)
    try:
        session.execute(line)
    finally:
        # What the line selected tells which of its words are secret.
        history.add(line, context, is_blind=session.objects is None)
