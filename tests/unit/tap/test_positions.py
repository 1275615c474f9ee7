"""Positional arguments that a plugin's description calls secret."""

from __future__ import annotations

import json

from matahari.qmf import Value, encode_map
from matahari.tap.amqp010 import read_body
from matahari.tap.masking import MASK
from matahari.tap.nodes import Node, plain
from matahari.tap.positions import SecretPositions


def plugin(*names: str, method: str = "login", name: str = "db") -> Value:
    params = json.dumps({"type": "object", "x-positional": list(names)})
    return {"_object_id": {"_object_name": name}, "_values": {"methods": {method: {"params": params, "doc": ""}}}}


def call(*args: str, method: str = "login", name: str = "db") -> Node:
    arguments: Value = {"args": list(args), "kwargs": {}}
    return read_body(
        encode_map({"_object_id": {"_object_name": name}, "_method_name": method, "_arguments": arguments}), "map"
    )


def args_of(body: Node) -> object:
    value = plain(body)
    assert isinstance(value, dict)
    arguments = value["_arguments"]
    assert isinstance(arguments, dict)
    return arguments["args"]


def test_an_argument_is_masked_at_the_place_that_the_plugin_names() -> None:
    positions = SecretPositions()
    positions.learn(plugin("user", "password"))
    assert args_of(positions.mask(call('"joe"', '"hunter2"'))) == ['"joe"', MASK]
    assert args_of(positions.mask(call('"joe"'))) == ['"joe"']


def test_other_methods_and_objects_are_left_alone() -> None:
    positions = SecretPositions()
    positions.learn(plugin("user", "password"))
    for body in (call("1", "2", method="other"), call("1", "2", name="other")):
        assert positions.mask(body) is body


def test_what_was_once_secret_stays_secret() -> None:
    positions = SecretPositions()
    positions.learn(plugin("password", "user"))
    positions.learn(plugin("user", "token"))
    positions.learn(plugin("user", "name"))
    assert args_of(positions.mask(call("1", "2", "3"))) == [MASK, MASK, "3"]


def test_descriptions_of_somebody_elses_are_passed_over() -> None:
    positions = SecretPositions()
    for params in (
        "not json",
        "[]",
        "{}",
        '{"x-positional": 5}',
        '{"x-positional": [5]}',
        "[" * 100_000,
        "x" * 300_000,
    ):
        item: Value = {"_object_id": {"_object_name": "db"}, "_values": {"methods": {"login": {"params": params}}}}
        positions.learn(item)
    others: list[Value] = [None, [], {}, {"_values": {"methods": []}, "_object_id": {"_object_name": "db"}}]
    for other in others:
        positions.learn(other)
    body = call("1")
    assert positions.mask(body) is body


def test_a_call_that_is_none_is_left_alone() -> None:
    positions = SecretPositions()
    positions.learn(plugin("password"))
    for value in ({}, {"_method_name": "login"}, {"_object_id": {"_object_name": "db"}, "_method_name": "login"}):
        body = read_body(encode_map(value), "map")  # type: ignore[arg-type]  # any nesting of QMF values
        assert plain(positions.mask(body)) == value
