"""``no select …``: takes back what ``select`` chose, as ``clear`` does, also one host or filter of several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, Protocol

from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.base.selection import Directory, Selection
from matahari.shell.syntax.commands import Command
from matahari.shell.syntax.grammar import Group, Keyword, Repeat, Rest, Value, syntax_text
from matahari.shell.syntax.lines import Word
from matahari.shell.syntax.values import Choice

__all__ = ["Undo"]

_NO: Final = Keyword("no")
_SELECT: Final = Keyword("select")


class Shell(Protocol):
    """What the commands work on: the session."""

    selection: Selection

    def select(self, selection: Selection) -> ExitStatus:
        """Make this the selection; agents that did not answer make the status."""


class Undo:
    """The commands, working on one shell."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def commands(self, directory: Directory) -> Iterator[Command]:
        """The same in every mode: what was not chosen needs no taking back."""
        selection = self._shell.selection
        hosts = Repeat(Value("HOST", Choice("Host", lambda bound: selection.hosts, final_blank=False)))
        names = Value("NAME", Choice("Property", lambda bound: sorted(selection.filters)))
        commands = [
            Command((_NO, _SELECT, Keyword("host"), Group((hosts,))), self._no_host),
            # Whole, as after "select": "no sel ho" means one of the two, and they do the same.
            Command((_NO, _SELECT, Keyword("hosts", whole=True)), self._no_hosts),
            Command((_NO, _SELECT, Keyword("class")), self._no_class),
            Command((_NO, _SELECT, Keyword("property"), Group((names,))), self._no_property),
        ]
        yield from commands
        syntaxes = [f"    {syntax_text(command.syntax)}" for command in commands]

        def refuse(values: tuple[object, ...]) -> ExitStatus:
            words = values[1]
            assert isinstance(words, tuple)  # what Rest matches
            raise CommandError(
                f'"{words[0].text}" cannot be undone' if words else "Undo what?",
                "What can be:",
                *syntaxes,
                position=words[0].start if words else None,
            )

        yield Command((_NO, Rest("COMMAND", accepts=_is_other)), refuse, is_hidden=True)

    def _no_host(self, values: tuple[object, ...]) -> ExitStatus:
        """Forget the selected hosts, or the named ones of them; without any, all hosts are meant again."""
        group = values[-1]
        assert isinstance(group, tuple)  # what a Group matches
        dropped = [str(name) for name in group[0]]
        selection = self._shell.selection
        kept = [name for name in selection.hosts if dropped and name not in dropped]
        return self._shell.select(selection.with_hosts(kept))

    def _no_hosts(self, values: tuple[object, ...]) -> ExitStatus:
        """Forget the selected hosts: all hosts are meant again."""
        return self._shell.select(self._shell.selection.with_hosts(()))

    def _no_class(self, values: tuple[object, ...]) -> ExitStatus:
        """Forget the selected class and the property filters."""
        return self._shell.select(self._shell.selection.with_class("", ""))

    def _no_property(self, values: tuple[object, ...]) -> ExitStatus:
        """Forget the property filters, or the one on NAME."""
        group = values[-1]
        assert isinstance(group, tuple)  # what a Group matches
        selection = self._shell.selection
        if group[0] is None:
            return self._shell.select(selection.without_filters())
        kept = {name: value for name, value in selection.filters.items() if name != group[0]}
        return self._shell.select(replace(selection, filters=kept))


def _is_other(words: Sequence[Word]) -> bool:
    """Whether the words are none that begin ``select …``, also in short."""
    return not words or not "select".startswith(words[0].text) or len(words[0].text) == 0
