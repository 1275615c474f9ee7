"""Quirks 19 to 34 of qmf2.md section 7, those of libqmf2: what we take from it and what we spare it."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import cast

import pytest

from matahari.amqp import BodyValue, Message, decode_message, encode_message
from matahari.bus import matches, packet_of
from matahari.qmf import (
    DEFAULT_SEVERITY,
    AgentAdded,
    AgentEngine,
    AgentUpdated,
    ClassesListed,
    Data,
    EventRaised,
    ManagedObject,
    ObjectId,
    Packet,
    Property,
    PropertyType,
    Publish,
    Query,
    QueryCompleted,
    QueryTarget,
    Reply,
    RequestExpired,
    RequestFailed,
    Schema,
    SchemaId,
    Value,
    compile_predicate,
    schema_hash,
    v1,
)
from tests.support.agent_replay import packet as recorded
from tests.support.qmf_talk import (
    DONE,
    NAME,
    REPLY_TO,
    THING,
    a_console,
    an_agent,
    ask,
    ask_one,
    commands,
    events,
    items,
    off_the_wire,
    on_the_wire,
    query,
    request,
    sent,
    values,
)
from tests.support.recorded import find, load
from tests.support.wire_reader import read_frames


def announcement(**more: Value) -> Packet:
    said: dict[str, Value] = {"_name": NAME, "_timestamp": 1, "_heartbeat_interval": 60, "_epoch": 1, **more}
    return Packet("_agent_heartbeat_indication", {"_values": said}, agent=NAME)


def test_quirk_19_an_agent_that_begins_anew_with_the_same_epoch_is_asked_at_its_new_address() -> None:
    console = a_console()
    console.receive(announcement(_direct_subject="direct-agent.route.1"), 0.0)
    console.receive(announcement(_direct_subject="direct-agent.route.2"), 1.0)
    assert [type(event) for event in events(console)] == [AgentAdded, AgentUpdated]
    console.list_classes(NAME, 1.0, 5.0)
    assert sent(console)[0][0] == "direct-agent.route.2"


@pytest.mark.parametrize(
    "subject",
    [item.property("subject") or "" for item in load("heartbeat", "events")],
)
def test_quirk_20_what_we_bind_fits_subjects_with_and_without_dots_in_their_parts(subject: str) -> None:
    patterns = ("agent.ind.heartbeat.#", "agent.ind.event.#", "agent.ind.data.#")
    assert sum(matches(pattern, subject) for pattern in patterns) == 1


@pytest.mark.parametrize("subject", ["agent.ind.heartbeat", "agent.ind.event"])
def test_quirk_20_subjects_that_end_early_fit_too(subject: str) -> None:
    """libqmf2 leaves out vendor and product that are not set, and the class of an event without schema."""
    assert matches(f"{subject}.#", subject)


MALFORMED: list[tuple[str, Value]] = [
    ("_query_request", {}),
    ("_query_request", {"_what": "NONSENSE"}),
    ("_query_request", {"_what": "OBJECT"}),
    ("_query_request", {"_what": "SCHEMA"}),
    ("_query_request", []),
    ("_query_request", {"_what": "OBJECT", "_schema_id": {"_class_name": "Thing"}, "_where": ["nonsense", 1]}),
    ("_query_request", {"_what": "OBJECT", "_object_id": {}}),
    ("_agent_locate_request", ["eq", 1]),
    ("_agent_locate_request", ["eq", "a", 5]),
    ("_method_request", {}),
    ("_method_request", []),
    ("_no_such_request", {}),
]


@pytest.mark.parametrize(("opcode", "body"), MALFORMED, ids=repr)
def test_quirk_21_our_agent_answers_what_makes_libqmf2_fall_silent(opcode: str, body: Value) -> None:
    answer = ask_one(an_agent(), request(opcode, body))
    assert answer.opcode == "_exception"
    assert set(values(answer)) >= {"error_code", "error_text"}


def test_quirk_21_our_console_gives_up_an_agent_that_falls_silent() -> None:
    console = a_console()
    number = console.query(NAME, Query(QueryTarget.OBJECT, schema_id=SchemaId("p", "c"), where=["nonsense"]), 0.0, 5.0)
    assert console.next_deadline() == 5.0
    console.handle_timeout(5.0)
    assert events(console) == [RequestExpired(number, NAME)]


@pytest.mark.parametrize("content_type", [None, "amqp/map", "amqp/list", "text/plain"])
@pytest.mark.parametrize(
    ("opcode", "body"), [("_agent_locate_request", []), ("_query_request", {"_what": "SCHEMA_ID"})]
)
def test_quirk_22_our_agent_answers_whatever_the_content_type(
    content_type: str | None, opcode: str, body: list[BodyValue] | dict[str, BodyValue]
) -> None:
    message = Message(body, "value", reply_to=REPLY_TO, content_type=content_type, properties={"qmf.opcode": opcode})
    agent = an_agent()
    agent.receive(packet_of(decode_message(encode_message(message))), 1.0, 2)
    (reply,) = commands(agent)
    assert isinstance(reply, Reply)
    assert reply.packet.opcode.endswith("_response")


def test_quirk_22_our_requests_have_the_one_content_type_that_it_takes() -> None:
    console = a_console()
    console.locate(0.0)
    console.query(NAME, Query(QueryTarget.SCHEMA_ID), 0.0, 5.0)
    console.call(NAME, ObjectId(NAME, "thing-0"), "resize", {"to": 1}, 0.0, 5.0)
    found = [on_the_wire(packet).properties["content-type"].value for _, packet in sent(console)]
    assert found == ["amqp/list", "amqp/map", "amqp/map"]


def test_quirk_23_the_schema_of_an_event_is_sent_for_a_request_that_cannot_say_which_kind_it_means() -> None:
    asked = v1.encode_schema_request(7, SchemaId("org.example", "done", hash=DONE.id.hash))
    (frame,) = read_frames(cast(bytes, ask_one(an_agent(), request("", asked)).body))
    assert (frame["opcode"], frame["sequence"], frame["kind"], frame["class"]) == ("s", 7, 2, "done")


def test_quirk_23_a_schema_that_is_not_there_gets_an_answer() -> None:
    asked = v1.encode_schema_request(8, SchemaId("org.example", "Nothing", hash=uuid.UUID(int=5)))
    (frame,) = read_frames(cast(bytes, ask_one(an_agent(), request("", asked)).body))
    assert (frame["opcode"], frame["sequence"]) == ("z", 8)
    assert frame["status"] != 0


@pytest.mark.parametrize("severity", [8, 2**31, 0xFFFFFFFF, -1, b"x", None])
def test_quirk_24_a_default_severity_that_was_never_set_counts_as_none(severity: Value) -> None:
    found = Schema.from_map({"_schema_id": {"_class_name": b"e", "_type": b"_event"}, "_default_severity": severity})
    assert found.default_severity is None
    console = a_console()
    item: Value = {"_values": {}, "_severity": severity}
    console.receive(Packet("_data_indication", [item], content="_event", agent=NAME), 0.0)
    (event,) = events(console)
    assert isinstance(event, EventRaised)
    assert event.data.severity is None
    assert DEFAULT_SEVERITY == 5


def test_quirk_25_a_schema_id_without_type_is_read_and_ours_always_has_one() -> None:
    assert SchemaId.from_map({"_package_name": b"p", "_class_name": b"c"}).kind == "_data"
    agent = an_agent()
    (found,) = items(ask_one(agent, query(what="OBJECT", schema_id={"_class_name": "Thing"})))
    ids = [cast("dict[str, Value]", found["_schema_id"]), *items(ask_one(agent, query(what="SCHEMA_ID")))]
    assert [one["_type"] for one in ids] == ["_data", "_data", "_event"]
    asked = Query(QueryTarget.OBJECT, schema_id=SchemaId("", "c")).to_map()
    assert asked["_schema_id"] == {"_class_name": "c", "_type": "_data"}


def test_quirk_26_optional_is_sent_under_a_key_that_it_ignores_and_is_not_expected() -> None:
    (schema,) = items(ask_one(an_agent(), query(what="SCHEMA", schema_id=THING.id.to_map())))
    name, size = cast("list[dict[str, Value]]", schema["_properties"])
    assert "_optional" not in name
    assert size["_optional"] is True
    known = {"_name", "_type", "_access", "_dir", "_unit", "_desc", "_index"}
    assert set(size) - known == {"_optional"}
    (theirs,) = items(recorded(find("schema", "response-libqmf2-1.0-Agent")))
    assert not any(item.optional for item in Schema.from_map(theirs).properties)


def test_quirk_26_fields_of_an_event_are_read_from_a_qmfv1_schema() -> None:
    (frame,) = v1.decode_frames(find("schema-qmfv1", "response-Poked").stated.data)
    assert [item.name for item in v1.read_schema(frame.payload).properties] == ["text", "count"]


@pytest.mark.parametrize("subtype", ["abstime", "deltatime"])
def test_quirk_27_times_of_matahari_are_plain_numbers_in_qmfv1(subtype: str) -> None:
    schema = Schema(SchemaId("p", "c"), (Property("t", PropertyType.INT, subtype=subtype),))
    (frame,) = read_frames(v1.encode_schema(1, schema))
    (member,) = cast("list[list[tuple[object, object]]]", frame["properties"])
    assert [getattr(value, "value", 0) for key, value in member if getattr(key, "value", "") == "type"] == [19]


def test_quirk_28_the_hash_takes_bytes_above_127_as_negative() -> None:
    plain = Schema(SchemaId("p", "c"), (Property("a", PropertyType.INT, description="e"),))
    accented = Schema(SchemaId("p", "c"), (Property("a", PropertyType.INT, description="é"),))
    assert schema_hash(plain) != schema_hash(accented)
    assert accented.id.hash == reference_hash(b"\x01pca\x03\x03\x00\x00\xc3\xa9\x01")


def reference_hash(data: bytes) -> uuid.UUID:
    """qmf2.md 4.2, written down once more."""
    first = second = 0x5A5A5A5A5A5A5A5A
    for byte in data:
        recycle = second >> 56
        second = ((second << 8) % 2**64) | first >> 56
        first = ((first << 8) + (byte if byte < 128 else byte - 256) + recycle) % 2**64
    return uuid.UUID(bytes=first.to_bytes(8, "little") + second.to_bytes(8, "little"))


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        (["re_match", "name", ["quote", "n.*"]], []),
        (["lt", "size", ["quote", 10.5]], []),
        (["lt", "size", ["quote", 10]], ["n0"]),
        (["ne", "nothing", ["quote", 1]], []),
    ],
)
def test_quirk_29_predicates_choose_the_objects_that_it_would_choose(predicate: Value, expected: list[str]) -> None:
    found = items(ask_one(an_agent(), query(what="OBJECT", schema_id={"_class_name": "Thing"}, where=predicate)))
    assert [cast("dict[str, Value]", one["_values"])["name"] for one in found] == expected
    assert isinstance(predicate, list)
    assert compile_predicate(predicate)({"name": "n0", "size": 0}) is bool(expected)


def test_quirk_30_the_address_of_an_agent_is_the_same_after_each_start() -> None:
    first, second = an_agent(), an_agent(epoch=2)
    assert first.direct_subject == second.direct_subject
    assert an_agent(name="example.org:thing:2").direct_subject != first.direct_subject


def test_quirk_30_schema_updated_is_there_from_the_first_announcement_on() -> None:
    agent = AgentEngine(vendor="v", product="p", instance="i", attributes={})
    agent.start(0.0, 77)
    (heartbeat,) = commands(agent)
    assert isinstance(heartbeat, Publish)
    assert values(heartbeat.packet)["_schema_updated"] == 77


def test_quirk_31_our_console_takes_answers_of_agents_that_it_never_heard_of() -> None:
    console = a_console()
    number = console.list_classes(NAME, 0.0, 5.0)
    ((key, packet),) = sent(console)
    assert key == NAME
    console.receive(off_the_wire(ask_one(an_agent(), packet)), 1.0)
    (event,) = events(console)
    assert isinstance(event, ClassesListed)
    assert event.request == number
    assert not console.agents


def test_quirk_32_an_agent_is_heard_without_being_asked_as_soon_as_it_starts() -> None:
    agent = AgentEngine(vendor="v", product="p", instance="i", attributes={})
    agent.start(0.0, 1)
    (heartbeat,) = commands(agent)
    assert isinstance(heartbeat, Publish)
    console = a_console()
    console.receive(off_the_wire(heartbeat.packet), 0.0)
    (event,) = events(console)
    assert isinstance(event, AgentAdded)
    assert agent.next_deadline() is not None and cast(float, agent.next_deadline()) <= 60


@pytest.mark.parametrize(
    "answer",
    [
        Packet("_query_response", [], content="_schema", agent=NAME, correlation_id="1"),
        Packet("_exception", {"_values": {"error_text": b"no"}}, agent=NAME, correlation_id="1"),
    ],
    ids=["empty", "exception"],
)
def test_quirk_33_no_schema_ends_the_waiting_for_it(answer: Packet) -> None:
    console = a_console()
    console.receive(announcement(**{"qmf.agent_capability": 1}), 0.0)
    events(console)
    number = console.fetch_schema(NAME, SchemaId("p", "c", hash=uuid.UUID(int=1)), 0.0, 60.0)
    console.receive(answer, 1.0)
    (event,) = events(console)
    assert isinstance(event, RequestFailed)
    assert event.request == number


def test_quirk_33_our_agent_tells_of_a_schema_that_it_has_not_by_an_empty_list() -> None:
    answer = ask_one(an_agent(), query(what="SCHEMA", schema_id={"_class_name": "Thing", "_hash": uuid.UUID(int=1)}))
    assert (answer.opcode, answer.content, answer.body) == ("_query_response", "_schema", [])


def test_quirk_34_what_it_may_read_has_its_body_in_the_0_10_encoding() -> None:
    agent = an_agent()
    console = a_console(agent)
    console.list_classes(NAME, 0.0, 5.0)
    ((_, packet),) = sent(console)
    assert on_the_wire(packet).section == "data"
    agent.raise_event(DONE, {"text": "x"}, None, 1)
    agent.add_object(ManagedObject("more", THING, {}), 5)
    agent.handle_timeout(100.0, 6)
    told = [command.packet for command in commands(agent) if isinstance(command, Publish)]
    assert {one.opcode for one in told} == {"_data_indication", "_agent_heartbeat_indication"}
    assert {on_the_wire(one).section for one in (*told, ask_one(agent, packet))} == {"data"}


def test_quirk_34_only_a_console_without_content_type_gets_the_other_form() -> None:
    for name, expected in (("request-proton-value", "amqp-value"), ("request-libqmf2-1.0-Agent", "data")):
        agent = an_agent()
        agent.receive(recorded(find("objects", name)), 1.0, 2)
        (reply,) = commands(agent)
        assert isinstance(reply, Reply)
        assert on_the_wire(reply.packet).section == expected
    console = a_console()
    number = console.query(NAME, Query(QueryTarget.OBJECT, schema_id=SchemaId("", "Thing")), 0.0, 5.0)
    ((_, packet),) = sent(console)
    for answer in ask(an_agent(), replace(packet, form_a=True)):
        console.receive(off_the_wire(answer), 1.0)
    (event,) = events(console)
    assert isinstance(event, QueryCompleted)
    assert event.request == number
    assert [cast(Data, item).decoded() for item in event.items] == [{"name": "n0", "size": 0}]
