"""Compare a value from a host with a literal: true, false, or None where the comparison has no meaning.

The rules, in words, are in the guide on filters. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from matahari.filters.literals import number_of, property_factor, quantity_of_text, unit_factor
from matahari.filters.patterns import MAX_SUBJECT, glob_matcher, regex_matcher
from matahari.filters.tree import Glob, Literal, Number, Operator, Pattern, Regex, Text
from matahari.filters.versions import compare_versions, is_version

__all__ = ["MAX_ELEMENTS", "Truth", "all_of", "any_of", "compare", "compare_version", "fits", "negated"]

MAX_ELEMENTS = 10_000
"""Elements of a list that are looked at; a message of 1 MiB carries more, but no fact that one asks for."""

_MAX_BITS = 512  # of an integer; the bus has 64, and a float can hold twice as many

Truth: TypeAlias = bool | None
"""None: not known."""

_ORDERS: Mapping[Operator, Sequence[int]] = {
    Operator.LESS: (-1,),
    Operator.AT_MOST: (-1, 0),
    Operator.GREATER: (1,),
    Operator.AT_LEAST: (0, 1),
}
"""Signs of a comparison for which each operator holds."""


def negated(truth: Truth) -> Truth:
    """True and False change places."""
    return None if truth is None else not truth


def any_of(truths: Iterable[Truth]) -> Truth:
    """True if one is, else None if one is, else False."""
    is_known = True
    for truth in truths:
        if truth:
            return True
        is_known = is_known and truth is not None
    return False if is_known else None


def all_of(truths: Iterable[Truth]) -> Truth:
    """False if one is, else None if one is, else True."""
    return negated(any_of(negated(truth) for truth in truths))


def fits(pattern: Pattern, text: str, *, ignore_case: bool = False) -> bool:
    """Whether a name fits a pattern."""
    match pattern:
        case Text(value=value):
            return value.lower() == text.lower() if ignore_case else value == text
        case Glob(pattern=glob):
            return glob_matcher(glob, ignore_case=ignore_case)(text)
        case Regex(pattern=regex):
            return regex_matcher(regex, ignore_case=ignore_case or pattern.ignore_case)(text)


def compare(value: object, operator: Operator, literal: Literal | Regex, unit: str = "") -> Truth:
    """Whether ``value`` compares so with ``literal``. Of a list one element is enough.

    Args:
        value: as from JSON.
        unit: of the value, as its schema says; empty for none.
    """
    if operator is Operator.DIFFERENT:
        return negated(compare(value, Operator.EQUAL, literal, unit))
    if operator is Operator.MISMATCHES:
        return negated(compare(value, Operator.MATCHES, literal, unit))
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return any_of(
            None if isinstance(one, list | tuple) else compare(one, operator, literal, unit)
            for one in value[:MAX_ELEMENTS]
        )
    if not _is_plain(value):
        return None
    match literal:
        case Regex() | Glob():
            return fits(literal, _text_form(value))
        case Number(unit=wanted) if wanted:
            order = _compare_quantity(value, literal, unit)
        case Number(text=text):
            order = _compare_number(value, text)
        case Text(value=text):
            order = _compare_text(value, text, is_equality=operator is Operator.EQUAL)
    if operator is Operator.EQUAL:
        # Values of two kinds are different; only amounts of two things cannot be held against each other.
        return None if order is None and isinstance(literal, Number) and literal.unit else order == 0
    return None if order is None else order in _ORDERS[operator]


def compare_version(version: str, operator: Operator, literal: Literal) -> Truth:
    """Whether a version compares so; both are versions also without a dot. None for an empty version."""
    if operator is Operator.DIFFERENT:
        return negated(compare_version(version, Operator.EQUAL, literal))
    if not version:
        return None
    if isinstance(literal, Glob):
        return fits(literal, version)
    text = literal.text if isinstance(literal, Number) else literal.value
    if not is_version(text) or not is_version(version):
        return version == text if operator is Operator.EQUAL else None
    order = compare_versions(version, text)
    return order == 0 if operator is Operator.EQUAL else order in _ORDERS[operator]


def _is_plain(value: object) -> bool:
    """Whether a value can be compared at all: no map, no bytes, nothing of absurd size."""
    if isinstance(value, str):
        return len(value) <= MAX_SUBJECT
    if isinstance(value, int):
        return value.bit_length() <= _MAX_BITS
    return not isinstance(value, Mapping | bytes | bytearray)


def _text_form(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return str(value)


def _sign(left: float, right: float) -> int | None:
    if math.isnan(left) or math.isnan(right):
        return None
    return (left > right) - (left < right)


def _compare_quantity(value: object, literal: Number, unit: str) -> int | None:
    measure, factor = unit_factor(literal.unit)
    if isinstance(value, str):
        if (said := quantity_of_text(value)) is None:
            return None
        value, unit = said
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    own = (measure, 1) if not unit else property_factor(unit)
    if own is None or own[0] != measure:
        return None
    return _sign(value * own[1], literal.value * factor)


def _compare_number(value: object, text: str) -> int | None:
    number = number_of(text)
    assert number is not None  # looked at when the literal was made
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _sign(value, number)
    if not isinstance(value, str):
        return None
    if _are_versions(value, text):
        return compare_versions(value, text)
    own = number_of(value)
    return None if own is None else _sign(own, number)


def _compare_text(value: object, text: str, *, is_equality: bool) -> int | None:
    if isinstance(value, bool) or value is None:
        return 0 if is_equality and _text_form(value) == text.lower() else None
    if isinstance(value, int | float):
        number = number_of(text)
        if number is not None:
            return _sign(value, number)
        own = _text_form(value)
        return compare_versions(own, text) if _are_versions(own, text) else None
    own = _text_form(value)
    if own == text:
        return 0
    if _are_versions(own, text):
        return compare_versions(own, text)
    if not is_equality and (left := number_of(own)) is not None and (right := number_of(text)) is not None:
        return _sign(left, right)
    return 1 if own > text else -1


def _are_versions(one: str, other: str) -> bool:
    """Both look like versions, and one has a dot: else they may be numbers, dates or serial numbers."""
    return "." in one + other and is_version(one) and is_version(other)
