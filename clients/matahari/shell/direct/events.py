"""``mhsh events``: events of some hosts and of one class, for scripts and for short.

It ends by itself, with ``--count`` or ``--for``, or is told that it shall not: ``--follow``. Without any of them it is
not known what is meant, and a script would hang.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from matahari.errors import MatahariError
from matahari.shell.base.outcome import ExitStatus, first_failure, status_of
from matahari.shell.base.parser import Parser, seconds
from matahari.shell.base.ports import ConsoleLike
from matahari.shell.direct.target import add_hosts_option, choose_hosts
from matahari.shell.display.output import Output
from matahari.shell.events.follow import follow
from matahari.shell.events.meaning import asked_for, unknown_class, wanted
from matahari.shell.session import Session

__all__ = ["add_event_options", "check_events", "run_events"]

MAX_SECONDS = 31 * 86_400.0  # a month; more is a typing error
MAX_COUNT = 1_000_000_000  # more is a typing error

Connect = Callable[[argparse.Namespace], ConsoleLike]


def add_event_options(parser: Parser) -> None:
    """The options of ``mhsh events`` that no other command has, and ``--hosts``."""
    parser.add_argument("-f", "--follow", action="store_true", help="show events until Ctrl-C")
    parser.add_argument("-n", "--count", metavar="N", type=_number, help="end after N events")
    parser.add_argument(
        "--for", dest="seconds", metavar="SECONDS", type=seconds(MAX_SECONDS), help="end after that many seconds"
    )
    add_hosts_option(parser)
    parser.add_argument(
        "--class",
        dest="class_name",
        metavar="PACKAGE:CLASS",
        help="only events of this class; without PACKAGE of any package",
    )
    parser.add_argument(
        "--heartbeats",
        action="store_true",
        help="heartbeats of hosts, too, which are left out unless their class is named",
    )


def check_events(parser: Parser, options: argparse.Namespace) -> None:
    """Look at the words and options.

    Raises:
        SystemExit: they cannot be meant.
    """
    names = [*options.words, *([] if options.class_name is None else [options.class_name])]
    if len(names) > 1:
        parser.error(f"one class of events at a time, not {' and '.join(names)}")
    if not options.follow and options.count is None and options.seconds is None:
        parser.error("when shall it end? --follow for Ctrl-C, --count N events, or --for SECONDS")


def run_events(options: argparse.Namespace, connect: Connect, output: Output) -> ExitStatus:
    """Show events as they come.

    Args:
        options: those of :func:`add_event_options`, ``words`` (the class, if any), and ``timeout``.

    Returns:
        OK; NOTHING_MATCHED when the time was over before there were ``--count`` events, or any; else what became of
        choosing the hosts.

    Raises:
        BrokenPipeError: whoever reads the output has gone.
        KeyboardInterrupt: as it comes.
        MatahariError: there is no console.
    """
    console = connect(options)
    try:
        return _run(options, console, output)
    except MatahariError as error:
        output.error(error)
        return status_of(error)
    finally:
        console.close()


def _run(options: argparse.Namespace, console: ConsoleLike, output: Output) -> ExitStatus:
    name = options.words[0] if options.words else options.class_name
    hosts: Sequence[str] | None = None
    status, session = ExitStatus.OK, Session(console, output, limit=options.timeout)
    if options.hosts is not None:
        hosts, status, _ = choose_hosts(session, options.hosts)
    with console.events(asked_for(name), hosts=hosts, timeout=session.timeout) as stream:
        if name is not None and (text := unknown_class(name, console, ())):
            output.remark(text)
        meant = wanted(name, heartbeats=options.heartbeats)
        shown = follow(stream, output, meant=meant, count=options.count, seconds=options.seconds)
    return first_failure([status, ExitStatus.OK if shown >= (options.count or 1) else ExitStatus.NOTHING_MATCHED])


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:20]) <= MAX_COUNT or len(text) > 10:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of events")
    return int(text)
