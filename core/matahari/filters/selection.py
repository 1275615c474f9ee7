"""A filter as a value: read, written, combined with ``&``, ``|`` and ``~``, held against hosts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from matahari.errors import FilterSyntaxError
from matahari.filters.comparing import Truth
from matahari.filters.evaluating import Explanation, evaluate
from matahari.filters.evaluating import explain as explain_expression
from matahari.filters.needs import Needs, needs_of
from matahari.filters.parsing import parse_expression
from matahari.filters.subject import Subject
from matahari.filters.tokens import MAX_LENGTH
from matahari.filters.tree import And, Compare, Expression, In, Literal, Name, Not, Number, Operator, Or, Source, Text
from matahari.filters.writing import write_expression

__all__ = ["Filter", "explain", "format", "needs", "parse"]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which hosts are meant. Immutable and hashable; its text form is canonical and is read as the same filter.

    Combining filters raises :class:`FilterSyntaxError` when the result is too long or nested too deep to be written.
    """

    expression: Expression

    def __post_init__(self) -> None:
        text = write_expression(self.expression)
        if len(text) > MAX_LENGTH:
            raise _too_large(f"a filter has {MAX_LENGTH} characters at most", text)

    @classmethod
    def parse(cls, text: str, *, names: Collection[str] | None = None) -> Self:
        """Read a filter; see :func:`parse`."""
        return cls(parse_expression(text, names))

    @classmethod
    def of_facts(cls, facts: Mapping[str, object]) -> Self:
        """The filter of hosts with these facts: each a text, number, bool, None, or a list of such, of which one fits.

        Raises:
            ValueError: no fact is given, or a value is none of these.
        """
        parts: list[Expression] = []
        for name, value in facts.items():
            fact = Name(name, Source.FACT)
            if isinstance(value, Sequence | frozenset | set) and not isinstance(value, str | bytes):
                parts.append(In(fact, tuple(_literal(one) for one in value)))
            else:
                parts.append(Compare(fact, Operator.EQUAL, _literal(value)))
        if not parts:
            raise ValueError("no fact is given")
        return cls(parts[0] if len(parts) == 1 else And(tuple(parts)))

    def __str__(self) -> str:
        return write_expression(self.expression)

    def __and__(self, other: Filter) -> Filter:
        return self._joined(And, other)

    def __or__(self, other: Filter) -> Filter:
        return self._joined(Or, other)

    def __invert__(self) -> Filter:
        if isinstance(self.expression, Not):
            return Filter(self.expression.part)
        try:
            return Filter(Not(self.expression))
        except ValueError as error:
            raise _too_large(str(error), str(self)) from error

    @property
    def needs(self) -> Needs:
        """What it looks at."""
        return needs_of(self.expression)

    def truth(self, subject: Subject) -> Truth:
        """Whether it is true of a host; None when that cannot be known."""
        return evaluate(self.expression, subject)

    def matches(self, subject: Subject) -> bool:
        """Whether it is known to be true of a host."""
        return self.truth(subject) is True

    def explain(self, subject: Subject) -> Explanation:
        """What became of each part, and why."""
        return explain_expression(self.expression, subject)

    def _joined(self, kind: type[And | Or], other: Filter) -> Filter:
        parts: list[Expression] = []
        for one in (self.expression, other.expression):
            parts += one.parts if isinstance(one, kind) else (one,)
        try:
            return Filter(kind(tuple(parts)))
        except ValueError as error:
            raise _too_large(str(error), str(self)) from error


def parse(text: str, *, names: Collection[str] | None = None) -> Filter:
    """Read a filter.

    Args:
        names: facts and labels that are known; a comparison with another one is refused, with close matches.

    Raises:
        FilterSyntaxError: ``position`` is the column of the fault, ``expected`` and ``suggestions`` what to write instead.
    """
    return Filter.parse(text, names=names)


def format(filter: Filter) -> str:
    """The canonical text, which is read as the same filter."""
    return str(filter)


def explain(filter: Filter, subject: Subject) -> Explanation:
    """What became of each part of a filter on a host, and why."""
    return filter.explain(subject)


def needs(filter: Filter) -> Needs:
    """What a filter looks at."""
    return filter.needs


def _literal(value: object) -> Literal:
    if isinstance(value, str):
        return Text(value)
    if isinstance(value, bool) or value is None:
        return Text({True: "true", False: "false", None: "null"}[value])
    if isinstance(value, int | float):
        return Number(repr(value))
    raise ValueError(f"{value!r} is no value of a fact that can be compared")


def _too_large(message: str, text: str) -> FilterSyntaxError:
    return FilterSyntaxError(message, text=text, position=min(len(text), MAX_LENGTH))
