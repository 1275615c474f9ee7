"""Patterns of keys in access rules: what fits them, what they cover, what they touch. Pure.

The words of a pattern are those of a topic (``*`` one word, ``#`` none or more), and besides ``abc*`` is any one word
that begins so: names of QMF agents have their parts divided by colons, within one word (``brokers.md`` 6.1).

The binding key of a receiver on the topic exchange is a pattern itself. A rule that allows must then cover every
message that the binding would bring, and a rule that denies applies as soon as one of them is possible.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

__all__ = ["covers", "fits", "overlaps", "words_of"]

Words = Sequence[str]


def words_of(text: str) -> tuple[str, ...]:
    """The words between the dots; none for the empty text."""
    return tuple(text.split(".")) if text else ()


def fits(pattern: Words, key: Words) -> bool:
    """Whether ``key``, whose every word stands for itself, fits ``pattern``."""
    return _walk(pattern, key, _word_fits)


def covers(pattern: Words, binding: Words) -> bool:
    """Whether each key that fits the topic binding ``binding`` fits ``pattern``.

    May say no where ``*`` and ``#`` are next to each other in different order: ``*.#`` and ``#.*`` mean the same,
    and only one of them covers itself.
    """
    return _walk(pattern, binding, _word_covers)


def overlaps(pattern: Words, binding: Words) -> bool:
    """Whether some key fits both ``pattern`` and the topic binding ``binding``."""
    below = [False] * len(binding) + [True]  # whether the rests from (row, column) on have a key in common
    for column in range(len(binding) - 1, -1, -1):
        below[column] = binding[column] == "#" and below[column + 1]
    for mine in reversed(pattern):
        row = [False] * (len(binding) + 1)
        row[-1] = mine == "#" and below[-1]
        for column in range(len(binding) - 1, -1, -1):
            other = binding[column]
            if mine == "#" or other == "#":
                row[column] = below[column] or row[column + 1]
            else:
                row[column] = _words_meet(mine, other) and below[column + 1]
        below = row
    return below[0]


def _walk(pattern: Words, words: Words, accepts: Callable[[str, str], bool]) -> bool:
    """In time proportional to the product of the word counts: all possible places at once, no search."""
    reachable = {0}
    for part in pattern:
        if not reachable:
            return False
        if part == "#":
            reachable = set(range(min(reachable), len(words) + 1))
        else:
            reachable = {at + 1 for at in reachable if at < len(words) and accepts(part, words[at])}
    return len(words) in reachable


def _word_fits(part: str, word: str) -> bool:
    return part == "*" or part == word or (part.endswith("*") and word.startswith(part[:-1]))


def _word_covers(part: str, word: str) -> bool:
    if word == "#":
        return False
    return part == "*" or (word != "*" and _word_fits(part, word))


def _words_meet(part: str, word: str) -> bool:
    return word == "*" or _word_fits(part, word)
