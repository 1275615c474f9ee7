"""What a filter is once it is read: frozen values that are always valid, so that each can be written and read again.

A constructor that is given what no filter can be raises ``ValueError``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias

from matahari.filters.literals import is_bare, is_glob, number_of, split_number
from matahari.filters.patterns import MAX_PATTERN, regex_matcher

__all__ = [
    "DEFAULT_PACKAGE",
    "MAX_DEPTH",
    "MAX_VALUES",
    "And",
    "Compare",
    "Exists",
    "Expression",
    "Glob",
    "HasAgent",
    "HasPlugin",
    "In",
    "InClass",
    "Known",
    "Literal",
    "Name",
    "NamedHost",
    "Not",
    "Number",
    "Operator",
    "Or",
    "Pattern",
    "Property",
    "Regex",
    "Source",
    "Term",
    "Text",
    "depth_of",
]

DEFAULT_PACKAGE: Final = "org.matahariproject"
"""Package of a class that is named without one."""

MAX_DEPTH: Final = 50
"""Levels of ``not`` and parentheses; people write five, and each costs a level of the interpreter's stack."""

MAX_VALUES: Final = 1000
"""Values of one ``in``, and parts of one ``and`` or ``or``."""

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PACKAGE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*)*")


@dataclass(frozen=True, slots=True)
class Text:
    """A text that is meant as it is."""

    value: str


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern for a whole text: ``*``, ``?``, ``[abc]``, ``[!abc]``."""

    pattern: str

    def __post_init__(self) -> None:
        if not is_bare(self.pattern) or not is_glob(self.pattern):
            raise ValueError("a glob has *, ? or [, and no characters that need quotes")
        _check_length(self.pattern)


@dataclass(frozen=True, slots=True)
class Regex:
    """A regular expression, found anywhere in a text; ``\\/`` in it is kept as ``/``."""

    pattern: str
    ignore_case: bool = False

    def __post_init__(self) -> None:
        _check_length(self.pattern)
        object.__setattr__(
            self, "pattern", re.sub(r"(\\[^/])|\\/", lambda found: found[1] or "/", self.pattern, flags=re.DOTALL)
        )
        regex_matcher(self.pattern, ignore_case=self.ignore_case)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was typed, for ``9.10`` is a version as well.

    Attributes:
        text: decimal, with exponent if need be.
        unit: one of :data:`UNITS`, empty for none.
    """

    text: str
    unit: str = ""

    def __post_init__(self) -> None:
        if split_number(self.text + self.unit) != (self.text, self.unit) or number_of(self.text) is None:
            raise ValueError(f"{self.text}{self.unit} is no number that a filter can have")

    @property
    def value(self) -> int | float:
        """The number, without its unit."""
        value = number_of(self.text)
        assert value is not None  # looked at when it was made
        return value


Literal: TypeAlias = Text | Glob | Number
Pattern: TypeAlias = Text | Glob | Regex


class Source(Enum):
    """Where a name is looked up."""

    ANY = ""  # facts first, then labels
    FACT = "fact"
    LABEL = "label"


@dataclass(frozen=True, slots=True)
class Name:
    """A fact or label of a host."""

    name: str
    source: Source = Source.ANY

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a name is not empty")


@dataclass(frozen=True, slots=True)
class Property:
    """A property of the objects of a class on a host.

    Attributes:
        class_name: name of the class within ``package``.
        name: of the property; what follows a dot is looked up in its value, a map.
    """

    class_name: str
    name: str
    package: str = DEFAULT_PACKAGE

    def __post_init__(self) -> None:
        if not _IDENTIFIER.fullmatch(self.class_name) or not _PACKAGE.fullmatch(self.package) or not self.name:
            raise ValueError("a property is Class.property or package:Class.property")

    @property
    def is_short(self) -> bool:
        """It can be written without its package."""
        return self.package == DEFAULT_PACKAGE and "A" <= self.class_name[0] <= "Z"


Known: TypeAlias = Name | Property


class Operator(Enum):
    """How two values are compared."""

    EQUAL = "="
    DIFFERENT = "!="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="
    MATCHES = "=~"
    MISMATCHES = "!~"


_PATTERN_OPERATORS = (Operator.MATCHES, Operator.MISMATCHES)
_GLOB_OPERATORS = (Operator.EQUAL, Operator.DIFFERENT)


@dataclass(frozen=True, slots=True)
class NamedHost:
    """The host's name fits."""

    pattern: Pattern


@dataclass(frozen=True, slots=True)
class InClass:
    """The host is in a class of its inventory, or has a class of objects."""

    pattern: Pattern


@dataclass(frozen=True, slots=True)
class HasPlugin:
    """The host has a plugin; with ``operator`` one whose version compares so with ``version``."""

    pattern: Pattern
    operator: Operator | None = None
    version: Literal | None = None

    def __post_init__(self) -> None:
        if (self.operator is None) != (self.version is None) or self.operator in _PATTERN_OPERATORS:
            raise ValueError("a version is compared with = != < <= > >=")
        if isinstance(self.version, Number) and self.version.unit:
            raise ValueError("a version has no unit")
        _check_glob(self.operator, self.version)


@dataclass(frozen=True, slots=True)
class HasAgent:
    """An agent of that name or product runs on the host."""

    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Exists:
    """The name has a value on the host."""

    name: Known


@dataclass(frozen=True, slots=True)
class Compare:
    """The value of a name compares so with ``value``."""

    name: Known
    operator: Operator
    value: Literal | Regex

    def __post_init__(self) -> None:
        if isinstance(self.value, Regex) != (self.operator in _PATTERN_OPERATORS):
            raise ValueError("a regular expression stands behind =~ and !~, and nothing else does")
        _check_glob(self.operator, self.value)


@dataclass(frozen=True, slots=True)
class In:
    """The value of a name equals one of ``values``."""

    name: Known
    values: tuple[Literal, ...]

    def __post_init__(self) -> None:
        _check_count(self.values, 1)


@dataclass(frozen=True, slots=True)
class Not:
    """``part`` does not match."""

    part: Expression
    depth: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _set_depth(self, (self.part,))


@dataclass(frozen=True, slots=True)
class And:
    """All parts match; none of them is an ``And`` itself."""

    parts: tuple[Expression, ...]
    depth: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_parts(self.parts, And)
        _set_depth(self, self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    """One part matches; none of them is an ``Or`` itself."""

    parts: tuple[Expression, ...]
    depth: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_parts(self.parts, Or)
        _set_depth(self, self.parts)


Term: TypeAlias = NamedHost | InClass | HasPlugin | HasAgent | Exists | Compare | In
Expression: TypeAlias = Term | Not | And | Or


def depth_of(expression: Expression) -> int:
    """Levels of ``not``, ``and`` and ``or``; 0 for a single term."""
    return expression.depth if isinstance(expression, Not | And | Or) else 0


def _set_depth(node: Not | And | Or, parts: tuple[Expression, ...]) -> None:
    depth = 1 + max(depth_of(part) for part in parts)
    if depth > MAX_DEPTH:
        raise ValueError(f"a filter is nested {MAX_DEPTH} levels deep at most")
    object.__setattr__(node, "depth", depth)


def _check_parts(parts: tuple[Expression, ...], kind: type[And | Or]) -> None:
    _check_count(parts, 2)
    if any(isinstance(part, kind) for part in parts):
        raise ValueError(f"the parts of an {kind.__name__} are joined with its own")


def _check_count(values: tuple[object, ...], least: int) -> None:
    if not least <= len(values) <= MAX_VALUES:
        raise ValueError(f"from {least} to {MAX_VALUES} are possible here, not {len(values)}")


def _check_glob(operator: Operator | None, value: Literal | Regex | None) -> None:
    if isinstance(value, Glob) and operator not in _GLOB_OPERATORS:
        raise ValueError("a glob stands behind = and != only; quote it if it is text")


def _check_length(pattern: str) -> None:
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"a pattern has {MAX_PATTERN} characters at most")
