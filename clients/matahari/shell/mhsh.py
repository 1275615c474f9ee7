"""``mhsh``: select hosts and a class on the bus, read and write properties, call methods.

Start-up is most of a short command's time, so the console and prompt_toolkit are imported when they are needed.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import NoReturn, TextIO, cast

from matahari.config import add_options, load
from matahari.errors import ConnectFailedError, MatahariError
from matahari.shell.effects import Approval, TerminalApproval, always, never
from matahari.shell.outcome import ExitStatus, first_failure, status_of
from matahari.shell.output import Output, wants_colour
from matahari.shell.parser import CLIENT_DEFAULTS, Parser, seconds
from matahari.shell.ports import ConsoleLike
from matahari.shell.render import printable
from matahari.shell.scripts import STDIN, open_script, run_lines, run_script
from matahari.shell.session import DEFAULT_TIMEOUT, Session

__all__ = ["main"]

_MAX_TIMEOUT = 86_400.0  # seconds; a day, more is a typing error

Connect = Callable[[argparse.Namespace], ConsoleLike]


def main(argv: Sequence[str] | None = None, *, connect: Connect | None = None) -> int:
    """Run the shell.

    Args:
        argv: arguments without the program's name; the process's own by default.
        connect: gives the console for the parsed options; the blocking console by default.

    Returns:
        The exit status, see :class:`ExitStatus`.
    """
    try:
        options = _parser().parse_args(argv)
    except SystemExit as exit_:
        return int(exit_.code or 0)
    _make_streams_tolerant()
    try:
        return _run(options, connect or _connect)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        # The reader went away (`| head`). Python would complain once more when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitStatus.OK
    except MatahariError as error:
        return _give_up(error, debug=options.debug)
    except OSError as error:
        # stdout on a full disk, for one; where nothing can be written, the status must tell
        print(f"mhsh: cannot go on: {error.strerror or error}", file=sys.stderr)
        sys.stdout = _nowhere("w")  # what is still buffered would fail once more at exit
        return ExitStatus.COULD_NOT_ASK


def _run(options: argparse.Namespace, connect: Connect) -> int:
    output = Output(sys.stdout, sys.stderr, as_json=options.json, colour=wants_colour(sys.stdout), debug=options.debug)
    with ExitStack() as stack:
        scripts = [(path, _opened(path, stack)) for path in _script_paths(options)]
        console = connect(options)
        stack.callback(console.close)
        approval = always if options.yes else _approval()
        session = Session(console, output, timeout=options.timeout, echo=options.echo, approval=approval)
        if options.commands or scripts:
            return _run_scripts(session, options, scripts)
        from matahari.shell.interactive import interact

        return interact(session)


def _approval() -> Approval:
    """Asks where a person reads the question and types the answer."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return never

    def forget_input() -> None:
        import termios  # only a question needs it

        termios.tcflush(sys.stdin, termios.TCIFLUSH)

    return TerminalApproval(sys.stdin, sys.stderr, forget_input=forget_input)


def _opened(path: str, stack: ExitStack) -> TextIO:
    stream = open_script(path)
    if stream is not sys.stdin:
        stack.callback(stream.close)
    return stream


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


def _connect(options: argparse.Namespace) -> ConsoleLike:
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
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("matahari").setLevel(level.upper())


def _give_up(error: MatahariError, *, debug: bool) -> int:
    text = " ".join(str(error).split("\n"))
    if isinstance(error, ConnectFailedError) and error.address and error.address not in text:
        text = f"no broker at {error.address}: {text}"
    if debug:
        traceback.print_exception(error)
    print(f"mhsh: {text}", file=sys.stderr)
    return status_of(error)


def _nowhere(mode: str) -> TextIO:
    return cast(TextIO, open(os.devnull, mode))


def _make_streams_tolerant() -> None:
    # A stream that the caller closed (`>&-`) is None.
    sys.stdin = sys.stdin or _nowhere("r")
    sys.stdout = sys.stdout or _nowhere("w")
    sys.stderr = sys.stderr or _nowhere("w")
    # A remote text must not end the shell because the locale lacks a character.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *ignored: object) -> NoReturn:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"mhsh {version('matahari')}")
        except PackageNotFoundError:
            print("mhsh (not installed)")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="mhsh",
        description="Shell for the hosts on a Matahari bus. Without FILE and -c it reads commands from the terminal.",
        epilog="Exit status: 0 all fine, 1 nothing matched, 2 some failed, 3 none answered, 4 could not ask, 64 usage.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "-c",
        dest="commands",
        metavar="COMMANDS",
        action="append",
        default=[],
        help="run these commands, separated by ';', before any FILE",
    )
    parser.add_argument("-e", "--stop-on-error", action="store_true", help="end scripts at the first failed command")
    parser.add_argument("-x", "--echo", action="store_true", help="show each command of a script before it runs")
    parser.add_argument(
        "-y", "--yes", action="store_true", help="call methods that are declared destructive without asking"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")
    parser.add_argument(
        "-t",
        "--timeout",
        metavar="SECONDS",
        type=seconds(_MAX_TIMEOUT),
        default=DEFAULT_TIMEOUT,
        help="wait this long for answers (default: %(default)g)",
    )
    parser.add_argument("-d", "--debug", action="store_true", help="show tracebacks of errors, remote ones included")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    add_options(parser, "console", defaults=CLIENT_DEFAULTS)
    parser.add_argument("scripts", metavar="FILE", nargs="*", help="scripts to run in turn; - is standard input")
    return parser


if __name__ == "__main__":
    sys.exit(main())
