"""Typed values: turn a word into the value that a schema asks for, without evaluating code.

A converter is pure. It refuses with :class:`SchemaError` (or :class:`NoAgentsError` when a name is not known, which has
another exit status) and offers completions for a fragment.

Source: matahari-2012.md 15.6 for the accepted forms and the texts of the refusals; JSON replaces Python expressions.
"""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, NoReturn, Protocol

from matahari.errors import NoAgentsError, SchemaError
from matahari.shell.base.ports import PropertyLike
from matahari.shell.syntax.lines import Word

__all__ = [
    "Boolean",
    "Bound",
    "Choice",
    "Converter",
    "Integer",
    "JsonList",
    "JsonMap",
    "Real",
    "Text",
    "Uuid",
    "close_matches",
    "converter_for",
    "not_found",
    "parse_json",
    "type_name",
]

Bound = Mapping[str, object]
"""Values already bound to the names of the syntax, for converters that depend on an earlier word."""

INT64_MIN = -(2**63)
UINT64_MAX = 2**64 - 1  # the widest integers that QMF can carry
LONG_STRING = 65535  # 2012's lstr; longer text is a file, not an argument
MAX_DIGITS = 40  # keeps int() from quadratic work on a pasted megabyte of digits

_INTEGER = re.compile(r"[+-]?[0-9]+")
_REAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_TRUE = ("true", "t", "1", "y", "yes")
_FALSE = ("false", "f", "0", "n", "no")


class Converter(Protocol):
    """Reads one value of a syntax."""

    @property
    def name(self) -> str:
        """Name of the type in help, e.g. ``int``."""

    def convert(self, word: Word, bound: Bound) -> object:
        """The value; raises :class:`SchemaError` or :class:`NoAgentsError`."""

    def complete(self, fragment: str, bound: Bound) -> list[str]:
        """Continuations of ``fragment``, each with a final blank when the word would be complete."""


def _echo(fragment: str) -> list[str]:
    # 2012: a text completes to itself and a blank; with nothing typed there is no guess.
    return [fragment + " " if fragment else ""]


def _self_if_valid(converter: Converter, fragment: str, bound: Bound) -> list[str]:
    if fragment:
        try:
            converter.convert(Word(fragment, 0, len(fragment)), bound)
        except SchemaError:
            return []
    return _echo(fragment)


class Integer(NamedTuple):
    """A decimal integer within a closed range."""

    minimum: int = INT64_MIN
    maximum: int = UINT64_MAX
    name: str = "int"

    def convert(self, word: Word, bound: Bound) -> int:
        """The integer; see the module."""
        if not _INTEGER.fullmatch(word.text) or len(word.text) > MAX_DIGITS:
            raise SchemaError(f'"{word.text}" is not an integer')
        value = int(word.text)
        if value < self.minimum:
            raise SchemaError(f"Value {value} underflows minimum of range ({self.minimum})")
        if value > self.maximum:
            raise SchemaError(f"Value {value} overflows maximum of range ({self.maximum})")
        return value

    def complete(self, fragment: str, bound: Bound) -> list[str]:
        """Itself when valid; a lone sign is the beginning of a number."""
        return [""] if fragment in ("+", "-") else _self_if_valid(self, fragment, bound)


class Real(NamedTuple):
    """A decimal number, with exponent if need be."""

    minimum: float | None = None
    maximum: float | None = None
    name: str = "float"

    def convert(self, word: Word, bound: Bound) -> float:
        """The number; see the module."""
        if not _REAL.fullmatch(word.text):
            raise SchemaError(f'"{word.text}" is not a number')
        value = float(word.text)
        if self.minimum is not None and value < self.minimum:
            raise SchemaError(f"Value {word.text} underflows minimum of range ({self.minimum:g})")
        if self.maximum is not None and value > self.maximum:
            raise SchemaError(f"Value {word.text} overflows maximum of range ({self.maximum:g})")
        return value

    def complete(self, fragment: str, bound: Bound) -> list[str]:
        """Itself when valid."""
        return _self_if_valid(self, fragment, bound)


class Boolean(NamedTuple):
    """A truth value as a word, in any case."""

    name: str = "bool"

    def convert(self, word: Word, bound: Bound) -> bool:
        """The truth value; see the module."""
        lowered = word.text.lower()
        if lowered in _TRUE:
            return True
        if lowered in _FALSE:
            return False
        raise SchemaError(f'"{word.text}" is not a boolean')

    def complete(self, fragment: str, bound: Bound) -> list[str]:
        """``True`` and ``False`` for nothing, else the first word that fits."""
        if not fragment:
            return ["True ", "False "]
        for word in (*_TRUE, *_FALSE):
            if word.startswith(fragment.lower()):
                return [word + " "]
        return []


class Text(NamedTuple):
    """Text of at most ``maximum`` characters."""

    maximum: int = LONG_STRING
    name: str = "str"

    def convert(self, word: Word, bound: Bound) -> str:
        """The text itself; see the module."""
        if len(word.text) > self.maximum:
            said = f"{len(word.text)} characters, at most {self.maximum} are allowed"
            raise SchemaError(f"Parameter is too long: {said}")
        return word.text

    def complete(self, fragment: str, bound: Bound) -> list[str]:
        """Itself."""
        return _echo(fragment)


class Uuid(NamedTuple):
    """A UUID in any form that Python's UUID takes."""

    name: str = "uuid"

    def convert(self, word: Word, bound: Bound) -> uuid.UUID:
        """The UUID; see the module."""
        try:
            return uuid.UUID(word.text)
        except ValueError:
            raise SchemaError(f'"{word.text}" is not a UUID') from None

    def complete(self, fragment: str, bound: Bound) -> list[str]:
        """A blank once it is whole; before that every hexadecimal fragment goes on."""
        whole = _self_if_valid(self, fragment, bound)
        if whole or not re.fullmatch(r"[0-9A-Fa-f{}:urnid-]*", fragment):
            return whole
        return [fragment]


class JsonList(NamedTuple):
    """A JSON list."""

    name: str = "list"

    def convert(self, word: Word, bound: Bound) -> list[object]:
        """The list; see the module."""
        value = _json_or_refuse(word.text, "list")
        if not isinstance(value, list):
            raise SchemaError(f'"{word.text}" is not a list')
        return value

    def complete(self, fragment: str, bound: Bound) -> list[str]:
        """The opening bracket first, a blank when whole."""
        return _complete_json(self, fragment, "[")


class JsonMap(NamedTuple):
    """A JSON object."""

    name: str = "map"

    def convert(self, word: Word, bound: Bound) -> dict[str, object]:
        """The map; see the module."""
        value = _json_or_refuse(word.text, "map")
        if not isinstance(value, dict):
            raise SchemaError(f'"{word.text}" is not a map')
        return value

    def complete(self, fragment: str, bound: Bound) -> list[str]:
        """The opening brace first, a blank when whole."""
        return _complete_json(self, fragment, "{")


def _json_or_refuse(text: str, what: str) -> object:
    try:
        return parse_json(text)
    except ValueError:
        raise SchemaError(f'"{text}" is not a valid {what}') from None


def _complete_json(converter: Converter, fragment: str, opening: str) -> list[str]:
    if not fragment:
        return [opening]
    if not fragment.startswith(opening):
        return []
    return _self_if_valid(converter, fragment, {}) or [fragment]


class Choice(NamedTuple):
    """One of a set of names that is only known at run time.

    Attributes:
        noun: what it is, for the refusal: ``Host`` gives ``Host "x" not found``.
        names: gives the names that fit what was bound before.
        final_blank: whether a completed name gets a blank (2012: packages and classes do, hosts do not).
        is_checked: refuses other names. Otherwise the names are completions only and the console says what it does not
            know, which saves a question to every agent when the name is right.
    """

    noun: str
    names: Callable[[Bound], Sequence[str]]
    final_blank: bool = True
    is_checked: bool = True

    @property
    def name(self) -> str:
        """The noun, as the 2012 help prints it."""
        return self.noun.upper()

    def convert(self, word: Word, bound: Bound) -> str:
        """The name, if it is known."""
        if self.is_checked:
            names = self.names(bound)
            if word.text not in names:
                raise not_found(self.noun, word.text, names)
        return word.text

    def complete(self, fragment: str, bound: Bound) -> list[str]:
        """The names that begin with the fragment."""
        tail = " " if self.final_blank else ""
        return [name + tail for name in self.names(bound) if name.startswith(fragment)]


def not_found(noun: str, name: str, known: Sequence[str]) -> NoAgentsError:
    """The refusal of an unknown name, with close matches when there are any (the console says it the same way)."""
    message = f'{noun} "{name}" not found'
    if close := close_matches(name, known):
        message += f"; did you mean {', '.join(close)}?"
    return NoAgentsError(message)


def close_matches(name: str, known: Sequence[str]) -> list[str]:
    """Up to three of ``known`` that a typing error may have turned into ``name``."""
    from matahari.shell.syntax.closeness import closest  # costs start-up time and is only wanted after a mistake

    return closest(name, known)


def parse_json(text: str) -> object:
    """Read one JSON text.

    Raises:
        ValueError: not JSON; ``NaN``, ``Infinity`` and nesting beyond Python's limit are not JSON here.
    """
    try:
        value: object = json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def type_name(member: PropertyLike) -> str:
    """Short name of a schema type as help shows it: ``int``, ``str``, ``map`` and so on, or the subtype."""
    return member.subtype or _base_type(member)


def _base_type(member: PropertyLike) -> str:
    # An enumeration shows its member's name, a plain text is taken as it is on the wire.
    wire = str(getattr(member.type, "name", member.type)).upper().removeprefix("TYPE_")
    return {"STRING": "str"}.get(wire, wire.lower())


def converter_for(member: PropertyLike) -> Converter:
    """The converter for a property or argument of a schema, ranges and lengths included."""
    shown = type_name(member)
    match _base_type(member):
        case "int":
            return Integer(_whole(member.minimum, INT64_MIN), _whole(member.maximum, UINT64_MAX), shown)
        case "float":
            return Real(member.minimum, member.maximum, shown)
        case "bool":
            return Boolean(shown)
        case "uuid":
            return Uuid(shown)
        case "list":
            return JsonList(shown)
        case "map":
            return JsonMap(shown)
        case _:
            return Text(LONG_STRING if member.max_length is None else member.max_length, shown)


def _whole(limit: float | None, default: int) -> int:
    if limit is None or not math.isfinite(limit):  # an agent may send any number
        return default
    return int(limit)
