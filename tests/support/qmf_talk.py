"""A small agent and a small console, and what goes between them as bytes."""

from __future__ import annotations

from matahari.amqp import decode_message, encode_message
from matahari.bus import message_of, packet_of
from matahari.qmf import (
    AgentEngine,
    CancelCall,
    ConsoleEngine,
    EngineEvent,
    Invoke,
    ManagedObject,
    Method,
    Packet,
    Property,
    PropertyType,
    Publish,
    Reply,
    Schema,
    SchemaId,
    Value,
)
from tests.support.wire_reader import Reading, read_message

NAME = "example.org:thing:1"
REPLY_TO = "qmf.default.topic/direct-console.0b8f0c3c-5d0e-4d58-a1de-2f8a4b7f9c01"

THING = Schema(
    SchemaId("org.example", "Thing"),
    (Property("name", PropertyType.STRING, index=True), Property("size", PropertyType.INT, optional=True)),
    (
        Method(
            "resize",
            "Change the size",
            (Property("to", PropertyType.INT), Property("old", PropertyType.INT, direction="O")),
        ),
    ),
)
DONE = Schema(SchemaId("org.example", "done", "_event"), (Property("text", PropertyType.STRING),), default_severity=6)


def an_agent(*, name: str = NAME, objects: int = 1, epoch: int = 1) -> AgentEngine:
    """A running agent with a class, an event class and objects ``thing-0`` and so on; its heartbeat is fetched."""
    vendor, product, instance = name.split(":", 2)
    agent = AgentEngine(vendor=vendor, product=product, instance=instance, attributes={"hostname": "box"}, epoch=epoch)
    agent.add_schema(THING, 1)
    agent.add_schema(DONE, 2)
    for number in range(objects):
        agent.add_object(ManagedObject(f"thing-{number}", THING, {"name": f"n{number}", "size": number}), 3)
    agent.start(0.0, 10)
    commands(agent)
    return agent


def commands(agent: AgentEngine) -> list[Publish | Reply | Invoke]:
    """All that an agent wants done, where nobody gives up a call."""
    found: list[Publish | Reply | Invoke] = []
    for command in all_commands(agent):
        assert not isinstance(command, CancelCall)
        found.append(command)
    return found


def all_commands(agent: AgentEngine) -> list[Publish | Reply | Invoke | CancelCall]:
    """All that an agent wants done."""
    found: list[Publish | Reply | Invoke | CancelCall] = []
    while (command := agent.next_command()) is not None:
        assert isinstance(command, (Publish, Reply, Invoke, CancelCall))
        found.append(command)
    return found


def request(opcode: str, body: Value, *, correlation_id: str | None = "1", reply_to: str | None = REPLY_TO) -> Packet:
    """A request without anything that is not needed."""
    return Packet(opcode, body, correlation_id=correlation_id, reply_to=reply_to)


def ask(agent: AgentEngine, packet: Packet, now: float = 1.0) -> list[Packet]:
    """Give a packet to an agent as it comes off the wire and return its answers; nothing may be invoked."""
    agent.receive(off_the_wire(packet), now, 20)
    found = commands(agent)
    for command in found:
        assert isinstance(command, Reply), command
        assert command.reply_to == packet.reply_to
    return [command.packet for command in found if isinstance(command, Reply)]


def ask_one(agent: AgentEngine, packet: Packet) -> Packet:
    """The only answer."""
    (answer,) = ask(agent, packet)
    return answer


def query(**parts: Value) -> Packet:
    """A query request with these members, underscores before the names."""
    return request("_query_request", {f"_{key}": value for key, value in parts.items()})


def a_console(*known: AgentEngine) -> ConsoleEngine:
    """A console that has heard of some agents, and has told so."""
    console = ConsoleEngine(reply_to=REPLY_TO)
    for agent in known:
        for answer in ask(agent, request("_agent_locate_request", [])):
            console.receive(off_the_wire(answer), 0.0)
    events(console)
    return console


def events(console: ConsoleEngine) -> list[EngineEvent]:
    """All that has happened."""
    found = []
    while (event := console.next_event()) is not None:
        found.append(event)
    return found


def sent(console: ConsoleEngine) -> list[tuple[str, Packet]]:
    """Keys and packets that a console wants sent."""
    found = []
    while (command := console.next_command()) is not None:
        found.append((command.key, command.packet))
    return found


def encoded(packet: Packet, key: str = "key") -> bytes:
    """The bytes of a message."""
    return encode_message(message_of(packet, key))


def on_the_wire(packet: Packet, key: str = "key") -> Reading:
    """A message as others read it."""
    return read_message(encoded(packet, key))


def off_the_wire(packet: Packet, key: str = "key") -> Packet:
    """A packet as it is after it was sent and received."""
    return packet_of(decode_message(encoded(packet, key)))


def values(packet: Packet) -> dict[str, Value]:
    """The ``_values`` of an answer, or its ``_arguments``."""
    assert isinstance(packet.body, dict)
    found = packet.body.get("_values", packet.body.get("_arguments"))
    assert isinstance(found, dict)
    return found


def items(packet: Packet) -> list[dict[str, Value]]:
    """The maps in an answer that is a list."""
    assert isinstance(packet.body, list)
    found = [item for item in packet.body if isinstance(item, dict)]
    assert len(found) == len(packet.body)
    return found
