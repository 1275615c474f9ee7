"""What a direct command is about: the hosts and the class that its words mean, as a selection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from matahari.errors import MatahariError, MissingArgumentError, NoAgentsError
from matahari.shell.base.outcome import CommandError, ExitStatus, first_failure, status_of
from matahari.shell.base.parser import Parser
from matahari.shell.base.ports import DEFAULT_PACKAGE, PLUGIN_PACKAGE, AgentLike, ConsoleLike
from matahari.shell.base.selection import LiveDirectory, Selection
from matahari.shell.display.render import error_lines, failure_lines, failure_record, object_record, printable
from matahari.shell.session import Session
from matahari.shell.syntax.lines import Line, Word
from matahari.shell.verbs.hostfilters import HostFilters

__all__ = [
    "Chosen",
    "ChosenHosts",
    "add_hosts_option",
    "choose",
    "choose_hosts",
    "class_text",
    "find_class",
    "pointed",
    "report_lacking",
    "run_words",
]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was found.

    Attributes:
        status: of finding it: hosts that did not answer, or that lack the class, make it a failure.
        lacking: hosts that a filter means and that have no object of the class.
    """

    status: ExitStatus
    lacking: tuple[str, ...]


class ChosenHosts(NamedTuple):
    """The hosts that a filter means.

    Attributes:
        status: of asking; hosts that did not answer, and names that no host has, make it a failure.
        undecided: agents that did not answer.
    """

    names: Sequence[str] = ()
    status: ExitStatus = ExitStatus.OK
    undecided: Sequence[AgentLike] = ()


def add_hosts_option(parser: Parser) -> None:
    """``--hosts``."""
    parser.add_argument(
        "--hosts", metavar="FILTER", help="only the hosts that this filter means: names, globs, facts; default: all"
    )


def choose_hosts(session: Session, text: str) -> ChosenHosts:
    """The hosts that a filter means; who did not answer is told.

    Raises:
        CommandError: it is no filter.
        NoAgentsError, RequestTimeoutError: it means no host.
    """
    filters = HostFilters(session)
    try:
        matches = filters.choose(text)
    except CommandError as error:
        raise pointed(error, Line(text, (Word(text, 0, len(text)),), 0, len(text))) from error
    status = filters.complain(matches, "undecided and left out", text)
    return ChosenHosts([host.name for host in matches.hosts], status, matches.unanswered)


def choose(session: Session, package: str, class_name: str, hosts: str | None, typed: tuple[str, str]) -> Chosen:
    """Select the class on the hosts that a filter means.

    Args:
        typed: the direct word, and what behind it names the class.

    Raises:
        CommandError: nobody knows such a class; what was typed is shown with its column.
        NoAgentsError: nobody has it, or none of these hosts.
    """
    names, status, undecided = ChosenHosts() if hosts is None else choose_hosts(session, hosts)
    try:
        found = session.select(Selection((), package, class_name).with_hosts(names, undecided))
    except NoAgentsError as error:
        raise _pointed_at_class(error, session.console, package, class_name, typed) from error
    objects = session.objects
    assert objects is not None  # a class is selected
    lacking: tuple[str, ...] = ()
    if names:
        have = {*(one.host for one in (*objects, *objects.unanswered)), *objects.missing}
        lacking = tuple(name for name in names if name not in have)
    if not len(objects) and found is not ExitStatus.OK:
        found = ExitStatus.NONE_ANSWERED
    elif not len(objects):
        what = class_text(package, class_name)
        if len(names) == 1:
            raise NoAgentsError(f"The one host that is meant has no {what}")
        raise NoAgentsError(
            f"None of the {len(names)} hosts that are meant has a {what}" if names else f"There is no {what}"
        )
    return Chosen(first_failure([found, status, ExitStatus.SOME_FAILED if lacking else ExitStatus.OK]), lacking)


def _pointed_at_class(
    error: NoAgentsError, console: ConsoleLike, package: str, class_name: str, typed: tuple[str, str]
) -> MatahariError:
    """The same error with the column of the class, or package, where that is what nobody knows."""
    try:
        known = {(one.package, one.name) for one in console.classes()}
    except MatahariError:
        return error
    if not known or (package, class_name) in known:
        return error
    command, target = typed
    in_front, _, _ = target.rpartition(":")
    at = len(command) + 1
    if in_front and any(package == one for one, _ in known):
        at += len(in_front) + 1
    text = " ".join(typed)
    unknown = CommandError(*str(error).split("\n"), position=at, status=status_of(error))
    return pointed(unknown, Line(text, (Word(text, 0, len(text)),), 0, len(text)))


def class_text(package: str, class_name: str) -> str:
    """The class as people call it."""
    if package == PLUGIN_PACKAGE:
        return f"plugin {printable(class_name)}"
    return f"object of {printable(package)}:{printable(class_name)}"


def find_class(console: ConsoleLike, name: str) -> tuple[str, str]:
    """Package and name of a class that may be named without its package.

    Raises:
        CommandError: several packages have a class of that name.
    """
    package, colon, class_name = name.rpartition(":")
    if colon:
        return package, class_name
    packages = [one.package for one in console.classes() if one.name == name]
    if not packages or DEFAULT_PACKAGE in packages:
        return DEFAULT_PACKAGE, name  # where nobody has it, the error names what is close
    if len(packages) > 1:
        raise CommandError(f'"{name}" may be', *(f"    {package}:{name}" for package in sorted(packages)))
    return packages[0], name


def run_words(session: Session, command: str, target: str, member: str, words: Sequence[str]) -> ExitStatus:
    """Run a command of the selected class, as if it had been typed at the shell.

    Args:
        target: class and member as they were given; ``member`` is the end of it.
        words: arguments, each one word whatever it contains.

    Raises:
        MatahariError: it was not run; an error with a column shows it.
    """
    line = _line(command, target, member, words)
    try:
        found, values = session.commands(LiveDirectory(session.console)).find(line, more=_more(session, command))
        return found.action(values)
    except CommandError as error:
        from matahari.shell.verbs.masking import masked_error  # only wanted after a mistake

        told, shown = masked_error(session, _for_system_shell(error, command, line), line)
        assert isinstance(told, CommandError)  # as this one is
        raise pointed(told, shown) from error
    except MissingArgumentError as error:
        if words:
            raise  # it is told where it is, or may be about a secret
        raise pointed(CommandError(str(error), position=len(line.text) + 1), line) from error


def _for_system_shell(error: CommandError, command: str, line: Line) -> CommandError:
    """The same of a name that is no argument, with what helps there: it may be an option, and its quotes are gone."""
    from matahari.shell.direct.request import direct_parser  # only wanted after a mistake
    from matahari.shell.syntax.arguments import IN_BOTH_QUOTES, IN_QUOTES

    word = next((word.text for word in line.words if word.start == error.position), "")
    option = f"--{word.partition('=')[0].replace('_', '-')}"
    lines = [text.replace(IN_QUOTES, IN_BOTH_QUOTES) for text in error.lines]
    if "=" in word and option in direct_parser(command).format_help():
        lines.append(f"An option is {option}")
    made = CommandError(*lines, position=error.position, status=error.status)
    return made.with_traceback(error.__traceback__)


def _more(session: Session, command: str) -> str:
    """What lists all members of the class."""
    selected = session.selection
    owner = {DEFAULT_PACKAGE: "class", PLUGIN_PACKAGE: "plugin"}.get(
        selected.package, f"class package {selected.package}"
    )
    return f"mhsh -c 'select {owner} {selected.class_name}; help {command}'"


def report_lacking(session: Session, hosts: Sequence[str], *, name: str, is_timed: bool = False) -> None:
    """Tell the hosts that were meant and have no object of the selected class; ``name`` is the member."""
    objects, output = session.objects, session.output
    assert objects is not None  # a class is selected
    what = class_text(objects.class_name.package, objects.class_name.name)
    for host in hosts:
        error = NoAgentsError(f"has no {what}")
        record = {**object_record(objects), "host": host, "name": name, **failure_record(error, debug=False)}
        lines = failure_lines(printable(host), error, debug=False)
        output.row(lines, {**record, "duration": 0.0} if is_timed else record, failed=True)


def pointed(error: CommandError, line: Line) -> CommandError:
    """The same error with the line that it is about, and its column."""
    if error.position is None:
        return error
    return CommandError(*(text.removeprefix("% ") for text in error_lines(error, line)), status=error.status)


def _line(command: str, target: str, member: str, words: Sequence[str]) -> Line:
    text = " ".join([command, target, *words])
    at = len(command) + 1 + len(target)
    # A quoted name is never taken for an abbreviation.
    found = [Word(command, 0, len(command)), Word(member, at - len(member), at, 0, member)]
    for word in words:
        found.append(Word(word, at + 1, at + 1 + len(word), -1, word))
        at += 1 + len(word)
    return Line(text, tuple(found), 0, len(text))
