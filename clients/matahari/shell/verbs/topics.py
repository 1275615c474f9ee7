"""The words that ``help`` may be asked about. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from matahari.shell.syntax.lines import Word
from matahari.shell.syntax.values import Bound

__all__ = ["Second", "Topic"]


class Topic(NamedTuple):
    """A word that ``help`` may be asked about; whether there is help on it, the help decides."""

    words: Callable[[], Sequence[str]]
    name: str = "COMMAND"

    def convert(self, word: Word, bound: Bound) -> str:
        """The only word that begins so, else what was typed."""
        found = [first for first in self.words() if first.startswith(word.text)]
        return found[0] if len(found) == 1 and word.text else word.text

    def complete(self, fragment: str, bound: Bound) -> list[str]:
        """Words that begin so."""
        return [first + " " for first in self.words() if first.startswith(fragment)]


class Second(NamedTuple):
    """The word behind the one that ``help`` is asked about; what begins so is found by the help."""

    words: Callable[[str], Sequence[str]]
    name: str = "WORD"

    def convert(self, word: Word, bound: Bound) -> str:
        """What was typed."""
        return word.text

    def complete(self, fragment: str, bound: Bound) -> list[str]:
        """Words that begin so."""
        found = dict.fromkeys(self.words(str(bound.get("COMMAND", ""))))
        return [word + " " for word in found if word.startswith(fragment)]
