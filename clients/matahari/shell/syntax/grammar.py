"""The grammar of one command: keywords, VALUES, (optional groups), [lists]; matching and syntax text.

Everything here is pure. A syntax is a sequence of elements whose first is the command's own keyword; matching gives one
value for each element: the word for a keyword, the converted value for a value, a tuple for a group, a list, or the
remaining words.

Groups are greedy, as in 2012: a group is taken if all that is present of it matches; it is skipped as a whole when a
word refuses, and its members then have their defaults. A group that began to match and ran out of words is an error
(2012 called the handler with a shortened group when that happened at the end of a command).

Keywords also match by prefix. How many words may be abbreviated is an argument of :func:`match`: the caller tries 0
first and then one more at a time, so an abbreviation never takes a word that has another reading.

Source: matahari-2012.md 15.5, 15.7 and the table of 17.8
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from matahari.errors import MatahariError
from matahari.shell.base.outcome import CommandError, ExitStatus, status_of
from matahari.shell.syntax.lines import Word
from matahari.shell.syntax.values import Converter, Text, not_found

__all__ = [
    "Element",
    "Group",
    "Keyword",
    "MissingWordsError",
    "RefusedWordError",
    "Repeat",
    "Rest",
    "Syntax",
    "Value",
    "is_prefix",
    "match",
    "missing_after",
    "syntax_text",
]


class Keyword(NamedTuple):
    """A fixed word.

    Attributes:
        noun: what the word names when it stands for a member of a class (``Method``): another word at its place is then
            a member that does not exist, not a mistake in the grammar.
        whole: never matches by prefix.
    """

    word: str
    noun: str = ""
    whole: bool = False


class Value(NamedTuple):
    """A word given by the user; ``default`` (or what it returns) stands for it in a group that is left out."""

    name: str
    converter: Converter = Text()
    default: object | Callable[[], object] = None


class Group(NamedTuple):
    """Elements that may be left out together."""

    elements: tuple[Element, ...]


class Repeat(NamedTuple):
    """One value or more, to the end of the line; inside a left-out group none."""

    value: Value


class Rest(NamedTuple):
    """All remaining words as they are: their reader is the command.

    Attributes:
        text: shows them in the syntax.
        is_required: there is one at least.
        accepts: refuses words that are none of this command's; None takes all.
        complete: continuations of a fragment behind some of the words; None offers the fragment itself.
        hints: what may stand there, and what it is, for help in place; None shows ``text``.
        may_end: whether the line may end behind such words, for help in place; None where it may, once there is one.
        is_source: the reader takes words as they were typed, so that what completes them is never put into quotes.
    """

    text: str = ""
    is_required: bool = False
    accepts: Callable[[Sequence[Word]], bool] | None = None
    complete: Callable[[Sequence[Word], str], list[str]] | None = None
    hints: Callable[[Sequence[Word], str], Sequence[tuple[str, str]]] | None = None
    is_source: bool = False
    may_end: Callable[[Sequence[Word]], bool] | None = None


Element: TypeAlias = Keyword | Value | Group | Repeat | Rest
Syntax: TypeAlias = tuple[Element, ...]


def syntax_text(elements: Sequence[Element]) -> str:
    """The syntax as the shell prints it, e.g. ``select class (package PACKAGE) CLASS``."""
    return " ".join(text for element in elements if (text := _element_text(element)))


def _element_text(element: Element) -> str:
    match element:
        case Keyword(word=word):
            return word
        case Value(name=name):
            return name
        case Group(elements=elements):
            return f"({syntax_text(elements)})"
        case Repeat(value=value):
            return f"[{value.name}]"
        case Rest(text=text):
            return text


def match(syntax: Syntax, words: Sequence[Word], *, abbreviations: int = 0) -> tuple[object, ...]:
    """Fit ``words`` to the syntax.

    Args:
        syntax: elements of one command.
        words: all words of the line, the command's own first.
        abbreviations: most keywords that may be given by a prefix.

    Returns:
        One value for each element.

    Raises:
        CommandError: the words do not fit; ``position`` and the text tell the fault furthest to the right.
    """
    matcher = _Matcher(words, abbreviations)
    try:
        values = matcher.sequence(syntax, ())
        if matcher.at < len(words):
            raise _excess(words[matcher.at :])
    except CommandError as error:
        # A group that was skipped may have failed further to the right, or for a better reason at the same word.
        deepest = matcher.deepest
        if deepest is not None and _column(deepest) >= _column(error):
            raise deepest from None
        raise
    return tuple(values)


def missing_after(elements: Sequence[Element], position: int) -> MissingWordsError:
    """The error of a line that ends before all of ``elements`` were given."""
    return MissingWordsError(elements, position)


def _excess(words: Sequence[Word]) -> CommandError:
    return CommandError(f"Excess arguments: '{' '.join(word.text for word in words)}'", position=words[0].start)


def _column(error: CommandError) -> int:
    return -1 if error.position is None else error.position


class MissingWordsError(CommandError):
    """The line ends before the command does.

    Attributes:
        missing: the syntax of what is missing.
        noun: of the member of a class that should come next, empty when something else should.
    """

    code = "shell.command.missing"

    def __init__(self, elements: Sequence[Element], position: int) -> None:
        self.missing = syntax_text(elements)
        super().__init__(f"Missing arguments: '{self.missing}'", position=position)
        first = elements[0] if elements else None
        self.noun = first.noun if isinstance(first, Keyword) else ""


class RefusedWordError(CommandError):
    """A word is there and does not fit; inside a group this skips the group.

    Attributes:
        reason: why, without the frame that the message puts around it.
        keyword: what should have stood there, None when a value refused.
    """

    code = "shell.command.refused"

    def __init__(self, message: str, word: Word, *, reason: str, keyword: Keyword | None, status: ExitStatus) -> None:
        super().__init__(message, position=word.start, status=status)
        self.word = word
        self.reason = reason
        self.keyword = keyword


class _Matcher:
    def __init__(self, words: Sequence[Word], abbreviations: int) -> None:
        self.words = words
        self.at = 0
        self.abbreviations = abbreviations
        self.bound: dict[str, object] = {}
        self.deepest: RefusedWordError | None = None

    def sequence(self, elements: Sequence[Element], following: Sequence[Element]) -> list[object]:
        values: list[object] = []
        for index, element in enumerate(elements):
            values.append(self.element(element, (*elements[index + 1 :], *following)))
        return values

    def element(self, element: Element, following: Sequence[Element]) -> object:
        if isinstance(element, Group):
            return self.group(element, following)
        if isinstance(element, Rest):
            return self.rest(element)
        if self.at >= len(self.words):
            end = self.words[-1].end + 1 if self.words else 0
            raise missing_after((element, *following), end)
        if isinstance(element, Keyword):
            return self.keyword(element)
        if isinstance(element, Value):
            return self.value(element)
        many: list[object] = []
        while self.at < len(self.words):
            many.append(self.value(element.value))
        return many

    def rest(self, rest: Rest) -> tuple[Word, ...]:
        taken = tuple(self.words[self.at :])
        if rest.is_required and not taken:
            raise missing_after((rest,), self.words[-1].end + 1 if self.words else 0)
        if rest.accepts is not None and not rest.accepts(taken):
            raise CommandError(f"'{' '.join(word.text for word in taken)}' is no {rest.text}")
        self.at = len(self.words)
        return taken

    def keyword(self, keyword: Keyword) -> str:
        word = self.words[self.at]
        if word.text != keyword.word:
            if self.abbreviations < 1 or not is_prefix(word, keyword):
                raise _wrong_keyword(word, keyword)
            self.abbreviations -= 1
        self.at += 1
        return keyword.word

    def value(self, value: Value) -> object:
        word = self.words[self.at]
        try:
            converted = value.converter.convert(word, self.bound)
        except MatahariError as error:
            message = f"Invalid argument value ({error})"
            status = _status_of_refusal(error)
            raise RefusedWordError(message, word, reason=str(error), keyword=None, status=status) from error
        self.bound[value.name] = converted
        self.at += 1
        return converted

    def group(self, group: Group, following: Sequence[Element]) -> tuple[object, ...]:
        if self.at >= len(self.words):
            return _defaults(group)
        before = (self.at, self.abbreviations, dict(self.bound))
        try:
            return tuple(self.sequence(group.elements, following))
        except RefusedWordError as error:
            if self.deepest is None or _column(error) >= _column(self.deepest):
                self.deepest = error
            self.at, self.abbreviations, self.bound = before
            return _defaults(group)


def _wrong_keyword(word: Word, keyword: Keyword) -> RefusedWordError:
    message = reason = f"Invalid keyword '{word.text}'"
    if keyword.noun:
        message = reason = str(not_found(keyword.noun, word.text, [keyword.word]))
    status = ExitStatus.NOTHING_MATCHED if keyword.noun else ExitStatus.USAGE
    return RefusedWordError(message, word, reason=reason, keyword=keyword, status=status)


def _status_of_refusal(error: MatahariError) -> ExitStatus:
    status = status_of(error)
    return ExitStatus.USAGE if status is ExitStatus.SOME_FAILED else status


def is_prefix(word: Word, keyword: Keyword) -> bool:
    """Whether a word may stand for the keyword as its abbreviation."""
    return not keyword.whole and not word.is_quoted and word.text != "" and keyword.word.startswith(word.text)


def _defaults(group: Group) -> tuple[object, ...]:
    return tuple(_default(element) for element in group.elements)


def _default(element: Element) -> object:
    match element:
        case Value(default=default):
            return default() if callable(default) else default
        case Group():
            return _defaults(element)
        case Repeat():
            return []
        case Rest():
            return ()
        case Keyword():
            return None
