"""What agents of others said, given to a console of ours: its agents, objects, schemas, results and events.

Compared with what the capture states, text being text whether it came as binary or not. The labels tell the protocol:
names with ``1.0`` are native, the rest was translated from 0-10 by qpidd.
"""

from __future__ import annotations

import uuid
from typing import cast

import pytest

from matahari.qmf import (
    AgentAdded,
    AgentUpdated,
    CallCompleted,
    ClassesListed,
    ConsoleEngine,
    Data,
    DataIndicated,
    EngineEvent,
    EventRaised,
    ObjectId,
    Packet,
    Query,
    QueryCompleted,
    QueryTarget,
    RequestFailed,
    Schema,
    SchemaFetched,
    SchemaId,
    Value,
    decode_text,
    failure_code,
    failure_text,
    v1,
)
from tests.support.agent_replay import classes, packet
from tests.support.differences import kind_of
from tests.support.indication_replay import parts
from tests.support.recorded import Recorded, find, plain, readable

REPLY_TO = "qmf.default.topic/direct-console.1"


def of_kind(*kinds: str) -> list[Recorded]:
    return [item for item in readable() if kind_of(item) in kinds]


def labels(items: list[Recorded]) -> list[str]:
    return [item.label for item in items]


def a_console(item: Recorded) -> ConsoleEngine:
    """A console whose next request has the number that this answers."""
    said = item.property("correlation-id")
    return ConsoleEngine(reply_to=REPLY_TO, first_request=int(said) if said else 1)


def happened(console: ConsoleEngine) -> list[EngineEvent]:
    found = []
    while (event := console.next_event()) is not None:
        found.append(event)
    return found


def stated(item: Recorded) -> list[dict[str, Value]]:
    """The maps in a message's body, text decoded."""
    body = decode_text(plain(item.stated.body))
    return cast("list[dict[str, Value]]", body if isinstance(body, list) else [body])


# -- agents ----------------------------------------------------------------------------------------------------------

ANNOUNCED = of_kind("heartbeat", "locate answer")


@pytest.mark.parametrize("item", ANNOUNCED, ids=labels(ANNOUNCED))
def test_an_announcement_makes_its_agent_known_with_all_that_it_says(item: Recorded) -> None:
    console = ConsoleEngine(reply_to=REPLY_TO)
    console.receive(packet(item), 1.0)
    (event,) = happened(console)
    assert isinstance(event, AgentAdded)
    (values,) = (cast("dict[str, Value]", one["_values"]) for one in stated(item))
    info = event.info
    assert info.attributes == values
    assert (info.name, info.vendor, info.product, info.instance) == tuple(
        values[key] for key in ("_name", "_vendor", "_product", "_instance")
    )
    assert (info.epoch, info.heartbeat_interval) == (values["_epoch"], values["_heartbeat_interval"])
    assert info.schema_updated == values.get("_schema_updated", 0)
    assert info.direct_subject == values.get("_direct_subject")
    assert info.capability == values.get("qmf.agent_capability", 0)
    assert list(console.agents) == [item.said("qmf.agent")]


def test_a_recorded_second_heartbeat_tells_that_schemas_have_changed() -> None:
    console = ConsoleEngine(reply_to=REPLY_TO)
    console.receive(packet(find("heartbeat", "lab-agent-1.0")), 1.0)
    console.receive(packet(find("heartbeat", "lab-agent-1.0-second")), 2.0)
    console.receive(packet(find("heartbeat", "lab-agent-1.0-second")), 3.0)
    first, second = happened(console)
    assert isinstance(first, AgentAdded)
    assert isinstance(second, AgentUpdated)
    assert second.schema_changed


# -- answers to queries ----------------------------------------------------------------------------------------------

OBJECTS = [item for item in of_kind("objects") if "partial" not in item.stated.application]


@pytest.mark.parametrize("item", OBJECTS, ids=labels(OBJECTS))
def test_recorded_objects_are_those_that_the_console_gets(item: Recorded) -> None:
    console, agent = a_console(item), item.said("qmf.agent") or ""
    asked = Query(QueryTarget.OBJECT, schema_id=SchemaId("", "Any"))
    number = console.query(agent, asked, 0.0, 9.0)
    console.receive(packet(item), 1.0)
    (event,) = happened(console)
    assert isinstance(event, QueryCompleted)
    assert (event.request, event.agent) == (number, agent)
    check_objects(cast("list[Data]", event.items), stated(item), agent)


def check_objects(found: list[Data], said: list[dict[str, Value]], agent: str) -> None:
    assert len(found) == len(said)
    for data, one in zip(found, said, strict=True):
        address, schema_id = cast("dict[str, Value]", one["_object_id"]), one["_schema_id"]
        assert data.decoded() == one["_values"]
        assert data.object_id == ObjectId(
            cast(str, address.get("_agent_name", agent)), cast(str, address["_object_name"])
        )
        assert data.object_id.agent_epoch == address.get("_agent_epoch")
        assert data.schema_id == SchemaId.from_map(schema_id)
        assert isinstance(data.schema_id.hash, uuid.UUID)
        assert (data.create_ns, data.update_ns, data.delete_ns) == (
            one.get("_create_ts"), one.get("_update_ts"), one.get("_delete_ts"),
        )  # fmt: skip


@pytest.mark.parametrize(("prefix", "sizes"), [("libqmf2-0-10", [8, 8, 3]), ("libqmf2-1.0", [8, 8, 0])])
def test_recorded_parts_of_an_answer_are_joined(prefix: str, sizes: list[int]) -> None:
    theirs, _ = parts(prefix)
    assert [len(stated(item)) for item in theirs] == sizes
    console, agent = a_console(theirs[0]), theirs[0].said("qmf.agent") or ""
    console.query(agent, Query(QueryTarget.OBJECT, schema_id=SchemaId("org.example.lab", "Item")), 0.0, 9.0)
    for item in theirs:
        assert happened(console) == []
        console.receive(packet(item), 1.0)
    (event,) = happened(console)
    assert isinstance(event, QueryCompleted)
    check_objects(cast("list[Data]", event.items), [one for item in theirs for one in stated(item)], agent)


IDS = of_kind("schema ids")


@pytest.mark.parametrize("item", IDS, ids=labels(IDS))
def test_recorded_schema_ids_are_the_classes_of_the_agent(item: Recorded) -> None:
    console = a_console(item)
    number = console.list_classes(item.said("qmf.agent") or "", 0.0, 9.0)
    console.receive(packet(item), 1.0)
    (event,) = happened(console)
    assert event == ClassesListed(
        number, item.said("qmf.agent") or "", [SchemaId.from_map(one) for one in stated(item)]
    )
    assert all(one.hash is not None for one in event.classes)


SCHEMAS = of_kind("schema")


@pytest.mark.parametrize("item", SCHEMAS, ids=labels(SCHEMAS))
def test_a_recorded_schema_is_fetched_and_remembered(item: Recorded) -> None:
    console, agent = a_console(item), item.said("qmf.agent") or ""
    (said,) = stated(item)
    wanted = SchemaId.from_map(said["_schema_id"])
    number = console.fetch_schema(agent, wanted, 0.0, 9.0)
    console.receive(packet(item), 1.0)
    schema = Schema.from_map(said)
    assert happened(console) == [SchemaFetched(number, agent, schema)]
    assert console.find_schema(wanted) == schema == classes()[wanted.name]
    names = [method["_name"] for method in cast("list[dict[str, Value]]", said["_methods"])]
    assert [method.name for method in schema.methods] == names


FRAMES = [item for item in of_kind("frame answer") if item.stated.frames[0]["opcode"] == "s"]


@pytest.mark.parametrize("item", FRAMES, ids=labels(FRAMES))
def test_a_recorded_qmfv1_schema_is_fetched_and_remembered(item: Recorded) -> None:
    """Agents of libqmf2 name themselves in the answer, the broker's does not (qmf2.md 3.12)."""
    frame, agent = item.stated.frames[0], item.said("qmf.agent") or "broker"
    console = ConsoleEngine(reply_to=REPLY_TO, first_request=cast(int, frame["sequence"]))
    announced: Value = {"_values": {"_name": agent, "_heartbeat_interval": 60}}
    console.receive(Packet("_agent_heartbeat_indication", announced, agent=agent), 0.0)
    kind = "_event" if frame["kind"] == 2 else "_data"
    wanted = SchemaId(str(frame["package"]), str(frame["class"]), kind, uuid.UUID(str(frame["hash"])))  # type: ignore[arg-type]  # one of the two words
    number = console.fetch_schema(agent, wanted, 0.0, 9.0)
    console.receive(packet(item), 1.0)
    added, event = happened(console)
    assert isinstance(added, AgentAdded)
    (read,) = v1.decode_frames(item.stated.data)
    schema = v1.read_schema(read.payload)
    assert event == SchemaFetched(number, agent, schema)
    assert schema.id == wanted
    assert console.find_schema(wanted) == schema


def test_the_recorded_frames_of_the_broker_make_the_list_of_its_classes() -> None:
    """Two packages in one message, a class, and *command complete*; renumbered as one conversation of ours."""
    console = ConsoleEngine(reply_to=REPLY_TO)
    number = console.list_classes("broker", 0.0, 9.0)
    sent = []
    for name in ("broker-p", "broker-z", "broker-q", "broker-z", "broker-z"):
        console.receive(renumbered(find("schema-qmfv1", name), number), 1.0)
        while (command := console.next_command()) is not None:
            sent.append((command.key, v1.decode_frames(cast(bytes, command.packet.body))[0]))
    frame = find("schema-qmfv1", "broker-q").stated.frames[0]
    found = SchemaId(str(frame["package"]), str(frame["class"]), "_data", uuid.UUID(str(frame["hash"])))
    assert happened(console) == [ClassesListed(number, "broker", [found])]
    assert [(key, one.opcode) for key, one in sent] == [("broker", "P"), ("broker", "Q"), ("broker", "Q")]
    packages = [str(frame["package"]) for frame in find("schema-qmfv1", "broker-p").stated.frames]
    assert [v1.read_package(one.payload) for _, one in sent[1:]] == packages


def renumbered(item: Recorded, number: int) -> Packet:
    frames = v1.decode_frames(item.stated.data)
    return Packet("", b"".join(v1.encode_frame(frame.opcode, number, frame.payload) for frame in frames))


# -- calls -----------------------------------------------------------------------------------------------------------

RESULTS, EXCEPTIONS = of_kind("result"), of_kind("exception")


def call(item: Recorded) -> tuple[ConsoleEngine, int, str]:
    console, agent = a_console(item), item.said("qmf.agent") or ""
    return console, console.call(agent, ObjectId(agent, "object"), "method", {}, 0.0, 9.0), agent


@pytest.mark.parametrize("item", RESULTS, ids=labels(RESULTS))
def test_a_recorded_result_is_that_of_the_call(item: Recorded) -> None:
    console, number, agent = call(item)
    console.receive(packet(item), 1.0)
    console.receive(packet(item), 1.1)  # delivered once more
    (event,) = happened(console)
    assert isinstance(event, CallCompleted)
    assert (event.request, event.agent) == (number, agent)
    assert decode_text(cast(Value, event.arguments)) == stated(item)[0]["_arguments"]


@pytest.mark.parametrize("item", EXCEPTIONS, ids=labels(EXCEPTIONS))
def test_a_recorded_exception_is_the_end_of_the_call(item: Recorded) -> None:
    console, number, agent = call(item)
    console.receive(packet(item), 1.0)
    (event,) = happened(console)
    assert isinstance(event, RequestFailed)
    assert (event.request, event.agent) == (number, agent)
    (said,) = stated(item)
    values = cast("dict[str, Value]", said["_values"])
    assert event.error.decoded() == values
    assert failure_code(event.error) == values.get("error_code", 7)
    plugin = ": ".join(str(values[key]) for key in ("type", "value") if key in values)
    assert failure_text(event.error) == values.get("error_text", plugin)
    if "_schema_id" in said:
        assert event.error.schema_id == SchemaId.from_map(said["_schema_id"])


# -- events and objects unasked --------------------------------------------------------------------------------------

EVENTS, INDICATIONS = of_kind("event"), of_kind("object indication")


@pytest.mark.parametrize("item", EVENTS, ids=labels(EVENTS))
def test_a_recorded_event_is_raised_with_all_that_it_says(item: Recorded) -> None:
    console = ConsoleEngine(reply_to=REPLY_TO)
    console.receive(packet(item), 1.0)
    (event,) = happened(console)
    assert isinstance(event, EventRaised)
    (said,) = stated(item)
    assert event.agent == item.said("qmf.agent")
    assert event.data.decoded() == said["_values"]
    assert (event.data.severity, event.data.timestamp_ns) == (said["_severity"], said["_timestamp"])
    assert event.data.schema_id == SchemaId.from_map(said["_schema_id"])
    assert event.data.schema_id.kind == "_event"


@pytest.mark.parametrize("item", INDICATIONS, ids=labels(INDICATIONS))
def test_recorded_objects_told_unasked_are_heard(item: Recorded) -> None:
    console, agent = ConsoleEngine(reply_to=REPLY_TO), item.said("qmf.agent") or ""
    console.receive(packet(item), 1.0)
    (event,) = happened(console)
    assert isinstance(event, DataIndicated)
    assert event.agent == agent
    check_objects(event.items, stated(item), agent)


def test_everything_that_an_agent_was_recorded_to_say_is_replayed_here() -> None:
    replayed = [ANNOUNCED, OBJECTS, IDS, SCHEMAS, FRAMES, RESULTS, EXCEPTIONS, EVENTS, INDICATIONS]
    said = {item.label for items in replayed for item in items}
    rest = [item for item in readable() if "reply-to" not in item.stated.properties and item.label not in said]
    assert {item.file for item in rest} == {"partial", "schema-qmfv1"}
    assert {item.name for item in rest if item.file == "schema-qmfv1"} == {
        "broker-b",
        "broker-p",
        "broker-q",
        "broker-z",
    }
    assert len(said) > 90
