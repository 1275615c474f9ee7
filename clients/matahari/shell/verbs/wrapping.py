"""``time COMMAND`` and ``watch COMMAND``: a command that is run by another one.

The inner command is taken from the line as it was typed. A single quoted word holds a whole line, so that ``;`` and
pipes can be part of what is timed or repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from matahari.errors import FilterSyntaxError, MatahariError
from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.base.selection import Directory, Selection
from matahari.shell.display.approval import Approval
from matahari.shell.display.output import Output
from matahari.shell.display.rows import counted
from matahari.shell.syntax.commands import Command, CommandSet
from matahari.shell.syntax.flags import Flag, complete_flags, read_flags
from matahari.shell.syntax.grammar import Keyword, Rest, missing_after
from matahari.shell.syntax.lines import Line, Word, split
from matahari.shell.syntax.values import Integer, Real

__all__ = ["DEFAULT_INTERVAL", "Shell", "WrappingCommands", "first_of"]

DEFAULT_INTERVAL = 2.0  # seconds, as watch(1) has it
MIN_INTERVAL = 0.1  # seconds; more often would load the hosts, and nobody could read it
MAX_INTERVAL = 86_400.0  # seconds; a day, more is a typing error
MAX_ROUNDS = 1_000_000_000  # more is a typing error

_WATCH_FLAGS = (
    Flag("-n", "SECONDS", Real(MIN_INTERVAL, MAX_INTERVAL)),
    Flag("-c", "COUNT", Integer(1, MAX_ROUNDS)),
)
_IN_TIME = frozenset({"time", "watch"})
_IN_WATCH = frozenset({"watch"})


class Shell(Protocol):
    """What the commands work on: the session."""

    output: Output
    echo: bool
    finished: bool
    is_lost: bool
    is_wrong: bool
    selection: Selection
    answers: dict[str, object]

    @property
    def approval(self) -> Approval:
        """Decides about calls that are declared destructive."""

    def ask_with(self, approval: Approval) -> None:
        """Have another approval decide from now on."""

    @property
    def clock(self) -> Callable[[], float]:
        """Monotonic seconds."""

    @property
    def sleep(self) -> Callable[[float], None]:
        """Wait that many seconds."""

    def execute(self, text: str, *, stop_on_error: bool = False) -> ExitStatus:
        """Run the commands of one line and print what they say."""

    def commands(self, directory: Directory) -> CommandSet:
        """All commands of the current mode."""

    def shown_ahead(self, text: str) -> str:
        """The line without its secrets, to be shown before it is run."""


class WrappingCommands:
    """The commands, working on one shell.

    Neither runs itself, and ``time`` runs no ``watch``: so commands are never nested deeper than two.
    """

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def commands(self, directory: Directory) -> Iterator[Command]:
        """Both."""

        def time_it(values: tuple[object, ...]) -> ExitStatus:
            return self._time(self._inner(directory, _words(values[-1]), _IN_TIME))

        def watch_it(values: tuple[object, ...]) -> ExitStatus:
            words = _words(values[-1])
            given, rest = read_flags(words, _WATCH_FLAGS)
            if not rest:
                raise missing_after((command,), words[-1].end + 1)
            return self._watch(self._inner(directory, rest, _IN_WATCH), given)

        def complete_watched(words: Sequence[Word], fragment: str) -> list[str]:
            flags, left = complete_flags(words, fragment, _WATCH_FLAGS)
            return flags if left is None else [*flags, *watched(left, fragment)]

        watched = self._completer(directory, _IN_WATCH)
        timed = self._ender(directory, ())
        command = Rest("COMMAND", is_required=True, complete=self._completer(directory, _IN_TIME), may_end=timed)
        yield Command((Keyword("time"), command), time_it, TIME_HELP)
        text = "(-n SECONDS) (-c COUNT) COMMAND"
        may_end = self._ender(directory, _WATCH_FLAGS)
        rest = Rest(text, is_required=True, complete=complete_watched, may_end=may_end)
        yield Command((Keyword("watch"), rest), watch_it, WATCH_HELP)

    def _time(self, text: str) -> ExitStatus:
        shell = self._shell
        output, rows, answers, started = shell.output, shell.output.rows, shell.answers, shell.clock()
        try:
            return self._run(text)
        finally:  # also after Ctrl-C
            took = f"{shell.clock() - started:.3f} s"
            if shell.answers is not answers:  # many of them may have been shown as one row
                took += f", {counted(len(shell.answers), 'answer')}"
            elif output.rows > rows:
                took += f", {counted(output.rows - rows, 'row')}"
            output.remark(took)

    def _watch(self, text: str, given: Mapping[str, object]) -> ExitStatus:
        from matahari.shell.verbs.watching import Watch  # only this command needs it

        interval, rounds = given.get("-n", DEFAULT_INTERVAL), given.get("-c")
        assert isinstance(interval, float) and (rounds is None or isinstance(rounds, int))  # what they convert to
        return Watch(self._shell, text, interval).run(lambda: self._run(text), rounds)

    def _run(self, text: str) -> ExitStatus:
        shell = self._shell
        echo, shell.echo = shell.echo, False  # the line was shown with what wraps it
        try:
            return shell.execute(text)
        finally:
            shell.echo = echo

    def _inner(self, directory: Directory, words: Sequence[Word], outer: frozenset[str]) -> str:
        """The inner line, at the columns where it was typed.

        Raises:
            CommandError: it is not finished, or begins with a command that cannot stand there.
        """
        from matahari.shell.verbs.hostfilters import filter_text

        is_quoted = len(words) == 1 and words[0].is_quoted
        text = words[0].text if is_quoted else filter_text(words)
        try:
            lines = split(text)
        except FilterSyntaxError as error:
            raise CommandError(str(error), position=words[0].start) from error
        if not lines:
            raise CommandError("There is no command in it", position=words[0].start)
        commands = self._shell.commands(directory)
        for line in lines:
            if (first := first_of(commands, line)) in outer:
                raise CommandError(f"{first} cannot be run here", position=words[0].start)
        return text

    def _ender(self, directory: Directory, flags: Sequence[Flag]) -> Callable[[Sequence[Word]], bool]:
        def may_end(words: Sequence[Word]) -> bool:
            try:
                inner = read_flags(words, flags)[1] if flags else words
                lines = split(self._inner(directory, inner, frozenset())) if inner else []
                found = [self._shell.commands(directory).find(line) for line in lines]
            except MatahariError:
                return False
            ends = [(command.syntax[-1], values[-1]) for command, values in found]
            return bool(ends) and all(
                not isinstance(end, Rest) or end.may_end is None or end.may_end(_words(value)) for end, value in ends
            )

        return may_end

    def _completer(self, directory: Directory, outer: frozenset[str]) -> Callable[[Sequence[Word], str], list[str]]:
        def complete(words: Sequence[Word], fragment: str) -> list[str]:
            commands = self._shell.commands(directory)
            if not words:
                return [f"{one} " for one in commands.first_words() if one.startswith(fragment) and one not in outer]
            if first_of(commands, Line("", tuple(words), 0, 0)) in outer:
                return []
            return [text for _, one in commands.ahead(words) for text in one.complete(fragment)]

        return complete


TIME_HELP = """Run a command and tell how long it took, in seconds, and how many rows it printed.

Several commands, or a pipe, are timed in quotes: time 'list hosts | count'."""

WATCH_HELP = """Run a command again and again, until Ctrl-C or COUNT times, every SECONDS (2 unless given).

On a terminal the screen is cleared for each round. A method that is declared destructive is asked about in the first
round, and again when another call is made, or one on other hosts. Several commands, or a pipe, are watched in quotes: watch 'list hosts | count'."""


def first_of(commands: CommandSet, line: Line) -> str | None:
    try:
        return commands.expand(line)
    except CommandError:
        return None  # the inner line says itself what is wrong with it


def _words(values: object) -> Sequence[Word]:
    assert isinstance(values, tuple)  # what a Rest matches
    return values
