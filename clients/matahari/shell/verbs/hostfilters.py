"""``select hosts FILTER`` and ``select hosts explain FILTER``: hosts by a filter, and why a host matches or not.

A filter has quotes and brackets of its own, so that it is taken from the line as it was typed. What ends a command for
the shell (``;`` and ``#`` in front of a word, outside quotes) ends the filter too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from matahari.errors import FilterSyntaxError, NoAgentsError, RequestTimeoutError
from matahari.shell.base.outcome import CommandError, ExitStatus, first_failure
from matahari.shell.base.ports import ConsoleLike, HostMatchesLike, HostMatchLike
from matahari.shell.base.selection import Directory, Selection
from matahari.shell.display.output import Output
from matahari.shell.display.render import INDENT, one_line, printable
from matahari.shell.display.rows import counted
from matahari.shell.syntax.commands import Command
from matahari.shell.syntax.grammar import Keyword, Rest
from matahari.shell.syntax.lines import PIPE, Word

if TYPE_CHECKING:
    from matahari.filters import Explanation
    from matahari.shell.verbs.filter_hints import Hint

__all__ = ["HostFilters", "filter_text", "looks_like_filter"]

MAX_EXPLAINED = 10  # hosts with a block each: what a person still reads
MAX_FACT_NAMES = 5_000
"""Names of facts that completion offers; hosts with 1024 facts of their own each would make it useless."""

_SIGNS = frozenset("=<>~()*?![/")
_KEYWORDS = frozenset(("and", "or", "not", "in", "has", "class", "plugin", "agent"))


class Shell(Protocol):
    """What the commands work on: the session."""

    console: ConsoleLike
    output: Output
    selection: Selection
    fact_names: frozenset[str]

    @property
    def timeout(self) -> float:
        """Seconds to wait for answers."""

    def select(self, selection: Selection) -> ExitStatus:
        """Make this the selection; agents that did not answer make the status."""


class HostFilters:
    """The commands, working on one shell."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def commands(self, directory: Directory) -> Iterator[Command]:
        """The three forms; the last is for those who write ``select host``, which also takes names as in 2012."""

        def complete(words: Sequence[Word], fragment: str) -> list[str]:
            from matahari.shell.verbs.filter_completion import complete_filter  # scripts complete nothing

            return complete_filter(words, fragment, directory, self._shell.fact_names)

        # Whole words: "sel ho web1" has always meant "select host web1".
        hosts, why = Keyword("hosts", whole=True), Keyword("explain", whole=True)
        rest = Rest("FILTER", is_required=True, complete=complete, is_source=True, may_end=_is_filter)
        yield Command((Keyword("select"), hosts, why, rest), self._explain)
        yield Command((Keyword("select"), hosts, rest), self._select)
        named = Rest("FILTER", is_required=True, accepts=looks_like_filter)
        yield Command((Keyword("select"), Keyword("host"), named), self._select, is_hidden=True)

    def _select(self, values: tuple[object, ...]) -> ExitStatus:
        """Restrict the selection to the hosts that a filter means now, e.g. role = web and not /^test/."""
        with _pipes_told(text := filter_text(_words(values[-1]))):
            matches = self.choose(text)
        names = [host.name for host in matches.hosts]
        status = self._shell.select(self._shell.selection.with_hosts(names, matches.unanswered))
        show_selected(self._shell.output, names)
        self._shell.output.remark(f"{len(names)} of {counted(len(matches), 'host')}")
        return first_failure([status, self.complain(matches, "undecided and not selected", text)])

    def _explain(self, values: tuple[object, ...]) -> ExitStatus:
        """Show for every host whether a filter matches, and why; the selection stays as it is."""
        with _pipes_told(text := filter_text(_words(values[-1]))):
            return self.explain(text)

    def explain(self, text: str) -> ExitStatus:
        """Show for every host whether the filter matches, and why."""
        matches = self._match(text)
        output = self._shell.output
        if len(matches) > MAX_EXPLAINED and not (output.as_json or output.is_piped):
            from matahari.shell.verbs.explaining import grouped_explanations  # of few each is told

            for lines in grouped_explanations(matches):
                output.row(lines, {})
        else:
            for one in matches:
                lines = [f"{one_line(one.host.name)}:"]
                lines += [f"{INDENT}{printable(line)}" for line in one.explanation.lines()]
                output.row(lines, _record(one))
        if hints := self._hints(text, matches):
            self._shell.output.complain([f"% {printable(one.text)}" for one in hints])
        status = self.complain(matches, "undecided")
        return first_failure([status, ExitStatus.OK if matches.hosts else ExitStatus.NOTHING_MATCHED])

    def choose(self, text: str) -> HostMatchesLike:
        """What becomes of a filter; it means one host at least.

        Raises:
            CommandError: it is no filter, or means no host because of a name that nothing has; ``position`` is the
                column in it.
            NoAgentsError: it means no host.
            RequestTimeoutError: it means no host, and hosts that it might mean did not answer.
        """
        matches = self._match(text)
        if matches.hosts:
            return matches
        if matches.unanswered:
            silent = ", ".join(printable(one.name) for one in matches.unanswered)
            is_lost = all(not one.host for one in matches.unanswered)
            late = f"within {self._shell.timeout:g} s from" if not is_lost else "from a host of unknown name:"
            raise RequestTimeoutError(f"No host matches; no answer {late} {silent}", timeout=self._shell.timeout)
        none = "The only host does not match" if len(matches) == 1 else f"None of {len(matches)} hosts matches"
        hints = self._hints(text, matches)
        if not hints:
            raise NoAgentsError(none)
        position = next((one.position for one in hints if one.position is not None), None)
        texts = (one.text for one in hints)
        raise CommandError(none, *texts, position=position, status=ExitStatus.NOTHING_MATCHED)

    def _hints(self, text: str, matches: HostMatchesLike) -> Sequence[Hint]:
        from matahari.shell.verbs.filter_hints import filter_hints  # only wanted after a mistake

        return filter_hints(text, matches, self._shell.console)

    def _match(self, text: str) -> HostMatchesLike:
        try:
            matches = self._shell.console.match_hosts(text, timeout=self._shell.timeout)
        except FilterSyntaxError as error:
            # The blanks in front make columns of the filter those of the line.
            raise CommandError(f"Invalid filter: {error}", position=error.position) from error
        names = self._shell.fact_names.union(matches.known_names)
        self._shell.fact_names = frozenset(sorted(names)[:MAX_FACT_NAMES])
        return matches

    def complain(self, matches: HostMatchesLike, meaning: str, text: str = "") -> ExitStatus:
        """Name who did not answer, where that leaves the filter undecided, and names of hosts that no host has.

        Args:
            meaning: what comes of it for who did not answer.
            text: the filter as it was typed; empty where its names are told in another way.
        """
        lines = [f"% {printable(one)}" for one in self._unmatched(text, matches)]
        if matches.unanswered:
            from matahari.shell.display.tally import unanswered_lines  # hosts usually answer

            lines += unanswered_lines(matches.unanswered, meaning)
        if lines:
            self._shell.output.complain(lines)
        return ExitStatus.SOME_FAILED if lines else ExitStatus.OK

    def _unmatched(self, text: str, matches: HostMatchesLike) -> Sequence[str]:
        if "or" not in text.lower():
            return ()  # a filter of one name that is not there matches no host, which is told elsewhere
        from matahari.shell.verbs.filter_hints import unmatched_hosts

        return unmatched_hosts(text, matches)


@contextmanager
def _pipes_told(text: str) -> Iterator[None]:
    """Tell what a pipe needs where one may have been meant: outside quotes no filter has its sign."""
    try:
        yield
    except CommandError as error:
        at = error.position
        if at is None or text[at : at + 1] != PIPE or text[at : at + 2] == PIPE * 2:
            raise
        from matahari.shell.pipes.running import STAGE_NAMES  # only wanted after a mistake

        behind = text[at + 1 :].split()
        if not behind or not any(name.startswith(behind[0]) for name in STAGE_NAMES):
            raise
        before = text[:at].split()[-1:] or [""]
        hint = f"A pipe has blanks around it: {' '.join([*before, PIPE, *behind])}"
        raise CommandError('Invalid filter: "|" is not known', hint, position=at) from error


def show_selected(output: Output, hosts: Sequence[str]) -> None:
    """Behind a pipe, the hosts that were selected: ``select hosts site = fra | count``."""
    if output.is_piped:
        for name in hosts:
            output.row([one_line(name)], {"host": name})


def filter_text(words: Sequence[Word]) -> str:
    """The filter as it was typed, behind as many blanks as bring it to its column of the line."""
    text = ""
    for word in words:
        text = text.ljust(word.start) + word.source
    return text


def looks_like_filter(words: Sequence[Word]) -> bool:
    """Whether words behind ``select host`` are a filter and no list of names: they have signs or words of one."""
    if any(not _SIGNS.isdisjoint(word.source) for word in words):
        return True
    return len(words) > 1 and any(word.source.lower() in _KEYWORDS for word in words)


def _is_filter(words: Sequence[Word]) -> bool:
    from matahari.filters import parse  # only help in place needs it

    try:
        parse(filter_text(words))
    except FilterSyntaxError:
        return False
    return True


def _words(values: object) -> Sequence[Word]:
    assert isinstance(values, tuple)  # what a Rest matches
    return values


def _record(match: HostMatchLike) -> dict[str, object]:
    return {
        "host": match.host.name,
        "uuid": str(match.host.uuid),
        "matched": match.truth,
        "unanswered": [one.name for one in match.unanswered],
        "explanation": _parts(match.explanation),
    }


def _parts(explanation: Explanation) -> dict[str, object]:
    parts = [_parts(part) for part in explanation.parts]
    return {
        "filter": explanation.text,
        "matched": explanation.truth,
        "reason": explanation.reason,
        **({"parts": parts} if parts else {}),
    }
