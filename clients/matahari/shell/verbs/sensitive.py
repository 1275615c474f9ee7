"""Which typed lines hold secrets, so that they are neither written down nor shown again. Pure.

Secret is what a method declares sensitive, and what is named like a secret: a parameter, a ``name=value``, a member in
JSON, a property that is set or compared. A line is held against every method that any object selected so far published
with such parameters: what a line itself selects, uses and leaves again counts too. When in doubt the line is sensitive;
a line that is forgotten is typed again, a password in a file stays there.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from matahari.shell.base.ports import MethodLike, ObjectsLike
from matahari.shell.display.secrets import MASK, assigns_secret, looks_secret, parameters_of_text
from matahari.shell.syntax.arguments import Parameters, has_unknown_name, names_of
from matahari.shell.syntax.lines import Line, Word, scan

__all__ = ["MASK", "SensitiveMethods"]

MAX_METHODS: Final = 5_000
"""Methods with secrets that are remembered, as many as 500 plugins of ten methods; beyond it every call is sensitive."""

MAX_DEPTH: Final = 4  # lines in quotes within each other; commands are nested two deep

_CALL: Final = ("call",)
_WITH_PROPERTY: Final = ("set", "select")
_LEAST: Final = 2  # characters of an abbreviation of these; a single c is as likely anything else


@dataclass(frozen=True, slots=True)
class _Declared:
    names: frozenset[str]
    parameters: Parameters | None


class SensitiveMethods:
    """The methods met so far that take secrets."""

    def __init__(self) -> None:
        self._methods: dict[str, list[_Declared]] = {}
        self._count = 0

    def meet(self, objects: ObjectsLike) -> None:
        """Remember what these objects publish."""
        for method, one in _published(objects):
            known = self._methods.setdefault(method, [])
            if one not in known and self._count < MAX_METHODS:
                known.append(one)
                self._count += 1

    def masked(self, text: str, *, known: Container[str] | None = None) -> str | None:
        """The line without its secrets; None for one that has none.

        Args:
            known: the methods that a call can mean, where others may exist of which nothing is known: then all
                arguments of a call of another one may be secret. None when there are no others.
        """
        at = self.first_secret(text, known=known)
        return None if at is None else f"{text[:at].rstrip()} {MASK}"

    def first_secret(self, text: str, *, known: Container[str] | None = None, depth: int = MAX_DEPTH) -> int | None:
        """The column from which on the text may have secrets; None when it has none."""
        found = (self.first_in(line, known=known, depth=depth) for line in scan(text))
        return next((at for at in found if at is not None), None)

    def first_in(self, line: Line, *, known: Container[str] | None = None, depth: int = MAX_DEPTH) -> int | None:
        """The same of one command."""
        # Behind a mistyped pipe may be a call too.
        for words in (line.words, *(stage.words for stage in line.stages)):
            at = self._secret_from(words, known)
            if depth:
                # A quoted word may be a line of its own, as behind `watch`, and that may have one, as behind `time`.
                quoted = (word for word in words if word.is_quoted and (at is None or word.start < at))
                inner = (one for one in quoted if self.first_secret(one.text, known=known, depth=depth - 1) is not None)
                at = next((one.start for one in inner), at)
            if at is not None:
                return at
        return None

    def _secret_from(self, words: Sequence[Word], known: Container[str] | None) -> int | None:
        """The column where the arguments of a call begin that may be secret, or a single secret."""
        for at, word in enumerate(words):
            arguments = words[at + 1 :]
            if assigns_secret(word.text):
                return word.start
            if not arguments:
                return None
            if word.text in self._methods:
                found = [_first_secret(one, arguments) for one in self._methods[word.text]]
                if at_least := [one for one in found if one is not None]:
                    return arguments[min(at_least)].start
            elif len(arguments) > 1 and (_is_short_for(word, _CALL) or (at == 0 and _is_nearly_call(word))):
                method = arguments[0].text
                if (known is not None and method not in known) or self._may_be_meant(method):
                    return arguments[1].start
            if len(arguments) > 1 and _is_short_for(word, _WITH_PROPERTY) and looks_secret(arguments[0].text):
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


def _published(objects: ObjectsLike) -> Iterator[tuple[str, _Declared]]:
    """Methods with secrets among their parameters, once for each version of them."""
    for method in objects.methods:
        if one := _of_schema(method):
            yield method.name, one
    seen: set[tuple[str, str | None, frozenset[str]]] = set()
    for item in objects:
        methods = item.values.get("methods")
        for name, entry in methods.items() if isinstance(methods, Mapping) else ():
            if not isinstance(entry, Mapping):
                continue
            sensitive, params = entry.get("sensitive"), entry.get("params")
            declared = frozenset(map(str, sensitive)) if isinstance(sensitive, list) else frozenset()
            text = params if isinstance(params, str) else None
            if (str(name), text, declared) not in seen:
                seen.add((str(name), text, declared))
                parameters = parameters_of_text(text)
                names = declared | {one for one in (parameters.schemas if parameters else ()) if looks_secret(one)}
                if names:
                    yield str(name), _Declared(names, parameters)


def _of_schema(method: MethodLike) -> _Declared | None:
    """What the schema of a class tells: agents that are no plugins declare nothing."""
    names = tuple(one.name for one in method.arguments if one.direction != "O")
    secret = frozenset(filter(looks_secret, names))
    return _Declared(secret, Parameters({name: {} for name in names}, names, names)) if secret else None


def _is_nearly_call(word: Word) -> bool:
    from matahari.shell.syntax.values import close_matches

    return bool(close_matches(word.text.lower(), list(_CALL)))


def _is_short_for(word: Word, commands: Sequence[str]) -> bool:
    return len(word.text) >= _LEAST and any(command.startswith(word.text) for command in commands)


def _first_secret(declared: _Declared, words: Sequence[Word]) -> int | None:
    """The first argument that may be secret; the first of all where it is not certain which parameter each is for.

    Those behind a secret are no less secret: it may have blanks, and nobody has put it in quotes.
    """
    parameters = declared.parameters
    if parameters is None or has_unknown_name(words, parameters) or _is_explicit(words):
        return 0
    # What *args and **kwargs take has no name in the schema: one that is sensitive hides all that they take.
    hides_rest = not declared.names <= parameters.schemas.keys()
    names = names_of(words, parameters)
    secret = (one in declared.names or (hides_rest and one not in parameters.schemas) for one in names)
    return next((at for at, is_secret in enumerate(secret) if is_secret), None)


def _is_explicit(words: Sequence[Word]) -> bool:
    """The form of 2012, ``[args] {kwargs}``, names nothing."""
    return any(word.text[:1] in ("[", "{") for word in words)
