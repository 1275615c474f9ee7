"""Which typed lines hold values that are declared sensitive, so that they are not written down. Pure.

A line is held against every method that any object selected so far declared with sensitive parameters: what a line
itself selects, uses and leaves again counts too. When in doubt the line is sensitive; a line that is forgotten is typed
again, a password in a file stays there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from matahari.shell.base.ports import ObjectsLike
from matahari.shell.syntax.arguments import Parameters, has_unknown_name, names_of, parameters_of
from matahari.shell.syntax.lines import Word, scan

__all__ = ["MASK", "SensitiveMethods"]

MASK: Final = "***"

MAX_METHODS: Final = 5_000
"""Methods with secrets that are remembered, as many as 500 plugins of ten methods; beyond it every call is sensitive."""

MAX_DEPTH: Final = 4  # lines in quotes within each other; commands are nested two deep

_CALL: Final = "call"
_LEAST_CALL: Final = 2  # characters of an abbreviation of it; a single c is as likely anything else


@dataclass(frozen=True, slots=True)
class _Declared:
    names: frozenset[str]
    parameters: Parameters | None


class SensitiveMethods:
    """The methods met so far that take secrets."""

    def __init__(self) -> None:
        self._methods: dict[str, list[_Declared]] = {}
        self._count = 0
        self._is_blind = False

    def meet(self, objects: ObjectsLike) -> None:
        """Remember what these objects declare."""
        for method, names in _declared(objects).items():
            one = _Declared(names, parameters_of(objects, method))
            known = self._methods.setdefault(method, [])
            if one not in known and self._count < MAX_METHODS:
                known.append(one)
                self._count += 1

    def masked(self, text: str, *, is_blind: bool = False) -> str | None:
        """The line without its secrets; None for one that has none.

        Args:
            is_blind: no class is selected, so that nobody knows what a call's arguments are: all of them may be secret.
        """
        self._is_blind = is_blind
        at = self._first_secret(text)
        return None if at is None else f"{text[:at].rstrip()} {MASK}"

    def _first_secret(self, text: str, depth: int = MAX_DEPTH) -> int | None:
        """The column from which on the text may have secrets."""
        for line in scan(text):
            # Behind a mistyped pipe may be a call too.
            for words in (line.words, *(stage.words for stage in line.stages)):
                at = self._secret_from(words)
                if at is None and depth:
                    # A quoted word may be a line of its own, as behind `watch`, and that may have one, as behind `time`.
                    quoted = (word for word in words if word.is_quoted)
                    at = next(
                        (one.start for one in quoted if self._first_secret(one.text, depth - 1) is not None), None
                    )
                if at is not None:
                    return at
        return None

    def _secret_from(self, words: Sequence[Word]) -> int | None:
        """The column where the arguments of a call begin that may have a secret among them."""
        for at, word in enumerate(words[:-1]):
            arguments = words[at + 1 :]
            if word.text in self._methods:
                if any(_has_secret(one, arguments) for one in self._methods[word.text]):
                    return arguments[0].start
            elif _is_call(word) and len(arguments) > 1 and (self._is_blind or self._may_be_meant(arguments[0].text)):
                return arguments[1].start
        return None

    def _may_be_meant(self, method: str) -> bool:
        """Whether a method that takes secrets may have been misspelt."""
        from matahari.shell.syntax.values import close_matches

        if self._count >= MAX_METHODS:
            return True
        return method not in self._methods and (
            bool(close_matches(method, list(self._methods))) or any(name.startswith(method) for name in self._methods)
        )


def _declared(objects: ObjectsLike) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for one in objects:
        methods = one.values.get("methods")
        for name, entry in methods.items() if isinstance(methods, Mapping) else ():
            names = entry.get("sensitive") if isinstance(entry, Mapping) else None
            if isinstance(names, list) and names:
                found[str(name)] = found.get(str(name), frozenset()) | {str(each) for each in names}
    return found


def _is_call(word: Word) -> bool:
    return len(word.text) >= _LEAST_CALL and _CALL.startswith(word.text)


def _has_secret(declared: _Declared, words: Sequence[Word]) -> bool:
    parameters = declared.parameters
    if parameters is None or has_unknown_name(words, parameters) or _is_explicit(words):
        return True
    names = set(names_of(words, parameters))
    # What *args and **kwargs take has no name in the schema: one that is sensitive hides all that they take.
    hides_rest = not declared.names <= parameters.schemas.keys()
    return bool(names & declared.names) or (hides_rest and not names <= parameters.schemas.keys())


def _is_explicit(words: Sequence[Word]) -> bool:
    """The form of 2012, ``[args] {kwargs}``, names nothing."""
    return any(word.text[:1] in ("[", "{") for word in words)
