"""One schema and its values."""

from __future__ import annotations

import pytest

from matahari.hooks import MASK
from matahari.validation import HIDDEN, JsonValue, Rule, rules


def test_what_hides_a_value_is_the_same_as_in_the_audit_log() -> None:
    assert HIDDEN == MASK


@pytest.mark.parametrize("schema", [True, {}, {"default": 5}])
def test_a_schema_without_a_rule_takes_all(schema: JsonValue) -> None:
    rule = Rule(schema)
    assert rule.takes_all
    assert rule.find_fault({"any": ["thing"]}) is None


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "integer"}, 1, 1.0),
        ({"type": "integer"}, 0, True),
        ({"type": "number"}, 1, "1"),
        ({"type": ["string", "null"]}, None, 1),
        ({"type": "string", "pattern": "^a"}, "ab", "ba"),
    ],
)
def test_a_rule_tells_what_it_allows(schema: JsonValue, good: JsonValue, bad: JsonValue) -> None:
    rule = Rule(schema)
    assert rule.find_fault(good) is None
    fault = rule.find_fault(bad)
    assert fault is not None
    assert repr(bad) in fault


def test_named_types_are_found_and_none_is_fetched_from_elsewhere() -> None:
    named: JsonValue = {"Place": {"type": "object", "required": ["x"]}}
    assert Rule({"$ref": "#/$defs/Place"}, named).find_fault({}) == "{} lacks the field 'x'; give it"
    fault = Rule({"$ref": "http://example.org/schema"}).find_fault(1)
    assert fault is not None
    assert fault.startswith("its schema cannot be used")


def test_a_schema_that_is_nested_too_deeply_is_at_worst_a_refusal() -> None:
    schema: JsonValue = {"type": "integer"}
    for _ in range(50_000):
        schema = {"items": schema}
    rule = Rule(schema, {"Place": {}})
    assert rule.is_sensitive
    fault = rule.find_fault([[1]])
    assert fault is None or fault.startswith("its schema cannot be used")
    while isinstance(schema, dict) and "items" in schema:
        schema = schema.pop("items")  # the interpreter would unwind it all at once


def test_a_pattern_cannot_be_made_to_take_for_ever() -> None:
    rule = Rule({"type": "string", "pattern": "^(a+)+$"})
    assert rule.find_fault("a" * 60_000) is None
    assert rule.find_fault("a" * 60_000 + "!") is not None
    names = Rule({"patternProperties": {"^(a+)+$": {"type": "integer"}}})
    assert names.find_fault({"a" * 60_000 + "!": "x", "aa": 1}) is None
    assert names.find_fault({"aa": "x"}) is not None


def test_a_pattern_that_needs_backtracking_is_left_to_whoever_runs_the_method() -> None:
    assert Rule({"type": "string", "pattern": "(?=b)c"}).find_fault("a") is None
    fault = Rule({"type": "string", "pattern": "("}).find_fault("a")
    assert fault is not None
    assert fault.startswith("its schema cannot be used")


@pytest.mark.parametrize(
    ("value", "is_unique"),
    [
        ([], True),
        ([1, True, "1", None, [1], {"a": 1}], True),
        ([1, 1.0], False),
        ([{"a": [1], "b": 2}, {"b": 2.0, "a": [1]}], False),
        ([[0, "x"], [0, "x"]], False),
        ([number if number % 2 else str(number) for number in range(50_000)], True),
    ],
)
def test_elements_are_compared_as_json_values_and_in_time(value: JsonValue, is_unique: bool) -> None:
    fault = Rule({"type": "array", "uniqueItems": True}).find_fault(value)
    assert (fault is None) == is_unique


def test_of_many_faults_some_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAX_ERRORS", 3)
    fault = Rule({"items": {"minimum": 0}}).find_fault([-1] * 10)
    assert fault is not None
    assert fault.startswith(("at [0]", "at [1]", "at [2]"))


def test_a_long_value_is_cut() -> None:
    fault = Rule({"type": "integer"}).find_fault("x" * 100_000)
    assert fault is not None
    assert len(fault) < 500


def test_a_place_within_a_sensitive_value_is_not_told() -> None:
    rule = Rule({"additionalProperties": {"type": "integer"}}, is_sensitive=True)
    assert rule.find_fault({"canary": "canary"}) == "<hidden> does not fit; give an integer"


@pytest.mark.parametrize(
    ("schema", "value", "hint"),
    [
        ({"enum": ["full", "part"]}, "FULL", "; did you mean 'full'?"),
        ({"enum": ["full", "part"]}, "ful", "; did you mean 'full'?"),
        ({"enum": ["full", "part"]}, "x", ""),
        ({"enum": [1, None, "full"]}, 2, ""),
        ({"type": "boolean"}, "yes", " (true or false)"),
        ({"type": ["boolean", "null"]}, "yes", " (true or false)"),
        ({"type": "boolean"}, 1, ""),
        ({"type": "integer"}, "yes", ""),
    ],
)
def test_what_may_have_been_meant_is_told(schema: JsonValue, value: JsonValue, hint: str) -> None:
    fault = Rule(schema).find_fault(value)
    assert fault is not None
    assert fault.endswith(hint)
    assert ("did you mean" in fault or "true or false" in fault) is bool(hint)


def test_a_secret_is_not_compared() -> None:
    fault = Rule({"enum": ["full"]}, is_sensitive=True).find_fault("FULL")
    assert fault is not None
    assert "mean" not in fault
