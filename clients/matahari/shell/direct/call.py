"""``mhsh call``: a method of a plugin, or of any class, on the hosts that a filter means; at once or batch by batch."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Final

from matahari.errors import NoAgentsError
from matahari.shell.base.outcome import CommandError, ExitStatus, first_failure, status_of
from matahari.shell.base.parser import Parser, seconds
from matahari.shell.base.ports import PLUGIN_PACKAGE, ConsoleLike
from matahari.shell.direct.rolling import sample
from matahari.shell.direct.target import (
    Chosen,
    add_hosts_option,
    choose,
    report_lacking,
    run_words,
)
from matahari.shell.display.approval import Approval
from matahari.shell.display.output import Output
from matahari.shell.display.rolling import Amount, Steps, amount_from
from matahari.shell.session import Session

__all__ = ["add_call_options", "check_call", "run_call", "target_of"]

MAX_PAUSE: Final = 86_400.0  # seconds; a day, more is a typing error
MAX_CANARY: Final = 1_000_000  # hosts; more than any fleet has


def add_call_options(parser: Parser) -> None:
    """The options of ``mhsh call``."""
    add_hosts_option(parser)
    group = parser.add_argument_group("rolling calls", "Without these all hosts are asked at once.")
    group.add_argument("--batch", metavar="N|N%", type=_amount(1), help="ask so many hosts at a time")
    group.add_argument("--pause", metavar="SECONDS", type=seconds(MAX_PAUSE), help="wait so long between two batches")
    group.add_argument(
        "--max-failures",
        metavar="N|N%",
        type=_amount(0),
        help="begin no further batch when more hosts than that failed",
    )
    group.add_argument(
        "--canary", metavar="N", type=_canary, help="try so many hosts first; end when one of them fails"
    )
    group.add_argument("--limit", metavar="N|N%", type=_amount(1), help="ask only so many hosts, taken at random")
    group.add_argument("--seed", metavar="TEXT", help="take the same hosts again")


def check_call(parser: Parser, options: argparse.Namespace) -> None:
    """Look at the words and at options that need others.

    Raises:
        SystemExit: they cannot be meant.
    """
    if not options.words:
        parser.error("a PLUGIN.METHOD is needed")
    try:
        target_of(options.words[0])
    except CommandError as error:
        parser.error(str(error))
    if options.batch is None and not options.canary and (options.pause is not None or options.max_failures is not None):
        parser.error("--pause and --max-failures need --batch or --canary: without one all hosts are asked at once")
    if options.seed is not None and options.limit is None:
        parser.error("--seed needs --limit")


def target_of(text: str) -> tuple[str, str, str]:
    """Package, class and method of ``PLUGIN.METHOD`` or ``PACKAGE:CLASS.METHOD``.

    Raises:
        CommandError: it is neither.
    """
    package, colon, rest = text.rpartition(":")
    class_name, _, method = rest.rpartition(".")
    if not class_name or not method or (colon and not package):
        raise CommandError(f"{text!r} is neither PLUGIN.METHOD nor PACKAGE:CLASS.METHOD")
    return package or PLUGIN_PACKAGE, class_name, method


def run_call(options: argparse.Namespace, console: ConsoleLike, output: Output, approval: Approval) -> ExitStatus:
    """Make the call.

    Raises:
        MatahariError: there is no such plugin, method or host, the arguments do not fit, or nobody allowed it.
    """
    target, *arguments = options.words
    package, class_name, method = target_of(target)
    session = _session(options, console, output, approval)
    chosen = _chosen(session, package, class_name, method, options)
    if chosen.status is ExitStatus.NONE_ANSWERED:
        return chosen.status
    if options.limit is not None:
        sample(session, options.limit, options.seed)
    status = run_words(session, "call", target, method, arguments)
    report_lacking(session, chosen.lacking, name=method, is_timed=True)
    return first_failure([status, chosen.status])


def _session(options: argparse.Namespace, console: ConsoleLike, output: Output, approval: Approval) -> Session:
    session = Session(console, output, limit=options.timeout, approval=approval)
    if options.batch is not None or options.canary:
        session.steps = Steps(options.batch, options.pause or 0.0, options.max_failures, options.canary or 0)
    return session


def _chosen(session: Session, package: str, class_name: str, method: str, options: argparse.Namespace) -> Chosen:
    try:
        return choose(session, package, class_name, options.hosts, ("call", options.words[0]))
    except (CommandError, NoAgentsError) as error:
        if status_of(error) is not ExitStatus.NOTHING_MATCHED:
            raise
        others = [one for one in session.console.classes() if one.name == class_name and one.package != package]
        if not others:
            raise
        hints = [f"There is also: mhsh call {one.package}:{one.name}.{method}" for one in others]
        raise NoAgentsError("\n".join([str(error), *hints])) from error


def _amount(least: int) -> Callable[[str], Amount]:
    """The ``type`` of an option that takes a number of hosts from ``least`` on, or a share above or from 0 %."""

    def convert(text: str) -> Amount:
        try:
            return amount_from(text, least)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return convert


def _canary(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_CANARY:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of hosts from 1 on")
    return int(text)
