"""What a filter looks at, so that a console asks the hosts for that and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from matahari.filters.tree import (
    And,
    Compare,
    Exists,
    Expression,
    HasAgent,
    HasPlugin,
    In,
    InClass,
    Name,
    Not,
    Or,
    Pattern,
    Property,
    Source,
    Term,
)

__all__ = ["Needs", "needs_of"]


@dataclass(frozen=True, slots=True)
class Needs:
    """What must be known of a host.

    Attributes:
        facts, labels: names; one without a prefix is in both.
        properties: of objects.
        plugins: which plugins; their versions and states.
        classes: of its inventory and of its objects, as a whole.
        agents: their names.
    """

    facts: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    properties: frozenset[Property] = frozenset()
    plugins: frozenset[Pattern] = frozenset()
    classes: bool = False
    agents: bool = False

    @property
    def object_classes(self) -> frozenset[tuple[str, str]]:
        """Package and name of the classes whose objects are looked at."""
        return frozenset((one.package, one.class_name) for one in self.properties)

    @property
    def is_nothing(self) -> bool:
        """The host's name is enough."""
        return self == Needs()


def needs_of(expression: Expression) -> Needs:
    """What the expression looks at."""
    terms = list(_terms(expression))
    named = [term.name for term in terms if isinstance(term, Compare | In | Exists)]
    names = [one for one in named if isinstance(one, Name)]
    return Needs(
        facts=frozenset(one.name for one in names if one.source is not Source.LABEL),
        labels=frozenset(one.name for one in names if one.source is not Source.FACT),
        properties=frozenset(one for one in named if isinstance(one, Property)),
        plugins=frozenset(term.pattern for term in terms if isinstance(term, HasPlugin)),
        classes=any(isinstance(term, InClass) for term in terms),
        agents=any(isinstance(term, HasAgent) for term in terms),
    )


def _terms(expression: Expression) -> Iterator[Term]:
    match expression:
        case And(parts=parts) | Or(parts=parts):
            for part in parts:
                yield from _terms(part)
        case Not(part=part):
            yield from _terms(part)
        case _:
            yield expression
