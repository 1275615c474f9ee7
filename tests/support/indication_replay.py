"""What agents told unasked, and the same told by agents of ours: heartbeats, events, objects, answers in parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from matahari.qmf import (
    AgentEngine,
    Data,
    ManagedObject,
    Packet,
    Property,
    PropertyType,
    Query,
    QueryTarget,
    Schema,
    SchemaId,
    Value,
)
from tests.support.agent_replay import WALL_NS, Sent, classes, fetch, is_brokers, recorded_agent
from tests.support.recorded import Recorded, plain, readable

__all__ = ["Told", "parts", "told"]


@dataclass(frozen=True)
class Told:
    """A recorded message and how ours is made."""

    theirs: Recorded
    ours: Callable[[], Sent]


def told() -> list[Told]:
    """Return every recorded heartbeat and indication."""
    makers = {("heartbeat", "_agent_heartbeat_indication"): _heartbeat, ("events", "_data_indication"): _indication}
    return [
        Told(item, lambda item=item, make=make: make(item))  # type: ignore[misc]  # a default binds the loop's value
        for (file, opcode), make in makers.items()
        for item in readable(file)
        if item.said("qmf.opcode") == opcode
    ]


def _heartbeat(item: Recorded) -> Sent:
    body = cast("dict[str, Value]", plain(item.stated.body))
    values = cast("dict[str, Value]", body["_values"])
    name = item.said("qmf.agent") or ""
    if is_brokers(name):
        agent = _broker(name, cast(int, values["_heartbeat_interval"]))
    else:
        agent = recorded_agent(name, (item,))
    agent.start(0.0, cast(int, values["_timestamp"]))
    return fetch(agent)[0]


def _broker(name: str, interval: int = 10) -> AgentEngine:
    """Set up an agent of ours with the name of the recorded broker's."""
    vendor, product, instance = name.split(":", 2)
    return AgentEngine(vendor=vendor, product=product, instance=instance, attributes={}, heartbeat_interval=interval)


def _indication(item: Recorded) -> Sent:
    (body,) = cast("list[Value]", plain(item.stated.body))
    data = Data.from_map(body)
    name, schema_id = item.said("qmf.agent") or "", data.schema_id
    assert schema_id is not None
    agent = _broker(name) if is_brokers(name) else recorded_agent(name)
    schema = classes().get(schema_id.name) or Schema(schema_id, (Property("name", PropertyType.STRING),))
    if schema_id.kind == "_event":
        agent.raise_event(schema, data.decoded(), data.severity, data.timestamp_ns or 0)
        (sent,) = fetch(agent)
        return sent
    assert data.object_id is not None
    agent.add_schema(schema, 1)
    agent.start(0.0, 1)
    agent.add_object(ManagedObject(data.object_id.object_name, schema, data.decoded()), data.create_ns or 0)
    agent.object_changed(data.object_id.object_name, data.update_ns or 0)
    fetch(agent)
    agent.handle_timeout(30.0, data.update_ns or 0)
    return fetch(agent)[-1]


def parts(prefix: str) -> tuple[list[Recorded], list[Sent]]:
    """Return the recorded parts of an answer and ours to the same question; the question was not recorded."""
    theirs = [item for item in readable("partial") if item.name.startswith(prefix)]
    agent = recorded_agent(theirs[0].said("qmf.agent") or "", theirs)
    agent.start(0.0, WALL_NS)
    fetch(agent)
    asked = Query(QueryTarget.OBJECT, schema_id=SchemaId("org.example.lab", "Item"))
    reply_to = f"{theirs[0].exchange}/{theirs[0].property('subject')}"
    question = Packet(
        "_query_request", asked.to_map(), correlation_id=theirs[0].property("correlation-id"), reply_to=reply_to
    )
    agent.receive(question, 1.0, WALL_NS)
    return theirs, fetch(agent)
