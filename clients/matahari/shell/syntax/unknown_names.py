"""Where on the line the name is that nobody knows, of a package, class or plugin, or the property that is read-only.

Such names are handed to the console unlooked at, which saves a question when they are right. It refuses those that are
wrong, and knows of no line; only then the names are asked for.

Imported after a mistake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from matahari.errors import MatahariError, MissingArgumentError
from matahari.shell.base.outcome import CommandError, status_of
from matahari.shell.syntax.commands import MAX_ABBREVIATIONS, CommandSet
from matahari.shell.syntax.grammar import Element, Group, Keyword, RefusedWordError, Repeat, Rest, Syntax, Value, match
from matahari.shell.syntax.lines import Line, Word
from matahari.shell.syntax.values import Bound, Choice, not_found

__all__ = ["pointed_at"]


def pointed_at(error: MatahariError, line: Line, commands: CommandSet) -> MatahariError:
    """The same refusal with the column of the word that it is about; as it is where that is not known.

    Args:
        error: what the command ended with, before anybody was asked for an answer.
        line: the command.

    Raises:
        MatahariError: the names cannot be asked for.
    """
    command, values = commands.find(line)
    position: int | None
    if isinstance(error, MissingArgumentError):
        # Where arguments are there, they may be secret: the line is not repeated.
        is_bare = isinstance(command.syntax[-1], Rest) and values[-1] == ()
        position = line.words[-1].end + 1 if is_bare else None
    elif isinstance(error, CommandError):
        position = _property(command.syntax, line.words)
    else:
        position = _position(command.syntax, (replace(line.words[0], text=command.first), *line.words[1:]))
    if position is None:
        return error
    pointed = CommandError(*str(error).split("\n"), position=position, status=status_of(error))
    pointed.__cause__ = error
    return pointed


def _property(syntax: Syntax, words: Sequence[Word]) -> int | None:
    """The column of the property that the command is about."""
    named = zip(syntax, words, strict=False)  # in front of it there are keywords only
    return next((word.start for one, word in named if isinstance(one, Keyword) and one.noun == "Property"), None)


def _position(syntax: Syntax, words: Sequence[Word]) -> int | None:
    """The column of the first word that is no name of those that it is to be one of."""
    try:
        match(tuple(map(_looking, syntax)), words, abbreviations=MAX_ABBREVIATIONS)
    except RefusedWordError as refusal:
        return refusal.position
    except CommandError:
        return None  # read in another way than it was run
    return None


def _looking(element: Element) -> Element:
    """The same element, which refuses names that are not known."""
    match element:
        case Value(converter=Choice(is_checked=False) as choice):
            return element._replace(converter=_Looking(choice))
        case Group(elements=elements):
            return Group(tuple(map(_looking, elements)))
        case Repeat(value=value):
            looking = _looking(value)
            assert isinstance(looking, Value)  # what is made of a value
            return Repeat(looking)
        case _:
            return element


@dataclass(frozen=True, slots=True)
class _Looking:
    """Looks whether the name is there, unless none is: then something else is wrong."""

    choice: Choice

    @property
    def name(self) -> str:
        return self.choice.name

    def convert(self, word: Word, bound: Bound) -> str:
        names = self.choice.names(bound)
        if names and word.text not in names:
            raise not_found(self.choice.noun, word.text, names)
        return word.text

    def complete(self, fragment: str, bound: Bound) -> list[str]:
        return self.choice.complete(fragment, bound)
