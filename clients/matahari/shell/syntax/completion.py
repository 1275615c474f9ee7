"""What may follow the words of a command, by its grammar: for completion, and for help in place. Pure.

Source: matahari-2012.md 15.9 and the table of 17.8
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from matahari.errors import MatahariError
from matahari.shell.syntax.grammar import Group, Keyword, Repeat, Rest, Syntax, Value, is_prefix
from matahari.shell.syntax.lines import Word

__all__ = ["Expected", "complete", "expected"]


@dataclass(frozen=True, slots=True)
class Expected:
    """What may stand behind some words.

    Attributes:
        element: a keyword, a value, or what takes all words from here; None for the end of the command.
        words: those that ``element`` has taken already, where it takes several.
        bound: values of the words before.
    """

    element: Keyword | Value | Rest | None
    words: tuple[Word, ...] = ()
    bound: Mapping[str, object] = field(default_factory=dict)

    def complete(self, fragment: str) -> list[str]:
        """Words that begin with ``fragment``, as :func:`complete` gives them."""
        match self.element:
            case None:
                return []
            case Keyword(word=word):
                return [word + " "] if word.startswith(fragment) else []
            case Value(converter=converter):
                return converter.complete(fragment, self.bound)
            case Rest(complete=continuations):
                if continuations is None:
                    return [f"{fragment} " if fragment else ""]
                return continuations(self.words, fragment)


def complete(syntax: Syntax, words: Sequence[Word], fragment: str) -> list[str]:
    """What may follow ``words`` and begins with ``fragment``.

    Returns:
        Suggestions in the order of the grammar, each once. A final blank says that the word is complete; an empty text
        stands for a value of which nothing is typed yet.
    """
    return list(dict.fromkeys(text for one in expected(syntax, words) for text in one.complete(fragment)))


def expected(syntax: Syntax, words: Sequence[Word]) -> Iterator[Expected]:
    """What may follow ``words``, in the order of the grammar.

    Every allowed path through the grammar is followed; the words must fit, keywords by prefix. Whether the command may
    end where a :class:`Rest` begins, its reader knows.
    """
    return _paths(tuple(syntax), tuple(words), {})


def _paths(elements: Syntax, words: tuple[Word, ...], bound: dict[str, object]) -> Iterator[Expected]:
    if not elements:
        if not words:
            yield Expected(None)
        return
    first, rest = elements[0], elements[1:]
    if isinstance(first, Group):
        yield from _paths((*first.elements, *rest), words, bound)
        yield from _paths(rest, words, bound)
    elif isinstance(first, Rest):
        yield Expected(first, words, bound)
    elif isinstance(first, Repeat):
        if all(_accepts(first.value, word, bound) for word in words):
            yield Expected(first.value, words, bound)
            if words:
                yield Expected(None)
    elif not words:
        yield Expected(first, (), bound)
    elif isinstance(first, Keyword):
        if words[0].text == first.word or is_prefix(words[0], first):
            yield from _paths(rest, words[1:], bound)
    elif _accepts(first, words[0], bound):
        converted = first.converter.convert(words[0], bound)
        yield from _paths(rest, words[1:], {**bound, first.name: converted})


def _accepts(value: Value, word: Word, bound: dict[str, object]) -> bool:
    try:
        value.converter.convert(word, bound)
    except MatahariError:
        return False  # the word refuses this path
    return True
