"""Arguments that do not fit: the column of the one that the check names."""

from __future__ import annotations

import json

import pytest

from matahari.errors import InvalidArgumentError
from matahari.qmf import Value
from matahari.shell.base.outcome import CommandError
from matahari.shell.syntax.arguments import bind, parameters_of
from matahari.shell.syntax.lines import split
from matahari.shell.syntax.pointing import pointed
from matahari.validation import ActionSchema
from tests.support.fake_console import FakeConsole, fleet

NUMBER = {"type": "integer"}
SCHEMA = {
    "properties": {"x": NUMBER, "y": NUMBER, "mode": {"enum": ["fast", "slow"]}},
    "required": ["x", "y"],
    "x-positional": ["x", "y"],
}
MANY = {"properties": {}, "x-positional": [], "x-varargs": True, "x-varargs-items": NUMBER}


def publishing(schema: object, **more: Value) -> FakeConsole:
    console = fleet()
    for found in console.kind("calc").values.values():
        found["calc"]["methods"] = {"add": {"params": json.dumps(schema), **more}}
    return console


@pytest.mark.parametrize(
    ("schema", "typed", "at"),
    [
        (SCHEMA, "add two 2", "two"),
        (SCHEMA, "add 1 two", "two"),
        (SCHEMA, "add 1 y=two", "two"),
        (SCHEMA, "add 1 2 mode=fsat", "fsat"),
        (SCHEMA, "add 1 2 3", "3"),
        (SCHEMA, "add 1 mode=fast 2 3", "3"),
        (SCHEMA, "add 1 2 x=3", "x=3"),
        (SCHEMA, "add 1 mode=fast", ""),
        (MANY, "add 1 2 three 4", "three"),
        ({"properties": {"x": NUMBER}, "x-positional": ["x"]}, "add 1 2", "2"),
    ],
)
def test_the_fault_is_where_its_word_is(schema: dict[str, object], typed: str, at: str) -> None:
    console = publishing(schema)
    objects = console.select("calc", package="org.matahariproject.rpc.plugin")
    [line] = split(f"call {typed}")
    words = line.words[2:]
    given = bind(words, parameters_of(objects, "add"))
    read = json.loads(json.dumps(schema))
    refusal = ActionSchema("calc", "add", read).find_refusal(
        [json.dumps(one) for one in given.args], {name: json.dumps(one) for name, one in given.kwargs.items()}
    )
    assert refusal is not None
    error = pointed(InvalidArgumentError(refusal.text, kind=refusal.kind), words, objects, "add")
    assert isinstance(error, CommandError)
    assert str(error) == refusal.text
    assert error.position == (line.source.index(at, 8) if at else len(line.source) + 1)


def test_a_name_that_no_argument_has_is_told_where_its_word_was_taken_for_a_value() -> None:
    objects = publishing(SCHEMA).select("calc", package="org.matahariproject.rpc.plugin")
    text = "calc.add, argument 'y': 'zz=3' is a string; give an integer"
    [line] = split("call add 1 zz=3")
    error = pointed(InvalidArgumentError(text, kind="invalid_argument"), line.words[2:], objects, "add")
    assert isinstance(error, CommandError)
    assert error.lines == (text, "There is no argument 'zz'; there are x, y, mode")
    assert error.position == 11


def test_a_name_of_what_is_given_by_position_is_told() -> None:
    only = {"properties": {"mode": {"enum": ["fast", "slow"]}}, "x-positional": ["mode"], "x-positional-only": ["mode"]}
    objects = publishing(only).select("calc", package="org.matahariproject.rpc.plugin")
    [line] = split("call add mode=fast")
    words = line.words[2:]
    given = bind(words, parameters_of(objects, "add"))
    refusal = ActionSchema("calc", "add", json.loads(json.dumps(only))).find_refusal(
        [json.dumps(one) for one in given.args], {}
    )
    assert refusal is not None
    error = pointed(InvalidArgumentError(refusal.text, kind=refusal.kind), words, objects, "add")
    assert isinstance(error, CommandError)
    assert error.lines == (
        "calc.add, argument 'mode': 'mode=fast' is not one of 'fast', 'slow'; did you mean 'fast'?",
        "'mode' is given by position: write fast instead of mode=fast",
    )
    assert error.position == 9


def test_of_a_line_that_may_have_a_secret_nothing_is_repeated() -> None:
    objects = publishing(SCHEMA, sensitive=["y"]).select("calc", package="org.matahariproject.rpc.plugin")
    text = "calc.add, argument 'y' is not of type 'integer'"
    error = InvalidArgumentError(text.replace(" is", ": *** is"), kind="invalid_argument")
    [line] = split("call add 1 zz=hunter2")
    told = pointed(error, line.words[2:], objects, "add")
    assert isinstance(told, CommandError)
    assert (told.lines, told.position) == ((str(error),), 11)


def test_what_is_known_nowhere_is_told_as_it_is() -> None:
    error = InvalidArgumentError("calc.add, argument 'z': no", kind="invalid_argument")
    [line] = split("call add 1 2")
    for console in (publishing(SCHEMA), publishing("unreadable")):
        objects = console.select("calc", package="org.matahariproject.rpc.plugin")
        assert pointed(error, line.words[2:], objects, "add") is error
