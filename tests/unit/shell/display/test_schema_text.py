"""Schemas in words."""

from __future__ import annotations

import pytest

from matahari.shell.display.schema_text import rules_text, type_text, yields_text

NAMED = {
    "Disk": {"type": "object", "properties": {}},
    "Color": {"type": "string", "enum": ["red", "blue"]},
    "Point": {
        "type": "object",
        "properties": {"x": {"type": "integer"}, "at": {"$ref": "#/$defs/Color"}},
        "required": ["x"],
    },
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
        ({"type": "object", "title": "Point", "properties": {"x": {}}}, "Point"),
        ({"type": "object", "title": "Map"}, "object"),
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
        ({"$ref": "#/$defs/Point"}, ["fields x: integer, (at: Color)"]),
        ({"anyOf": [{"$ref": "#/$defs/Point"}, {"type": "null"}]}, ["fields x: integer, (at: Color)"]),
        ({"type": "array", "items": {"$ref": "#/$defs/Point"}}, ["each with fields x: integer, (at: Color)"]),
        ({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}, ["fields a: string"]),
        ({"type": "object", "properties": {"a" * 250: {}}}, [f"fields ({'a' * 199}…"]),
    ],
)
def test_rules(schema: dict[str, object], rules: list[str]) -> None:
    assert rules_text(schema, NAMED) == rules


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"enum": ["a", 1, None]}, '"a"|1|null'),
        ({"$ref": "#/$defs/Color"}, '"red"|"blue"'),
        ({"anyOf": [{"$ref": "#/$defs/Color"}, {"type": "null"}]}, '"red"|"blue"|null'),
        ({"type": "array", "items": {"$ref": "#/$defs/Color"}}, 'array of ("red"|"blue")'),
        ({"type": "string", "enum": [f"choice {at}" for at in range(20)]}, "string"),
        ({"type": "integer"}, "integer"),
    ],
)
def test_in_a_signature_a_few_choices_stand_for_themselves(schema: dict[str, object], text: str) -> None:
    assert type_text(schema, NAMED, shows_choices=True) == text


def test_types_that_are_each_other_end() -> None:
    named = {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A", "type": "string"}}
    assert type_text({"$ref": "#/$defs/A"}, named) in ("A", "B")


def test_what_a_method_yields_follows_its_parameters() -> None:
    disk = {"title": "Disk", "type": "object", "properties": {"name": {"type": "string"}}}
    assert yields_text({"x-yields": disk}) == " yields Disk"
    assert yields_text({"x-yields": {"type": "integer"}}) == " yields integer"
    assert yields_text({"x-yields": {"$ref": "#/$defs/Disk", "$defs": {"Disk": disk}}}) == " yields Disk"
    assert yields_text({}) == yields_text({"x-yields": {}}) == ""
