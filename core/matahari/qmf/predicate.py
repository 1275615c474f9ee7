"""Predicates on attributes and values: lists such as ``["eq", "_vendor", ["quote", "example.org"]]``.

A predicate is compiled once, which finds every mistake in it, and then evaluated on any number of maps without
ever raising. Results are those of libqmf2, so that its agents and ours choose the same objects; hence integers
do not compare with fractions, and ``re_match`` is never true (which also keeps foreign patterns out of our process).

Source: qmf2.md 2.7
"""

from __future__ import annotations

import operator
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from matahari.errors import SchemaError
from matahari.qmf.values import Value, text

Predicate: TypeAlias = Callable[[Mapping[str, Value]], bool]
_Operand: TypeAlias = Callable[[Mapping[str, Value]], Value]

#: Deepest nesting of and, or, not: evaluation recurses, and people do not nest further.
MAX_PREDICATE_DEPTH: Final = 16
#: Most expressions in one predicate: each costs time for each object it is tried on.
MAX_PREDICATE_SIZE: Final = 1000

_INTEGER = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)


class _Absent(Exception):
    """An operand names what is not there: the comparison is false."""


def compile_predicate(predicate: Sequence[Value]) -> Predicate:
    """Turn a predicate list into a function of the values it is asked about; an empty list is always true.

    Raises:
        SchemaError: an unknown operator, a wrong number or type of operands, too deep or too large;
            ``path`` names the place, e.g. ``[2][1]``.
    """
    if not predicate:
        return _always
    return _Compiler().expression(predicate, "", 1)


class _Compiler:
    """Compiles one predicate, counting its expressions."""

    def __init__(self) -> None:
        self._size = 0

    def expression(self, source: Value | Sequence[Value], path: str, depth: int) -> Predicate:
        self._size += 1
        if self._size > MAX_PREDICATE_SIZE:
            raise SchemaError(f"a predicate of more than {MAX_PREDICATE_SIZE} expressions", path=path)
        if depth > MAX_PREDICATE_DEPTH:
            raise SchemaError(f"a predicate nested deeper than {MAX_PREDICATE_DEPTH} levels", path=path)
        if not isinstance(source, (list, tuple)):
            raise SchemaError("an expression must be a list", path=path)
        if not source:
            return _always
        name = text(source[0])
        if name in _LOGIC:
            parts = [self.expression(part, f"{path}[{n}]", depth + 1) for n, part in enumerate(source[1:], 1)]
            return _LOGIC[name](parts)
        if name in _COMPARISONS:
            _expect(source, 3, path)
            return _comparison(
                _COMPARISONS[name], self.operand(source[1], f"{path}[1]"), self.operand(source[2], f"{path}[2]")
            )
        if name == "exists":
            _expect(source, 2, path)
            return _exists(self.operand(source[1], f"{path}[1]"))
        if name in ("true", "false"):
            _expect(source, 1, path)
            return _always if name == "true" else _never
        raise SchemaError("unknown operator", path=f"{path}[0]")

    def operand(self, source: Value, path: str) -> _Operand:
        name = text(source)
        if name is not None:
            return _attribute(name)
        if isinstance(source, (list, tuple)) and 1 <= len(source) <= 2 and text(source[0]) == "quote":
            return _literal(source[1] if len(source) == 2 else None)
        raise SchemaError("an operand must be a name or a quoted literal", path=path)


def _expect(source: Sequence[Value], length: int, path: str) -> None:
    if len(source) != length:
        raise SchemaError(f"takes {length - 1} operands, not {len(source) - 1}", path=path)


def _always(_values: Mapping[str, Value]) -> bool:
    return True


def _never(_values: Mapping[str, Value]) -> bool:
    return False


def _all(parts: list[Predicate]) -> Predicate:
    return lambda values: all(part(values) for part in parts)


def _any(parts: list[Predicate]) -> Predicate:
    return lambda values: any(part(values) for part in parts)


def _none(parts: list[Predicate]) -> Predicate:
    return lambda values: not any(part(values) for part in parts)


def _attribute(name: str) -> _Operand:
    def look(values: Mapping[str, Value]) -> Value:
        try:
            return values[name]
        except KeyError:
            raise _Absent from None

    return look


def _literal(value: Value) -> _Operand:
    return lambda _values: value


def _comparison(compare: Callable[[Value, Value], bool], left: _Operand, right: _Operand) -> Predicate:
    def evaluate(values: Mapping[str, Value]) -> bool:
        try:
            return compare(left(values), right(values))
        except _Absent:
            return False

    return evaluate


def _exists(operand: _Operand) -> Predicate:
    def evaluate(values: Mapping[str, Value]) -> bool:
        try:
            operand(values)
        except _Absent:
            return False
        return True

    return evaluate


def _form(value: Value) -> Value:
    """Return the text that eq and ne compare; null, lists, maps and binary that is no text stand for themselves."""
    if isinstance(value, (bool, int)):
        return str(value) if isinstance(value, bool) else str(int(value))
    if isinstance(value, float):
        return f"{value:.17g}"
    if isinstance(value, uuid.UUID):
        return str(value)
    said = text(value)
    return value if said is None else said


def _equal(left: Value, right: Value) -> bool:
    return _form(left) == _form(right)


def _unequal(left: Value, right: Value) -> bool:
    return _form(left) != _form(right)


def _number_like(said: str, other: float) -> int | float | None:
    """Read text as the kind of number that it is compared with; None when it is none."""
    if isinstance(other, int):
        return int(said) if _INTEGER.fullmatch(said) else None
    try:
        return float(said)
    except ValueError:
        return None


def _ordering(order: Callable[[float | bytes, float | bytes], bool]) -> Callable[[Value, Value], bool]:
    """Make a comparison of integers, of fractions, of texts bytewise, or of a text read as the number beside it."""

    def compare(left: Value, right: Value) -> bool:
        if isinstance(left, bool) or isinstance(right, bool):
            return False
        said, other_said = text(left), text(right)
        if said is not None and other_said is not None:
            return order(_raw(said), _raw(other_said))
        a: Value = left
        b: Value = right
        if said is not None and isinstance(right, (int, float)):
            a = _number_like(said, right)
        elif other_said is not None and isinstance(left, (int, float)):
            b = _number_like(other_said, left)
        if isinstance(a, int) and isinstance(b, int):
            return order(a, b)
        if isinstance(a, float) and isinstance(b, float):
            return order(a, b)
        return False

    return compare


def _raw(said: str) -> bytes:
    return said.encode("utf-8", "surrogatepass")


def _no_match(_left: Value, _right: Value) -> bool:
    return False


_LOGIC: Final[dict[str | None, Callable[[list[Predicate]], Predicate]]] = {"and": _all, "or": _any, "not": _none}
_COMPARISONS: Final[dict[str | None, Callable[[Value, Value], bool]]] = {
    "eq": _equal,
    "ne": _unequal,
    "lt": _ordering(operator.lt),
    "le": _ordering(operator.le),
    "gt": _ordering(operator.gt),
    "ge": _ordering(operator.ge),
    "re_match": _no_match,
}
