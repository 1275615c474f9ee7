"""Signatures of methods from what plugins publish."""

from __future__ import annotations

import json

import pytest

from matahari.console import ClassName, RemoteObject
from matahari.console.arguments import PLUGIN_PACKAGE
from matahari.console.signatures import PublishedMethod, published_methods
from matahari.qmf import Method, ObjectId, Schema, SchemaId, Value


def plugin(host: str, **methods: Value) -> RemoteObject:
    schema = Schema(SchemaId(PLUGIN_PACKAGE, "p"), methods=tuple(Method(name) for name in methods))
    return RemoteObject(
        host, f"a:{host}", "p", ClassName(PLUGIN_PACKAGE, "p"), {"methods": methods}, ObjectId("a", "p"), schema
    )


def shown(params: object) -> str:
    text = params if isinstance(params, str) else json.dumps(params)
    return str(published_methods([plugin("a", m={"params": text})])["m"].signature)


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"properties": {}, "x-positional": []}, "()"),
        (
            {
                "properties": {"a": {"type": "integer"}, "b": {"type": "string", "default": "x"}},
                "required": ["a"],
                "x-positional": ["a", "b"],
            },
            "(a: int, b: str = 'x')",
        ),
        (
            {
                "properties": {"a": {}, "key": {"type": ["number", "null"]}},
                "required": ["a"],
                "x-positional": ["a"],
                "x-positional-only": ["a"],
                "x-varargs": True,
                "x-varkw": True,
            },
            "(a, /, *args, key: float | None = ..., **kwargs)",
        ),
        (
            {"properties": {"args": {}}, "required": ["args"], "x-positional": [], "x-varargs": True},
            "(*args_, args)",
        ),
        ({"properties": {"x": {"type": "strange"}}, "required": ["x"], "x-positional": ["x"]}, "(x)"),
        ({"properties": {"x": {"type": []}, "y": 5}, "x-positional": ["x", "y", "z"]}, "(x=..., y=...)"),
        (
            {
                "properties": {"x": {"type": ["null", "null"]}, "y": {"type": ["integer", "null", "integer"]}},
                "x-positional": ["x", "y"],
            },
            "(x: None = ..., y: int | None = ...)",
        ),
        # what no function of Python can have is shown as one that takes anything
        ({"properties": {"not a name": {}}, "x-positional": ["not a name"]}, "(*args, **kwargs)"),
        ({"properties": {"a": {}, "b": {}}, "required": ["b"], "x-positional": ["a", "b"]}, "(*args, **kwargs)"),
        ({"properties": {"": {}}}, "(*args, **kwargs)"),
        (
            {"properties": {}, "x-varargs": True, "x-varargs-items": {"type": "integer"}, "x-varkw": True},
            "(*args: int, **kwargs)",
        ),
        ([], "(*args, **kwargs)"),
        ("{", "(*args, **kwargs)"),
        ({"properties": []}, "()"),
    ],
)
def test_a_signature_is_read_from_the_published_schema(params: object, text: str) -> None:
    assert shown(params) == text


@pytest.mark.parametrize("entry", [None, 5, {}, {"params": 5}, {"params": "[" * 100_000}])
def test_what_cannot_be_read_takes_anything(entry: Value) -> None:
    found = published_methods([plugin("a", m=entry)])["m"]
    assert str(found.signature) == "(*args, **kwargs)"
    assert found.doc == ""


def test_the_first_object_that_has_a_method_describes_it_and_all_are_named() -> None:
    one = plugin("a", m={"doc": "First."})
    other = plugin("b", m={"doc": "Second."}, extra={"doc": "More."})
    found = published_methods([one, other])
    assert list(found) == ["extra", "m"]
    assert (found["m"].doc, found["m"].hosts) == ("First.", ("a", "b"))
    assert isinstance(found["extra"], PublishedMethod)
    assert found["extra"].hosts == ("b",)
    assert published_methods([]) == {}
