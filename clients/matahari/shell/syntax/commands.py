"""Commands of a mode as a set: find the one that a line means, explain when none fits, complete, list.

Pure, like the grammar below it; what a command does is its ``action``, which the session provides.

Source: matahari-2012.md 15.2 (unknown words), 15.5 (groups), 15.7 (texts of errors), 15.9 (completion)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.syntax.grammar import Keyword, Rest, Syntax, match, syntax_text
from matahari.shell.syntax.lines import NAME_BEFORE_VALUE, PIPE, Line, Word, quote
from matahari.shell.syntax.values import close_matches

if TYPE_CHECKING:
    from matahari.shell.syntax.completion import Expected

__all__ = ["Action", "Command", "CommandSet", "Detail", "Source", "UnknownCommandError"]

Action = Callable[[tuple[object, ...]], ExitStatus]

MAX_ABBREVIATIONS = 4  # no syntax has more keywords


class Detail(NamedTuple):
    """One line of a command's help: an argument's type, name and description."""

    type: str
    name: str
    description: str


class Command(NamedTuple):
    """One command of a mode.

    Attributes:
        syntax: its grammar; the first element is the command's own keyword.
        action: runs it with the matched values.
        summary: help text; the action's docstring when empty.
        details: help on the arguments, printed under ``details_title``.
        is_hidden: understood, but not listed, completed or offered as a candidate.
    """

    syntax: Syntax
    action: Action
    summary: str = ""
    details: tuple[Detail, ...] = ()
    details_title: str = "Parameters:"
    is_hidden: bool = False

    @property
    def about(self) -> str:
        """The help text."""
        return self.summary or inspect.getdoc(self.action) or ""

    @property
    def first(self) -> str:
        """The command's first word."""
        keyword = self.syntax[0]
        assert isinstance(keyword, Keyword)  # every command starts with its own name
        return keyword.word

    @property
    def second(self) -> str:
        """The keyword behind the first word, empty where there is none."""
        following = self.syntax[1] if len(self.syntax) > 1 else None
        return following.word if isinstance(following, Keyword) else ""

    @property
    def text(self) -> str:
        """The syntax as text."""
        return syntax_text(self.syntax)


class Source(NamedTuple):
    """Commands that are made, and whose module may be loaded, when a line begins with one of these words.

    Attributes:
        firsts: every first word that the commands have.
        commands: makes them, in order.
    """

    firsts: tuple[str, ...]
    commands: Callable[[], Iterable[Command]]


class UnknownCommandError(CommandError):
    """The first word is no command of the mode. ``word`` is what was typed, ``close`` what may have been meant."""

    code = "shell.command.unknown"

    def __init__(self, line: Line, close: Sequence[str] = ()) -> None:
        super().__init__(f"Unknown syntax: {line.source}", position=line.words[0].start)
        self.word = line.words[0].text
        self.close = tuple(close)


class CommandSet:
    """The commands of one mode, in order.

    Args:
        sources: give the commands; those of a first word are asked for when a line has it, all to list or abbreviate.
        stages: what may stand behind a pipe, for completion.
    """

    def __init__(self, sources: Iterable[Source], *, stages: Callable[[], CommandSet] | None = None) -> None:
        self._stages = stages
        self._sources: dict[str, list[int]] = {}
        self._by_number = list(sources)
        self._made: dict[int, list[Command]] = {}
        for number, source in enumerate(self._by_number):
            for first in source.firsts:
                self._sources.setdefault(first, []).append(number)

    @classmethod
    def of(cls, commands: Iterable[Command]) -> CommandSet:
        """The set of commands that are there already."""
        known = list(commands)
        return cls([Source(tuple(dict.fromkeys(command.first for command in known)), lambda: known)])

    def _group(self, first: str) -> list[Command]:
        """The commands with that first word, in order, hidden ones too."""
        found: list[Command] = []
        for number in self._sources.get(first, ()):
            if number not in self._made:
                source = self._by_number[number]
                self._made[number] = list(source.commands())
                assert all(command.first in source.firsts for command in self._made[number])  # or it is never found
            found += [command for command in self._made[number] if command.first == first]
        return found

    def first_words(self) -> list[str]:
        """First words that are not hidden, sorted."""
        return sorted(first for first in self._sources if self.visible(first))

    def visible(self, first: str) -> list[Command]:
        """The listed commands with that first word, in order; empty for an unknown word."""
        return [command for command in self._group(first) if not command.is_hidden]

    def syntaxes(self) -> list[str]:
        """The syntax of every listed command, sorted."""
        return sorted(command.text for first in self._sources for command in self.visible(first))

    def expand(self, line: Line) -> str:
        """The first word that the line means, abbreviation resolved.

        Raises:
            UnknownCommandError: no command begins like that.
            CommandError: several do.
        """
        word = line.words[0]
        if self._group(word.text):
            return word.text
        fits = [first for first in self.first_words() if first.startswith(word.text)]
        if word.is_quoted or not word.text or not fits:
            raise UnknownCommandError(line, self._meant(word.text.lower()))
        if len(fits) > 1:
            from matahari.shell.syntax.mismatches import ambiguous  # only wanted after a mistake

            raise ambiguous(word, fits)
        return fits[0]

    def _meant(self, word: str) -> list[str]:
        """What may have been meant with a first word that is none: one that is close, or those that it stands behind."""
        firsts = self.first_words()
        behind = [command for first in firsts for command in self.visible(first) if command.second == word]
        return close_matches(word, firsts) or list(dict.fromkeys(f"{one.first} {word}" for one in behind))

    def find(self, line: Line, *, more: str = "") -> tuple[Command, tuple[object, ...]]:
        """The command that a line means, and its matched values.

        Args:
            more: what lists the commands of the first word, for errors; ``help`` and that word by default.

        Raises:
            CommandError: none fits, or an abbreviation fits several.
        """
        first = self.expand(line)
        words = (replace(line.words[0], text=first), *line.words[1:])
        group = self._group(first)
        failures: list[CommandError] = []
        for abbreviations in range(MAX_ABBREVIATIONS):
            fits, failures = _fits(group, words, abbreviations)
            if len(fits) == 1 or (fits and abbreviations == 0):
                return fits[0]
            if fits:
                from matahari.shell.syntax.mismatches import ambiguous_group  # only wanted after a mistake

                raise ambiguous_group(line, [command for command, _ in fits])
        from matahari.shell.syntax.mismatches import nothing_fits, only_failure  # only wanted after a mistake

        if len(group) == 1:
            raise only_failure(failures[0], words)
        raise nothing_fits(line, group, failures, more=more or f"help {first}")

    def complete(self, before_cursor: str) -> tuple[int, list[str]]:
        """What may stand at the cursor.

        Args:
            before_cursor: the line up to the cursor.

        Returns:
            The column where the suggestions begin, and the suggestions, quoted where they need it; a final blank says
            that the word is complete.
        """
        from matahari.shell.syntax.place import place_of  # scripts complete nothing

        place = place_of(before_cursor)
        if place is None:
            return len(before_cursor), []
        commands = self
        if place.is_in_pipe and self._stages is not None:
            commands = self._stages()
        fragment = place.word.text
        typed = before_cursor[place.start :] + (place.unfinished if place.unfinished in ("'", '"') else "")
        offered: list[str] = []
        for _, one in commands.ahead(place.words):
            if isinstance(one.element, Rest) and one.element.is_source:
                offered += one.complete(place.word.source)
            else:
                offered += [_quoted(text, fragment, typed) for text in one.complete(fragment)]
        if before_cursor[: place.start].endswith(PIPE) and place.is_in_pipe:
            offered = [f" {text}" for text in offered]  # a pipe has blanks around it
        return place.start, list(dict.fromkeys(offered))

    def ahead(self, words: Sequence[Word]) -> Iterator[tuple[Command, Expected]]:
        """What may follow ``words``, which may be none, with the listed command that it belongs to."""
        from matahari.shell.syntax.completion import Expected, expected  # scripts complete nothing

        if not words:
            for first in self.first_words():
                yield from ((command, Expected(Keyword(first))) for command in self.visible(first))
            return
        try:
            first = self.expand(Line("", tuple(words), 0, 0))
        except CommandError:
            return
        words = (replace(words[0], text=first), *words[1:])
        for command in self.visible(first):
            yield from ((command, one) for one in expected(command.syntax, words))


def _fits(
    group: Sequence[Command], words: Sequence[Word], abbreviations: int
) -> tuple[list[tuple[Command, tuple[object, ...]]], list[CommandError]]:
    fits: list[tuple[Command, tuple[object, ...]]] = []
    failures: list[CommandError] = []
    for command in group:
        try:
            fits.append((command, match(command.syntax, words, abbreviations=abbreviations)))
        except CommandError as error:
            failures.append(error)
    return fits, failures


def _quoted(suggestion: str, fragment: str, typed: str) -> str:
    """Write a suggestion as it must be typed: as it stands where possible, else quoted; of ``name=value`` the value."""
    word = suggestion.removesuffix(" ")
    tail = suggestion[len(word) :]
    if word == fragment:
        return typed + tail  # keeps the user's own quotes
    if word in ("[", "{"):
        return suggestion  # a lone bracket opens JSON
    name = NAME_BEFORE_VALUE.match(word)
    if name is not None and name.end() < len(word):
        return name[0] + quote(word[name.end() :]) + tail
    return quote(word) + tail
