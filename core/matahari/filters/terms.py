"""Hold a single term of a filter against a host: a name, a class, a plugin, an agent, a comparison."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

from matahari.filters.comparing import Truth, all_of, any_of, compare, compare_version, fits
from matahari.filters.subject import ObjectView, Subject
from matahari.filters.tree import (
    Compare,
    Exists,
    HasAgent,
    HasPlugin,
    In,
    InClass,
    Known,
    NamedHost,
    Operator,
    Property,
    Source,
    Term,
)
from matahari.filters.writing import write_literal, write_name

__all__ = ["Verdict", "is_untold", "judge"]

MAX_SHOWN: Final = 60
"""Characters of a value in a reason; the rest is an ellipsis."""

_MAX_LISTED = 3  # values of several objects in a reason

Verdict: TypeAlias = tuple[Truth, Callable[[], str]]
"""The truth of a term, and its reason for whom wants it: a fleet is filtered without writing thousands of texts."""


def judge(term: Term, subject: Subject) -> Verdict:
    """Whether a term is true of the host; None when that cannot be known."""
    match term:
        case NamedHost(pattern=pattern):
            return fits(pattern, subject.host, ignore_case=True), lambda: f"the host is {subject.host}"
        case InClass():
            return _in_class(term, subject)
        case HasPlugin():
            return _has_plugin(term, subject)
        case HasAgent():
            return _has_agent(term, subject)
        case Exists(name=name):
            return _exists(name, subject)
        case Compare(name=name, operator=operator, value=value):
            return _compared(
                name,
                subject,
                lambda found, unit: compare(found, operator, value, unit),
                lambda: f"{operator.value} {write_literal(value)}",
                is_negative=operator in (Operator.DIFFERENT, Operator.MISMATCHES),
            )
        case In(name=name, values=values):
            return _compared(
                name,
                subject,
                lambda found, unit: any_of(compare(found, Operator.EQUAL, one, unit) for one in values),
                lambda: f"in ({', '.join(write_literal(one) for one in values)})",
            )
        case _:
            assert_never(term)


def is_untold(term: Term, subject: Subject) -> bool:
    """Whether the host has not told what the term looks at, or not all of it."""
    match term:
        case NamedHost():
            return False
        case InClass():
            return subject.inventory is None or subject.classes is None
        case HasPlugin():
            return subject.plugins is None
        case HasAgent():
            return subject.agents is None
        case Exists(name=name) | Compare(name=name) | In(name=name):
            found = _values(name, subject)
            return isinstance(found, _Absent) and not found.is_certain
        case _:
            assert_never(term)


# --- classes, plugins, agents ---------------------------------------------------------------------------------------


def _in_class(term: InClass, subject: Subject) -> Verdict:
    pattern = term.pattern
    if (listed := _first(subject.inventory, lambda name: fits(pattern, name))) is not None:
        return True, lambda: f"its inventory has the class {listed}"
    published = _first(subject.classes, lambda name: fits(pattern, name) or fits(pattern, name.rpartition(":")[2]))
    if published is not None:
        return True, lambda: f"it publishes the class {published}"
    if subject.inventory is None or subject.classes is None:
        return None, lambda: "its classes are not known"
    return False, lambda: "neither its inventory nor its agents have such a class"


def _has_plugin(term: HasPlugin, subject: Subject) -> Verdict:
    if subject.plugins is None:
        return None, lambda: "its plugins are not known"
    found = {name: view for name, view in sorted(subject.plugins.items()) if fits(term.pattern, name)}
    if not found:
        return False, lambda: "there is no such plugin"
    operator, version = term.operator, term.version
    if operator is None or version is None:
        return (
            True,
            lambda: (
                "plugin "
                + _some(f"{name}{f' is {view.state}' if view.state else ' is there'}" for name, view in found.items())
            ),
        )
    truth = any_of(compare_version(view.version, operator, version) for view in found.values())
    said = "" if truth else f", not {operator.value} {write_literal(version)}"
    return (
        truth,
        lambda: (
            "plugin "
            + _some(
                f"{name} is {view.version}" if view.version else f"{name} tells no version"
                for name, view in found.items()
            )
            + ("" if truth is None else said)
        ),
    )


def _has_agent(term: HasAgent, subject: Subject) -> Verdict:
    if subject.agents is None:
        return None, lambda: "its agents are not known"
    pattern, agents = term.pattern, sorted(subject.agents)
    found = _first(agents, lambda name: any(fits(pattern, one) for one in (name, *name.split(":")[1:2])))
    if found is not None:
        return True, lambda: f"agent {found} is there"
    return False, lambda: f"its agents are {_some(agents) or 'none'}"


def _first(names: Iterable[str] | None, is_meant: Callable[[str], bool]) -> str | None:
    """The first in order that is meant."""
    return next((name for name in sorted(names or ()) if is_meant(name)), None)


# --- facts, labels, properties --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Absent:
    """No value.

    Attributes:
        reason: why, behind the name.
        is_certain: the host was looked at and has none.
    """

    reason: str
    is_certain: bool


def _exists(name: Known, subject: Subject) -> Verdict:
    found = _values(name, subject)
    if isinstance(found, _Absent):
        absent = found
        return (False if absent.is_certain else None), lambda: f"{_said(name, is_there=False)} {absent.reason}"
    values = found
    return True, lambda: f"{_said(name)} is {_listed(values)}"


def _compared(
    name: Known,
    subject: Subject,
    holds: Callable[[object, str], Truth],
    wanted: Callable[[], str],
    *,
    is_negative: bool = False,
) -> Verdict:
    found = _values(name, subject)
    if isinstance(found, _Absent):
        absent = found
        return None, lambda: f"{_said(name, is_there=False)} {absent.reason}"
    values = found
    # "different" must hold for all objects of a class, as "not equal" does.
    truth = (all_of if is_negative else any_of)(holds(value, unit) for value, unit in values)

    def reason() -> str:
        beginning = f"{_said(name)} is {_listed(values)}"
        if truth is None:
            return f"{beginning}, which cannot be compared: {wanted()}"
        return beginning if truth else f"{beginning}, not {wanted()}"

    return truth, reason


def _values(name: Known, subject: Subject) -> Sequence[tuple[object, str]] | _Absent:
    """Values and their units, of a property one for each object that has it."""
    if isinstance(name, Property):
        return _property_values(name, subject)
    maps = {
        Source.ANY: (subject.facts, subject.labels),
        Source.FACT: (subject.facts,),
        Source.LABEL: (subject.labels,),
    }[name.source]
    for one in maps:
        if one is not None and (found := _lookup(one, name.name)):
            return [(found[0], "")]
    if any(one is None for one in maps):
        return _Absent("is not known, for nothing was told", is_certain=False)
    return _Absent("is not known", is_certain=True)


def _property_values(name: Property, subject: Subject) -> Sequence[tuple[object, str]] | _Absent:
    objects: Sequence[ObjectView] | None = subject.objects.get((name.package, name.class_name))
    if objects is None:
        return _Absent(f"is not known, for the objects of {name.class_name} are not", is_certain=False)
    values = [
        (found[0], view.units.get(name.name, "")) for view in objects if (found := _lookup(view.values, name.name))
    ]
    if values:
        return values
    nothing = f"there is no object of {name.class_name}" if not objects else "no object has it"
    return _Absent(f"is not known: {nothing}", is_certain=True)


def _lookup(source: Mapping[str, object], name: str) -> tuple[object] | None:
    """The entry of that name, or the one below an entry that is a map itself; the longest beginning wins."""
    if name in source:
        return (source[name],)
    at = name.rfind(".")
    while at > 0:
        inner = source.get(name[:at])
        if isinstance(inner, Mapping):
            return _lookup(inner, name[at + 1 :])
        at = name.rfind(".", 0, at)
    return None


def _said(name: Known, *, is_there: bool = True) -> str:
    if isinstance(name, Property):
        return write_name(name)
    kind = "" if is_there else "fact or label"
    return f"{name.source.value or kind} {name.name}".strip()


def _listed(values: Sequence[tuple[object, str]]) -> str:
    return _some(f"{_shown(value)}{f' {unit}' if unit else ''}" for value, unit in values)


def _some(texts: Iterable[str]) -> str:
    every = list(texts)
    more = f" and {len(every) - _MAX_LISTED} more" if len(every) > _MAX_LISTED else ""
    return ", ".join(every[:_MAX_LISTED]) + more


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
