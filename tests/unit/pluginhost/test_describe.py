"""From signatures to schemas. Each schema must be good for jsonschema, and say what a call may look like."""

from __future__ import annotations

import collections.abc
import functools
import typing
from collections.abc import Callable
from typing import Annotated, Any, Literal, Optional, Union

import pytest
from jsonschema import Draft202012Validator

from matahari.hostproto import Json
from matahari.pluginhost import describe


def params_of(action: Callable[..., object]) -> dict[str, Json]:
    params = describe("action", action).params
    Draft202012Validator.check_schema(params)
    return params


def schema_of(annotation: object) -> Json:
    def action(x):  # type: ignore[no-untyped-def]
        pass

    action.__annotations__["x"] = annotation
    properties = params_of(action)["properties"]
    assert isinstance(properties, dict)
    return properties["x"]


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (str, {"type": "string"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (None, {"type": "null"}),
        (list, {"type": "array"}),
        (dict, {"type": "object"}),
        (tuple, {"type": "array", "items": {}}),
        (Any, {}),
        (object, {}),
        (bytes, {"type": "string", "format": "binary"}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (list[Any], {"type": "array"}),
        (typing.List[str], {"type": "array", "items": {"type": "string"}}),  # noqa: UP006
        (collections.abc.Sequence[bool], {"type": "array", "items": {"type": "boolean"}}),
        (dict[str, float], {"type": "object", "additionalProperties": {"type": "number"}}),
        (dict[str, Any], {"type": "object"}),
        (
            tuple[int, str],
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "maxItems": 2},
        ),
        (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
        (int | str, {"type": ["integer", "string"]}),
        (Optional[int], {"type": ["integer", "null"]}),  # noqa: UP045
        (Union[int, str, None], {"type": ["integer", "string", "null"]}),  # noqa: UP007
        (list[int] | None, {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "null"}]}),
        (int | Any, {}),
        (Literal["a", 1], {"enum": ["a", 1]}),
        (Literal["a"] | None, {"anyOf": [{"enum": ["a"]}, {"type": "null"}]}),
        (Annotated[int, "whatever"], {"type": "integer"}),
        ("int", {"type": "integer"}),
        (
            "list[dict[str, int]]",
            {"type": "array", "items": {"type": "object", "additionalProperties": {"type": "integer"}}},
        ),
        ("NoSuchName", {}),
        ([1, 2], {}),
        (collections.abc.Callable[[int], int], {}),
    ],
)
def test_an_annotation_gives_a_schema(annotation: object, schema: Json) -> None:
    assert schema_of(annotation) == schema


def test_parameters_of_all_kinds() -> None:
    def action(a, /, b: int, c="x", *rest: float, d: bool, e: str = "y", **others: str) -> list[int]:  # type: ignore[no-untyped-def]
        """Do it.

        In detail.
        """
        return []

    spec = describe("action", action)
    assert spec.params == {
        "type": "object",
        "description": "Do it.",
        "properties": {
            "a": {},
            "b": {"type": "integer"},
            "c": {"default": "x"},
            "d": {"type": "boolean"},
            "e": {"type": "string", "default": "y"},
        },
        "required": ["a", "b", "d"],
        "additionalProperties": {"type": "string"},
        "x-positional": ["a", "b", "c"],
        "x-positional-only": ["a"],
        "x-varargs": True,
        "x-varkw": True,
        "x-varargs-items": {"type": "number"},
    }
    assert spec.result == {"type": "array", "items": {"type": "integer"}}
    assert spec.doc == "Do it.\n\nIn detail."


def test_a_plain_function_takes_nothing_else() -> None:
    params = params_of(lambda: None)
    assert params["additionalProperties"] is False
    assert (params["x-varargs"], params["x-varkw"], params["required"]) == (False, False, [])
    assert describe("f", lambda: None).result is None


def test_defaults_that_are_no_json_are_left_out_but_keep_the_argument_optional() -> None:
    def action(a=object(), b=float("nan"), c="x" * 10_000) -> None:  # type: ignore[no-untyped-def]  # noqa: B008
        pass

    params = params_of(action)
    assert params["properties"] == {"a": {}, "b": {}, "c": {}}
    assert params["required"] == []


def test_none_as_default_has_always_meant_optional() -> None:
    def action(a: int = None, b=None) -> None:  # type: ignore[assignment, no-untyped-def]  # noqa: RUF013
        pass

    assert params_of(action)["properties"] == {
        "a": {"type": ["integer", "null"], "default": None},
        "b": {"default": None},
    }


def test_async_functions_are_marked() -> None:
    async def action() -> int:
        return 1

    spec = describe("action", action)
    assert spec.params["x-async"] is True
    assert spec.result == {"type": "integer"}


def test_a_partial_has_the_signature_that_is_left_and_the_docstring_of_its_function() -> None:
    def power(base: int, exponent: int) -> int:
        """Raise."""
        return int(base**exponent)

    spec = describe("square", functools.partial(power, exponent=2))
    assert spec.params["x-positional"] == ["base"]
    assert spec.params["required"] == ["base"]
    assert spec.doc == "Raise."


def test_one_unreadable_annotation_costs_only_the_types() -> None:
    def action(a, b): ...  # type: ignore[no-untyped-def]

    action.__annotations__.update(a="int", b="Missing[")
    params = params_of(action)
    assert params["x-positional"] == ["a", "b"]


def test_a_callable_without_signature_takes_anything() -> None:
    params = params_of(dict)
    assert (params["x-varargs"], params["x-varkw"], params["additionalProperties"]) == (True, True, True)


def test_a_docstring_is_bounded_and_unicode() -> None:
    def action() -> None: ...

    action.__doc__ = "\ud800" + "x" * 100_000
    assert len(describe("action", action).doc) < 20_000
    describe("action", action).doc.encode()
