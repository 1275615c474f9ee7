"""``roll call …``: a call that goes over its hosts step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from matahari.errors import NoAgentsError, SchemaError
from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.base.selection import Directory
from matahari.shell.display.rolling import Amount, Steps, amount_from, sampled
from matahari.shell.display.rows import counted
from matahari.shell.syntax.commands import Command
from matahari.shell.syntax.flags import Flag, complete_flags, read_flags
from matahari.shell.syntax.grammar import Keyword, Rest, missing_after
from matahari.shell.syntax.lines import Word, split
from matahari.shell.syntax.values import Bound, Integer, Real
from matahari.shell.verbs.wrapping import WrappingCommands, first_of

if TYPE_CHECKING:
    from matahari.shell.verbs.shell import Shell

__all__ = ["RollingCommand"]

MAX_PAUSE: Final = 86_400.0  # seconds; a day, more is a typing error
MAX_CANARY: Final = 1_000_000  # hosts; more than any fleet has

_CALL: Final = "call"


@dataclass(frozen=True, slots=True)
class _Hosts:
    """A number of hosts, or a share of them."""

    least: int
    name: str = "N|N%"

    def convert(self, word: Word, bound: Bound) -> Amount:
        try:
            return amount_from(word.text, self.least)
        except ValueError as error:
            raise SchemaError(str(error)) from error

    def complete(self, fragment: str, bound: Bound) -> list[str]:
        return []


_FLAGS: Final = (
    Flag("-b", "N|N%", _Hosts(1)),
    Flag("-c", "N", Integer(1, MAX_CANARY)),
    Flag("-p", "SECONDS", Real(0.0, MAX_PAUSE)),
    Flag("-f", "N|N%", _Hosts(0)),
    Flag("-l", "N|N%", _Hosts(1)),
)


class RollingCommand(WrappingCommands):
    """The command, working on one shell."""

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self._session = shell

    def commands(self, directory: Directory) -> Iterator[Command]:
        """``roll``."""
        called = self._completer(directory, frozenset())

        def roll(values: tuple[object, ...]) -> ExitStatus:
            words = values[-1]
            assert isinstance(words, tuple)  # what a Rest matches
            given, rest = read_flags(words, _FLAGS)
            if not rest:
                raise missing_after((Keyword(_CALL),), words[-1].end + 1)
            return self._roll(self._called(directory, rest), given)

        def complete(words: Sequence[Word], fragment: str) -> list[str]:
            flags, left = complete_flags(words, fragment, _FLAGS)
            if left is None or left:
                return flags if left is None else [*flags, *called(left, fragment)]
            return [*flags, *(one for one in called(left, fragment) if one.strip() == _CALL)]

        text = " ".join(f"({one.flag} {one.name})" for one in _FLAGS)
        may_end = self._ender(directory, _FLAGS)
        rest = Rest(f"{text} CALL", is_required=True, complete=complete, may_end=may_end)
        yield Command((Keyword("roll"), rest), roll, ROLL_HELP)

    def _called(self, directory: Directory, words: Sequence[Word]) -> str:
        """The calls, as they were typed.

        Raises:
            CommandError: they are none.
        """
        text = self._inner(directory, words, frozenset())
        commands = self._session.commands(directory)
        # Without a class there is no call: then the line itself says what is missing.
        if any(line.stages or (first_of(commands, line) or line.words[0].text) != _CALL for line in split(text)):
            raise CommandError("Only calls can be rolled", position=words[0].start)
        return text

    def _roll(self, text: str, given: Mapping[str, object]) -> ExitStatus:
        shell = self._session
        batch, canary, failures, limit = (given.get(flag) for flag in ("-b", "-c", "-f", "-l"))
        pause = given.get("-p", 0.0)
        assert isinstance(batch, int | str | None) and isinstance(failures, int | str | None)  # what they convert to
        assert isinstance(limit, int | str | None) and isinstance(canary, int | None) and isinstance(pause, float)
        before = shell.selection, shell.objects
        if limit is not None:
            self._sample(limit)
        shell.steps = Steps(batch, pause, failures, canary or 0)
        try:
            return self._run(text)
        finally:
            shell.steps = None
            if limit is not None:
                shell.selection, shell.objects = before

    def _sample(self, limit: Amount) -> None:
        """Select so many of the hosts for now."""
        shell = self._session
        if shell.objects is None or not len(shell.objects):
            raise NoAgentsError("No objects selected")
        total = len({one.host for one in shell.objects})
        hosts = sampled(shell.objects, limit)
        shell.select(replace(shell.selection, hosts=hosts))
        shell.output.remark(f"{len(hosts)} of {counted(total, 'host')}, taken at random")


ROLL_HELP = """Call batch by batch, and tell what failed after each.

-b: so many hosts at a time, or a share of them
-c: so many hosts, the canary, are tried first; when one of them fails the call ends
-p: wait so many seconds between two batches
-f: begin no further batch when more hosts than that have failed
-l: ask only so many hosts, taken at random

Ctrl-C spares the hosts that have not been asked. Several calls are rolled in quotes."""
