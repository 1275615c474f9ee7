"""Agents of ours set up as the recorded ones: the same names, attributes, classes, objects and results.

A recorded request gets from such an agent what ours makes of it, to be compared with what theirs made of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import cast

from matahari.amqp import decode_message, encode_message
from matahari.bus import message_of, packet_of
from matahari.qmf import (
    AgentEngine,
    Data,
    Invoke,
    ManagedObject,
    ObjectId,
    Packet,
    Property,
    PropertyType,
    Publish,
    Reply,
    Schema,
    UInt,
    Value,
    decode_text,
    failure_text,
    integer,
    text,
    v1,
)
from tests.support.recorded import Recorded, find, plain, readable

__all__ = ["Exchange", "Sent", "answers", "encoded", "exchanges", "fetch", "packet", "recorded_agent"]

#: The wall clock where nothing recorded says it.
WALL_NS = 1_795_358_400_000_000_000

#: Classes of the recorded agents, in the order in which they list them.
CLASSES = {
    "host": ("Agent", "Host", "heartbeat"),
    "rpc": ("Agent", "PluginException", "asterisk", "example"),
    "lab": ("Poked", "Sampler", "Trouble"),
}
#: Classes of objects whose methods were called, by method; ``nosuch`` was called too and is nobody's.
CLASS_OF_METHOD = {
    **dict.fromkeys(("showArgs", "testFunction", "testException", "TestClass"), "example"),
    "num_calls": "asterisk",
    **dict.fromkeys(("echo", "types", "fail", "poke"), "Sampler"),
}
NO_SUCH_OBJECT = "nope"


@dataclass(frozen=True)
class Exchange:
    """A recorded request with the answer of one agent. Requests that were answered in parts were not recorded."""

    request: Recorded
    answer: Recorded

    @property
    def label(self) -> str:
        return f"{self.request.label}-by-{self.agent}"

    @property
    def agent(self) -> str:
        """Name of the answering agent."""
        return self.answer.said("qmf.agent") or ""


@dataclass(frozen=True)
class Sent:
    """A message of ours: where it goes and its bytes."""

    node: str
    key: str
    raw: bytes


@cache
def exchanges() -> tuple[Exchange, ...]:
    """Return every recorded request to an agent of libqmf2 of which the answer was recorded too."""
    found: list[Exchange] = []
    taken: set[str] = set()
    for request in readable():
        if "reply-to" not in request.stated.properties:
            continue
        by_agent: dict[str, Recorded] = {}
        for answer in readable(request.file):
            name = answer.said("qmf.agent") or ""
            if _belongs(request, answer) and answer.label not in taken and not is_brokers(name):
                by_agent.setdefault(name, answer)
        taken |= {answer.label for answer in by_agent.values()}
        found += [Exchange(request, answer) for answer in by_agent.values()]
    return tuple(found)


def is_brokers(agent: str) -> bool:
    """Tell whether this is the name of a broker's own agent."""
    return agent == "broker" or agent.startswith("apache.org:qpidd:")


def _belongs(request: Recorded, answer: Recorded) -> bool:
    reply_to = request.property("reply-to") or ""
    if answer.property("subject") != reply_to.partition("/")[2] or "reply-to" in answer.stated.properties:
        return False
    if request.stated.frames:
        sequences = [frame["sequence"] for frame in answer.stated.frames]
        return request.stated.frames[0]["sequence"] in sequences
    if request.said("qmf.opcode") == "_agent_locate_request":
        return answer.said("qmf.opcode") == "_agent_locate_response"
    return answer.property("correlation-id") == request.property("correlation-id")


def packet(item: Recorded) -> Packet:
    """Return the message as the bus hands it to an engine."""
    return packet_of(decode_message(item.raw))


# -- the agents ------------------------------------------------------------------------------------------------------


def recorded_agent(name: str, answered: Sequence[Recorded] = ()) -> AgentEngine:
    """Set up the agent of that name with its objects as they were when it gave the answers ``answered``."""
    vendor, product, instance = name.split(":", 2)
    announced = _announced(name, answered)
    agent = AgentEngine(
        vendor=vendor,
        product=product,
        instance=instance,
        attributes={key: decode_text(value) for key, value in announced.items() if not key.startswith(("_", "qmf."))},
        direct_subject=text(announced["_direct_subject"]),
    )
    own = [classes()[class_name] for class_name in CLASSES[product]]
    objects = list(_objects(name, answered))
    own += [schema for data in objects if (schema := _class_of(data)) not in own]
    for number, schema in enumerate(own, 1):
        agent.add_schema(schema, number if number < len(own) else int(cast(int, announced["_schema_updated"])))
    for data in objects:
        assert data.object_id is not None
        agent.add_object(ManagedObject(data.object_id.object_name, _class_of(data), data.decoded()), WALL_NS)
    return agent


def _class_of(data: Data) -> Schema:
    assert data.schema_id is not None
    return classes()[data.schema_id.name]


def _announced(name: str, answered: Sequence[Recorded]) -> dict[str, Value]:
    """Attributes of an agent, or of another of its product where its own were not recorded."""
    everywhere = [*answered, *readable("locate", "heartbeat")]
    said = [item for item in everywhere if isinstance(body := plain(item.stated.body), dict) and "_values" in body]
    said = [item for item in said if "_direct_subject" in _values(item)]
    own = [item for item in said if item.said("qmf.agent") == name]
    product = name.split(":")[1]
    return _values((own or [item for item in said if text(_values(item)["_product"]) == product])[0])


def _values(item: Recorded) -> dict[str, Value]:
    body = plain(item.stated.body)
    values = body.get("_values") if isinstance(body, dict) else None
    return values if isinstance(values, dict) else {}


@cache
def classes() -> dict[str, Schema]:
    """Return every class of the recorded agents by its name; of some only the id and what was seen is known."""
    found = {}
    for name in ("Agent", "PluginException", "asterisk", "example"):
        body = plain(find("schema", f"response-libqmf2-1.0-{name}").stated.body)
        assert isinstance(body, list)
        found[name] = Schema.from_map(body[0])
    for name in ("Host", "heartbeat", "Sampler", "Poked"):
        (frame,) = v1.decode_frames(find("schema-qmfv1", f"response-{name}").stated.data)
        found[name] = v1.read_schema(frame.payload)
    for name, example in (
        ("Trouble", find("method-proton", "response-fail-data")),
        ("Item", find("partial", "libqmf2-1.0-1")),
    ):
        schema_id = _data(example)[0].schema_id
        assert schema_id is not None
        found[name] = Schema(schema_id, (Property("n", PropertyType.INT),))
    return found


def _data(item: Recorded) -> list[Data]:
    """Objects in a message, or the one that an exception is."""
    body = plain(item.stated.body)
    if isinstance(body, list):
        return [Data.from_map(one) for one in body if isinstance(one, dict) and "_values" in one]
    return [Data.from_map(body)]


def _objects(name: str, answered: Sequence[Recorded]) -> Iterator[Data]:
    """Objects of an agent: those in the answers as they were there, then all others that were ever seen or called."""
    seen: set[str] = set()
    for item in (*answered, *readable("objects", "partial")):
        if item not in answered and item.file == "partial":
            continue
        if (
            item.said("qmf.agent") == name
            and item.said("qmf.content") == "_data"
            and item.said("qmf.opcode") != "_exception"
        ):
            for data in _data(item):
                if data.object_id is not None and data.object_id.object_name not in seen:
                    seen.add(data.object_id.object_name)
                    yield data
    for item in readable():
        if item.said("qmf.opcode") != "_method_request":
            continue
        body = cast("dict[str, Value]", plain(item.stated.body))
        address = ObjectId.from_map(body["_object_id"])
        kind = CLASS_OF_METHOD.get(text(body["_method_name"]) or "")
        if address.agent_name == name and address.object_name not in seen | {NO_SUCH_OBJECT} and kind is not None:
            seen.add(address.object_name)
            yield Data({}, address, classes()[kind].id)


# -- what they do ----------------------------------------------------------------------------------------------------


def answers(exchange: Exchange) -> list[Sent]:
    """Give the request to our agent and return what it sends; a method gives the recorded result."""
    agent = recorded_agent(exchange.agent, (exchange.answer,))
    agent.start(0.0, WALL_NS)
    fetch(agent)
    wall = _values(exchange.answer).get("_timestamp", WALL_NS)
    assert isinstance(wall, int)
    agent.receive(packet(exchange.request), 1.0, wall)
    return fetch(agent, None if exchange.answer.stated.frames else packet(exchange.answer))


def fetch(agent: AgentEngine, result: Packet | None = None) -> list[Sent]:
    """Let the application answer each call with ``result`` and return all that the agent sends."""
    sent: list[Sent] = []
    while (command := agent.next_command()) is not None:
        if isinstance(command, Invoke):
            assert result is not None, command
            _end(agent, command.call, result)
        else:
            sent.append(encoded(command))
    return sent


def _end(agent: AgentEngine, call: int, result: Packet) -> None:
    if result.opcode == "_method_response":
        assert isinstance(result.body, dict)
        agent.complete(call, cast("dict[str, Value]", decode_text(result.body["_arguments"])))
        return
    data = Data.from_map(result.body)
    values = data.decoded()
    if "error_code" in values:
        values["error_code"] = UInt(integer(values["error_code"]))
    said = replace(data, values=values)
    agent.fail(call, failure_text(data), data=None if data.schema_id is None else said)


def encoded(command: object) -> Sent:
    """Encode what an engine wants to be sent, addressed as on qpidd (brokers.md 3.1)."""
    if isinstance(command, Reply):
        node, _, key = command.reply_to.partition("/")
    else:
        key = getattr(command, "key", "")
        node = "qmf.default.topic" if isinstance(command, Publish) else "qmf.default.direct"
    return Sent(node, key, encode_message(message_of(cast(Packet, getattr(command, "packet", None)), key)))
