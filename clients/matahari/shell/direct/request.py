"""Direct commands: ``mhsh call``, ``describe``, ``events``, ``get`` and ``hosts``, one request each.

They are the shell's own commands on a session of their own, so that what they print is what the shell prints. Only
errors of the command itself differ: they are on standard error, as scripts want the answers alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Final

from matahari.errors import MatahariError
from matahari.shell.base.outcome import ExitStatus, status_of
from matahari.shell.base.parser import HelpFormatter, Parser
from matahari.shell.base.ports import ConsoleLike
from matahari.shell.direct.call import add_call_options, check_call, run_call
from matahari.shell.direct.client_options import add_client_options
from matahari.shell.direct.read import (
    add_get_options,
    add_hosts_options,
    check_describe,
    check_get,
    check_hosts,
    run_describe,
    run_get,
    run_hosts,
)
from matahari.shell.display.approval import Approval
from matahari.shell.display.output import Output, wants_colour

__all__ = ["check", "direct_parser", "run_direct"]

Connect = Callable[[argparse.Namespace], ConsoleLike]

_USAGE: Final = {
    "call": "%(prog)s [option]... PLUGIN.METHOD [ARG]... | PACKAGE:CLASS.METHOD [ARG]...",
    "describe": "%(prog)s [option]... PLUGIN.METHOD | PACKAGE:CLASS.MEMBER",
    "events": "%(prog)s [option]... [[PACKAGE:]CLASS]",
    "get": "%(prog)s [option]... [PACKAGE:]CLASS PROPERTY",
    "hosts": "%(prog)s [option]... [FILTER]",
}
_ABOUT: Final = {
    "call": "Call a method on all hosts that have it, or on those that --hosts means. An ARG is JSON or a bare word, by "
    "position or as NAME=VALUE, as in the shell; behind -- nothing is an option.",
    "describe": "Tell what is known of a method, or of a property of a class: signature, description, arguments.",
    "events": "Show events as they come.",
    "get": "Read a property of all objects of a class. A CLASS without PACKAGE is one of org.matahariproject, else the "
    "only one of that name.",
    "hosts": "List the hosts, or those that a filter means now.",
}


def direct_parser(word: str) -> Parser:
    """The parser of what may stand behind a direct word; what is no option is its ``rest``."""
    parser = Parser(
        prog=f"mhsh {word}",
        usage=_USAGE[word],
        description=_ABOUT[word],
        formatter_class=HelpFormatter,
        allow_abbrev=False,
    )
    match word:
        case "call":
            add_call_options(parser)
        case "events":
            from matahari.shell.direct.events import add_event_options  # the others do not need it

            add_event_options(parser)
        case "describe" | "get":
            add_get_options(parser)
        case _:
            add_hosts_options(parser)
    add_client_options(parser)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def check(parser: Parser, options: argparse.Namespace) -> None:
    """Look at the words of a direct command, before anybody is asked.

    Raises:
        SystemExit: they cannot be meant.
    """
    match options.direct:
        case "call":
            check_call(parser, options)
        case "events":
            from matahari.shell.direct.events import check_events  # the others do not need it

            check_events(parser, options)
        case "describe":
            check_describe(parser, options)
        case "get":
            check_get(parser, options)
        case _:
            check_hosts(parser, options)


def run_direct(options: argparse.Namespace, connect: Connect, approval: Approval) -> ExitStatus:
    """Run the direct command.

    Args:
        options: as :func:`matahari.shell.direct.options.parse` gives them.
        connect: gives the console for them.
        approval: decides about methods that are declared destructive.

    Raises:
        MatahariError: there is no console.
    """
    colour = wants_colour(sys.stdout)
    output = _Answers(sys.stdout, sys.stderr, as_json=options.json, colour=colour, debug=options.debug)
    if options.direct == "events":
        from matahari.shell.direct.events import run_events  # the others do not need it

        return run_events(options, connect, output)
    run = {"call": run_call, "describe": run_describe, "get": run_get, "hosts": run_hosts}[options.direct]
    console = connect(options)
    try:
        return run(options, console, output, approval)
    except MatahariError as error:
        output.error(error)
        return status_of(error)
    finally:
        console.close()


class _Answers(Output):
    """Standard output has the answers alone."""

    takes_commands = False

    def complain(self, lines: Sequence[str]) -> None:
        """Lines about what was not done, on standard error."""
        self.remark("\n".join(lines))
