"""Faults in words: of any value, for any schema of the keywords that there are, in one short line."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from matahari.validation import HIDDEN, JsonValue, Rule

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4) | st.just("a"), inner, max_size=4),
    max_leaves=8,
)
_LIMITS = st.integers(-3, 3)
_COUNTS = st.integers(0, 3)
_RULES = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["string", "integer", "number", "boolean", "array", "object", "null"])
        | st.just(["integer", "null"]),
        "minimum": _LIMITS,
        "maximum": _LIMITS,
        "exclusiveMinimum": _LIMITS,
        "exclusiveMaximum": _LIMITS,
        "multipleOf": st.integers(1, 5) | st.just(0.5),
        "minLength": _COUNTS,
        "maxLength": _COUNTS,
        "minItems": _COUNTS,
        "maxItems": _COUNTS,
        "minProperties": _COUNTS,
        "maxProperties": _COUNTS,
        "uniqueItems": st.booleans(),
        "pattern": st.sampled_from(["^a+$", "b"]),
        "format": st.sampled_from(["date", "date-time", "uuid", "ipv4", "unknown"]),
        "enum": st.lists(_SCALARS, min_size=1, max_size=3),
        "const": _SCALARS,
        "required": st.just(["a"]),
    },
)


def _nested(inner: st.SearchStrategy[dict[str, JsonValue]]) -> st.SearchStrategy[dict[str, JsonValue]]:
    return st.one_of(
        st.builds(lambda schema: {"items": schema}, inner),
        st.builds(lambda schema: {"additionalProperties": schema}, inner),
        st.builds(lambda schema: {"propertyNames": schema}, inner),
        st.builds(lambda schema: {"properties": {"a": schema}, "additionalProperties": False}, inner),
        st.builds(lambda schemas: {"anyOf": schemas}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda schemas: {"oneOf": schemas}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda schemas: {"type": "array", "prefixItems": schemas}, st.lists(inner, min_size=1, max_size=2)),
    )


SCHEMAS = st.recursive(_RULES, _nested, max_leaves=4)


@given(SCHEMAS, VALUES)
def test_a_fault_is_one_short_line(schema: JsonValue, value: JsonValue) -> None:
    fault = Rule(schema).find_fault(value)
    hidden = Rule(schema, is_sensitive=True).find_fault(value)
    assert (fault is None) == (hidden is None)
    if fault is not None and hidden is not None:
        for text in (fault, hidden):
            assert len(text.splitlines()) == 1
            assert len(text) < 2000
            assert "cannot be used" not in text
        assert hidden.startswith(HIDDEN)


@given(SCHEMAS, st.integers(10_000, 99_999))
def test_of_a_hidden_value_nothing_is_told(schema: JsonValue, number: int) -> None:
    canary = f"c{number}y"
    values: list[JsonValue] = [canary, number, [canary], {canary: canary}, {"a": canary}, [number, number]]
    if canary in json.dumps(schema) or str(number) in json.dumps(schema):
        return
    for value in values:
        hidden = Rule(schema, is_sensitive=True).find_fault(value) or ""
        assert canary not in hidden
        assert str(number) not in hidden
