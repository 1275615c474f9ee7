"""How values, types and limits of JSON are called in error texts: in words of callers in Python and in a shell. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from .names import shown

__all__ = ["counted", "is_kind", "kind_of", "listed", "plural", "span", "wanted"]

#: Most values or names that a text lists; an enumeration may have thousands.
MAX_LISTED: Final = 30

_NAMES: Final[Mapping[str, str]] = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "a boolean",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_PLURALS: Final[Mapping[str, str]] = {
    "string": "strings",
    "integer": "integers",
    "number": "numbers",
    "boolean": "booleans",
    "array": "lists",
    "object": "objects",
}


def kind_of(value: object) -> str:
    """What a value is, as in "it is a string"."""
    match value:
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a float"
        case str():
            return "a string"
        case list():
            return "a list"
        case dict():
            return "an object"
    return "null"


def is_kind(value: object, other: object) -> bool:
    """Whether two values are of one type."""
    return kind_of(value) == kind_of(other)


def wanted(schema: object) -> str:
    """What a schema takes, as in "give an integer": its types, and the limits of a number."""
    if not isinstance(schema, dict):
        return "another value"
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    words = [_one(each, schema) for each in kinds if isinstance(each, str)]
    return " or ".join(words) if words else "another value"


def _one(kind: str, schema: Mapping[str, object]) -> str:
    name = _NAMES.get(kind, shown(kind))
    if kind in ("integer", "number"):
        low, high = schema.get("minimum"), schema.get("maximum")
        limits = span(low, high, above=schema.get("exclusiveMinimum"), below=schema.get("exclusiveMaximum"))
        return f"{name} ({limits})" if limits else name
    items = schema.get("items")
    if kind == "array" and isinstance(items, dict) and isinstance(items.get("type"), str):
        plural = _PLURALS.get(items["type"])
        return f"{name} of {plural}" if plural else name
    return name


def listed(values: Sequence[object], names: Sequence[object]) -> str:
    """Values with a comma between them, each with its name where that differs; the first ones of very many."""
    texts = []
    for at, value in enumerate(values[:MAX_LISTED]):
        name = names[at] if at < len(names) else None
        is_other = isinstance(name, str) and name.lower() != str(value).lower()
        texts.append(f"{shown(value)} ({name})" if is_other else shown(value))
    more = len(values) - len(texts)
    return ", ".join(texts) + (f" and {more} more" if more > 0 else "")


def span(low: object, high: object, *, above: object = None, below: object = None, exact: str = "") -> str:
    """Limits in words: ``1 to 5``, ``at least 1``, ``more than 0 and at most 5``; empty without any.

    Args:
        low, high: what is allowed itself.
        above, below: what is not.
        exact: put before the only number that is allowed.
    """
    if low is not None and low == high:
        return f"{exact}{low}"
    if low is not None and high is not None:
        return f"{low} to {high}"
    texts = ((low, "at least"), (above, "more than"), (high, "at most"), (below, "less than"))
    return " and ".join(f"{word} {limit}" for limit, word in texts if limit is not None)


def counted(number: int, noun: str) -> str:
    """Give ``1 character``, ``2 characters``, ``2 entries``."""
    return f"1 {noun}" if number == 1 else f"{number} {plural(noun)}"


def plural(noun: str) -> str:
    """Give ``characters`` and ``entries``."""
    return f"{noun.removesuffix('y')}ies" if noun.endswith("y") else f"{noun}s"
