"""Messages of subscriptions, of which nothing was captured: against the table of qmf2.md 3.10, field by field.

The table was taken from Apache's Java tools, the only others that have them. A difference to it must be named here.
"""

from __future__ import annotations

import uuid
from typing import cast

import pytest

from matahari.qmf import AgentEngine, ConsoleEngine, Packet, Publish, Query, QueryTarget, Reply, SchemaId, Value
from tests.support.qmf_talk import (
    NAME,
    REPLY_TO,
    THING,
    an_agent,
    ask,
    ask_one,
    commands,
    off_the_wire,
    on_the_wire,
    request,
    sent,
)
from tests.support.shapes import Field, fields

KEY = "key"


def talk() -> dict[str, Packet]:
    """One of each message, from a subscription that is refreshed and then cancelled."""
    agent, console = an_agent(), ConsoleEngine(reply_to=REPLY_TO, first_request=21)
    asked = Query(QueryTarget.OBJECT, schema_id=SchemaId("org.example", "Thing"), where=["exists", "name"])
    number = console.subscribe(NAME, asked, 0.0, 5.0, interval=2.0, lifetime=100.0)
    found = {"request": sent(console)[0][1]}
    found["response"] = ask_one(agent, found["request"])
    console.receive(off_the_wire(found["response"]), 1.0)
    found["data"] = news(agent, 1.0)
    console.handle_timeout(60.0)
    found["refresh"] = sent(console)[0][1]
    found["refreshed"] = ask_one(agent, found["refresh"])
    console.receive(off_the_wire(found["refreshed"]), 60.0)
    assert console.unsubscribe(number)
    found["cancel"] = sent(console)[0][1]
    assert ask(agent, found["cancel"]) == [], "a cancel has no reply"
    assert agent.statistics()["subscriptions"] == 0
    return found


def news(agent: AgentEngine, now: float) -> Packet:
    agent.handle_timeout(now, 30)
    (reply,) = [command for command in commands(agent) if isinstance(command, Reply)]
    assert reply.reply_to == REPLY_TO
    return reply.packet


TALK = talk()
IDENTIFIER = cast("dict[str, str]", TALK["response"].body)["_subscription_id"]

OURS = {"application/x-amqp-0-10.app-id": Field("string", "qmf2"), "section": Field("data", None)}
FROM_CONSOLE = OURS | {
    "application/method": Field("string", "request"),
    "properties/reply-to": Field("string", REPLY_TO),
    "properties/content-type": Field("symbol", "amqp/map"),
}
FROM_AGENT = OURS | {"application/qmf.agent": Field("string", NAME)}
GRANTED = FROM_AGENT | {
    "application/method": Field("string", "response"),
    "application/qmf.opcode": Field("string", "_subscribe_response"),
    "properties/content-type": Field("symbol", "amqp/map"),
    "body": Field("map", None),
    "body/_subscription_id": Field("string", IDENTIFIER),
    "body/_duration": Field("long", 100),  # seconds; the granted lifetime
    "body/_interval": Field("long", 2000),  # milliseconds
}
EXPECTED: dict[str, dict[str, Field]] = {
    "request": FROM_CONSOLE
    | {
        "application/qmf.opcode": Field("string", "_subscribe_request"),
        "body": Field("map", None),
        "body/_interval": Field("uint", 2000),
        "body/_duration": Field("uint", 100),
        "body/_query": Field("map", None),
        "body/_query/_what": Field("string", "OBJECT"),
        "body/_query/_schema_id": Field("map", None),
        "body/_query/_schema_id/_package_name": Field("string", "org.example"),
        "body/_query/_schema_id/_class_name": Field("string", "Thing"),
        "body/_query/_schema_id/_type": Field("string", "_data"),
        "body/_query/_where": Field("list", 2),
        "body/_query/_where/0": Field("string", "exists"),
        "body/_query/_where/1": Field("string", "name"),
    },
    "response": GRANTED,
    "refreshed": GRANTED,
    "refresh": FROM_CONSOLE
    | {
        "application/qmf.opcode": Field("string", "_subscribe_refresh_indication"),
        "body": Field("map", None),
        "body/_subscription_id": Field("string", IDENTIFIER),
        "body/_duration": Field("uint", 100),
    },
    "cancel": FROM_CONSOLE  # with a reply address, although no reply comes: harmless, and one path for all requests
    | {
        "application/qmf.opcode": Field("string", "_subscribe_cancel_indication"),
        "body": Field("map", None),
        "body/_subscription_id": Field("string", IDENTIFIER),
    },
    "data": FROM_AGENT
    | {
        "application/method": Field("string", "indication"),
        "application/qmf.opcode": Field("string", "_data_indication"),
        "application/qmf.content": Field("string", "_data"),
        "properties/content-type": Field("symbol", "amqp/list"),
        "body": Field("list", 1),
        "body/0": Field("map", None),
        "body/0/_values": Field("map", None),
        "body/0/_values/name": Field("string", "n0"),
        "body/0/_values/size": Field("long", 0),
        "body/0/_object_id": Field("map", None),
        "body/0/_object_id/_agent_name": Field("string", NAME),
        "body/0/_object_id/_object_name": Field("string", "thing-0"),
        "body/0/_object_id/_agent_epoch": Field("uint", 1),
        "body/0/_schema_id": Field("map", None),
        "body/0/_schema_id/_package_name": Field("string", "org.example"),
        "body/0/_schema_id/_class_name": Field("string", "Thing"),
        "body/0/_schema_id/_type": Field("string", "_data"),
        "body/0/_schema_id/_hash": Field("uuid", THING.id.hash),
        "body/0/_create_ts": Field("ulong", 3),
        "body/0/_update_ts": Field("ulong", 3),
        "body/0/_delete_ts": Field("ulong", 0),
    },
}
COMMON = {"properties/subject": Field("string", KEY), "properties/correlation-id": Field("string", "21")}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_message_of_a_subscription_has_the_fields_of_the_table(name: str) -> None:
    """All have the console's handle, a decimal number, as correlation id: Python consoles read it as one."""
    assert fields(on_the_wire(TALK[name], KEY)) == EXPECTED[name] | COMMON


def test_every_message_of_a_subscription_is_looked_at() -> None:
    assert TALK.keys() == EXPECTED.keys()
    assert uuid.UUID(IDENTIFIER).version == 4, "nobody can guess it"


@pytest.mark.parametrize(
    ("body", "granted"),
    [
        ({}, (300, 30_000)),  # Java's defaults
        ({"_duration": 1, "_interval": 1}, (10, 1000)),  # and its ranges
        ({"_duration": 10**9, "_interval": 10**9}, (3600, 3_600_000)),
        ({"_duration": b"x", "_interval": None}, (300, 30_000)),
        ({"_duration": 20.5, "_interval": 2500}, (21, 3000)),
    ],
    ids=repr,
)
def test_what_is_granted_keeps_to_the_ranges(body: dict[str, Value], granted: tuple[int, int]) -> None:
    asked: Value = {"_query": {"_what": "OBJECT", "_schema_id": {"_class_name": "Thing"}}, **body}
    answer = cast("dict[str, int]", ask_one(an_agent(), request("_subscribe_request", asked)).body)
    assert (answer["_duration"], answer["_interval"]) == granted


@pytest.mark.parametrize(
    "body", [None, {}, {"_query": {}}, {"_query": {"_what": "SCHEMA_ID"}}, {"_query": {"_what": "OBJECT"}}], ids=repr
)
def test_a_failure_is_told_as_a_data_map(body: Value) -> None:
    answer = ask_one(an_agent(), request("_subscribe_request", body))
    found = fields(on_the_wire(answer))
    assert found["application/qmf.opcode"].content == "_exception"
    assert found["body/_values"].kind == "map"
    assert "body/_values/error_text" in found


def test_a_subscription_nobody_refreshes_ends() -> None:
    agent = an_agent()
    asked: Value = {"_query": {"_what": "OBJECT", "_schema_id": {"_class_name": "Thing"}}, "_duration": 10}
    ask_one(agent, request("_subscribe_request", asked))
    assert agent.statistics()["subscriptions"] == 1
    agent.handle_timeout(12.0, 1)
    assert agent.statistics()["subscriptions"] == 0
    assert all(isinstance(command, Publish) for command in commands(agent))
