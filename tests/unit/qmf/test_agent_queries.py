"""Queries to the agent engine and their answers."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

import pytest

from matahari.qmf import Data, ManagedObject, Packet, Value
from tests.support.lab_agent import EVENT, NAME, THING, address, ask, query, refusal, running_agent

HASH = THING.id.hash
assert HASH is not None
THING_MAP: Value = {
    "_values": {"label": "first"},
    "_object_id": {"_agent_name": NAME, "_object_name": "one", "_agent_epoch": 4},
    "_schema_id": THING.id.to_map(),
}


@pytest.mark.parametrize(
    ("packet", "content", "body"),
    [
        (query(what="SCHEMA_ID"), "_schema_id", [THING.id.to_map()]),
        (query(what="SCHEMA", schema_id=THING.id.to_map()), "_schema", [THING.to_map()]),
        (query(what="SCHEMA", schema_id={"_class_name": b"Thing"}), "_schema", [THING.to_map()]),
        (query(what="SCHEMA", schema_id={**THING.id.to_map(), "_hash": HASH.bytes}), "_schema", [THING.to_map()]),
        (query(what="SCHEMA", schema_id={**THING.id.to_map(), "_hash": str(HASH)}), "_schema", [THING.to_map()]),
        (query(what="SCHEMA", schema_id={**THING.id.to_map(), "_hash": bytes(16)}), "_schema", []),
        (query(what="SCHEMA", schema_id={"_class_name": "Other"}), "_schema", []),
        (query(what="SCHEMA", schema_id=replace(THING.id, hash=EVENT.id.hash).to_map()), "_schema", []),
        (query(what="OBJECT", schema_id={"_class_name": "Thing"}), "_data", [THING_MAP]),
        (query(what=b"OBJECT_ID", schema_id={"_package_name": "org.example"}), "_data", [THING_MAP]),
        (query(what="OBJECT", schema_id={"_class_name": "Thing", "_package_name": "other"}), "_data", []),
        (query(what="OBJECT", schema_id={"_class_name": "thing"}), "_data", []),
        (query(what="OBJECT", object_id={"_object_name": b"one"}), "_data", [THING_MAP]),
        (query(what="OBJECT", object_id=address()), "_data", [THING_MAP]),
        (query(what="OBJECT", object_id=address(agent="x:y:z")), "_data", []),
        (query(what="OBJECT", object_id=address("two")), "_data", []),
        (query(what="OBJECT", object_id={"_object_name": "one", "_agent_epoch": 2**40}), "_data", [THING_MAP]),
        (query(what="OBJECT", object_id=address(), schema_id={"_class_name": "Other"}), "_data", [THING_MAP]),
        (query(what="OBJECT", object_id=address(), where=["false"]), "_data", [THING_MAP]),
        (
            query(what="OBJECT", schema_id={"_class_name": "Thing"}, where=["eq", "label", ["quote", "second"]]),
            "_data",
            [],
        ),
    ],
)
def test_a_query_is_answered(packet: Packet, content: str, body: Value) -> None:
    (answer,) = ask(running_agent(), packet)
    assert (answer.opcode, answer.method, answer.content) == ("_query_response", "response", content)
    assert answer.body == body
    assert not answer.partial


@pytest.mark.parametrize(
    "packet",
    [
        Packet("_query_request"),
        query(),
        query(what="AGENT"),
        query(what="OBJECT"),
        query(what="SCHEMA"),
        query(what="OBJECT", object_id={}),
        query(what="OBJECT", schema_id={"_class_name": "Thing"}, where=["eq"]),
    ],
)
def test_a_malformed_query_is_answered_with_an_exception(packet: Packet) -> None:
    code, said = refusal(ask(running_agent(), packet))
    assert code == 4
    assert str(said).startswith("Invalid query: ")


def test_a_long_answer_comes_in_parts_of_which_only_the_last_is_not_partial() -> None:
    agent = running_agent()
    for number in range(249):
        agent.add_object(ManagedObject(str(number), THING, {"label": str(number)}), 1)
    answers = ask(agent, query(what="OBJECT", schema_id={"_class_name": "Thing"}))
    assert [len(answer.body) for answer in answers if isinstance(answer.body, list)] == [100, 100, 50]
    assert [answer.partial for answer in answers] == [True, True, False]


def test_values_can_come_from_a_function_each_time() -> None:
    agent = running_agent()
    count = iter(range(10))
    agent.add_object(ManagedObject("one", THING, lambda: {"label": str(next(count))}), 1)
    for expected in ("0", "1"):
        (answer,) = ask(agent, query(what="OBJECT", object_id=address()))
        assert isinstance(answer.body, list)
        assert Data.from_map(answer.body[0]).values == {"label": expected}


def test_values_that_cannot_be_had_are_an_exception_and_a_log_line(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> Mapping[str, Value]:
        raise OSError("no disk")

    agent = running_agent()
    agent.add_object(ManagedObject("one", THING, fail), 1)
    with caplog.at_level(logging.ERROR):
        assert refusal(ask(agent, query(what="OBJECT", object_id=address()))) == (
            7, "the values of one cannot be had: no disk",
        )  # fmt: skip
    assert "the values of object one" in caplog.text
