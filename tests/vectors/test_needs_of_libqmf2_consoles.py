"""Needs 6.1.1 to 6.1.7 of qmf2.md: what a libqmf2 console must get from an agent of ours."""

from __future__ import annotations

from typing import cast

import pytest

from matahari.qmf import (
    AgentEngine,
    ManagedObject,
    Packet,
    Publish,
    Reply,
    SchemaId,
    Value,
    v1,
)
from tests.support.qmf_talk import (
    DONE,
    NAME,
    REPLY_TO,
    THING,
    an_agent,
    ask,
    ask_one,
    commands,
    items,
    on_the_wire,
    query,
    request,
    values,
)
from tests.support.wire_reader import Reading, Typed, read_frames

RESIZE: Value = {"_object_id": {"_object_name": "thing-0"}, "_method_name": "resize", "_arguments": {"to": 1}}


def everything() -> dict[str, Packet]:
    """One of each message that an agent of ours sends, by what it is."""
    agent = an_agent(objects=101)
    found = {
        "locate": ask_one(agent, request("_agent_locate_request", [])),
        "schema ids": ask_one(agent, query(what="SCHEMA_ID")),
        "schema": ask_one(agent, query(what="SCHEMA", schema_id=THING.id.to_map())),
        "exception": ask_one(agent, query(what="NONSENSE")),
        "subscribed": ask_one(agent, request("_subscribe_request", {"_query": {"_what": "OBJECT", "_schema_id": {"_class_name": "Thing"}}})),
    }  # fmt: skip
    found["part"], found["objects"] = ask(agent, query(what="OBJECT", schema_id={"_class_name": "Thing"}))
    for end in ("result", "failure"):
        agent.receive(request("_method_request", RESIZE), 1.0, 2)
        call = commands(agent)[0]
        number = getattr(call, "call", 0)
        agent.complete(number, {"old": 0}) if end == "result" else agent.fail(number, "no")
        (reply,) = commands(agent)
        assert isinstance(reply, Reply)
        found[end] = reply.packet
    agent.raise_event(DONE, {"text": "x"}, None, 1)
    agent.add_object(ManagedObject("more", THING, {}), 5)
    agent.handle_timeout(100.0, 6)
    for command in commands(agent):
        assert isinstance(command, (Publish, Reply))
        name = "news" if isinstance(command, Reply) else command.packet.content or "heartbeat"
        found[name] = command.packet
    return found


ALL = everything()
#: What libqmf2 dispatches: content type and ``qmf.content`` of each message (6.1.3, 6.1.5).
SHAPES: dict[str, tuple[str, str | None]] = {
    "locate": ("amqp/map", None),
    "heartbeat": ("amqp/map", None),
    "result": ("amqp/map", None),
    "exception": ("amqp/map", "_data"),
    "failure": ("amqp/map", "_data"),
    "subscribed": ("amqp/map", None),
    "schema ids": ("amqp/list", "_schema_id"),
    "schema": ("amqp/list", "_schema"),
    "part": ("amqp/list", "_data"),
    "objects": ("amqp/list", "_data"),
    "_event": ("amqp/list", "_event"),
    "_data": ("amqp/list", "_data"),
    "news": ("amqp/list", "_data"),
}


def reading(name: str) -> Reading:
    return on_the_wire(ALL[name])


def test_every_kind_of_message_is_looked_at() -> None:
    assert ALL.keys() == SHAPES.keys()


@pytest.mark.parametrize("body", [[], None, {}], ids=repr)
def test_need_6_1_1_a_locate_with_an_empty_filter_or_no_body_is_answered(body: Value) -> None:
    """``setAgentFilter("")`` sends an empty list, the probe for the broker nothing at all."""
    (answer,) = ask(an_agent(), request("_agent_locate_request", body, correlation_id="agent-locate"))
    assert answer.opcode == "_agent_locate_response"
    assert answer.correlation_id == "agent-locate"


def test_need_6_1_1_without_a_filter_the_first_heartbeat_is_enough() -> None:
    agent = AgentEngine(vendor="v", product="p", instance="i", attributes={}, heartbeat_interval=60)
    agent.start(5.0, 1)
    assert [type(command) for command in commands(agent)] == [Publish]
    agent.handle_timeout(65.0, 2)
    heartbeats = [one for one in commands(agent) if one.packet.opcode == "_agent_heartbeat_indication"]  # type: ignore[union-attr]  # no calls here
    assert len(heartbeats) == 1


@pytest.mark.parametrize("name", SHAPES)
def test_need_6_1_2_every_message_has_app_id_opcode_and_agent_as_text(name: str) -> None:
    found = reading(name).application
    assert found["x-amqp-0-10.app-id"] == Typed("string", "qmf2")
    assert found["qmf.agent"] == Typed("string", NAME)
    assert found["qmf.opcode"].kind == "string"


def test_need_6_1_2_the_filter_of_a_console_sees_the_attributes_of_the_application() -> None:
    cases: list[tuple[Value, int]] = [
        (["eq", "hostname", ["quote", "box"]], 1),
        (["eq", "_vendor", ["quote", "example.org"]], 1),
        (["eq", "_product", ["quote", "rpc"]], 0),
        (["exists", "_epoch"], 0),  # not seen at the agent (2.7)
    ]
    for predicate, count in cases:
        assert len(ask(an_agent(), request("_agent_locate_request", predicate))) == count


@pytest.mark.parametrize("name", SHAPES)
def test_need_6_1_3_the_content_type_is_exactly_the_one_for_the_opcode(name: str) -> None:
    assert reading(name).properties["content-type"] == Typed("symbol", SHAPES[name][0])


@pytest.mark.parametrize("correlation_id", ["1", "4294967295", "agent-locate", "not a number"])
def test_need_6_1_4_the_correlation_is_returned_as_it_came(correlation_id: str) -> None:
    bodies: list[tuple[str, Value]] = [
        ("_agent_locate_request", []),
        ("_query_request", {"_what": "SCHEMA_ID"}),
        ("_query_request", {}),
    ]
    found = [ask_one(an_agent(), request(opcode, body, correlation_id=correlation_id)) for opcode, body in bodies]
    assert [on_the_wire(answer).properties["correlation-id"] for answer in found] == [
        Typed("string", correlation_id)
    ] * 3


@pytest.mark.parametrize("name", SHAPES)
def test_need_6_1_5_content_is_named_and_only_a_part_is_partial(name: str) -> None:
    found = reading(name).application
    content = SHAPES[name][1]
    assert found.get("qmf.content") == (None if content is None else Typed("string", content))
    assert ("partial" in found) is (name == "part")


def test_need_6_1_5_parts_have_one_correlation_and_the_last_is_not_partial() -> None:
    found = ask(an_agent(objects=250), query(what="OBJECT", schema_id={"_class_name": "Thing"}))
    assert [one.partial for one in found] == [True, True, False]
    assert {one.correlation_id for one in found} == {"1"}
    assert sum(len(items(one)) for one in found) == 250


def test_need_6_1_6_the_agent_says_that_it_knows_schema_queries_and_it_does() -> None:
    assert values(ALL["locate"])["qmf.agent_capability"] == 1
    body = reading("locate").body
    assert body is not None
    ids = [SchemaId.from_map(one) for one in items(ALL["schema ids"])]
    for schema_id in ids:
        (schema,) = items(ask_one(an_agent(), query(what="SCHEMA", schema_id=schema_id.to_map())))
        assert SchemaId.from_map(schema["_schema_id"]) == schema_id
    named = {SchemaId.from_map(one["_schema_id"]) for one in (*items(ALL["objects"]), *items(ALL["_event"]))}
    assert named == set(ids)


def test_need_6_1_6_the_same_schema_is_had_in_qmfv1_at_the_same_address() -> None:
    asked = Packet("", v1.encode_schema_request(9, THING.id), reply_to=REPLY_TO)
    (frame,) = read_frames(cast(bytes, ask_one(an_agent(), asked).body))
    assert (frame["opcode"], frame["sequence"], frame["class"]) == ("s", 9, "Thing")


def test_need_6_1_7_nothing_waits_for_time_to_pass_before_it_is_answered() -> None:
    """Its calls block for 60 s; what we answer ourselves is there at once, and what an application does has no limit."""
    agent = an_agent()
    assert len(ask(agent, query(what="SCHEMA_ID"), now=1.0)) == 1
    agent.receive(request("_method_request", RESIZE), 1.0, 2)
    (call,) = commands(agent)
    agent.handle_timeout(1000.0, 3)
    commands(agent)
    agent.complete(getattr(call, "call", 0), {"old": 0})
    (reply,) = commands(agent)
    assert isinstance(reply, Reply)
    assert reply.packet.opcode == "_method_response"
