"""What ``mhsh`` runs: a direct command, scripts, or the shell at the terminal.

The console and prompt_toolkit are imported when they are needed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final, NoReturn, TextIO, TypeAlias

from matahari.config import load
from matahari.shell.base.outcome import CommandError, ExitStatus, first_failure
from matahari.shell.base.parser import CLIENT_DEFAULTS
from matahari.shell.base.ports import ConsoleLike
from matahari.shell.base.unasked import is_wanted
from matahari.shell.direct.options import DIRECT_WORDS
from matahari.shell.display.approval import Approval, TerminalApproval, always, never
from matahari.shell.display.output import Output, wants_colour
from matahari.shell.display.render import printable
from matahari.shell.scripts import STDIN, open_script, run_lines, run_script
from matahari.shell.session import Session
from matahari.shell.syntax.values import close_matches

__all__ = ["Connect", "connect_console", "ended_by_signals", "start"]

SIGNALLED: Final = 128  # plus the signal's number: the exit status that shells have for it

COMMANDS: Final = ("clear", "get", "help", "list", "reload", "roll", "select", "set", "show", "time", "watch")
"""Of the shell, that may have been meant where a script of that name is not there."""

Connect: TypeAlias = Callable[[argparse.Namespace], ConsoleLike]


def start(options: argparse.Namespace, connect: Connect) -> int:
    """Run the direct command, the scripts, or the shell at the terminal; returns the exit status.

    Raises:
        MatahariError: it could not begin, or a script cannot be read.
    """
    if options.direct:
        from matahari.shell.direct.request import run_direct  # most starts are none of a direct command

        return run_direct(options, connect, always if options.yes else _approval())
    output = Output(sys.stdout, sys.stderr, as_json=options.json, colour=wants_colour(sys.stdout), debug=options.debug)
    with ExitStack() as stack:
        paths = _script_paths(options)
        scripts = [(path, _opened(path, stack, paths)) for path in paths]
        console = connect(options)
        stack.callback(console.close)
        approval = always if options.yes else _approval()
        session = Session(console, output, limit=options.timeout, echo=options.echo, approval=approval)
        if options.commands or scripts:
            return _run_scripts(session, options, scripts)
        from matahari.shell.terminal.interactive import interact

        return interact(session)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Meanwhile SIGTERM, and SIGHUP of a terminal that is closed, end the program as an error does.

    So calls are cancelled on their hosts, and files that are being written stay as they were. A second one kills it.
    """
    import signal  # what is refused before needs none
    import threading

    def end(number: int, frame: object) -> NoReturn:
        signal.signal(number, signal.SIG_DFL)
        raise SystemExit(SIGNALLED + number)

    if threading.current_thread() is not threading.main_thread():
        yield  # nobody else can have signals
        return
    # Those that are ignored, as with nohup, stay so.
    taken = [one for one in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) is signal.SIG_DFL]
    for one in taken:
        signal.signal(one, end)
    try:
        yield
    finally:
        for one in taken:
            signal.signal(one, signal.SIG_DFL)


def _approval() -> Approval:
    """Asks where a person reads the question and types the answer."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return never

    def forget_input() -> None:
        import termios  # only a question needs it

        termios.tcflush(sys.stdin, termios.TCIFLUSH)

    return TerminalApproval(sys.stdin, sys.stderr, forget_input=forget_input)


def _opened(path: str, stack: ExitStack, paths: Sequence[str]) -> TextIO:
    try:
        stream = open_script(path)
    except CommandError as error:
        if isinstance(error.__cause__, FileNotFoundError) and (hint := _hint(path, paths)):
            raise CommandError(f"{error}; {hint}", status=error.status) from error
        raise
    if stream is not sys.stdin:
        stack.callback(stream.close)
    return stream


def _hint(path: str, paths: Sequence[str]) -> str:
    """What may have been meant with a script that is not there, empty for nothing that is known.

    Args:
        paths: all scripts that were given.
    """
    import shlex  # only wanted after a mistake

    if "/" in path:
        return ""
    if path in COMMANDS and path == paths[0]:
        return f"to run it as a command: -c {shlex.quote(' '.join(paths))}"
    if " " in path.strip():
        return f"to run it as a command: -c {shlex.quote(path)}"
    close = close_matches(path, DIRECT_WORDS)
    return f"did you mean the direct command {' or '.join(close)}?" if close else ""


def _run_scripts(session: Session, options: argparse.Namespace, scripts: Sequence[tuple[str, TextIO]]) -> ExitStatus:
    statuses: list[ExitStatus] = []

    def may_go_on() -> bool:
        return not (session.finished or session.is_lost) and not (
            options.stop_on_error and first_failure(statuses) is not ExitStatus.OK
        )

    for commands in options.commands:
        if may_go_on():
            statuses.append(run_lines(session, commands.split("\n"), stop_on_error=options.stop_on_error))
    for path, stream in scripts:
        if may_go_on():
            statuses.append(run_script(session, path, stream, stop_on_error=options.stop_on_error))
    return first_failure(statuses)


def _script_paths(options: argparse.Namespace) -> list[str]:
    paths: list[str] = options.scripts
    if not paths and not options.commands and not sys.stdin.isatty():
        return [STDIN]  # `mhsh < file` and `… | mhsh`
    return paths


def connect_console(options: argparse.Namespace) -> ConsoleLike:
    """The blocking console, with the settings that the options and all other sources give.

    Raises:
        ConfigError: a setting is not possible.
        TransportError: there is no broker.
    """
    from matahari.console.sync import connect

    settings = load(vars(options), environ=os.environ, defaults=CLIENT_DEFAULTS)
    _log_to_stderr(settings.log_level)
    return connect(
        str(settings.broker),
        insecure_anonymous=settings.insecure_anonymous,
        broker_kind=settings.broker_kind,
        virtual_host=settings.virtual_host or "",
        hooks=settings.hooks,
    )


def _log_to_stderr(level: str) -> None:
    """What the console says, e.g. about an agent that does not answer, without anything harmful to a terminal."""
    import logging  # the console has loaded it already

    class Harmless(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return printable(super().format(record))

    handler = logging.StreamHandler()
    handler.setFormatter(Harmless("mhsh: %(message)s"))
    if level == CLIENT_DEFAULTS["log_level"]:  # whoever wants to know more wants all of it
        handler.addFilter(is_wanted)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("matahari").setLevel(level.upper())
