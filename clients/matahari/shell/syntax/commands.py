"""Commands of a mode as a set: find the one that a line means, explain when none fits, complete, list.

Pure, like the grammar below it; what a command does is its ``action``, which the session provides.

Source: matahari-2012.md 15.2 (unknown words), 15.5 (groups), 15.7 (texts of errors), 15.9 (completion)
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.syntax.grammar import (
    Keyword,
    MissingWordsError,
    RefusedWordError,
    Rest,
    Syntax,
    match,
    syntax_text,
)
from matahari.shell.syntax.lines import NAME_BEFORE_VALUE, PIPE, Line, Word, quote
from matahari.shell.syntax.values import close_matches, not_found

if TYPE_CHECKING:
    from matahari.shell.syntax.completion import Expected

__all__ = ["Action", "Command", "CommandSet", "Detail", "Source", "UnknownCommandError", "pipe_hint"]

Action = Callable[[tuple[object, ...]], ExitStatus]

MAX_ABBREVIATIONS = 4  # no syntax has more keywords
MAX_SHOWN = 8  # candidates in an error; more would drive the reason off the screen
MAX_MISSING = 3  # lines about what may come next; more would only be the candidates once more


@dataclass(frozen=True, slots=True)
class Detail:
    """One line of a command's help: an argument's type, name and description."""

    type: str
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Command:
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
    def text(self) -> str:
        """The syntax as text."""
        return syntax_text(self.syntax)


@dataclass(frozen=True, slots=True)
class Source:
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
            raise UnknownCommandError(line, close_matches(word.text, self.first_words()))
        if len(fits) > 1:
            raise _ambiguous(word, fits)
        return fits[0]

    def find(self, line: Line) -> tuple[Command, tuple[object, ...]]:
        """The command that a line means, and its matched values.

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
                raise _ambiguous_group(line, [command for command, _ in fits])
        if len(group) == 1:
            raise failures[0]
        raise _nothing_fits(line, first, group, failures)

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


def _ambiguous(word: Word, fits: Sequence[str]) -> CommandError:
    return CommandError(f'Ambiguous command: "{word.text}" begins {", ".join(fits)}', position=word.start)


def _ambiguous_group(line: Line, commands: Sequence[Command]) -> CommandError:
    candidates = [f"    {command.text}" for command in commands]
    return CommandError(f'Ambiguous Command: "{line.source}"', "Candidates are:", *candidates)


def _nothing_fits(line: Line, first: str, group: Sequence[Command], failures: Sequence[CommandError]) -> CommandError:
    furthest = max(_column(error) for error in failures)
    deepest = [error for error in failures if _column(error) == furthest]
    reasons = list(dict.fromkeys(_reasons(deepest)))
    status = next((error.status for error in deepest if error.status is not ExitStatus.USAGE), ExitStatus.USAGE)
    candidates = [one for one in zip(group, failures, strict=True) if not one[0].is_hidden]
    left_out = max(0, len(candidates) - MAX_SHOWN)
    if left_out:  # those that fit best come first; the sort keeps the order otherwise
        candidates = sorted(candidates, key=lambda one: -_column(one[1]))[:MAX_SHOWN]
    return CommandError(
        f'Invalid Command: "{line.source}"',
        *reasons,
        *(hint for word in line.words if word.start == furthest for hint in pipe_hint(word)),
        *(["Candidates are:"] if candidates else []),
        *(f"    {command.text}" for command, _ in candidates),
        *([f"    … and {left_out} more: help {first}"] if left_out else []),
        position=furthest,
        status=status,
    )


def _reasons(deepest: Sequence[CommandError]) -> Iterable[str]:
    """Why the candidates that came furthest refuse; wrong keywords are one reason together, and so are missing members."""
    members: dict[str, list[str]] = {}
    for error in deepest:
        if isinstance(error, RefusedWordError) and error.keyword is not None:
            members.setdefault(error.keyword.noun, []).append(error.keyword.word)
    for noun, known in members.items():
        word = next(error.word for error in deepest if isinstance(error, RefusedWordError))
        if noun:
            yield str(not_found(noun, word.text, known))
        elif close := close_matches(word.text, known):
            yield f"Invalid keyword '{word.text}'; did you mean {', '.join(close)}?"
    yield from _missing([error for error in deepest if isinstance(error, MissingWordsError)])
    for error in deepest:
        if isinstance(error, RefusedWordError):
            if error.keyword is None:
                yield error.reason
        elif not isinstance(error, MissingWordsError):
            yield error.lines[0]


def pipe_hint(word: Word) -> list[str]:
    """What to do when a pipe was meant in a word that is none, else nothing."""
    before, pipe, behind = word.source.partition(PIPE)
    if not pipe or word.is_quoted or not before.strip():
        return []
    return [f"A pipe has blanks around it: {before} {PIPE} {behind}".rstrip()]


def _missing(errors: Sequence[MissingWordsError]) -> Iterable[str]:
    """What may come next, as far as the candidates do not say it all the better."""
    nouns = Counter(error.noun for error in errors)
    texts = dict.fromkeys(
        f"a {error.noun.lower()}" if error.noun and nouns[error.noun] > 1 else f"'{error.missing}'" for error in errors
    )
    if len(texts) > MAX_MISSING:
        yield "Missing arguments: one of those below"
    else:
        yield from (f"Missing arguments: {text}" for text in texts)


def _column(error: CommandError) -> int:
    return -1 if error.position is None else error.position


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
