"""Typed values (matahari-2012.md 15.6): what is accepted, and the texts of the refusals."""

from __future__ import annotations

import uuid

import pytest

from matahari.errors import NoAgentsError, SchemaError
from matahari.qmf import Property, PropertyType
from matahari.shell.syntax.lines import Word
from matahari.shell.syntax.values import (
    Boolean,
    Choice,
    Converter,
    Integer,
    JsonList,
    JsonMap,
    Real,
    Text,
    Uuid,
    converter_for,
    parse_json,
    type_name,
)

SOME_UUID = "326b8c1a-a103-a419-1b9c-98fdf815eb7f"


def word(text: str) -> Word:
    return Word(text, 0, len(text))


ACCEPTED: list[tuple[Converter, str, object]] = [
    (Integer(), "42", 42),
    (Integer(), "-1", -1),
    (Integer(), "+007", 7),
    (Integer(0, 255), "255", 255),
    (Real(), "1.5", 1.5),
    (Real(), "-.5e3", -500.0),
    (Real(), "2", 2.0),
    (Boolean(), "YES", True),
    (Boolean(), "t", True),
    (Boolean(), "1", True),
    (Boolean(), "No", False),
    (Boolean(), "0", False),
    (Text(), "x y", "x y"),
    (Text(3), "abc", "abc"),
    (Uuid(), SOME_UUID, uuid.UUID(SOME_UUID)),
    (Uuid(), "{" + SOME_UUID.replace("-", "") + "}", uuid.UUID(SOME_UUID)),
    (JsonList(), "[1, 2]", [1, 2]),
    (JsonMap(), '{"a": [null]}', {"a": [None]}),
]

REFUSED: list[tuple[Converter, str, str]] = [
    (Integer(), "bar", '"bar" is not an integer'),
    (Integer(), "1_0", '"1_0" is not an integer'),
    (Integer(), "٣", '"٣" is not an integer'),
    (Integer(), "9" * 5000, f'"{"9" * 5000}" is not an integer'),
    (Integer(0, 255), "-1", "Value -1 underflows minimum of range (0)"),
    (Integer(0, 255), "256", "Value 256 overflows maximum of range (255)"),
    (Real(), "nan", '"nan" is not a number'),
    (Real(0.0), "-1", "Value -1 underflows minimum of range (0)"),
    (Real(None, 5), "6.5", "Value 6.5 overflows maximum of range (5)"),
    (Boolean(), "maybe", '"maybe" is not a boolean'),
    (Boolean(), "__import__('os')", "\"__import__('os')\" is not a boolean"),
    (Text(3), "abcd", "Parameter is too long: 4 characters, at most 3 are allowed"),
    (Uuid(), "x", '"x" is not a UUID'),
    (JsonList(), '{"a": 1}', '"{"a": 1}" is not a list'),
    (JsonList(), "[1,", '"[1," is not a valid list'),
    (JsonList(), "['a']", "\"['a']\" is not a valid list"),
    (JsonMap(), "[]", '"[]" is not a map'),
    (JsonMap(), "{NaN}", '"{NaN}" is not a valid map'),
    (JsonList(), "[NaN]", '"[NaN]" is not a valid list'),
    (JsonList(), "[" * 100_000, f'"{"[" * 100_000}" is not a valid list'),
]


@pytest.mark.parametrize(("converter", "text", "value"), ACCEPTED)
def test_a_word_becomes_a_value_of_its_type(converter: Converter, text: str, value: object) -> None:
    converted = converter.convert(word(text), {})
    assert converted == value
    assert type(converted) is type(value)


@pytest.mark.parametrize(("converter", "text", "message"), REFUSED, ids=range(len(REFUSED)))
def test_a_word_that_does_not_fit_is_refused_with_the_reason(converter: Converter, text: str, message: str) -> None:
    with pytest.raises(SchemaError) as caught:
        converter.convert(word(text), {})
    assert str(caught.value) == message


COMPLETED: list[tuple[Converter, str, list[str]]] = [
    (Boolean(), "", ["True ", "False "]),
    (Boolean(), "Y", ["y "]),
    (Boolean(), "ye", ["yes "]),
    (Boolean(), "x", []),
    (JsonList(), "", ["["]),
    (JsonList(), "[1", ["[1"]),
    (JsonList(), "[1]", ["[1] "]),
    (JsonList(), "1", []),
    (JsonMap(), "", ["{"]),
    (JsonMap(), "{}", ["{} "]),
    (Integer(), "-", [""]),
    (Integer(), "-1", ["-1 "]),
    (Real(), "1.", ["1. "]),
    (Real(), "x", []),
    (Uuid(), "", [""]),
    (Uuid(), "326b-", ["326b-"]),
    (Uuid(), SOME_UUID, [SOME_UUID + " "]),
    (Uuid(), "x", []),
    (Text(), "a", ["a "]),
]


@pytest.mark.parametrize(("converter", "fragment", "offered"), COMPLETED)
def test_values_complete(converter: Converter, fragment: str, offered: list[str]) -> None:
    assert converter.complete(fragment, {}) == offered


def test_a_choice_takes_known_names_and_suggests_close_ones() -> None:
    choice = Choice("Host", lambda bound: ["web1.example", "db1"], final_blank=False)
    assert choice.convert(word("db1"), {}) == "db1"
    with pytest.raises(NoAgentsError, match=r'^Host "web2.example" not found; did you mean web1.example\?$'):
        choice.convert(word("web2.example"), {})
    assert choice.complete("w", {}) == ["web1.example"]
    assert choice.name == "HOST"


def test_an_unchecked_choice_only_completes() -> None:
    choice = Choice("Class", lambda bound: ["Host"], is_checked=False)
    assert choice.convert(word("Other"), {}) == "Other"
    assert choice.complete("H", {}) == ["Host "]


@pytest.mark.parametrize(
    ("member", "shown", "converter"),
    [
        (Property("p", PropertyType.INT, minimum=0, maximum=9.5), "int", Integer(0, 9)),
        (Property("p", PropertyType.INT, minimum=float("-inf"), subtype="abstime"), "abstime", Integer(name="abstime")),
        (Property("p", PropertyType.FLOAT, minimum=1), "float", Real(1)),
        (Property("p", PropertyType.BOOL), "bool", Boolean()),
        (Property("p", PropertyType.STRING, max_length=5), "str", Text(5)),
        (Property("p", PropertyType.UUID), "uuid", Uuid()),
        (Property("p", PropertyType.LIST), "list", JsonList()),
        (Property("p", PropertyType.MAP), "map", JsonMap()),
        (Property("p", PropertyType.VOID), "void", Text(name="void")),
    ],
)
def test_each_schema_type_has_a_name_and_a_converter(member: Property, shown: str, converter: Converter) -> None:
    assert type_name(member) == shown
    assert converter_for(member) == converter


def test_json_is_strict() -> None:
    assert parse_json('"x"') == "x"
    with pytest.raises(ValueError, match="Infinity is not JSON"):
        parse_json("Infinity")
