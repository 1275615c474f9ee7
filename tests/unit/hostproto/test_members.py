"""What a peer may put into messages, and what is refused."""

from __future__ import annotations

import dataclasses

import pytest

from matahari.errors import RemoteProtocolError
from matahari.hostproto import (
    EFFECTS,
    MAX_CHUNK,
    MAX_DEPTH,
    MAX_ITEMS,
    MAX_NAME,
    MAX_NOTE,
    TEXT_LIMIT,
    Call,
    Connection,
    Json,
    Loaded,
    Message,
    MethodSpec,
    Output,
    Result,
)
from matahari.hostproto._members import _REQUIRED, _TABLE, dump_message, parse_message

KNOWN = {cls.TYPE: cls for cls in _TABLE}


def parse(value: dict[str, Json]) -> Message:
    return parse_message(value, KNOWN)


def nested(depth: int) -> Json:
    value: Json = {}
    for _ in range(depth):
        value = {"items": value}
    return value


@pytest.mark.parametrize("cls", list(_TABLE))
def test_the_table_has_exactly_the_fields_of_the_class(cls: type[Message]) -> None:
    assert [name for name, _, _ in _TABLE[cls]] == [field.name for field in dataclasses.fields(cls)]


@pytest.mark.parametrize("cls", list(_TABLE))
def test_each_missing_member_without_default_is_named(cls: type[Message]) -> None:
    for name, _, default in _TABLE[cls]:
        if default is _REQUIRED:
            with pytest.raises(RemoteProtocolError):
                parse({"type": cls.TYPE})
            break
        assert getattr(parse({"type": cls.TYPE}), name) == default


def test_unknown_members_are_ignored() -> None:
    assert parse({"type": "result", "id": 1, "text": "2", "later": [1]}) == Result(1, "2")


def test_members_with_defaults_may_be_absent() -> None:
    assert parse({"type": "call", "id": 1, "method": "m"}) == Call(1, "m", (), {}, "", "", None)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({}, "type"),
        ({"type": 1}, "type"),
        ({"type": "unheard"}, "type"),
        ({"type": "result", "text": "1"}, "id"),
        ({"type": "result", "id": "1", "text": "1"}, "id"),
        ({"type": "result", "id": True, "text": "1"}, "id"),
        ({"type": "result", "id": -1, "text": "1"}, "id"),
        ({"type": "result", "id": 2**53, "text": "1"}, "id"),
        ({"type": "result", "id": 1, "text": None}, "text"),
        ({"type": "result", "id": 1, "text": "\ud800"}, "text"),
        ({"type": "result", "id": 1, "text": "x" * (TEXT_LIMIT + 1)}, "text"),
        ({"type": "result", "id": 1, "text": "\u20ac" * (TEXT_LIMIT // 2)}, "text"),
        ({"type": "call", "id": 1, "method": ""}, "method"),
        ({"type": "call", "id": 1, "method": "x" * (MAX_NAME + 1)}, "method"),
        ({"type": "call", "id": 1, "method": "m", "args": "1"}, "args"),
        ({"type": "call", "id": 1, "method": "m", "args": [1]}, "args"),
        ({"type": "call", "id": 1, "method": "m", "args": ["1"] * (MAX_ITEMS + 1)}, "args"),
        ({"type": "call", "id": 1, "method": "m", "kwargs": {"a": 1}}, "kwargs"),
        ({"type": "call", "id": 1, "method": "m", "left": "1"}, "left"),
        ({"type": "call", "id": 1, "method": "m", "left": True}, "left"),
        ({"type": "call", "id": 1, "method": "m", "left": float("inf")}, "left"),
        ({"type": "call", "id": 1, "method": "m", "left": 10**400}, "left"),
        ({"type": "spawn", "worker": 1, "plugin": "p", "nonce": "", "limits": {"core": "0"}}, "limits.core"),
        ({"type": "activation", "active": 1}, "active"),
        ({"type": "progress", "id": 1, "done": "1"}, "done"),
        ({"type": "progress", "id": 1, "done": True}, "done"),
        ({"type": "progress", "id": 1, "done": 1, "total": float("nan")}, "total"),
        ({"type": "progress", "id": 1, "done": 1, "total": 10**400}, "total"),
        ({"type": "progress", "id": 1, "done": 1, "text": "x" * (MAX_NOTE + 1)}, "text"),
        ({"type": "output", "id": 1, "chunk": "x" * (MAX_CHUNK + 1)}, "chunk"),
        ({"type": "output", "id": 1, "chunk": "\u20ac" * (MAX_CHUNK // 2)}, "chunk"),
        ({"type": "event", "id": -1, "name": "n"}, "id"),
        ({"type": "event", "name": "n"}, "id"),
        ({"type": "event", "id": None, "name": "n", "severity": 8}, "severity"),
        ({"type": "event", "id": None, "name": "n", "fields": {}}, "fields"),
        (
            {"type": "loaded", "name": "p", "generation": 1, "digest": "", "language": "python", "methods": {}},
            "methods",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(value: dict[str, Json], path: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parse(value)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("methods", "path"),
    [
        ([1], "methods[0]"),
        ([{"params": {}}], "methods[0].name"),
        ([{"name": "a", "params": []}], "methods[0].params"),
        ([{"name": "a", "params": {}, "result": 1}], "methods[0].result"),
        ([{"name": "a", "params": {}, "doc": 1}], "methods[0].doc"),
        ([{"name": "a", "params": {}}, {"name": "a", "params": {}}], "methods[1].name"),
        ([{"name": "a", "params": {}, "effects": []}], "methods[0].effects"),
        ([{"name": "a", "params": {}, "effects": {"read_only": 1}}], "methods[0].effects.read_only"),
        ([{"name": "a", "params": {}, "timeout": 0}], "methods[0].timeout"),
        ([{"name": "a", "params": {}, "timeout": "1"}], "methods[0].timeout"),
        ([{"name": "a", "params": {}, "sensitive": "x"}], "methods[0].sensitive"),
        ([{"name": "a", "params": {}, "streams": None}], "methods[0].streams"),
        ([{"name": "a", "params": nested(MAX_DEPTH)}], "methods[0].params"),
        ([{"name": "a", "params": {"x": ["\ud800"]}}], "methods[0].params"),
        ([{"name": f"a{n}", "params": {}} for n in range(MAX_ITEMS + 1)], "methods"),
    ],
)
def test_specs_are_checked_throughout(methods: list[Json], path: str) -> None:
    head: dict[str, Json] = {"type": "loaded", "name": "p", "generation": 1, "digest": "", "language": "python"}
    with pytest.raises(RemoteProtocolError) as caught:
        parse({**head, "methods": methods})
    assert caught.value.path == path


def test_specs_as_deep_as_allowed_pass() -> None:
    head: dict[str, Json] = {"type": "loaded", "name": "p", "generation": 1, "digest": "", "language": "python"}
    loaded = parse({**head, "methods": [{"name": "a", "params": nested(MAX_DEPTH - 1)}]})
    assert isinstance(loaded, Loaded)
    assert parse(dump_message(loaded)) == loaded


def test_declarations_survive_and_unknown_effects_are_left_out() -> None:
    effects = dict.fromkeys(EFFECTS, True)
    spec = MethodSpec("a", {}, None, "", effects, 1.5, ("password",), True)
    loaded = Loaded("p", 1, "", "python", "", (spec,), False, "no disks")
    assert parse(dump_message(loaded)) == loaded
    value = dump_message(loaded)
    value["methods"] = [{"name": "a", "params": {}, "effects": {**effects, "later": "x"}}]
    again = parse(value)
    assert isinstance(again, Loaded)
    assert again.methods[0].effects == effects


def test_a_chunk_may_be_as_large_as_agreed() -> None:
    chunk = "\u20ac" * (MAX_CHUNK // 3)
    assert parse({"type": "output", "id": 1, "chunk": chunk}) == Output(1, chunk)


def test_the_four_ends_may_send_different_things() -> None:
    sends = {
        name: set(connection._sends)
        for name, connection in {
            "to_worker": Connection.to_worker(""),
            "of_worker": Connection.of_worker(),
            "to_parent": Connection.to_parent(""),
            "of_parent": Connection.of_parent(),
        }.items()
    }
    assert sends["to_worker"] == {"load", "activate", "call", "cancel", "drain", "bye", "ping"}
    reports = {"activation", "progress", "output", "partial", "event"}
    assert sends["of_worker"] == reports | {
        *("hello", "loaded", "load_failed", "result", "failure", "log", "pong", "bye"),
    }
    assert sends["to_parent"] == {"spawn", "kill", "shutdown", "ping"}
    assert sends["of_parent"] == {"hello", "spawned", "spawn_failed", "exited", "pong"}
