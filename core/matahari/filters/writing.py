"""Write an expression as canonical text: single blanks, quotes and parentheses only where they are needed.

What is written is read back as the same expression.
"""

from __future__ import annotations

from typing import assert_never

from matahari.filters.literals import is_bare, is_glob, near_units, quote, split_number
from matahari.filters.parsing import CONNECTIVES, KEYWORDS, known_name
from matahari.filters.tree import (
    And,
    Compare,
    Exists,
    Expression,
    Glob,
    HasAgent,
    HasPlugin,
    In,
    InClass,
    Known,
    Literal,
    Name,
    NamedHost,
    Not,
    Number,
    Or,
    Pattern,
    Property,
    Regex,
    Source,
    Text,
)

__all__ = ["write_expression", "write_literal", "write_name", "write_pattern"]


def write_expression(expression: Expression) -> str:
    """The canonical text."""
    match expression:
        case NamedHost(pattern=pattern):
            return write_pattern(pattern, KEYWORDS)
        case InClass(pattern=pattern):
            return f"class {write_pattern(pattern)}"
        case HasPlugin(pattern=pattern, operator=operator, version=version):
            beginning = f"plugin {write_pattern(pattern)}"
            return (
                beginning
                if operator is None or version is None
                else f"{beginning} {operator.value} {write_literal(version)}"
            )
        case HasAgent(pattern=pattern):
            return f"agent {write_pattern(pattern)}"
        case Exists(name=name):
            return f"has {write_name(name)}"
        case Compare(name=name, operator=operator, value=value):
            return f"{write_name(name)} {operator.value} {write_literal(value)}"
        case In(name=name, values=values):
            return f"{write_name(name)} in ({', '.join(write_literal(value) for value in values)})"
        case Not(part=part):
            return f"not {_grouped(part)}" if isinstance(part, And | Or) else f"not {write_expression(part)}"
        case And(parts=parts):
            return " and ".join(_grouped(part) if isinstance(part, Or) else write_expression(part) for part in parts)
        case Or(parts=parts):
            return " or ".join(write_expression(part) for part in parts)
        case _:
            assert_never(expression)


def write_name(name: Known) -> str:
    """A name, quoted where it would mean something else."""
    if isinstance(name, Property):
        place = name.class_name if name.is_short else f"{name.package}:{name.class_name}"
        return f"{place}.{_member(name.name, ':' if name.is_short else '')}"
    if name.source is not Source.ANY:
        return f"{name.source.value}.{_member(name.name)}"
    is_plain = is_bare(name.name) and name.name.lower() not in KEYWORDS
    return name.name if is_plain and _means_itself(name) else quote(name.name)


def write_pattern(pattern: Pattern, keywords: tuple[str, ...] = CONNECTIVES) -> str:
    """A pattern; a text that is one of ``keywords`` is quoted."""
    match pattern:
        case Text(value=value):
            is_plain = is_bare(value) and not is_glob(value) and value.lower() not in keywords
            return value if is_plain else quote(value)
        case Glob(pattern=glob):
            return glob
        case Regex(pattern=regex, ignore_case=ignore_case):
            return f"/{_escaped(regex)}/{'i' if ignore_case else ''}"
        case _:
            assert_never(pattern)


def write_literal(value: Literal | Regex) -> str:
    """A value on the right of a comparison."""
    match value:
        case Number(text=text, unit=unit):
            return text + unit
        case Text(value=text):
            is_text = split_number(text) is None and not near_units(text)
            return write_pattern(value) if is_text else quote(text)
        case Glob() | Regex():
            return write_pattern(value)
        case _:
            assert_never(value)


def _grouped(part: And | Or) -> str:
    return f"({write_expression(part)})"


def _member(name: str, quoted: str = "") -> str:
    """What stands behind a dot; ``quoted`` are further characters that need quotes there."""
    return name if is_bare(f"x{name}") and not any(char in name for char in quoted) else quote(name)


def _means_itself(name: Name) -> bool:
    try:
        return known_name(name.name, len(name.name), is_quoted=False) == name
    except ValueError:
        return False


def _escaped(regex: str) -> str:
    """The pattern with its slashes escaped; a backslash and what it escapes stay together."""
    pieces: list[str] = []
    at = 0
    while at < len(regex):
        step = 2 if regex[at] == "\\" else 1
        piece = regex[at : at + step]
        pieces.append("\\/" if piece == "/" else piece)
        at += step
    return "".join(pieces)
