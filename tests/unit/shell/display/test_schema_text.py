"""Schemas in words."""

from __future__ import annotations

import pytest

from matahari.shell.display.schema_text import rules_text, type_text

NAMED = {
    "Disk": {"type": "object", "properties": {}},
    "Color": {"type": "string", "enum": ["red", "blue"]},
}


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "integer"}, "integer"),
        ({"type": ["string", "null"]}, "string|null"),
        ({"type": "array", "items": {"type": "string"}}, "array of string"),
        ({"type": "array"}, "array"),
        ({"type": "array", "items": {"type": "array", "items": {"$ref": "#/$defs/Disk"}}}, "array of array of Disk"),
        ({"anyOf": [{"type": "integer"}, {"$ref": "#/$defs/Disk"}, {"type": "null"}]}, "integer|Disk|null"),
        ({"$ref": "#/$defs/Color"}, "string"),
        ({"$ref": "#/$defs/Gone"}, "Gone"),
        ({"enum": ["a", "b"]}, "string"),
        ({"enum": ["a", 1]}, "any"),
        ({}, "any"),
    ],
)
def test_types(schema: dict[str, object], text: str) -> None:
    assert type_text(schema, NAMED) == text


@pytest.mark.parametrize(
    ("schema", "rules"),
    [
        ({"minimum": 1, "maximum": 20}, ["1 to 20"]),
        ({"minimum": 1}, ["at least 1"]),
        ({"exclusiveMinimum": 0, "maximum": 30}, ["above 0 and at most 30"]),
        ({"exclusiveMaximum": 5}, ["below 5"]),
        ({"minLength": 1, "maxLength": 8}, ["1 to 8 characters"]),
        ({"minItems": 2, "maxItems": 2}, ["2 items"]),
        ({"maxItems": 2}, ["at most 2 items"]),
        ({"minLength": 2}, ["at least 2 characters"]),
        ({"pattern": "^/"}, ["matches ^/"]),
        ({"format": "date-time"}, ["date-time"]),
        ({"enum": ["a", "", 1]}, ['one of a, "", 1']),
        ({"const": "x"}, ['always "x"']),
        ({"multipleOf": 4}, ["a multiple of 4"]),
        ({"$ref": "#/$defs/Color"}, ["one of red, blue"]),
        ({"anyOf": [{"minimum": 3}, {"type": "null"}]}, ["at least 3"]),
        ({"type": "integer"}, []),
    ],
)
def test_rules(schema: dict[str, object], rules: list[str]) -> None:
    assert rules_text(schema, NAMED) == rules
