"""``mhsh hosts``, ``mhsh get`` and ``mhsh describe``."""

from __future__ import annotations

import argparse

from matahari.shell.base.outcome import CommandError, ExitStatus, first_failure
from matahari.shell.base.parser import Parser
from matahari.shell.base.ports import PLUGIN_PACKAGE, ConsoleLike
from matahari.shell.direct.call import target_of
from matahari.shell.direct.target import (
    add_hosts_option,
    choose,
    choose_hosts,
    find_class,
    pointed,
    report_lacking,
    run_words,
)
from matahari.shell.display.approval import Approval
from matahari.shell.display.attendance import tell_unannounced
from matahari.shell.display.output import Output
from matahari.shell.display.render import one_line
from matahari.shell.session import Session
from matahari.shell.syntax.lines import Line, Word
from matahari.shell.verbs.hostfilters import HostFilters

__all__ = [
    "add_get_options",
    "add_hosts_options",
    "check_describe",
    "check_get",
    "check_hosts",
    "run_describe",
    "run_get",
    "run_hosts",
]


def add_hosts_options(parser: Parser) -> None:
    """The options of ``mhsh hosts``."""
    parser.add_argument("--explain", action="store_true", help="all hosts, each with why the filter matches or not")


def check_hosts(parser: Parser, options: argparse.Namespace) -> None:
    """Look at the words.

    Raises:
        SystemExit: there is nothing to explain.
    """
    if options.explain and not options.words:
        parser.error("--explain needs a FILTER")


def run_hosts(options: argparse.Namespace, console: ConsoleLike, output: Output, approval: Approval) -> ExitStatus:
    """List the hosts, or those that a filter means; the words behind ``hosts`` are one filter together.

    Raises:
        MatahariError: they are no filter, or mean no host.
    """
    session = Session(console, output, limit=options.timeout, approval=approval)
    text = " ".join(options.words)
    if options.explain:
        try:
            return HostFilters(session).explain(text)
        except CommandError as error:
            raise pointed(error, Line(text, (Word(text, 0, len(text)),), 0, len(text))) from error
    hosts, status = console.hosts(), ExitStatus.OK
    if options.words:  # an empty filter, as of a variable that is not set, does not mean all hosts
        names, status, _ = choose_hosts(session, text)
        hosts = [host for host in hosts if host.name in set(names)]
    for host in hosts:
        output.row([one_line(host.name)], {"host": host.name, "uuid": str(host.uuid)})
    if not options.words:
        status = tell_unannounced(console, output)
    return first_failure([status, ExitStatus.OK if hosts else ExitStatus.NOTHING_MATCHED])


def add_get_options(parser: Parser) -> None:
    """The options of ``mhsh get`` and ``mhsh describe``."""
    add_hosts_option(parser)


def check_get(parser: Parser, options: argparse.Namespace) -> None:
    """Look at the words.

    Raises:
        SystemExit: they are not a class and a property.
    """
    if len(options.words) != 2 or not all(options.words):
        parser.error("a CLASS and a PROPERTY are needed, and nothing else")


def run_get(options: argparse.Namespace, console: ConsoleLike, output: Output, approval: Approval) -> ExitStatus:
    """Read a property of all objects of a class.

    Raises:
        MatahariError: there is no such class, property or host.
    """
    session = Session(console, output, limit=options.timeout, approval=approval)
    name, member = options.words
    package, class_name = find_class(console, name)
    chosen = choose(session, package, class_name, options.hosts, ("get", name))
    if chosen.status is ExitStatus.NONE_ANSWERED:
        return chosen.status
    status = run_words(session, "get", f"{name} {member}", member, ())
    report_lacking(session, chosen.lacking, name=member)
    return first_failure([status, chosen.status])


def check_describe(parser: Parser, options: argparse.Namespace) -> None:
    """Look at the words.

    Raises:
        SystemExit: they are not one method.
    """
    if len(options.words) != 1:
        parser.error("one PLUGIN.METHOD is needed, and nothing else")
    try:
        target_of(options.words[0])
    except CommandError as error:
        parser.error(str(error))


def _package_of(console: ConsoleLike, class_name: str) -> str:
    """Of a plugin, else of a class that may be named without its package, as for ``get``; of what nobody has, a plugin."""
    packages = {one.package for one in console.classes() if one.name == class_name}
    if not packages or PLUGIN_PACKAGE in packages:
        return PLUGIN_PACKAGE
    return find_class(console, class_name)[0]


def run_describe(options: argparse.Namespace, console: ConsoleLike, output: Output, approval: Approval) -> ExitStatus:
    """Tell what is known of a method, or of a property.

    Raises:
        MatahariError: there is no such plugin, class, member or host.
    """
    session = Session(console, output, limit=options.timeout, approval=approval)
    [target] = options.words
    package, class_name, member = target_of(target)
    if ":" not in target:
        package = _package_of(console, class_name)
    chosen = choose(session, package, class_name, options.hosts, ("describe", target))
    if chosen.status is ExitStatus.NONE_ANSWERED:
        return chosen.status
    status = run_words(session, "describe", target, member, ())
    report_lacking(session, chosen.lacking, name=member)
    return first_failure([status, chosen.status])
