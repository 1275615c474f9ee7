"""``?`` in place: what may come next, with one line of help each. Pure, as completion is.

Where a question mark is a character of its own (in quotes, JSON, comments and regular expressions) it stays one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from matahari.shell.display.columns import columns_of, cut
from matahari.shell.display.render import printable
from matahari.shell.syntax.commands import Command, CommandSet
from matahari.shell.syntax.completion import Expected
from matahari.shell.syntax.grammar import Keyword, Rest, Value
from matahari.shell.syntax.lines import Word
from matahari.shell.syntax.place import Place, place_of
from matahari.shell.syntax.values import Boolean, Integer, JsonList, JsonMap, Real, Text, Uuid
from matahari.shell.verbs.filter_completion import is_in_regex
from matahari.shell.verbs.help import TITLE

__all__ = ["END", "explain", "help_lines", "is_character"]

END: Final = "<cr>"
"""Stands for the end of the line, where it may end."""

NOTHING: Final = "% Nothing fits here"
_LEAST: Final = 20  # columns of the help on one word, however narrow the terminal
_LONGEST: Final = 28  # characters of a word that others are aligned with
_SEARCHES: Final = "grep"  # the stage of a pipe that takes a regular expression
_TYPED: Final = (Text, Integer, Real, Uuid, JsonList, JsonMap)


def is_character(commands: CommandSet, before_cursor: str) -> bool:
    """Whether a question mark typed there is text."""
    place = place_of(before_cursor)
    if place is None or place.unfinished:
        return True
    if place.is_in_pipe:
        first = place.words[0].text if place.words else ""
        return bool(first) and _SEARCHES.startswith(first)
    return any(
        isinstance(one.element, Rest) and one.element.is_source and is_in_regex(one.words, place.word.source)
        for _, one in commands.ahead(place.words)
    )


def help_lines(commands: CommandSet, before_cursor: str, columns: int = 80) -> list[str]:
    """What ``?`` shows there, harmless for a terminal, each on one line where that has so many columns."""
    hints = explain(commands, before_cursor)
    if not hints:
        return [NOTHING]
    width = max((len(word) for word, _ in hints if len(word) <= _LONGEST), default=0)
    lines = [_line(f"  {printable(word):<{width}}  ", text, columns) for word, text in hints]
    return [TITLE, *lines] if not before_cursor.strip() else lines


def explain(commands: CommandSet, before_cursor: str) -> list[tuple[str, str]]:
    """Words, values in capitals, and :data:`END`, each with what it is, in the order of the grammar.

    Words of which a part is typed already are those that begin so.
    """
    place = place_of(before_cursor)
    if place is None:
        return []
    if place.is_in_pipe:
        from matahari.shell.pipes.running import stage_commands  # only wanted behind a pipe

        commands = stage_commands()
    found: dict[str, str] = {}
    for command, one in commands.ahead(place.words):
        for word, text in _hints(commands, command, one, place):
            if not found.get(word):
                found[word] = text
    if END in found:
        found[END] = found.pop(END)  # it comes last
    return list(found.items())


def _hints(commands: CommandSet, command: Command, one: Expected, place: Place) -> Sequence[tuple[str, str]]:
    fragment = place.word.text
    match one.element:
        case None:
            return [] if fragment else [(END, "")]
        case Keyword(word=word):
            return [(word, _about(commands, place.words, word))] if word.startswith(fragment) else []
        case Value():
            offered = one.complete(fragment)
            return [(one.element.name, _about_value(command, one.element, offered))] if offered or not fragment else []
        case Rest():
            return _about_rest(command, one, place)


def _about(commands: CommandSet, words: Sequence[Word], word: str) -> str:
    """Help on a keyword: that of its command; where several commands go on behind it, the words that follow."""
    following = [*commands.ahead((*words, Word(word, 0, len(word), source=word)))]
    alternatives = {id(command): command for command, _ in following}
    names = list(dict.fromkeys(_name(one) for _, one in following))
    if len(alternatives) <= 1 or names == [END]:  # "reload all" could be a plugin of that name, too
        return next((command.about for command in alternatives.values()), "")
    return ", ".join(names)


def _name(one: Expected) -> str:
    match one.element:
        case None:
            return END
        case Keyword(word=word):
            return word
        case Value(name=name):
            return name
        case Rest(text=text):
            return text


def _about_value(command: Command, value: Value, offered: Sequence[str]) -> str:
    """Type, range and so on as the command's details say; else the names to choose from, the type, or its command."""
    for detail in command.details:
        if detail.name.upper() == value.name or (value.name == "VALUE" and len(command.details) == 1):
            return f"{detail.type} {detail.description}"
    converter = value.converter
    if isinstance(converter, Boolean):
        return f"{converter.name} [true or false]"
    if isinstance(converter, Integer | Real):
        return f"{converter.name}{_range(converter)}"
    names = [] if isinstance(converter, _TYPED) else [text.strip() for text in offered if text.strip()]
    return ", ".join(names) or (command.about if isinstance(converter, Text) else converter.name)


def _range(converter: Integer | Real) -> str:
    low, high = converter.minimum, converter.maximum
    if isinstance(converter, Integer) and (low, high) == (Integer().minimum, Integer().maximum):
        return ""
    limits = ([f"at least {low:g}"] if low is not None else []) + ([f"at most {high:g}"] if high is not None else [])
    return f" [{' and '.join(limits)}]" if limits else ""


def _about_rest(command: Command, one: Expected, place: Place) -> Sequence[tuple[str, str]]:
    rest = one.element
    assert isinstance(rest, Rest)  # the caller has looked
    if rest.hints is not None:
        return rest.hints(one.words, place.word.text)
    fragment = place.word.source if rest.is_source else place.word.text
    offered = [text.strip() for text in one.complete(fragment)] if rest.complete is not None else []
    hints = [(rest.text, ", ".join(filter(None, offered)) or command.about)]
    may_end = bool(one.words) or not rest.is_required
    if may_end and rest.may_end is not None:
        may_end = rest.may_end(one.words)
    return [*hints, (END, "")] if not fragment and may_end else hints


def _line(word: str, text: str, columns: int) -> str:
    first = printable(text).strip().split("\n", 1)[0]
    room = max(_LEAST, columns - columns_of(word) - 1)  # a line that fills the last column may wrap
    shown = first if columns_of(first) <= room else f"{cut(first, room - 1)}…"
    return f"{word}{shown}".rstrip()
