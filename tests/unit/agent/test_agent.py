"""The skeleton of agents on a bus that exists in memory alone, by a clock that jumps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import cast

import pytest

from matahari.agent import AGENT_SCHEMA, Agent, AgentIdentity, AgentObject, CallContext, Fault
from matahari.agent import agent as module
from matahari.errors import ConnectionLostError, LocalProtocolError, SchemaError
from matahari.net import Address
from matahari.qmf import (
    Command,
    Direct,
    Method,
    Packet,
    Property,
    PropertyType,
    Publish,
    Reply,
    Schema,
    SchemaId,
    Value,
    v1,
)
from tests.support.virtual_loop import run, turns

CONSOLE = "qmf.default.topic/direct-console.1"
THING = Schema(
    SchemaId("org.example", "Thing"),
    (Property("label", PropertyType.STRING),),
    (
        Method("echo", "", (Property("text", PropertyType.STRING),)),
        Method("fail"),
        Method("crash"),
        Method("forget"),
        Method("wait"),
    ),
)


class Bus:
    """Takes what is sent; refuses bodies that hold the text ``too large``."""

    def __init__(self, address: Address, user: Agent, **_options: object) -> None:
        self.user = user
        self.is_connected = False
        self.user_id_trusted = True
        self.address = address
        self.product = "test"
        self.is_crowded = False
        self.sent: list[Command] = []
        self.closed = asyncio.Event()

    async def run(self) -> None:
        await self.closed.wait()

    async def close(self) -> None:
        self.closed.set()

    def flush(self) -> None:
        return

    def send(self, command: Publish | Direct | Reply) -> bool:
        if "too large" in repr(command.packet.body):
            raise SchemaError("above the limit")
        self.sent.append(command)
        return True

    def connect(self) -> None:
        self.is_connected = True
        self.user.handle_connected()

    def lose(self) -> None:
        self.is_connected = False
        self.user.handle_disconnected(ConnectionLostError("gone"))

    def ask(self, opcode: str, body: Value) -> None:
        self.user.handle_packet(Packet(opcode, body, reply_to=CONSOLE, correlation_id="1", user_id="ann"))

    def take(self) -> list[Packet]:
        """The packets sent since the last call."""
        taken, self.sent = self.sent, []
        return [command.packet for command in taken if isinstance(command, Publish | Direct | Reply)]


class Thing(AgentObject):
    schema = THING

    def __init__(self, name: str = "thing", label: str = "first") -> None:
        self.name = name
        self.label = label
        self.callers: list[str | None] = []

    def values(self) -> Mapping[str, Value]:
        return {"label": self.label}

    async def invoke(self, method: str, arguments: dict[str, Value], context: CallContext) -> Mapping[str, Value]:
        self.callers.append(context.user_id)
        if method == "fail":
            raise Fault("it is not to be", code=4)
        if method == "crash":
            raise RuntimeError("bug")
        if method == "forget":
            return cast("Mapping[str, Value]", None)
        if method == "wait":
            await asyncio.sleep(1000)
        return {"text": arguments.get("text")}


Story = Callable[[Agent, Bus], Awaitable[None]]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[Story], None]:
    """Runs a story with an agent that has the object ``thing`` and is on the bus."""
    made: list[Bus] = []

    def make_bus(address: Address, user: Agent, **options: object) -> Bus:
        made.append(Bus(address, user, **options))
        return made[-1]

    monkeypatch.setattr(module, "Bus", make_bus)

    async def played(story: Story) -> None:
        agent = Agent("lab", AgentIdentity("box", "f00d", "1"), Address("unix", path="/nowhere"))
        agent.add_object(Thing())
        running = asyncio.ensure_future(agent.run())
        await turns()
        (bus,) = made
        bus.connect()
        await agent.wait_ready()
        await turns(2)
        await story(agent, bus)
        await agent.stop()
        await running

    return lambda story: run(played(story))


def objects(packets: list[Packet]) -> list[str]:
    """The labels or host names in indications of objects."""
    found = []
    for packet in packets:
        if packet.content == "_data" and packet.opcode == "_data_indication":
            assert isinstance(packet.body, list)
            for item in packet.body:
                assert isinstance(item, dict)
                values = item["_values"]
                assert isinstance(values, dict)
                found.append(str(values.get("label", values.get("hostname"))))
    return found


def test_an_agent_announces_itself_and_its_objects(play: Callable[[Story], None]) -> None:
    async def story(agent: Agent, bus: Bus) -> None:
        packets = bus.take()
        assert packets[0].opcode == "_agent_heartbeat_indication"
        assert objects(packets) == ["first", "box"]

    play(story)


def test_an_object_that_changed_is_told_of_when_its_time_has_come(play: Callable[[Story], None]) -> None:
    async def story(agent: Agent, bus: Bus) -> None:
        bus.take()
        agent.object_changed("thing")
        await turns(2)
        assert bus.take() == []
        await asyncio.sleep(10.5)
        assert objects(bus.take()) == ["first"]
        agent.remove_object("thing")
        with pytest.raises(LocalProtocolError):
            agent.object_changed("thing")
        await asyncio.sleep(10.5)
        assert objects(bus.take()) == ["first"]  # its last words

    play(story)


def test_a_class_without_objects_can_be_withdrawn_and_one_with_objects_stays(play: Callable[[Story], None]) -> None:
    event = Schema(SchemaId("org.example", "Poked", "_event"), (Property("text", PropertyType.STRING),))

    async def story(agent: Agent, bus: Bus) -> None:
        def classes() -> set[str]:
            bus.take()
            bus.ask("_query_request", {"_what": "SCHEMA_ID"})
            [packet] = bus.take()
            assert isinstance(packet.body, list)
            return {str(one["_class_name"]) for one in packet.body if isinstance(one, dict)}

        before = classes()
        agent.add_schemas([event])
        assert classes() == {*before, "Poked"}
        agent.remove_schemas([event, THING])
        assert classes() == before
        agent.remove_schemas([event])
        assert classes() == before

    play(story)


def test_a_subscriber_is_served_until_its_time_is_over(play: Callable[[Story], None]) -> None:
    async def story(agent: Agent, bus: Bus) -> None:
        thing = Thing("more", "a")
        agent.add_object(thing)
        bus.take()
        query: Value = {"_what": "OBJECT", "_schema_id": {"_class_name": "Thing"}}
        bus.ask("_subscribe_request", {"_query": query, "_interval": 2000, "_duration": 30})
        await turns(2)
        (granted, told) = bus.take()
        assert granted.opcode == "_subscribe_response"
        assert objects([told]) == ["first", "a"]
        thing.label = "b"
        await asyncio.sleep(2)
        assert objects(bus.take()) == ["b"]
        thing.label = "too large"
        await asyncio.sleep(4)
        assert bus.take() == []  # no exception, which would end the subscription
        await asyncio.sleep(30)
        bus.take()
        thing.label = "c"
        await asyncio.sleep(5)
        assert bus.take() == []

    play(story)


def test_nothing_is_done_while_there_is_no_connection(play: Callable[[Story], None]) -> None:
    async def story(agent: Agent, bus: Bus) -> None:
        bus.take()
        bus.lose()
        agent.object_changed("thing")
        await asyncio.sleep(300)
        assert bus.take() == []
        bus.connect()
        await turns(2)
        packets = bus.take()
        assert packets[0].opcode == "_agent_heartbeat_indication"
        assert objects(packets) == ["first"]
        await asyncio.sleep(21)
        assert objects(bus.take()) == ["first", "box"]  # everything, for those who missed it

    play(story)


def test_a_schema_can_be_asked_for_with_a_frame(play: Callable[[Story], None]) -> None:
    async def story(agent: Agent, bus: Bus) -> None:
        bus.take()
        bus.ask("", v1.encode_schema_request(5, AGENT_SCHEMA.id))
        (packet,) = bus.take()
        assert isinstance(packet.body, bytes)
        (frame,) = v1.decode_frames(packet.body)
        assert v1.read_schema(frame.payload) == AGENT_SCHEMA

    play(story)


@pytest.mark.parametrize(
    ("method", "arguments", "outcome"),
    [
        ("echo", {"text": "hello"}, {"_arguments": {"text": "hello"}}),
        ("fail", {}, {"_values": {"error_code": 4, "error_text": "it is not to be"}}),
        ("crash", {}, {"_values": {"error_code": 7, "error_text": "RuntimeError: bug"}}),
        ("forget", {}, {"_values": {"error_code": 7, "error_text": "TypeError: 'NoneType' object is not iterable"}}),
        (
            "echo",
            {"text": "too large"},
            {"_values": {"error_code": 7, "error_text": "the answer cannot be sent: above the limit"}},
        ),
    ],
)
def test_each_call_has_one_answer(play: Callable[[Story], None], method: str, arguments: Value, outcome: Value) -> None:
    async def story(agent: Agent, bus: Bus) -> None:
        bus.take()
        address: Value = {"_object_name": "thing", "_agent_name": agent.name}
        bus.ask("_method_request", {"_object_id": address, "_method_name": method, "_arguments": arguments})
        await turns(3)
        (packet,) = bus.take()
        assert packet.body == outcome
        assert packet.correlation_id == "1"

    play(story)


def test_a_call_of_the_agent_itself_is_answered(play: Callable[[Story], None]) -> None:
    async def story(agent: Agent, bus: Bus) -> None:
        bus.take()
        bus.ask("_method_request", {"_method_name": "ping"})
        await turns(3)
        (packet,) = bus.take()
        assert packet.body == {"_values": {"error_code": 2, "error_text": "Not implemented"}}

    play(story)


def test_a_call_that_outlasts_the_agent_is_answered_when_it_stops(play: Callable[[Story], None]) -> None:
    async def story(agent: Agent, bus: Bus) -> None:
        bus.take()
        bus.ask("_method_request", {"_object_id": {"_object_name": "thing"}, "_method_name": "wait"})
        await turns(3)
        await agent.stop()
        (packet,) = bus.take()
        assert packet.body == {"_values": {"error_code": 7, "error_text": "The agent is stopping"}}

    play(story)


STREAM: dict[str, Value] = {"_object_id": {"_object_name": "thing"}, "_matahari": {"stream": True, "timeout": 5.0}}


class Teller(Thing):
    """Tells something, and then waits."""

    async def invoke(self, method: str, arguments: dict[str, Value], context: CallContext) -> Mapping[str, Value]:
        assert context.timeout == 5.0
        assert context.reporter is not None
        context.reporter.output(self.label)
        await asyncio.sleep(1000 if method == "wait" else 1)
        return {}


def opcodes(bus: Bus) -> list[str]:
    return [packet.opcode for packet in bus.take()]


def test_what_a_call_tells_is_sent_while_it_runs(play: Callable[[Story], None]) -> None:
    async def story(agent: Agent, bus: Bus) -> None:
        agent.add_object(Teller())
        bus.take()
        bus.ask("_method_request", STREAM | {"_method_name": "echo"})
        await asyncio.sleep(0.5)
        (told,) = bus.take()
        assert (told.opcode, told.correlation_id) == ("_method_indication", "1")
        assert told.body == [{"seq": 1, "kind": "output", "chunk": "first"}]
        await asyncio.sleep(1)
        assert opcodes(bus) == ["_method_response"]

    play(story)


def test_a_report_that_cannot_be_sent_does_not_end_the_call(play: Callable[[Story], None]) -> None:
    async def story(agent: Agent, bus: Bus) -> None:
        agent.add_object(Teller(label="too large"))
        bus.take()
        bus.ask("_method_request", STREAM | {"_method_name": "echo"})
        await asyncio.sleep(2)
        (answer,) = bus.take()
        assert answer.body == {"_arguments": {}, "_matahari": {"reports": 1}}

    play(story)


@pytest.mark.parametrize(("wait", "kind"), [(1.0, "cancelled"), (6.0, "timeout")])
def test_a_call_ends_when_its_caller_gives_it_up_or_its_time_is_over(
    play: Callable[[Story], None], wait: float, kind: str
) -> None:
    async def story(agent: Agent, bus: Bus) -> None:
        agent.add_object(Teller())
        bus.take()
        bus.ask("_method_request", STREAM | {"_method_name": "wait"})
        await asyncio.sleep(wait)
        bus.ask("_method_cancel_indication", {})
        await turns(5)
        *_, answer = bus.take()
        assert answer.opcode == "_exception"
        assert isinstance(answer.body, dict)
        values = answer.body["_values"]
        assert isinstance(values, dict)
        assert (values["kind"], values["error_code"]) == (kind, 7)

    play(story)
