"""A bus in memory for the Python console, and peers on it: the broker's own agent, one of libqmf2, one of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Protocol, TypeAlias

from matahari.bus import BusUser
from matahari.console import Console
from matahari.errors import ConnectionLostError
from matahari.net import Address
from matahari.qmf import (
    AgentEngine,
    CancelCall,
    Data,
    Direct,
    Invoke,
    ManagedObject,
    Method,
    ObjectId,
    Packet,
    Property,
    PropertyType,
    Publish,
    Reply,
    Schema,
    SchemaId,
    Value,
    text,
    v1,
)
from tests.support.vectors import find

BROKER = "apache.org:qpidd:d85f8d42-ac04-4df6-9db0-b4a6eb328e20"
BROKER_PACKAGE = "org.apache.qpid.broker"
LAB = "example.org:lab:zero10"


Story: TypeAlias = "Callable[[Console, FakeBus], Awaitable[None]]"
Play: TypeAlias = Callable[..., None]
"""Runs a story with peers; see the fixture."""


class Peer(Protocol):
    """Somebody on the bus."""

    def receive(self, command: Publish | Direct, tell: Callable[[Packet], None]) -> None:
        """Take what the console sent; ``tell`` sends to the console."""


class FakeBus:
    """Stands for :class:`matahari.bus.Bus`. What peers tell comes at the loop's next turn."""

    def __init__(self, address: Address, user: BusUser, **options: object) -> None:
        self.address = address
        self.options = options
        self.product = "fake 1.0"
        self.is_connected = False
        self.lists_bindings = False
        self.peers: list[Peer] = []
        self.patterns: list[str] = []
        self.sent: list[Publish | Direct] = []
        self.hurried = 0
        self._user = user
        self._closed = asyncio.Event()

    async def run(self) -> None:
        self.connect()
        await self._closed.wait()

    async def wait_connected(self) -> None:
        while not self.is_connected:
            await asyncio.sleep(0)

    async def close(self) -> None:
        self._closed.set()

    def connect(self) -> None:
        self.is_connected = True
        self._user.handle_connected()

    def lose(self) -> None:
        self.is_connected = False
        self._user.handle_disconnected(ConnectionLostError("the broker went away"))

    def flush(self) -> None:
        return

    def hurry(self) -> None:
        self.hurried += 1

    def listen(self, pattern: str) -> None:
        self.patterns.append(pattern)

    def send(self, command: Publish | Direct | Reply) -> bool:
        assert not isinstance(command, Reply)
        if not self.is_connected:
            return False
        self.sent.append(command)
        for peer in self.peers:
            peer.receive(command, self.tell)
        return True

    def tell(self, packet: Packet) -> None:
        asyncio.get_running_loop().call_soon(self._user.handle_packet, packet)

    def opcodes(self) -> list[str]:
        return [command.packet.opcode for command in self.sent]


def _answer(request: Packet, opcode: str, body: Value, agent: str, content: str | None = None) -> Packet:
    return Packet(opcode, body, content, agent, request.correlation_id, method="response")


class QpidBroker:
    """qpidd's agent as captured: objects by class or name, schemas by QMFv1 alone, text as binary."""

    def __init__(self, *objects: dict[str, Value], schemas: Iterable[Schema] = ()) -> None:
        captured = find("objects", "response-broker").body
        assert isinstance(captured, list) and isinstance(captured[0], dict)
        self.objects: list[dict[str, Value]] = [captured[0], *objects]
        self.schemas = [broker_schema(), *schemas]
        self.calls: list[dict[str, Value]] = []

    def receive(self, command: Publish | Direct, tell: Callable[[Packet], None]) -> None:
        packet = command.packet
        if command.key == "console.request.agent_locate":
            tell(find("locate", "response-broker-to-python"))
        elif command.key in ("broker", BROKER) and isinstance(packet.body, bytes):
            for frame in v1.decode_frames(packet.body):
                tell(Packet("", b"".join(self._frames(frame))))
        elif command.key in ("broker", BROKER):
            assert isinstance(packet.body, dict)
            tell(self._answer(packet, packet.body, command.key))

    def _answer(self, packet: Packet, body: dict[str, Value], agent: str) -> Packet:
        if packet.opcode == "_method_request":
            return self._call(packet, body, agent)
        if packet.opcode != "_query_request" or body["_what"] != "OBJECT":
            return replace(find("schema-ids", "exception-broker"), correlation_id=packet.correlation_id)
        return _answer(packet, "_query_response", [one for one in self.objects if _is_meant(one, body)], agent, "_data")

    def _call(self, packet: Packet, body: dict[str, Value], agent: str) -> Packet:
        arguments = body["_arguments"]
        assert isinstance(arguments, dict)
        self.calls.append(arguments)
        if body["_method_name"] != "echo":
            return _failure(packet, 2, "UnknownMethod", agent)
        said = text(arguments.get("body")) or ""
        answer: Value = {"_arguments": {"sequence": arguments["sequence"], "body": said.encode()}}
        return _answer(packet, "_method_response", answer, agent)

    def _frames(self, frame: v1.Frame) -> list[bytes]:
        number, done = frame.sequence, v1.encode_completion(frame.sequence, 0, "OK")
        if frame.opcode == "P":
            packages = sorted({one.id.package for one in self.schemas})
            return [*(v1.encode_frame("p", number, _str8(name)) for name in packages), done]
        if frame.opcode == "Q":
            package = v1.read_package(frame.payload)
            return [
                *(v1.encode_frame("q", number, _class(one)) for one in self.schemas if one.id.package == package),
                done,
            ]
        wanted = v1.read_schema_request(frame.payload)
        found = [one for one in self.schemas if (one.id.name, one.id.hash) == (wanted.name, wanted.hash)]
        return [v1.encode_schema(number, found[0]) if found else v1.encode_completion(number, 1, "class key not found")]


def _failure(packet: Packet, code: int, said: str, agent: str) -> Packet:
    return _answer(packet, "_exception", {"_values": {"error_code": code, "error_text": said.encode()}}, agent)


def _is_meant(item: dict[str, Value], body: dict[str, Value]) -> bool:
    data = Data.from_map(item)
    if "_object_id" in body:
        return (
            data.object_id is not None
            and data.object_id.object_name == ObjectId.from_map(body["_object_id"]).object_name
        )
    return data.schema_id is not None and data.schema_id.matches(SchemaId.from_map(body["_schema_id"]))


def _str8(name: str) -> bytes:
    return bytes((len(name),)) + name.encode()


def _class(schema: Schema) -> bytes:
    assert schema.id.hash is not None
    return (
        bytes((1 if schema.id.kind == "_data" else 2,))
        + _str8(schema.id.package)
        + _str8(schema.id.name)
        + schema.id.hash.bytes
    )


def broker_schema() -> Schema:
    """A part of class ``broker``, under the captured hash."""
    captured = find("objects", "response-broker").body
    assert isinstance(captured, list)
    found = Data.from_map(captured[0]).schema_id
    assert found is not None
    echo = Method(
        "echo",
        "Request a response to test the path to the management broker",
        (
            Property("sequence", PropertyType.INT, direction="IO"),
            Property("body", PropertyType.STRING, direction="IO"),
        ),
    )
    properties = (
        Property("name", PropertyType.STRING, index=True),
        Property("port", PropertyType.INT),
        Property("systemRef", PropertyType.MAP, subtype="reference"),
        Property("queueCount", PropertyType.INT, statistic=True),
    )
    return Schema(found, properties, (echo, Method("unknown")))


class Libqmf2Agent:
    """A libqmf2 agent over 0-10: text as binary, strict types, schemas by exact hash, silence for what it does not know."""

    def __init__(self, attributes: Mapping[str, Value] | None = None) -> None:
        arguments = (
            Property("count", PropertyType.INT),
            Property("ratio", PropertyType.FLOAT),
            Property("id", PropertyType.UUID),
            Property("note", PropertyType.STRING),
            Property("said", PropertyType.STRING, direction="O"),
        )
        properties = (Property("n", PropertyType.INT), Property("name", PropertyType.STRING))
        self.schema = Schema(SchemaId("org.example.lab", "Sampler"), properties, (Method("take", "", arguments),))
        self.calls: list[dict[str, Value]] = []
        self._attributes = dict(attributes or {})

    def receive(self, command: Publish | Direct, tell: Callable[[Packet], None]) -> None:
        packet, body = command.packet, command.packet.body
        if command.key == "console.request.agent_locate":
            values: dict[str, Value] = {
                **self._attributes, "_heartbeat_interval": 60, "_epoch": 1, "_schema_updated": 1,
                "_direct_subject": b"direct-agent.route.lab", "qmf.agent_capability": 1,
            }  # fmt: skip
            tell(Packet("_agent_locate_response", {"_values": as_binary(values)}, agent=LAB))
        elif command.key == "direct-agent.route.lab" and isinstance(body, dict):
            if packet.opcode == "_query_request":
                tell(self._query(packet, body))
            elif packet.opcode == "_method_request":
                tell(self._call(packet, body))

    def _query(self, packet: Packet, body: dict[str, Value]) -> Packet:
        schema_id = self.schema.id
        if body["_what"] == "SCHEMA_ID":
            return self._list(packet, "_schema_id", [schema_id.to_map()])
        wanted = SchemaId.from_map(body["_schema_id"])
        if body["_what"] == "SCHEMA":
            return self._list(packet, "_schema", [self.schema.to_map()] if wanted.hash == schema_id.hash else [])
        item: Value = {
            "_values": {"n": 1, "name": "first"},
            "_object_id": {"_agent_name": LAB, "_object_name": "2783cb12", "_agent_epoch": 1},
            "_schema_id": schema_id.to_map(),
        }
        same = (wanted.package, wanted.name) == (schema_id.package, schema_id.name)
        return self._list(packet, "_data", [item] if same else [])

    def _list(self, packet: Packet, content: str, items: list[Value]) -> Packet:
        return _answer(packet, "_query_response", as_binary(items), LAB, content)

    def _call(self, packet: Packet, body: dict[str, Value]) -> Packet:
        arguments = body["_arguments"]
        assert isinstance(arguments, dict)
        self.calls.append(arguments)
        method = self.schema.find_method("take")
        assert method is not None
        for argument in method.arguments:
            value = arguments.get(argument.name)
            if argument.name not in arguments:
                continue
            if not argument.type.accepts(value) or (argument.type is PropertyType.FLOAT and isinstance(value, int)):
                return _answer(
                    packet,
                    "_exception",
                    {"_values": {"error_text": b"Invalid argument: " + argument.name.encode()}},
                    LAB,
                )
        return _answer(packet, "_method_response", {"_arguments": {"said": b"thanks"}}, LAB)


def as_binary(value: Value) -> Value:
    """What qpidd makes of a libqmf2 agent's text on the way to AMQP 1.0; map keys stay text."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, dict):
        return {key: as_binary(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_binary(item) for item in value]
    return value


class OurAgent:
    """The product's own agent engine, with one object of class ``org.example:Door``."""

    def __init__(self, hostname: str = "box", *, vendor: str = "matahariproject.org") -> None:
        self.engine = AgentEngine(
            vendor=vendor, product="door", instance=hostname,
            attributes={"hostname": hostname, "uuid": f"uuid-of-{hostname}"},
        )  # fmt: skip
        self.name = self.engine.name
        self.is_here = True
        properties = (Property("is_open", PropertyType.BOOL, access="RW"), Property("label", PropertyType.STRING))
        self.schema = Schema(SchemaId("org.example", "Door"), properties, (Method("knock"),))
        self.values: dict[str, Value] = {"is_open": False, "label": "front"}
        self.engine.add_schema(self.schema, 1)
        self.add("front")
        self.engine.start(0.0, 1)
        self._timer: asyncio.TimerHandle | None = None
        self._tell: Callable[[Packet], None] | None = None

    def add(self, name: str) -> None:
        self.engine.add_object(ManagedObject(name, self.schema, lambda: dict(self.values)), 1)

    def receive(self, command: Publish | Direct, tell: Callable[[Packet], None]) -> None:
        self._tell = tell
        if self.is_here and command.key in ("console.request.agent_locate", self.engine.direct_subject, self.name):
            self.engine.receive(replace(command.packet, subject=command.key), self._now(), 2)
            self.step()

    def step(self) -> None:
        """Send what the engine has to say, and come back when it has more."""
        while (command := self.engine.next_command()) is not None:
            if isinstance(command, Invoke):
                self.engine.complete(command.call, {})
            elif isinstance(command, CancelCall):
                self.engine.fail(command.call, "cancelled", data=Data({"kind": "cancelled"}))
            elif self._tell is not None and self.is_here:
                self._tell(command.packet)
        due = self.engine.next_deadline()
        if self._timer is not None:
            self._timer.cancel()
        if due is not None and self.is_here:
            self._timer = asyncio.get_running_loop().call_at(due, self._on_timer)

    def leave(self) -> None:
        self.is_here = False
        self.step()

    def _on_timer(self) -> None:
        self.engine.handle_timeout(self._now(), 3)
        self.step()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
