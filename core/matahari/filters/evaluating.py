"""Hold an expression against a host, and say why it matches or not.

Logic has three values, as in SQL. What is not known (a fact that the host does not have, an agent that did not answer,
an amount of bytes against one of seconds) makes a comparison unknown, and so does its negation: neither ``role = web``
nor ``not role = web`` is true of a host without the fact ``role``. ``and`` is false if one part is, ``or`` is true if
one is; else one unknown part makes them unknown. Only what is true in the end matches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from matahari.filters.comparing import Truth, all_of, any_of, negated
from matahari.filters.subject import Subject
from matahari.filters.terms import is_untold, judge
from matahari.filters.tree import And, Expression, Not, Or
from matahari.filters.writing import write_expression

__all__ = ["NOT_NEEDED", "Explanation", "evaluate", "explain"]

NOT_NEEDED: Final = "not needed: decided without it"
"""The reason of what the host was not asked for, as a name decides, or did not tell."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What became of one part of a filter.

    Attributes:
        text: the part, in canonical form.
        truth: None when it cannot be known.
        reason: why, for people.
        parts: those of ``and``, ``or`` and ``not``.
    """

    text: str
    truth: Truth
    reason: str
    parts: tuple[Explanation, ...] = ()

    @property
    def matched(self) -> bool:
        """The part is true."""
        return self.truth is True

    def lines(self, indent: str = "") -> Iterator[str]:
        """One line for each part, indented: ``yes``, ``no`` or ``unknown``, the part, and of a single term why."""
        word = {True: "yes", False: "no", None: "unknown"}[self.truth]
        yield f"{indent}{word:<7} {self.text}" + ("" if self.parts else f": {self.reason}")
        for part in self.parts:
            yield from part.lines(indent + "  ")


def evaluate(expression: Expression, subject: Subject) -> Truth:
    """Whether the expression is true of the host; None when that cannot be known."""
    match expression:
        case And(parts=parts):
            return all_of(evaluate(part, subject) for part in parts)
        case Or(parts=parts):
            return any_of(evaluate(part, subject) for part in parts)
        case Not(part=part):
            return negated(evaluate(part, subject))
        case _:
            return judge(expression, subject)[0]


def explain(expression: Expression, subject: Subject, *, is_decided: bool = False) -> Explanation:
    """The same with every part and its reason.

    Args:
        is_decided: what it is a part of is true or false whatever becomes of it, so that nobody need know it.
    """
    text = write_expression(expression)
    if isinstance(expression, And | Or) and not is_decided:
        is_decided = evaluate(expression, subject) is not None
    match expression:
        case And(parts=members):
            parts = tuple(explain(part, subject, is_decided=is_decided) for part in members)
            return Explanation(text, all_of(part.truth for part in parts), _why_joined(parts, decisive=False), parts)
        case Or(parts=members):
            parts = tuple(explain(part, subject, is_decided=is_decided) for part in members)
            return Explanation(text, any_of(part.truth for part in parts), _why_joined(parts, decisive=True), parts)
        case Not(part=member):
            part = explain(member, subject, is_decided=is_decided)
            reason = "what is not known is not known either way" if part.truth is None else ""
            return Explanation(text, negated(part.truth), reason, (part,))
        case _:
            truth, reason_of = judge(expression, subject)
            is_spared = truth is None and is_decided and is_untold(expression, subject)
            return Explanation(text, truth, NOT_NEEDED if is_spared else reason_of())


def _why_joined(parts: Sequence[Explanation], *, decisive: bool) -> str:
    """Which part decided: a false one of an ``and``, a true one of an ``or``; else those that are not known."""
    for truth in (decisive, None):
        decided = [part for part in parts if part.truth is truth]
        if decided:
            verb = "is not known" if truth is None else "matches" if truth else "does not match"
            more = f" and {len(decided) - 1} more" if len(decided) > 1 else ""
            return f"{decided[0].text}{more} {verb}"
    return "no part matches" if decisive else "all parts match"
