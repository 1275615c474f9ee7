"""Messages captured from the original software, through the codec and both engines (see qmf2/README.md)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matahari.qmf import (
    AgentAdded,
    AgentEngine,
    CallCompleted,
    ConsoleEngine,
    Data,
    DataIndicated,
    EngineEvent,
    EventRaised,
    Invoke,
    ManagedObject,
    ObjectId,
    Packet,
    Publish,
    Query,
    QueryCompleted,
    QueryTarget,
    Reply,
    RequestFailed,
    Schema,
    SchemaId,
    Value,
    decode_list,
    decode_map,
    encode_list,
    encode_map,
    failure_code,
    failure_text,
    schema_hash,
    text,
)
from tests.support.vectors import Vector, find, load

ALL = load()
BODIES = [vector for vector in ALL if isinstance(vector.stated, (dict, list))]
IN_0_10 = [vector for vector in BODIES if vector.section == "data"]
SCHEMAS = [vector for vector in ALL if vector.packet is not None and vector.packet.content == "_schema"]


def with_opcode(opcode: str) -> list[Packet]:
    return [vector.packet for vector in ALL if vector.packet is not None and vector.packet.opcode == opcode]


def names(vectors: list[Vector]) -> list[str]:
    return [vector.label for vector in vectors]


def test_all_captured_messages_are_here() -> None:
    assert len(ALL) == 216
    assert len(IN_0_10) == 49
    assert sum(vector.packet is None for vector in ALL) == 4  # two malformed, two left out for size


# -- codec -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", IN_0_10, ids=names(IN_0_10))
def test_a_0_10_body_decodes_to_the_stated_values(vector: Vector) -> None:
    assert vector.packet is not None
    assert vector.packet.body == vector.stated


@pytest.mark.parametrize("vector", BODIES, ids=names(BODIES))
def test_a_body_encoded_again_decodes_to_the_same(vector: Vector) -> None:
    if isinstance(vector.stated, dict):
        assert decode_map(encode_map(vector.stated)) == vector.stated
    else:
        assert isinstance(vector.stated, list)
        assert decode_list(encode_list(vector.stated)) == vector.stated


# -- schemas ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", SCHEMAS, ids=names(SCHEMAS))
def test_a_captured_schema_hashes_to_what_its_agent_says(vector: Vector) -> None:
    assert vector.packet is not None
    assert isinstance(vector.packet.body, list)
    (item,) = vector.packet.body
    schema = Schema.from_map(item)
    assert schema_hash(schema) == schema.id.hash
    assert Schema.from_map(decode_map(encode_map(schema.to_map()))) == schema


# -- requests of all consoles, to an agent of ours -------------------------------------------------------------------


def agent_for(name: str) -> AgentEngine:
    """Make an agent of that name with the captured plugin class ``example``."""
    vendor, product, instance = name.split(":", 2)
    agent = AgentEngine(vendor=vendor, product=product, instance=instance, attributes={"hostname": "ast1"})
    body = find("schema", "response-libqmf2-1.0-example").body
    assert isinstance(body, list)
    agent.add_schema(Schema.from_map(body[0]), 1)
    return agent


def add_object(agent: AgentEngine, name: str) -> None:
    (schema,) = agent.schemas.values()
    agent.add_object(ManagedObject(name, schema, {"name": "first"}), 1)


def replies(agent: AgentEngine) -> list[Packet]:
    found = []
    while (command := agent.next_command()) is not None:
        assert isinstance(command, Reply)
        found.append(command.packet)
    return found


@pytest.mark.parametrize("request_packet", with_opcode("_agent_locate_request"))
def test_every_captured_locate_request_is_answered_when_its_filter_matches(request_packet: Packet) -> None:
    answers = []
    for name in ("matahariproject.org:rpc:1", "example.org:lab:1", "elsewhere.org:host:1"):
        agent = agent_for(name)
        agent.receive(request_packet, 1.0, 2)
        answers += replies(agent)
    assert len(answers) == (1 if request_packet.body else 3)
    for answer in answers:
        assert answer.opcode == "_agent_locate_response"
        assert answer.correlation_id == request_packet.correlation_id
        assert answer.form_a is request_packet.form_a


METHOD_REQUESTS = with_opcode("_method_request")


@pytest.mark.parametrize("request_packet", METHOD_REQUESTS)
def test_every_captured_call_reaches_the_application_and_is_answered(request_packet: Packet) -> None:
    assert isinstance(request_packet.body, dict)
    address = ObjectId.from_map(request_packet.body["_object_id"])
    agent = agent_for(address.agent_name)
    add_object(agent, address.object_name)
    agent.receive(request_packet, 1.0, 2)
    command = agent.next_command()
    if request_packet == find("method-proton", "request-wrong-type"):
        assert isinstance(command, Reply)
        assert failure_text(Data.from_map(command.packet.body)) == "Invalid argument: args"
        return
    assert isinstance(command, Invoke)
    assert command.object_name == address.object_name
    assert command.method == text(request_packet.body["_method_name"])
    assert command.arguments == request_packet.body["_arguments"]
    agent.complete(command.call, {"result": "1"})
    (answer,) = replies(agent)
    assert answer.correlation_id == request_packet.correlation_id
    assert answer.body == {"_arguments": {"result": "1"}}
    assert answer.agent == address.agent_name


def test_a_call_of_an_object_that_is_not_there_is_answered_as_libqmf2_does() -> None:
    request_packet = find("method-proton", "request-wrong-object")
    captured = Data.from_map(find("method-proton", "response-wrong-object").body)
    agent = agent_for("matahariproject.org:rpc:9eef5b08-1a99-4342-bbbb-3b293afcd747")
    agent.receive(request_packet, 1.0, 2)
    (answer,) = replies(agent)
    assert failure_text(Data.from_map(answer.body)) == failure_text(captured)


QUERY_REQUESTS = with_opcode("_query_request")


@pytest.mark.parametrize("request_packet", QUERY_REQUESTS)
def test_every_captured_query_is_answered(request_packet: Packet) -> None:
    """The agent has one object of the class ``example``, which some of the queries ask for."""
    agent = agent_for("matahariproject.org:rpc:1")
    add_object(agent, "an-object")
    agent.receive(request_packet, 1.0, 2)
    (answer,) = replies(agent)
    assert (answer.opcode, answer.partial, answer.form_a) == ("_query_response", False, request_packet.form_a)
    query = Query.from_map(request_packet.body)
    words = {QueryTarget.SCHEMA_ID: "_schema_id", QueryTarget.SCHEMA: "_schema", QueryTarget.OBJECT: "_data"}
    assert answer.content == words[query.what]
    asks_for_ours = query.schema_id is None or query.schema_id.name == "example"
    assert isinstance(answer.body, list)
    assert len(answer.body) == (1 if asks_for_ours else 0)


def test_a_predicate_of_a_libqmf2_console_chooses_among_objects() -> None:
    request_packet = find("objects", "request-libqmf2-0-10-where")
    assert isinstance(request_packet.body, dict)
    asked: dict[str, Value] = {**request_packet.body, "_schema_id": {"_class_name": b"example"}}
    agent = agent_for("matahariproject.org:rpc:1")
    add_object(agent, "an-object")
    (schema,) = agent.schemas.values()
    agent.add_object(ManagedObject("another", schema, {"name": "second"}), 1)
    agent.receive(replace(request_packet, body=asked), 1.0, 2)
    (answer,) = replies(agent)
    assert isinstance(answer.body, list)
    found = [Data.from_map(item) for item in answer.body]
    assert [item.object_id.object_name for item in found if item.object_id is not None] == ["an-object"]


@pytest.mark.parametrize("vector", [vector for vector in load("schema-qmfv1") if vector.packet is not None])
def test_of_the_first_qmf_an_agent_answers_requests_for_schemas_and_ignores_the_rest(vector: Vector) -> None:
    assert vector.packet is not None
    agent = agent_for("matahariproject.org:rpc:1")
    console = ConsoleEngine(reply_to="x")
    agent.receive(vector.packet, 1.0, 2)
    console.receive(vector.packet, 1.0)
    answers = [command.packet.body for command in iter(agent.next_command, None) if isinstance(command, Reply)]
    if vector.name.startswith("request-"):
        (answer,) = answers
        assert isinstance(answer, bytes)
        known = vector.name == "request-example"  # the one schema that this agent has
        assert answer.startswith((b"AM2s" if known else b"AM2z") + vector.data[4:8])
    else:
        assert answers == []
        assert agent.statistics()["ignored"] == 1
    assert console.next_event() is None
    assert console.statistics()["ignored"] == 1


# -- answers and indications of all agents, to a console of ours -----------------------------------------------------


def ask(answer: Packet) -> tuple[ConsoleEngine, int]:
    """Make a console with the request open that ``answer`` belongs to."""
    assert answer.agent is not None
    assert answer.correlation_id is not None
    console = ConsoleEngine(reply_to="qmf.default.topic/c", first_request=int(answer.correlation_id))
    targets = {"_data": QueryTarget.OBJECT, "_schema": QueryTarget.SCHEMA, "_schema_id": QueryTarget.SCHEMA_ID}
    if answer.opcode == "_query_response":
        assert answer.content is not None
        return console, console.query(answer.agent, Query(targets[answer.content]), 0.0, 9.0)
    return console, console.call(answer.agent, ObjectId(answer.agent, "x"), "m", {}, 0.0, 9.0)


def events(console: ConsoleEngine) -> list[EngineEvent]:
    found = []
    while (event := console.next_event()) is not None:
        found.append(event)
    return found


def test_every_captured_method_response_completes_its_call() -> None:
    answers = with_opcode("_method_response")
    assert answers
    for answer in answers:
        console, request = ask(answer)
        console.receive(answer, 1.0)
        console.receive(answer, 1.1)  # a second one does nothing
        assert isinstance(answer.body, dict)
        assert events(console) == [CallCompleted(request, answer.agent or "", as_map(answer.body["_arguments"]))]


def as_map(value: Value) -> dict[str, Value]:
    assert isinstance(value, dict)
    return value


def test_every_captured_exception_fails_its_call() -> None:
    answers = with_opcode("_exception")
    assert answers
    for answer in answers:
        console, request = ask(answer)
        console.receive(answer, 1.0)
        (event,) = events(console)
        assert isinstance(event, RequestFailed)
        assert event.request == request
        assert failure_text(event.error) != "error"
        assert failure_code(event.error) in (1, 7, 42)


def test_the_exception_of_a_2012_plugin_is_told_by_its_type_and_value() -> None:
    answer = find("method-proton", "response-testException")
    console, _ = ask(answer)
    console.receive(answer, 1.0)
    (event,) = events(console)
    assert isinstance(event, RequestFailed)
    assert failure_text(event.error).startswith("Exception: ")
    assert event.error.schema_id is not None
    assert event.error.schema_id.name == "PluginException"


def test_every_captured_query_response_is_collected_up_to_its_last_part() -> None:
    answers = with_opcode("_query_response")
    assert answers
    for answer in answers:
        console, request = ask(answer)
        console.receive(answer, 1.0)
        if answer.partial:
            assert events(console) == []
            console.receive(replace(answer, body=[], partial=False), 1.1)
        (event,) = events(console)
        assert isinstance(event, QueryCompleted)
        assert (event.request, event.agent) == (request, answer.agent)
        assert isinstance(answer.body, list)
        assert len(event.items) == len(answer.body)


@pytest.mark.parametrize("prefix", ["libqmf2-0-10", "libqmf2-1.0"])
def test_the_parts_of_a_captured_answer_are_joined(prefix: str) -> None:
    parts = [
        vector.packet
        for vector in load("partial")
        if vector.packet is not None and vector.packet.opcode == "_query_response" and prefix in vector.name
    ]
    assert [part.partial for part in parts] == [True] * (len(parts) - 1) + [False]
    console, _ = ask(parts[0])
    for part in parts:
        console.receive(part, 1.0)
    (event,) = events(console)
    assert isinstance(event, QueryCompleted)
    assert len(event.items) == sum(len(part.body) for part in parts if isinstance(part.body, list))


def test_the_broker_answers_by_either_of_its_names() -> None:
    refusal = find("schema-ids", "exception-broker")
    assert refusal.agent is not None and refusal.agent.startswith("apache.org:qpidd:")
    console = ConsoleEngine(reply_to="x")
    console.query("broker", Query(QueryTarget.SCHEMA_ID), 0.0, 5.0)
    console.receive(refusal, 1.0)
    (event,) = events(console)
    assert isinstance(event, RequestFailed)
    assert event.agent == "broker"


ANNOUNCEMENTS = with_opcode("_agent_heartbeat_indication") + with_opcode("_agent_locate_response")


@pytest.mark.parametrize("packet", ANNOUNCEMENTS)
def test_every_captured_announcement_makes_an_agent_known(packet: Packet) -> None:
    console = ConsoleEngine(reply_to="x")
    console.receive(packet, 1.0)
    (event,) = events(console)
    assert isinstance(event, AgentAdded)
    info = event.info
    assert info.name == packet.agent == f"{info.vendor}:{info.product}:{info.instance}"
    assert info.epoch == 1
    assert info.heartbeat_interval in (1, 2, 5, 10, 60)
    assert (info.direct_subject is None) is (info.vendor == "apache.org")
    assert not any(isinstance(value, bytes) for value in info.attributes.values())
    console.call(info.name, ObjectId(info.name, "x"), "m", {}, 1.0, 5.0)
    command = console.next_command()
    assert isinstance(command, Publish) is (info.direct_subject is not None)


def test_captured_indications_become_events_and_objects() -> None:
    for packet in with_opcode("_data_indication"):
        console = ConsoleEngine(reply_to="x")
        console.receive(packet, 1.0)
        (event,) = events(console)
        if packet.content == "_data":
            assert isinstance(event, DataIndicated)
            assert event.items[0].object_id is not None
            assert event.items[0].object_id.agent_name == packet.agent
            continue
        assert isinstance(event, EventRaised)
        assert event.data.schema_id is not None
        assert event.data.schema_id.kind == "_event"
        assert event.data.severity is not None
        assert (event.data.timestamp_ns or 0) > 10**18


def test_text_of_foreign_agents_can_be_had_as_text() -> None:
    (item,) = data_of("objects", "response-Agent-from-rpc")
    assert item.values["hostname"] == b"ast1"
    assert item.decoded()["hostname"] == "ast1"
    assert item.schema_id is not None
    assert item.schema_id == SchemaId("org.matahariproject", "Agent", "_data", item.schema_id.hash)


def data_of(file: str, name: str) -> list[Data]:
    body = find(file, name).body
    assert isinstance(body, list)
    return [Data.from_map(item) for item in body]
