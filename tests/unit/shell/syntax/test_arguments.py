"""Arguments of plugin calls: words become JSON values by the method's published schema."""

from __future__ import annotations

import pytest

from matahari.qmf import Value
from matahari.shell.base.outcome import CommandError
from matahari.shell.syntax.arguments import (
    Parameters,
    bind,
    documentation_of,
    has_unknown_name,
    parameters_from,
    parameters_of,
)
from matahari.shell.syntax.lines import split
from tests.support.fake_classes import PLUGINS
from tests.support.fake_console import fleet


def takes(schemas: dict[str, dict[str, object]], *, varargs: bool = False, varkw: bool = False) -> Parameters:
    names = tuple(schemas)
    return Parameters(schemas, names, names, frozenset(names), varargs, varkw)


ADD = takes({"x": {"type": "integer"}, "y": {"type": "integer"}})
GREET = takes({"name": {"type": "string"}})
PAIR = takes({"first": {}, "second": {}})
SHOW = takes({}, varargs=True, varkw=True)

CASES: list[tuple[str, Parameters | None, tuple[object, ...], dict[str, object]]] = [
    # (typed, parameters, args, kwargs)
    ("", None, (), {}),
    ("[] {}", None, (), {}),
    ('[1, "a"] {"k": [2]}', None, (1, "a"), {"k": [2]}),
    ("[] {}", SHOW, (), {}),
    ("[] {}", ADD, (), {}),
    ("[1] {}", PAIR, ([1], {}), {}),
    ("[1] {}", takes({"a": {"type": "array"}, "b": {"type": "string"}}), (1,), {}),
    ("'[]' {}", SHOW, ("[]", {}), {}),
    ("[] {} 1", SHOW, ([], {}, 1), {}),
    ("{} []", SHOW, ({}, []), {}),
    ("1 2", ADD, (1, 2), {}),
    ("x=1 y=2", ADD, (), {"x": 1, "y": 2}),
    ("1 y=2", ADD, (1,), {"y": 2}),
    ("'z=1'", ADD, ("z=1",), {}),
    ("z=1", SHOW, (), {"z": 1}),
    ("z=1", None, ("z=1",), {}),
    ("'z=1' \"z\"=1", SHOW, ("z=1", "z=1"), {}),
    ('x="1"', SHOW, (), {"x": "1"}),
    ("x=", SHOW, (), {"x": ""}),
    ('x={"a": 1}', SHOW, (), {"x": {"a": 1}}),
    ("text 1 1.5 true null", None, ("text", 1, 1.5, True, None), {}),
    ("'1' \"true\"", None, ("1", "true"), {}),
    ("42", GREET, ("42",), {}),
    ("name=42", GREET, (), {"name": "42"}),
    ("null", GREET, ("null",), {}),
    ("[1]", GREET, ("[1]",), {}),
    ("abc", ADD, ("abc",), {}),
    ("1.0", ADD, (1.0,), {}),
    ("NaN", None, ("NaN",), {}),
]


@pytest.mark.parametrize(("typed", "parameters", "args", "kwargs"), CASES)
def test_words_become_arguments(
    typed: str, parameters: Parameters | None, args: tuple[object, ...], kwargs: dict[str, object]
) -> None:
    words = split(f"call {typed}")[0].words[1:]
    given = bind(words, parameters)
    assert (given.args, given.kwargs) == (args, kwargs)


@pytest.mark.parametrize(
    ("schema", "typed", "value"),
    [
        ({"type": ["string", "null"]}, "null", None),
        ({"type": ["string", "integer"]}, "1", 1),
        ({"anyOf": [{"type": "string"}, {"type": "boolean"}]}, "true", True),
        ({"anyOf": [{"type": "string"}, {"type": "boolean"}]}, "1", "1"),
        ({"oneOf": [{"type": "string"}, {"$ref": "#/x"}]}, "1", 1),
        ({"anyOf": [{"type": "string"}, True]}, "1", 1),
        ({"enum": ["1", "2"]}, "1", "1"),
        ({"enum": [1, "auto"]}, "1", 1),
        ({"enum": [None, 2.5, True, [], {}]}, "[]", []),
        ({"type": "number"}, "1", 1),
    ],
)
def test_the_schema_decides_between_json_and_text(schema: dict[str, object], typed: str, value: object) -> None:
    given = bind(split(typed)[0].words, takes({"x": schema}))
    assert given.args == (value,)


def test_a_name_given_twice_is_refused_at_its_column() -> None:
    with pytest.raises(CommandError, match='Argument "x" is given twice') as caught:
        bind(split("x=1 x=2")[0].words, ADD)
    assert caught.value.position == 4


def test_positional_only_parameters_cannot_be_named() -> None:
    only = Parameters({"x": {}}, positional=("x",), named=())
    assert bind(split("x=1")[0].words, only).args == ("x=1",)


WHEN = takes({"at": {"type": "string"}, "color": {"enum": ["red"]}})


@pytest.mark.parametrize("typed", ["at=1 colour=blue", "now colour=blue", "colour='blue'"])
def test_a_name_that_is_nearly_that_of_a_parameter_is_refused_at_its_column(typed: str) -> None:
    with pytest.raises(CommandError) as caught:
        bind(split(typed)[0].words, WHEN, "typed.when")
    assert str(caught.value) == "typed.when has no argument 'colour'; did you mean 'color'?"
    assert caught.value.position == typed.index("colour")


@pytest.mark.parametrize("typed", ["at=now shade=blue", "now color=red shade=blue", "shade=blue at=now"])
def test_a_name_that_nothing_takes_as_text_either_is_the_mistake_and_not_the_argument_in_whose_place_it_stands(
    typed: str,
) -> None:
    with pytest.raises(CommandError) as caught:
        bind(split(typed)[0].words, WHEN, "typed.when")
    assert (
        str(caught.value).splitlines()[0]
        == "typed.when has no argument 'shade'; it takes at, color; in quotes it is text"
    )
    assert caught.value.position == typed.index("shade")


def test_the_name_of_what_is_given_by_position_only_is_refused_where_no_text_is_taken() -> None:
    number = {"properties": {"x": {"type": "integer"}}, "x-positional": ["x"], "x-positional-only": ["x"]}
    with pytest.raises(CommandError) as caught:
        bind(split("call add x=1")[0].words[2:], parameters_from(number), "calc.add")
    assert str(caught.value) == "calc.add takes argument 'x' by position only; give the value without x="
    assert caught.value.position == 9
    for schema in ({}, {"type": "string"}):
        text = number | {"properties": {"x": schema}}
        assert bind(split("call add x=1")[0].words[2:], parameters_from(text), "calc.add").args == ("x=1",)
    quoted = split('call add "x=1"')[0].words[2:]
    assert bind(quoted, parameters_from(number), "calc.add").args == ("x=1",)


@pytest.mark.parametrize("typed", ["'colour=blue'", "'HOME=/root'", "a+colour=blue"])
def test_text_with_an_equals_sign_stays_text(typed: str) -> None:
    assert bind(split(typed)[0].words, WHEN).args == (typed.strip("'"),)


def test_further_names_take_what_their_schema_says() -> None:
    texts = parameters_from({"properties": {}, "additionalProperties": {"type": "string"}, "x-varkw": True})
    assert bind(split("x=5 y=true")[0].words, texts).kwargs == {"x": "5", "y": "true"}
    anything = parameters_from({"properties": {}, "additionalProperties": True, "x-varkw": True})
    assert bind(split("x=5 y=true")[0].words, anything).kwargs == {"x": 5, "y": True}


def test_unknown_names_are_noticed() -> None:
    assert has_unknown_name(split("z=1")[0].words, ADD)
    assert not has_unknown_name(split("x=1 2")[0].words, ADD)


def test_parameters_come_from_the_object() -> None:
    calc = fleet().select("calc", package=PLUGINS)
    add = parameters_of(calc, "add")
    assert add is not None
    assert (add.positional, add.named, add.required) == (("x", "y"), ("x", "y"), frozenset(("x", "y")))
    assert add.syntax == "X Y"
    show = parameters_of(calc, "show")
    assert show is not None
    assert (show.varargs, show.varkw, show.syntax) == (True, True, "([ARG]) ([NAME=VALUE])")
    greet = parameters_of(calc, "greet")
    assert greet is not None
    assert greet.syntax == "NAME (GREETING)"
    assert documentation_of(calc, "add") == "Add two numbers."


def test_parameters_that_can_only_be_named_are_shown_so() -> None:
    only = Parameters({"x": {}, "y": {}}, (), ("x", "y"), frozenset(("x",)))
    assert only.syntax == "x=X (y=Y)"


def test_objects_that_publish_nothing_readable_have_no_parameters() -> None:
    console = fleet()
    old = console.select("old", package=PLUGINS)
    assert parameters_of(old, "show") is None
    assert documentation_of(old, "show") == ""
    console.kind("old").values["db1"]["old"]["methods"] = {"show": {"params": "{nonsense"}}
    assert parameters_of(console.select("old", package=PLUGINS), "show") is None


def test_a_schema_without_our_extensions_is_read_as_plain_json_schema() -> None:
    console = fleet()
    plain: dict[str, Value] = {
        "params": {"properties": {"x": {"type": "string"}, "y": True}, "additionalProperties": {"type": "string"}}
    }
    console.kind("old").values["db1"]["old"]["methods"] = {"show": plain}
    read = parameters_of(console.select("old", package=PLUGINS), "show")
    assert read is not None
    assert (read.positional, read.named, read.varkw, read.varargs) == (("x", "y"), ("x", "y"), True, False)
