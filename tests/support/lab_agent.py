"""An agent engine with one object, and short ways to talk to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from matahari.qmf import (
    AgentEngine,
    Command,
    ManagedObject,
    Method,
    Packet,
    Property,
    PropertyType,
    Publish,
    Reply,
    Schema,
    SchemaId,
    UInt,
    Value,
)

NAME = "example.org:lab:some.instance"
REPLY_TO = "qmf.default.topic/direct-console.1"
TAIL = "example_org.lab.some_instance"

THING = Schema(
    SchemaId("org.example", "Thing"),
    (Property("label", PropertyType.STRING),),
    (
        Method(
            "echo",
            "",
            (
                Property("count", PropertyType.INT),
                Property("ratio", PropertyType.FLOAT),
                Property("label", PropertyType.STRING),
                Property("maybe", PropertyType.STRING, optional=True),
                Property("result", PropertyType.STRING, direction="O"),
                Property("both", PropertyType.LIST, direction="IO"),
            ),
        ),
    ),
)
OTHER = Schema(SchemaId("org.example.more", "Other"), (Property("n", PropertyType.INT),))
EVENT = Schema(SchemaId("org.example", "Poked", "_event"), (Property("text", PropertyType.STRING),), default_severity=2)


def new_agent(publish_interval: float = 10.0) -> AgentEngine:
    """An agent that has not started; its subscriptions are called ``s1``, ``s2`` and so on."""
    numbers = iter(range(1, 1000))
    return AgentEngine(
        vendor="example.org",
        product="lab",
        instance="some.instance",
        attributes={"hostname": "box", "_vendor": "cannot be replaced"},
        heartbeat_interval=30,
        epoch=4,
        publish_interval=publish_interval,
        make_id=lambda: f"s{next(numbers)}",
    )


def running_agent() -> AgentEngine:
    """An agent with the object ``one`` of class Thing that started at 10.0 and has told of it."""
    agent = new_agent()
    agent.add_schema(THING, 100)
    agent.add_object(ManagedObject("one", THING, {"label": "first"}), 150)
    agent.start(10.0, 200)
    agent.handle_timeout(10.0, 200)
    commands(agent)
    return agent


def commands(agent: AgentEngine) -> list[Command]:
    """What the agent wants done."""
    found = []
    while (command := agent.next_command()) is not None:
        found.append(command)
    return found


def published(some: Iterable[Command]) -> list[tuple[str, Packet]]:
    """Commands that must all be publications, as (key, packet)."""
    found = []
    for command in some:
        assert isinstance(command, Publish)
        found.append((command.key, command.packet))
    return found


def replied(some: Iterable[Command]) -> list[Packet]:
    """Commands that must all be replies to ``REPLY_TO`` from our agent."""
    found = []
    for command in some:
        assert isinstance(command, Reply)
        assert command.reply_to == REPLY_TO
        assert command.packet.agent == NAME
        found.append(command.packet)
    return found


def ask(agent: AgentEngine, packet: Packet, now: float = 11.0) -> list[Packet]:
    """Send a request and return the answers, all of which must go where it says."""
    agent.receive(replace(packet, reply_to=REPLY_TO, correlation_id="17"), now, 300)
    found = replied(commands(agent))
    assert all(packet.correlation_id == "17" for packet in found)
    return found


def query(**members: Value) -> Packet:
    return Packet("_query_request", {f"_{name}": value for name, value in members.items()})


def call(method: Value = "echo", arguments: Value = None, address: Value = None) -> Packet:
    body: dict[str, Value] = {"_method_name": method, "_arguments": arguments, "_object_id": address}
    return Packet(
        "_method_request",
        {key: value for key, value in body.items() if value is not None},
        correlation_id="17",
        reply_to=REPLY_TO,
        user_id="ann",
    )


def address(name: Value = "one", agent: Value = NAME) -> Value:
    return {"_object_name": name, "_agent_name": agent, "_agent_epoch": 99}


def values_of(packet: Packet) -> dict[str, Value]:
    assert isinstance(packet.body, dict)
    values = packet.body["_values"]
    assert isinstance(values, dict)
    return values


def items_of(packet: Packet) -> list[dict[str, Value]]:
    """The maps in a list body."""
    assert isinstance(packet.body, list)
    found = []
    for item in packet.body:
        assert isinstance(item, dict)
        found.append(item)
    return found


def refusal(packets: list[Packet]) -> tuple[Value, Value]:
    """Code and text of the one exception that must be there."""
    (packet,) = packets
    assert (packet.opcode, packet.content, packet.method) == ("_exception", "_data", "response")
    values = values_of(packet)
    assert type(values["error_code"]) is UInt
    return values["error_code"], values["error_text"]
