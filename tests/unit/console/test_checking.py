"""Calls before they are sent: each object by what it published itself, and refusals only by what it publishes now."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import pytest

from matahari.console import ClassName, RemoteObject
from matahari.console.arguments import PLUGIN_PACKAGE
from matahari.console.checking import Prepared, prepare, require_properties, require_timeout
from matahari.errors import (
    InvalidArgumentError,
    MatahariError,
    MissingArgumentError,
    RemoteError,
    SchemaError,
    UnexpectedError,
    UnknownActionError,
)
from matahari.qmf import Method, ObjectId, Property, PropertyType, Schema, SchemaId, Value

INTEGER = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"], "x-positional": ["x"]}
TEXT = {**INTEGER, "properties": {"x": {"type": "string"}}}


def plugin(host: str, methods: Mapping[str, Value], *, state: str = "ready", name: str = "calc") -> RemoteObject:
    schema = Schema(SchemaId(PLUGIN_PACKAGE, name), methods=tuple(Method(one) for one in methods))
    agent = f"matahariproject.org:rpc:{host}"
    values: dict[str, Value] = {"state": state, "methods": dict(methods)}
    return RemoteObject(host, agent, name, ClassName(PLUGIN_PACKAGE, name), values, ObjectId(agent, name), schema)


def takes(params: object, **more: Value) -> dict[str, Value]:
    return {"params": json.dumps(params), **more}


def other(host: str, *arguments: Property) -> RemoteObject:
    schema = Schema(
        SchemaId("org.example", "Door"), (Property("label", PropertyType.STRING),), (Method("knock", "", arguments),)
    )
    return RemoteObject(
        host,
        f"a:door:{host}",
        "front",
        ClassName("org.example", "Door"),
        {},
        ObjectId(f"a:door:{host}", "front"),
        schema,
    )


def prepared(
    objects: Sequence[RemoteObject],
    method: str,
    *args: object,
    named: Mapping[str, object] = MappingProxyType({}),
    now: Iterable[RemoteObject] | None = None,
) -> tuple[list[Prepared], list[str]]:
    """What comes of a call, and the hosts that were asked again; ``now`` is what they answer then."""
    asked: list[str] = []

    async def fresh(items: Sequence[RemoteObject]) -> Iterable[RemoteObject]:
        asked.extend(item.host for item in items)
        return list(items) if now is None else now

    return asyncio.run(prepare(objects, method, args, named, fresh)), asked


def test_a_call_that_fits_is_sent_as_texts_and_nobody_is_asked_again() -> None:
    found, asked = prepared([plugin("a", {"add": takes(INTEGER)}), plugin("b", {"add": takes(INTEGER)})], "add", 1)
    assert found == [{"args": ["1"], "kwargs": {}}] * 2
    assert asked == []


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "kind", "text"),
    [
        (
            ("one",),
            {},
            InvalidArgumentError,
            "invalid_argument",
            "calc.add, argument 'x': 'one' is a string; give an integer",
        ),
        ((), {}, MissingArgumentError, "missing_argument", "calc.add needs argument 'x'"),
        ((1,), {"z": 1}, InvalidArgumentError, "invalid_argument", "calc.add has no argument 'z'"),
        ((), {"xx": 1}, InvalidArgumentError, "invalid_argument", "calc.add has no argument 'xx'; did you mean 'x'?"),
        (("y" * 2_000_000,), {}, UnexpectedError, "too_large", "have 2000002 bytes of JSON"),
    ],
)
def test_what_no_host_would_take_is_raised_in_the_words_of_the_agent(
    args: tuple[object, ...], kwargs: dict[str, object], error: type[RemoteError], kind: str, text: str
) -> None:
    with pytest.raises(error) as caught:
        prepared([plugin("a", {"add": takes(INTEGER)})], "add", *args, named=kwargs)
    assert (caught.value.kind, caught.value.action) == (kind, "add")
    assert text in str(caught.value)


def test_each_host_is_judged_by_its_own_schema_and_others_go_on() -> None:
    objects = [
        plugin("a", {"add": takes(INTEGER)}),
        plugin("b", {"add": takes(TEXT)}),
        plugin("c", {"sub": takes(TEXT)}),
    ]
    (first, second, third), asked = prepared(objects, "add", "one")
    assert isinstance(first, InvalidArgumentError)
    assert (first.kind, first.agent) == ("invalid_argument", "matahariproject.org:rpc:a")
    assert second == {"args": ['"one"'], "kwargs": {}}
    assert isinstance(third, UnknownActionError)
    assert asked == ["a", "c"]


def test_a_refusal_by_an_old_copy_is_taken_back() -> None:
    """The plugin was saved after it was selected."""
    old = plugin("a", {"add": takes(INTEGER)})
    found, asked = prepared([old], "add", "one", now=[plugin("a", {"add": takes(TEXT)})])
    assert (found, asked) == ([{"args": ['"one"'], "kwargs": {}}], ["a"])
    found, _ = prepared([old], "new", now=[plugin("a", {"new": takes({"x-varargs": True})})])
    assert found == [{"args": [], "kwargs": {}}]


def test_a_refusal_stands_where_no_fresh_copy_comes() -> None:
    with pytest.raises(InvalidArgumentError):
        prepared([plugin("a", {"add": takes(INTEGER)})], "add", "one", now=[])


def test_an_unknown_method_is_told_with_what_was_meant() -> None:
    with pytest.raises(UnknownActionError, match=r"^calc has no method 'ad'; did you mean 'add'\?$") as caught:
        prepared([plugin("a", {"add": takes(INTEGER)})], "ad", 1)
    assert caught.value.kind == "unknown_action"


@pytest.mark.parametrize("state", ["failed", "quarantined", "inactive", "loading"])
def test_a_plugin_that_is_out_of_service_is_asked_because_its_agent_knows_why(state: str) -> None:
    objects = [plugin("a", {}, state=state), plugin("b", {"add": takes(INTEGER)})]
    found, asked = prepared(objects, "add", 1)
    assert found == [{"args": ["1"], "kwargs": {}}] * 2
    assert asked == []
    assert prepared(objects[:1], "whatever") == ([{"args": [], "kwargs": {}}], [])


def test_the_value_of_a_sensitive_argument_is_not_told() -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        prepared([plugin("a", {"login": takes(INTEGER, sensitive=["x"])})], "login", "canary")
    assert "canary" not in str(caught.value)
    assert "<hidden>" in str(caught.value)


@pytest.mark.parametrize(
    "entry", [{}, {"params": "no json"}, {"params": "[]"}, {"params": 5}, "text", {"params": "[" * 100_000}]
)
def test_what_publishes_no_usable_schema_is_sent_unchecked(entry: Value) -> None:
    """As agents of 2012 do; the agent decides."""
    assert prepared([plugin("a", {"add": entry})], "add", "one")[0] == [{"args": ['"one"'], "kwargs": {}}]


def test_what_json_cannot_carry_is_the_callers_fault_on_every_host() -> None:
    with pytest.raises(SchemaError, match=r"^calc\.add, argument 'x': a value of type object has no form in JSON"):
        prepared([plugin("a", {"add": takes(INTEGER)}), plugin("b", {}, state="failed")], "add", object())


class TestOtherClasses:
    def test_arguments_are_checked_by_each_hosts_schema(self) -> None:
        number, word = Property("times", PropertyType.INT), Property("times", PropertyType.STRING)
        first, second = prepared([other("a", number), other("b", word)], "knock", "x")[0]
        assert second == {"times": "x"}
        assert isinstance(first, InvalidArgumentError)
        assert (first.kind, first.agent) == ("invalid_argument", "a:door:a")
        assert "times" in str(first)
        assert isinstance(first.__cause__, SchemaError)

    @pytest.mark.parametrize(
        ("kwargs", "text"),
        [
            ({"time": 1}, "knock: has no argument 'time'; did you mean 'times'?"),
            ({"zzz": 1}, "knock: has no argument 'zzz'; it takes times"),
        ],
    )
    def test_an_unknown_argument_is_told_with_what_was_meant(self, kwargs: dict[str, object], text: str) -> None:
        with pytest.raises(SchemaError) as caught:
            prepared([other("a", Property("times", PropertyType.INT))], "knock", named=kwargs)
        assert str(caught.value) == text

    def test_an_unknown_method_is_told_with_what_was_meant(self) -> None:
        with pytest.raises(UnknownActionError, match=r"org\.example:Door has no method 'knok'; did you mean 'knock'\?"):
            prepared([other("a")], "knok")
        with pytest.raises(UnknownActionError, match=r"no method 'zzz'; it has knock"):
            prepared([other("a")], "zzz")

    def test_their_schemas_do_not_change_so_nobody_is_asked_again(self) -> None:
        with_none = replace(other("a"), schema=Schema(SchemaId("org.example", "Door")))
        (refused, sent), asked = prepared([with_none, other("b")], "knock")
        assert isinstance(refused, MatahariError)
        assert (sent, asked) == ({}, [])


@pytest.mark.parametrize("timeout", [0, -1, -0.5, float("nan")])
def test_a_time_to_wait_is_above_0(timeout: float) -> None:
    with pytest.raises(ValueError, match="a timeout is a number of seconds above 0, not "):
        require_timeout(timeout)
    require_timeout(0.001)


def test_a_property_that_no_object_has_is_told_with_what_was_meant() -> None:
    name = ClassName("org.example", "Door")
    with pytest.raises(SchemaError, match=r"org\.example:Door has no property 'lable'; did you mean 'label'\?"):
        require_properties(name, [other("a")], ["lable"])
    require_properties(name, [other("a"), replace(other("b"), schema=Schema(SchemaId("x", "y")))], ["label"])
    require_properties(name, [], ["anything"])
