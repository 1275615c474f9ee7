"""Arguments of plugin methods at the terminal: names, enumerations, truth values, and help on them."""

from __future__ import annotations

import pytest

from matahari.shell.syntax.lines import scan
from matahari.shell.verbs.argument_completion import argument_hints, complete_arguments

SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {
        "colour": {"$ref": "#/$defs/Colour"},
        "mode": {"enum": ["fast", "very slow"], "default": "fast"},
        "deep": {"type": "boolean", "default": False},
        "level": {"anyOf": [{"type": "integer", "minimum": 1}, {"const": "all"}, {"type": "null"}]},
        "size": {"type": "integer", "minimum": 1, "maximum": 9, "description": "in cm"},
    },
    "required": ["colour"],
    "additionalProperties": False,
    "x-positional": ["colour", "mode", "deep", "level"],
    "x-positional-only": ["colour"],
    "$defs": {"Colour": {"enum": ["red", "green", 3, None]}},
}
ANYTHING: dict[str, object] = {
    "properties": {},
    "x-positional": [],
    "x-varargs": True,
    "x-varargs-items": {"enum": ["a", "b"]},
    "x-varkw": True,
    "additionalProperties": {"type": "boolean"},
}


def offered(schema: dict[str, object] | None, typed: str) -> list[str]:
    line = scan(f"call m {typed}")[-1]
    words = line.words[2:]
    if line.open_word and words:
        return complete_arguments(schema, words[:-1], words[-1].text)
    return complete_arguments(schema, words, "")


def hints(schema: dict[str, object] | None, typed: str) -> list[tuple[str, str]]:
    line = scan(f"call m {typed}")[-1]
    words = line.words[2:]
    if line.open_word and words:
        return list(argument_hints(schema, words[:-1], words[-1].text))
    return list(argument_hints(schema, words, ""))


@pytest.mark.parametrize(
    ("typed", "suggestions"),
    [
        ("", ["red ", "green ", "3 ", "null ", "mode=", "deep=", "level=", "size="]),
        ("r", ["red "]),
        ("red ", ["fast ", "very slow ", "mode=", "deep=", "level=", "size="]),
        ("red d", ["deep="]),
        ("red mode=", ["mode=fast ", "mode=very slow "]),
        ("red mode=v", ["mode=very slow "]),
        ("red deep=t", ["deep=true "]),
        ("red fast ", ["true ", "false ", "deep=", "level=", "size="]),
        ("red fast true ", ["all ", "level=", "size="]),
        ("red size=", ["size= "]),
        ("red fast true 4 s", ["size="]),
        ("x", ["x "]),
        ("colour=", ["colour= "]),
    ],
)
def test_names_and_values_of_the_schema_are_offered(typed: str, suggestions: list[str]) -> None:
    assert offered(SCHEMA, typed) == suggestions


def test_further_arguments_have_values_too() -> None:
    assert offered(ANYTHING, "a ") == ["a ", "b "]
    assert offered(ANYTHING, "x=") == ["x=true ", "x=false "]


def test_without_a_schema_a_word_completes_to_itself() -> None:
    assert (offered(None, ""), offered(None, "x")) == ([""], ["x "])


def test_help_tells_what_may_be_given_and_where_the_line_may_end() -> None:
    assert hints(SCHEMA, "") == [
        ("COLOUR", "Colour [one of red, green, 3, null]"),
        ("mode=", 'string [one of fast, very slow] (default "fast")'),
        ("deep=", "boolean (default false)"),
        ("level=", 'integer|any|null [at least 1, always "all"]'),
        ("size=", "integer in cm [1 to 9]"),
    ]
    assert [word for word, _ in hints(SCHEMA, "red ")] == ["MODE", "deep=", "level=", "size=", "<cr>"]
    assert hints(SCHEMA, "red size=3") == [("size=", "integer in cm [1 to 9]")]
    assert [word for word, _ in hints(SCHEMA, "red fast d")] == ["DEEP", "deep="]
    assert [word for word, _ in hints(ANYTHING, "")] == ["[ARG]", "NAME=VALUE", "<cr>"]
    assert hints(None, "") == [("[ARG]", "any JSON value or text"), ("<cr>", "")]


def test_a_schema_that_refers_to_itself_ends() -> None:
    again: dict[str, object] = {"anyOf": [{"$ref": "#/$defs/Again"}] * 50 + [{"const": "x"}]}
    schema: dict[str, object] = {"properties": {"a": {"$ref": "#/$defs/Again"}}, "$defs": {"Again": again}}
    assert offered(schema, "x") == ["x "]
