"""From Python arguments to QMF's and back."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest

from matahari.console.arguments import PLUGIN_PACKAGE, bind, coerce, is_plugin, result_of
from matahari.errors import RemoteProtocolError, SchemaError
from matahari.qmf import Method, Property, PropertyType, Schema, SchemaId, Value

PLUGIN = Schema(SchemaId(PLUGIN_PACKAGE, "asterisk"))
OTHER = Schema(SchemaId("org.matahariproject", "Host"))
UUID_TEXT = "6c9b6e3e-0d6c-4a52-9d6b-3f0f2a6c1d11"
METHOD = Method(
    "invoke",
    "",
    (
        Property("name", PropertyType.STRING, max_length=5),
        Property("ratio", PropertyType.FLOAT, optional=True),
        Property("count", PropertyType.INT, default=3, minimum=0, maximum=10),
        Property("rc", PropertyType.INT, direction="O"),
    ),
)


def test_a_plugin_is_known_by_its_package() -> None:
    assert is_plugin(PLUGIN)
    assert not is_plugin(OTHER)


def test_arguments_of_a_plugin_are_json_texts_each() -> None:
    bound = bind(PLUGIN, Method("f"), (1, "ä", None), {"x": [1, {"y": True}]})
    assert bound == {"args": ["1", '"ä"', "null"], "kwargs": {"x": '[1, {"y": true}]'}}


def test_a_plugin_without_arguments_gets_both_empty_because_2012_requires_them() -> None:
    assert bind(PLUGIN, Method("f"), (), {}) == {"args": [], "kwargs": {}}


def test_values_of_the_types_that_plugins_declare_are_sent_as_their_agents_read_them() -> None:
    bound = bind(PLUGIN, Method("f"), (Path("/srv"), {1, 2}), {"day": date(2024, 5, 17)})
    assert bound == {"args": ['"/srv"', "[1, 2]"], "kwargs": {"day": '"2024-05-17"'}}


@pytest.mark.parametrize("value", [object(), float("nan"), b"\xff"])
def test_what_json_cannot_carry_is_refused_before_sending_and_named(value: object) -> None:
    name = PLUGIN.id.name
    with pytest.raises(SchemaError, match=rf"^{name}\.f, argument 'x': .* no form in JSON; pass "):
        bind(PLUGIN, Method("f"), (value,), {}, positional=("x", "y"))
    with pytest.raises(SchemaError, match=rf"^{name}\.f, argument '#2': .* no form in JSON; pass "):
        bind(PLUGIN, Method("f"), (1, value), {}, positional=("x",))
    with pytest.raises(SchemaError, match=rf"^{name}\.f, argument 'z': .* no form in JSON; pass "):
        bind(PLUGIN, Method("f"), (), {"z": value})


def test_other_classes_take_such_values_where_their_type_is_that_of_the_form() -> None:
    text = Property("text", PropertyType.STRING)
    assert coerce(text, Path("/srv")) == "/srv"
    with pytest.raises(SchemaError, match=r"^text: a value of type object has no form in JSON"):
        coerce(text, object())


@pytest.mark.parametrize(
    ("args", "kwargs", "expected"),
    [
        (("a",), {}, {"name": "a"}),
        (("a", 1), {}, {"name": "a", "ratio": 1.0}),
        ((), {"count": 4, "name": "a"}, {"name": "a", "count": 4}),
        (("a", None, 0), {}, {"name": "a", "count": 0}),
        ((None,), {"count": None}, {}),
    ],
)
def test_arguments_of_other_classes_are_bound_by_order_and_by_name(
    args: tuple[object, ...], kwargs: dict[str, object], expected: dict[str, Value]
) -> None:
    assert bind(OTHER, METHOD, args, kwargs) == expected


def test_only_what_is_void_is_sent_as_null() -> None:
    """libqmf2 agents refuse null for any other type (qmf2.md 3.5)."""
    method = Method("m", "", (Property("nothing", PropertyType.VOID), Property("a", PropertyType.MAP)))
    assert bind(OTHER, method, (None, None), {}) == {"nothing": None}
    assert bind(OTHER, method, (), {"a": {}}) == {"a": {}}


@pytest.mark.parametrize(
    ("args", "kwargs", "text"),
    [
        ((), {}, r"expected 3, got 0 \(missing: name\)"),
        (("a", 1.0, 1, 1), {}, "expected 3, got 4"),
        (("a",), {"name": "b"}, "'name' is given twice"),
        (("a",), {"rc": 1}, "no argument 'rc'; it takes name, ratio, count"),
        ((1,), {}, "1 is not of type string"),
        (("abcdef",), {}, "name: Parameter is too long: 6 characters, at most 5 are allowed"),
        (("a", 1.0, 11), {}, r"Value 11 overflows maximum of range \(10\)"),
        (("a", 1.0, -1), {}, r"Value -1 underflows minimum of range \(0\)"),
        (("a", 1.0, True), {}, "count: True is not of type int"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_with_name_and_rule(
    args: tuple[object, ...], kwargs: dict[str, object], text: str
) -> None:
    with pytest.raises(SchemaError, match=text):
        bind(OTHER, METHOD, args, kwargs)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (PropertyType.FLOAT, 3, 3.0),
        (PropertyType.INT, 3.0, 3),
        (PropertyType.INT, 2**64 - 1, 2**64 - 1),
        (PropertyType.STRING, b"\xff", b"\xff"),
        (PropertyType.UUID, UUID_TEXT, UUID(UUID_TEXT)),
        (PropertyType.UUID, UUID(UUID_TEXT), UUID(UUID_TEXT)),
        (PropertyType.LIST, (1, "a"), [1, "a"]),
        (PropertyType.MAP, {1: {"a": [None]}}, {"1": {"a": [None]}}),
        (PropertyType.BOOL, False, False),
    ],
)
def test_values_are_brought_to_the_type_of_the_schema(kind: PropertyType, value: object, expected: Value) -> None:
    assert coerce(Property("p", kind), value) == expected


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (PropertyType.INT, 2.5),
        (PropertyType.INT, float("inf")),
        (PropertyType.INT, 2**64),
        (PropertyType.INT, -(2**63) - 1),
        (PropertyType.FLOAT, 10**400),
        (PropertyType.BOOL, 1),
        (PropertyType.STRING, None),
    ],
)
def test_numbers_that_qmf_cannot_carry_and_other_types_are_refused(kind: PropertyType, value: object) -> None:
    with pytest.raises(SchemaError):
        coerce(Property("p", kind), value)


@pytest.mark.parametrize("value", ["nonsense", object(), {"a": object()}])
def test_values_that_cannot_be_brought_to_a_type_are_refused(value: object) -> None:
    with pytest.raises(SchemaError):
        coerce(Property("p", PropertyType.UUID), value)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [({}, None), ({"rc": 3}, 3), ({"a": b"x", "b": 1}, {"a": "x", "b": 1}), ({"uuid": b"f00d"}, "f00d")],
)
def test_output_arguments_become_none_a_value_or_a_map(arguments: dict[str, Value], expected: object) -> None:
    assert result_of(OTHER, arguments) == expected


@pytest.mark.parametrize("said", ['{"a": [1]}', b"[1, 2]", "null"])
def test_a_plugins_result_is_the_decoded_json(said: str | bytes) -> None:
    assert result_of(PLUGIN, {"result": said}) == json.loads(said)


@pytest.mark.parametrize("arguments", [{}, {"result": 5}, {"result": "{"}, {"result": "[" * 100_000}])
def test_a_plugins_answer_that_is_no_json_is_the_agents_fault(arguments: dict[str, Value]) -> None:
    with pytest.raises(RemoteProtocolError, match=r"_arguments\.result"):
        result_of(PLUGIN, arguments)
