"""How the console engine gets schemas and lists of classes: from our agents, libqmf2's and the broker's own."""

from __future__ import annotations

import uuid

import pytest

from matahari.errors import LocalProtocolError, SchemaError
from matahari.qmf import _schema_requests as module
from matahari.qmf import v1
from matahari.qmf.console import ConsoleEngine
from matahari.qmf.console_events import (
    AgentAdded,
    ClassesListed,
    EngineEvent,
    RequestAborted,
    RequestExpired,
    RequestFailed,
    SchemaFetched,
)
from matahari.qmf.data import failure_code, failure_text
from matahari.qmf.packet import Direct, Packet, Publish
from matahari.qmf.property import Property, PropertyType
from matahari.qmf.query import Query, QueryTarget
from matahari.qmf.schema import Schema, SchemaId
from matahari.qmf.values import Value
from tests.support.vectors import Vector, find, load

REPLY_TO = "qmf.default.direct/direct-console.1"
AGENT = "example.org:lab:1"
OLD = "example.org:old:1"
BROKER = "apache.org:qpidd:d85f8d42-ac04-4df6-9db0-b4a6eb328e20"
SCHEMA = Schema(SchemaId("org.example", "Thing"), (Property("name", PropertyType.STRING),))


def events(console: ConsoleEngine) -> list[EngineEvent]:
    found = []
    while (event := console.next_event()) is not None:
        found.append(event)
    return found


def commands(console: ConsoleEngine) -> list[Publish | Direct]:
    found = []
    while (command := console.next_command()) is not None:
        found.append(command)
    return found


def new_console(first_request: int = 1) -> ConsoleEngine:
    """A console that knows an agent capable of schema queries, one that is not, and the broker's own."""
    console = ConsoleEngine(reply_to=REPLY_TO, first_request=first_request)
    for name, capability in ((AGENT, 1), (OLD, 0)):
        values: dict[str, Value] = {"_heartbeat_interval": 10, "qmf.agent_capability": capability}
        console.receive(Packet("_agent_heartbeat_indication", {"_values": values}, agent=name), 0.0)
    console.receive(find("locate", "response-broker-to-python"), 0.0)
    assert [type(event) for event in events(console)] == [AgentAdded] * 3
    return console


def response(request: int, body: Value, agent: str | None = AGENT, opcode: str = "_query_response") -> Packet:
    return Packet(opcode, body, agent=agent, correlation_id=str(request))


def frames(*some: bytes, agent: str | None = None) -> Packet:
    return Packet("", b"".join(some), agent=agent)


def the_frame(command: Publish | Direct) -> v1.Frame:
    body = command.packet.body
    assert isinstance(body, bytes)
    assert (command.packet.opcode, command.packet.reply_to, command.packet.agent) == ("", REPLY_TO, None)
    (frame,) = v1.decode_frames(body)
    return frame


# -- one schema ------------------------------------------------------------------------------------------------------


def test_a_capable_agent_is_asked_with_a_query_by_exact_hash() -> None:
    console = new_console()
    request = console.fetch_schema(AGENT, SCHEMA.id, 0.0, 5.0)
    (command,) = commands(console)
    assert command.packet.opcode == "_query_request"
    assert command.packet.body == Query(QueryTarget.SCHEMA, schema_id=SCHEMA.id).to_map()
    console.receive(response(request, [SCHEMA.to_map()]), 1.0)
    assert events(console) == [SchemaFetched(request, AGENT, SCHEMA)]
    assert console.find_schema(SCHEMA.id) == SCHEMA


def test_a_schema_is_asked_for_once_whoever_has_it() -> None:
    console = new_console()
    console.receive(response(console.fetch_schema(AGENT, SCHEMA.id, 0.0, 5.0), [SCHEMA.to_map()]), 1.0)
    commands(console)
    events(console)
    request = console.fetch_schema(BROKER, SCHEMA.id, 2.0, 5.0)
    assert commands(console) == []
    assert events(console) == [SchemaFetched(request, BROKER, SCHEMA)]
    assert console.statistics()["schemas"] == 1
    assert not console.cancel(request)


@pytest.mark.parametrize(
    ("agent", "key"), [(OLD, OLD), (BROKER, "broker"), ("broker", "broker"), ("apache.org:qpidd:other", "broker")]
)
def test_all_other_agents_are_asked_with_a_frame(agent: str, key: str) -> None:
    console = new_console(first_request=7)
    request = console.fetch_schema(agent, SCHEMA.id, 0.0, 5.0)
    (command,) = commands(console)
    assert isinstance(command, Direct)
    assert command.key == key
    assert command.packet.correlation_id is None
    frame = the_frame(command)
    assert (frame.opcode, frame.sequence, request) == ("S", 7, 7)
    assert v1.read_schema_request(frame.payload) == SCHEMA.id


def test_a_frame_goes_to_the_direct_subject_where_there_is_one() -> None:
    console = new_console()
    values: dict[str, Value] = {"_direct_subject": b"direct-agent.route.1"}
    console.receive(Packet("_agent_heartbeat_indication", {"_values": values}, agent=OLD), 1.0)
    console.fetch_schema(OLD, SCHEMA.id, 1.0, 5.0)
    (command,) = commands(console)
    assert (type(command), command.key) == (Publish, "direct-agent.route.1")


@pytest.mark.parametrize("name", ["broker-s-data", "broker-s-event"])
@pytest.mark.parametrize("agent", [BROKER, "broker"])
def test_the_brokers_captured_schemas_are_understood(name: str, agent: str) -> None:
    """Quirk 16: they come without ``qmf.agent`` and correlation id, on an exchange of the broker's choice."""
    answer = find("schema-qmfv1", name)
    assert isinstance(answer.body, bytes)
    assert answer.agent is None
    assert answer.correlation_id is None
    (frame,) = v1.decode_frames(answer.body)
    expected = v1.read_schema(frame.payload)
    console = new_console(first_request=frame.sequence)
    request = console.fetch_schema(agent, expected.id, 0.0, 5.0)
    console.receive(answer, 1.0)
    assert events(console) == [SchemaFetched(request, agent, expected)]
    # The kind of class is not asked for, and senders of objects may leave it out.
    other = SchemaId(expected.id.package, expected.id.name, "_data", expected.id.hash)
    assert console.find_schema(other) == expected


CAPTURED = [vector for vector in load("schema-qmfv1") if vector.name.startswith("response-")]


@pytest.mark.parametrize("vector", CAPTURED, ids=lambda vector: vector.name)
def test_every_captured_schema_frame_of_a_libqmf2_agent_is_understood(vector: Vector) -> None:
    packet = vector.packet
    assert packet is not None and packet.agent is not None
    assert isinstance(packet.body, bytes)
    (frame,) = v1.decode_frames(packet.body)
    expected = v1.read_schema(frame.payload)
    console = ConsoleEngine(reply_to=REPLY_TO, first_request=frame.sequence)
    values: dict[str, Value] = {"_heartbeat_interval": 10}
    console.receive(Packet("_agent_heartbeat_indication", {"_values": values}, agent=packet.agent), 0.0)
    request = console.fetch_schema(packet.agent, expected.id, 0.0, 5.0)
    console.receive(packet, 1.0)
    assert events(console)[-1] == SchemaFetched(request, packet.agent, expected)


def test_quirk_33_an_empty_answer_ends_the_request_with_a_reason() -> None:
    console = new_console()
    request = console.fetch_schema(AGENT, SCHEMA.id, 0.0, 5.0)
    console.receive(response(request, []), 1.0)
    (event,) = events(console)
    assert isinstance(event, RequestFailed)
    assert (failure_code(event.error), failure_text(event.error)) == (1, "the agent does not know this schema")


@pytest.mark.parametrize(("code", "expected"), [(0, 1), (2, 2)])
def test_a_completion_instead_of_a_schema_is_a_failure_with_its_text(code: int, expected: int) -> None:
    console = new_console()
    request = console.fetch_schema("broker", SCHEMA.id, 0.0, 5.0)
    console.receive(frames(v1.encode_completion(request, code, "package not found")), 1.0)
    (event,) = events(console)
    assert isinstance(event, RequestFailed)
    assert (failure_code(event.error), failure_text(event.error)) == (expected, "no schema: package not found")
    assert console.next_deadline() == 30.0  # the broker's ageing; nothing else is waited for


def test_an_agent_not_heard_yet_that_refuses_the_query_is_asked_with_a_frame() -> None:
    """As the broker's agent does under whatever name it is reached."""
    console = ConsoleEngine(reply_to=REPLY_TO)
    request = console.fetch_schema("who:knows:1", SCHEMA.id, 0.0, 5.0)
    refusal = response(
        request, {"_values": {"error_code": 1, "error_text": b"not supported"}}, "who:knows:1", "_exception"
    )
    console.receive(refusal, 1.0)
    assert events(console) == []
    query, frame = commands(console)
    assert query.packet.opcode == "_query_request"
    assert the_frame(frame).opcode == "S"
    console.receive(response(request, [SCHEMA.to_map()], "who:knows:1"), 2.0)  # too late for that
    assert events(console) == []
    console.receive(refusal, 3.0)
    (event,) = events(console)
    assert isinstance(event, RequestFailed)


def test_a_capable_agents_refusal_is_final() -> None:
    console = new_console()
    request = console.fetch_schema(AGENT, SCHEMA.id, 0.0, 5.0)
    commands(console)
    console.receive(response(request, {"_values": {"error_text": "no"}}, opcode="_exception"), 1.0)
    (event,) = events(console)
    assert isinstance(event, RequestFailed)
    assert commands(console) == []


def test_another_schema_than_the_one_asked_for_is_a_failure_and_not_remembered() -> None:
    other = Schema(SchemaId("org.example", "Other"))
    console = new_console()
    query = console.fetch_schema(AGENT, SCHEMA.id, 0.0, 5.0)
    frame = console.fetch_schema(OLD, SCHEMA.id, 0.0, 5.0)
    console.receive(response(query, [other.to_map()]), 1.0)
    console.receive(frames(v1.encode_schema(frame, other), agent=OLD), 1.0)
    assert [type(event) for event in events(console)] == [RequestFailed] * 2
    assert console.statistics()["schemas"] == 0


def test_a_frame_of_another_agent_or_for_another_request_is_ignored() -> None:
    console = new_console()
    request = console.fetch_schema(OLD, SCHEMA.id, 0.0, 5.0)
    query = console.query(AGENT, Query(QueryTarget.SCHEMA_ID), 0.0, 5.0)
    console.receive(frames(v1.encode_schema(request, SCHEMA), agent=AGENT), 1.0)
    console.receive(frames(v1.encode_schema(99, SCHEMA), agent=OLD), 1.0)
    console.receive(frames(v1.encode_schema(query, SCHEMA), agent=AGENT), 1.0)
    console.receive(frames(v1.encode_request("P", 1)[:5]), 1.0)
    console.receive(Packet("", b"junk"), 1.0)
    assert events(console) == []
    assert console.statistics()["ignored"] == 5
    console.receive(frames(v1.encode_schema(99, SCHEMA), v1.encode_schema(request, SCHEMA), agent=OLD), 1.0)
    assert events(console) == [SchemaFetched(request, OLD, SCHEMA)]


def test_a_schema_frame_that_cannot_be_read_fails_its_request() -> None:
    console = new_console()
    request = console.fetch_schema(OLD, SCHEMA.id, 0.0, 5.0)
    body = v1.encode_schema(request, SCHEMA).replace(b"type", b"tipe")
    console.receive(frames(body), 1.0)
    (event,) = events(console)
    assert isinstance(event, RequestFailed)
    assert failure_text(event.error).startswith("the answer cannot be read")


def test_an_agent_that_never_answers_lets_the_request_expire_and_one_that_leaves_aborts_it() -> None:
    """libqmf2 agents say nothing to a frame for a schema that they do not know."""
    console = new_console()
    silent, gone = console.fetch_schema(OLD, SCHEMA.id, 0.0, 5.0), console.fetch_schema(AGENT, SCHEMA.id, 0.0, 5.0)
    listing = console.list_classes(BROKER, 0.0, 5.0)
    cancelled = console.list_classes(BROKER, 0.0, 5.0)
    assert console.cancel(cancelled)
    console.agent_gone(AGENT, 1.0)
    console.handle_timeout(5.0)
    ends = [event for event in events(console) if isinstance(event, (RequestAborted, RequestExpired))]
    assert ends == [RequestAborted(gone, AGENT), RequestExpired(silent, OLD), RequestExpired(listing, BROKER)]


def test_a_schema_cannot_be_asked_for_without_its_hash_or_with_a_name_that_no_frame_can_carry() -> None:
    console = new_console()
    with pytest.raises(ValueError, match="hash"):
        console.fetch_schema(AGENT, SchemaId("p", "c"), 0.0, 5.0)
    with pytest.raises(SchemaError):
        console.fetch_schema(OLD, SchemaId("p", "c" * 256, hash=uuid.UUID(int=1)), 0.0, 5.0)
    assert console.statistics()["pending"] == 0


# -- all classes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("agent", [AGENT, OLD, "never:heard:1"])
def test_agents_are_asked_for_the_ids_of_their_classes(agent: str) -> None:
    console = new_console()
    request = console.list_classes(agent, 0.0, 5.0)
    (command,) = commands(console)
    assert command.packet.body == {"_what": "SCHEMA_ID"}
    body: Value = [{"_package_name": b"p", "_class_name": b"c", "_type": b"_event", "_hash": uuid.UUID(int=1)}]
    console.receive(response(request, body, agent), 1.0)
    assert events(console) == [ClassesListed(request, agent, [SchemaId("p", "c", "_event", uuid.UUID(int=1))])]


@pytest.mark.parametrize("agent", [BROKER, "broker"])
def test_the_broker_is_asked_for_its_packages_and_then_for_the_classes_of_each(agent: str) -> None:
    packages, classes, done = (find("schema-qmfv1", f"broker-{opcode}") for opcode in "pqz")
    assert isinstance(packages.body, bytes) and isinstance(classes.body, bytes) and isinstance(done.body, bytes)
    sequence = v1.decode_frames(packages.body)[0].sequence
    console = new_console(first_request=sequence)
    request = console.list_classes(agent, 0.0, 5.0)
    (command,) = commands(console)
    assert (the_frame(command), command.key) == (v1.Frame("P", sequence, b""), "broker")
    console.receive(packages, 1.0)
    asked = [v1.read_package(the_frame(command).payload) for command in commands(console)]
    assert asked == ["org.apache.qpid.acl", "org.apache.qpid.broker"]
    console.receive(done, 1.0)  # of P
    console.receive(frames(renumbered(classes.body, sequence)), 1.0)
    console.receive(done, 1.0)
    assert events(console) == []
    other = SchemaId("org.apache.qpid.broker", "bind", "_event", uuid.UUID(int=2))
    payload = b"\x02\x16org.apache.qpid.broker\x04bind" + uuid.UUID(int=2).bytes
    console.receive(frames(v1.encode_frame("q", sequence, payload), v1.encode_completion(sequence, 0, "OK")), 1.0)
    acl = SchemaId("org.apache.qpid.acl", "acl", hash=uuid.UUID("231eb24e-3e71-f203-606c-b05a2c2bd7dc"))
    assert events(console) == [ClassesListed(request, agent, [acl, other])]
    assert console.statistics()["ignored"] == 0


def renumbered(body: bytes, sequence: int) -> bytes:
    """The same frame with another sequence number: the capture's own console numbered each request anew."""
    return body[:4] + sequence.to_bytes(4, "big") + body[8:]


def test_a_list_of_classes_ends_with_the_first_failure() -> None:
    console = new_console()
    request = console.list_classes(BROKER, 0.0, 5.0)
    console.receive(frames(v1.encode_completion(request, 6, "Forbidden")), 1.0)
    (event,) = events(console)
    assert isinstance(event, RequestFailed)
    assert (failure_code(event.error), failure_text(event.error)) == (6, "no list of classes: Forbidden")


def test_packages_are_asked_once_each_and_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PACKAGES", 2)
    console = new_console()
    request = console.list_classes(BROKER, 0.0, 5.0)
    commands(console)
    a, b, c = (v1.encode_frame("p", request, bytes((1,)) + name) for name in (b"a", b"b", b"c"))
    console.receive(frames(a, a, b), 1.0)
    assert len(commands(console)) == 2
    console.receive(frames(c), 1.0)
    (event,) = events(console)
    assert isinstance(event, RequestFailed)
    assert "more than 2 packages" in failure_text(event.error)


def test_the_refusal_of_a_list_of_classes_is_a_failure() -> None:
    """Only the broker's agent lists classes the other way, and it is asked so from the start."""
    console = new_console()
    request = console.list_classes(OLD, 0.0, 5.0)
    commands(console)
    console.receive(response(request, find("schema-ids", "exception-broker").body, OLD, "_exception"), 1.0)
    (event,) = events(console)
    assert isinstance(event, RequestFailed)
    assert commands(console) == []


def test_requests_for_schemas_are_limited_as_all_others_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matahari.qmf._console_outbox.MAX_QUEUED_COMMANDS", 0)
    console = ConsoleEngine(reply_to=REPLY_TO)
    with pytest.raises(LocalProtocolError):
        console.fetch_schema(AGENT, SCHEMA.id, 0.0, 5.0)
    with pytest.raises(LocalProtocolError):
        console.list_classes(AGENT, 0.0, 5.0)
