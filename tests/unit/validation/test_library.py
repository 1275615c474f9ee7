"""Which schemas need the library, and that fitting values of all others are found to fit without it."""

from __future__ import annotations

import sys

import pytest

from matahari.validation import ActionSchema, JsonValue, Rule

SIMPLE: list[tuple[JsonValue, JsonValue]] = [
    (True, [1]),
    ({}, "anything"),
    ({"default": 3, "description": "how many"}, None),
    ({"type": "string"}, "a"),
    ({"type": "integer", "description": "how many", "default": 1}, 2),
    ({"type": "number"}, 1.5),
    ({"type": "number"}, 2),
    ({"type": "boolean"}, False),
    ({"type": "array"}, [1, "a"]),
    ({"type": "object"}, {"a": 1}),
    ({"type": "null"}, None),
    ({"type": ["integer", "null"]}, 3),
    ({"type": ["integer", "null"]}, None),
]
DEMANDING: list[JsonValue] = [
    False,
    {"type": "integer", "minimum": 1},
    {"type": "array", "items": {"type": "string"}},
    {"enum": ["a", "b"]},
    {"type": "text"},
    {"type": ["integer", "text"]},
    {"type": []},
    {"type": 3},
    {"type": ["integer", ["null"]]},
    "nonsense",
]


@pytest.fixture
def without_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matahari.validation._jsonschema", None)


@pytest.mark.usefixtures("without_library")
@pytest.mark.parametrize(("schema", "value"), SIMPLE)
def test_a_value_that_fits_a_simple_schema_does_without_the_library(schema: JsonValue, value: JsonValue) -> None:
    rule = Rule(schema)
    assert rule.is_simple
    assert rule.find_fault(value) is None


@pytest.mark.usefixtures("without_library")
@pytest.mark.parametrize("schema", DEMANDING)
def test_all_others_need_it(schema: JsonValue) -> None:
    rule = Rule(schema)
    assert not rule.is_simple
    with pytest.raises(ImportError):
        rule.find_fault(1)


@pytest.mark.parametrize("value", [True, "1", None, [], {}])
def test_what_is_not_a_number_is_refused_as_one(value: JsonValue) -> None:
    """In Python a bool is an int, in JSON it is no number."""
    assert Rule({"type": "number"}).find_fault(value) is not None


@pytest.mark.parametrize("value", [True, 1.0, "1"])
def test_an_optional_integer_is_none_or_an_integer(value: JsonValue) -> None:
    assert Rule({"type": ["integer", "null"]}).find_fault(value) is not None


def action(result: JsonValue = None, **more: JsonValue) -> ActionSchema:
    params: dict[str, JsonValue] = {"type": "object", "properties": {"a": {"type": "integer"}}, "x-positional": ["a"]}
    return ActionSchema("p", "m", params | more, result)


def test_an_action_is_simple_when_all_that_it_takes_and_gives_is() -> None:
    demanding: JsonValue = {"type": "integer", "minimum": 1}
    assert action(additionalProperties=False).is_simple
    assert action({"type": "string"}).is_simple
    assert not action(demanding).is_simple
    assert not action(properties={"a": {"type": "integer"}, "b": demanding}).is_simple
    more: dict[str, JsonValue] = {"x-varargs-items": demanding}
    assert action(**more).is_simple
    assert not action(**more, **{"x-varargs": True}).is_simple
    assert action(**{"additionalProperties": True, "x-varkw": True}).is_simple
    assert not action(**{"additionalProperties": demanding, "x-varkw": True}).is_simple
