"""What the console engine has to bear from the original software: one test for each point of qmf2.md 6 and 7.

Numbers are those of section 7. Points about a broker, a sender of ours or the envelope are tested where those are.
"""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from matahari.qmf.console import ConsoleEngine
from matahari.qmf.console_events import (
    AgentAdded,
    AgentRestarted,
    AgentUpdated,
    CallCompleted,
    DataIndicated,
    EngineEvent,
    EventRaised,
    QueryCompleted,
    RequestExpired,
    RequestFailed,
)
from matahari.qmf.data import Data, ObjectId, failure_code, failure_text
from matahari.qmf.packet import Packet
from matahari.qmf.query import Query, QueryTarget
from matahari.qmf.schema import SchemaId
from matahari.qmf.values import Value
from tests.support.vectors import Vector, find, load

BROKER = "apache.org:qpidd:d85f8d42-ac04-4df6-9db0-b4a6eb328e20"
LAB = "example.org:lab:zero10"
BY_CLASS = Query(QueryTarget.OBJECT, schema_id=SchemaId("p", "c"))


def events(console: ConsoleEngine) -> list[EngineEvent]:
    found = []
    while (event := console.next_event()) is not None:
        found.append(event)
    return found


def new_console() -> ConsoleEngine:
    return ConsoleEngine(reply_to="qmf.default.direct/direct-console.1")


def heard(*packets: Packet) -> list[EngineEvent]:
    console = new_console()
    for packet in packets:
        console.receive(packet, 1.0)
    return events(console)


def announcement(name: str = LAB, **values: Value) -> Packet:
    return Packet("_agent_heartbeat_indication", {"_values": {"_heartbeat_interval": 10, **values}}, agent=name)


# -- announcements ---------------------------------------------------------------------------------------------------

ANNOUNCEMENTS = [
    vector
    for vector in load("locate", "heartbeat")
    if vector.packet is not None and vector.packet.opcode in ("_agent_locate_response", "_agent_heartbeat_indication")
]


@pytest.mark.parametrize("vector", ANNOUNCEMENTS, ids=lambda vector: vector.label)
def test_every_captured_announcement_makes_its_agent_known_in_text(vector: Vector) -> None:
    """Binary text, integers of any width, subjects with dots or without instance: what counts is in the body."""
    assert vector.packet is not None
    (event,) = heard(vector.packet)
    assert isinstance(event, AgentAdded)
    info = event.info
    assert info.name == vector.packet.agent == f"{info.vendor}:{info.product}:{info.instance}"
    assert not any(isinstance(value, bytes) for value in info.attributes.values())
    assert info.epoch == 1
    is_broker = info.name == BROKER
    assert info.heartbeat_interval == (10 if is_broker else 60)
    assert (info.direct_subject is None, info.capability, info.schema_updated == 0) == (
        (True, 0, True) if is_broker else (False, 1, False)
    )


def test_quirk_19_the_constant_epoch_of_libqmf2_is_no_restart() -> None:
    found = heard(announcement(_epoch=1), announcement(_epoch=1, _direct_subject="direct-agent.route.2"))
    assert [type(event) for event in found] == [AgentAdded, AgentUpdated]
    assert not any(isinstance(event, AgentRestarted) for event in found)


def test_quirk_20_a_heartbeat_under_the_bare_subject_is_heard() -> None:
    found = heard(replace(announcement(), subject="agent.ind.heartbeat"))
    assert [type(event) for event in found] == [AgentAdded]


def test_quirk_30_attributes_are_those_of_the_latest_announcement_also_if_some_come_late() -> None:
    console = new_console()
    console.receive(announcement(), 1.0)
    console.receive(announcement(_schema_updated=5, _direct_subject="s", _timestamp=2), 2.0)
    added, updated = events(console)
    assert isinstance(added, AgentAdded) and isinstance(updated, AgentUpdated)
    assert updated.schema_changed
    assert (console.agents[LAB].direct_subject, console.agents[LAB].schema_updated) == ("s", 5)


def test_quirk_37_both_ways_to_write_the_brokers_vendor_in_a_subject_are_heard() -> None:
    for vendor in ("org_apache", "apache_org"):
        packet = replace(announcement(BROKER), subject=f"agent.ind.heartbeat.{vendor}.qpidd.{BROKER[17:]}")
        (event,) = heard(packet)
        assert isinstance(event, AgentAdded)
        assert event.info.vendor == "apache.org"


# -- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["broker", BROKER])
def test_the_broker_answers_as_its_alias_or_by_its_name(asked: str) -> None:
    for name in ("broker", BROKER):
        console = new_console()
        request = console.query(asked, BY_CLASS, 0.0, 5.0)
        console.receive(replace(find("objects", "response-broker"), agent=name, correlation_id=str(request)), 1.0)
        (event,) = events(console)
        assert isinstance(event, QueryCompleted)
        (item,) = event.items
        assert isinstance(item, Data)
        assert item.object_id == ObjectId(asked, "org.apache.qpid.broker:broker:amqp-broker")
        assert item.schema_id == SchemaId(
            "org.apache.qpid.broker", "broker", hash=uuid.UUID("1c316b1d-36b4-3b31-0fb1-31bddf40a109")
        )


def test_the_brokers_refusal_of_a_query_fails_it_with_text_and_code() -> None:
    console = new_console()
    request = console.query("broker", Query(QueryTarget.SCHEMA_ID), 0.0, 5.0)
    console.receive(replace(find("schema-ids", "exception-broker"), correlation_id=str(request)), 1.0)
    (event,) = events(console)
    assert isinstance(event, RequestFailed)
    assert failure_code(event.error) == 1
    assert failure_text(event.error) == "Query for _what => 'SCHEMA_ID' not supported"


def test_quirk_15_parts_are_marked_by_presence_and_the_last_may_be_empty() -> None:
    for protocol, count in (("0-10", 19), ("1.0", 16)):
        console = new_console()
        parts = [find("partial", f"libqmf2-{protocol}-{number}") for number in (1, 2, 3)]
        assert parts[0].agent is not None
        request = console.query(parts[0].agent, BY_CLASS, 0.0, 5.0)
        for part in parts[:2]:
            assert part.partial
            console.receive(replace(part, correlation_id=str(request)), 1.0)
        assert events(console) == []
        console.receive(replace(parts[2], correlation_id=str(request)), 1.0)
        (event,) = events(console)
        assert isinstance(event, QueryCompleted)
        ids = {item.object_id for item in event.items if isinstance(item, Data)}
        assert len(ids) == len(event.items) == count


def test_a_hundred_objects_in_a_part_are_no_more_trouble_than_eight() -> None:
    """As the broker's agent sends them, marked with an empty text."""
    console = new_console()
    request = console.query("broker", BY_CLASS, 0.0, 5.0)
    for count, partial in ((100, True), (33, False)):
        items: list[Value] = [{"_values": {"n": n}, "_object_id": {"_object_name": b"o%d" % n}} for n in range(count)]
        packet = Packet("_query_response", items, "_data", "broker", str(request), partial=partial)
        console.receive(packet, 1.0)
    (event,) = events(console)
    assert isinstance(event, QueryCompleted)
    assert len(event.items) == 133


def test_quirks_21_22_31_40_who_never_answers_is_given_up_in_time() -> None:
    console = new_console()
    request = console.query(LAB, BY_CLASS, 0.0, 5.0)
    console.handle_timeout(5.0)
    assert events(console) == [RequestExpired(request, LAB)]


def test_quirk_36_a_response_without_arguments_is_one_without_output() -> None:
    console = new_console()
    request = console.call(LAB, ObjectId(LAB, "o"), "m", {}, 0.0, 5.0)
    console.receive(Packet("_method_response", {}, agent=LAB, correlation_id=str(request)), 1.0)
    assert events(console) == [CallCompleted(request, LAB, {})]


def test_an_exception_without_code_has_the_one_for_an_exception_inside_the_call() -> None:
    console = new_console()
    request = console.call(LAB, ObjectId(LAB, "o"), "m", {}, 0.0, 5.0)
    console.receive(replace(find("method-python-0-10", "response-fail-text"), correlation_id=str(request)), 1.0)
    (event,) = events(console)
    assert isinstance(event, RequestFailed)
    assert (failure_code(event.error), failure_text(event.error)) == (7, "plain trouble")


# -- indications -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", load("events"), ids=lambda vector: vector.name)
def test_every_captured_indication_is_understood(vector: Vector) -> None:
    packet = vector.packet
    assert packet is not None
    (event,) = heard(packet)
    if packet.content == "_data":
        assert isinstance(event, DataIndicated)
        (item,) = event.items
        assert item.object_id == ObjectId(BROKER, "amqp-broker")
        assert item.schema_id is not None and item.schema_id.name == "memory"
        return
    assert isinstance(event, EventRaised)
    data = event.data
    assert event.agent == packet.agent
    assert data.schema_id is not None and data.schema_id.kind == "_event"
    assert data.severity in (0, 2, 4, 5, 6)
    assert data.timestamp_ns is not None and data.timestamp_ns > 10**18


def test_quirk_17_a_deletion_without_object_id_is_told_with_the_id_of_its_object() -> None:
    console = new_console()
    packet = find("events", "broker-data")
    console.receive(packet, 1.0)
    assert isinstance(packet.body, list) and isinstance(packet.body[0], dict)
    notice = {key: value for key, value in packet.body[0].items() if key != "_object_id"} | {"_delete_ts": 5}
    console.receive(replace(packet, body=[notice]), 2.0)
    before, after = events(console)
    assert isinstance(before, DataIndicated) and isinstance(after, DataIndicated)
    assert after.items[0].object_id == before.items[0].object_id
    assert (before.items[0].delete_ns, after.items[0].delete_ns) == (0, 5)
    assert console.statistics()["objects"] == 0


def test_halves_of_an_object_are_told_whole() -> None:
    console = new_console()
    packet = find("events", "broker-data")
    assert isinstance(packet.body, list) and isinstance(packet.body[0], dict)
    whole = packet.body[0]["_values"]
    assert isinstance(whole, dict)
    properties: Value = {"name": whole["name"]}
    statistics: Value = {key: value for key, value in whole.items() if key != "name"}
    for half in (properties, statistics):
        console.receive(replace(packet, body=[packet.body[0] | {"_values": half}]), 1.0)
    assert [event.items[0].values for event in events(console) if isinstance(event, DataIndicated)] == [
        properties,
        whole,
    ]


def test_objects_of_an_agent_that_left_are_not_completed_with_what_it_said_before() -> None:
    console = new_console()
    packet = find("events", "broker-data")
    console.receive(announcement(BROKER), 1.0)
    console.receive(packet, 1.0)
    assert console.statistics()["objects"] == 1
    console.agent_gone(BROKER, 2.0)
    assert console.statistics()["objects"] == 0


def test_what_a_query_gave_is_completed_by_indications() -> None:
    console = new_console()
    schema_id: Value = {"_package_name": b"p", "_class_name": b"c"}
    console.note_objects(BROKER, [Data({"name": "q"}, ObjectId(BROKER, "q"), SchemaId("p", "c"))])
    item: Value = {"_values": {"depth": 3}, "_object_id": {"_object_name": b"q"}, "_schema_id": schema_id}
    console.receive(Packet("_data_indication", [item], "_data", BROKER), 1.0)
    (event,) = events(console)
    assert isinstance(event, DataIndicated)
    assert event.items[0].values == {"name": "q", "depth": 3}


def test_quirk_24_a_severity_out_of_range_counts_as_not_said() -> None:
    for severity in (8, -1, 2**32 - 1, "x"):
        (event,) = heard(Packet("_data_indication", [{"_values": {}, "_severity": severity}], "_event", LAB))
        assert isinstance(event, EventRaised)
        assert event.data.severity is None


def test_quirk_25_a_schema_id_without_type_is_one_of_data() -> None:
    console = new_console()
    request = console.query(LAB, Query(QueryTarget.SCHEMA_ID), 0.0, 5.0)
    body: Value = [{"_package_name": b"p", "_class_name": b"c", "_hash": uuid.UUID(int=1)}]
    console.receive(Packet("_query_response", body, "_schema_id", LAB, str(request)), 1.0)
    (event,) = events(console)
    assert isinstance(event, QueryCompleted)
    assert event.items == [SchemaId("p", "c", "_data", uuid.UUID(int=1))]


def test_quirk_39_an_indication_with_a_correlation_id_that_is_no_number_of_ours_does_no_harm() -> None:
    console = new_console()
    for correlation in ("agent-locate", "77", "9" * 4000):
        console.receive(replace(find("events", "broker-data"), correlation_id=correlation), 1.0)
    console.receive(replace(find("events", "broker-bind"), correlation_id="agent-locate"), 1.0)
    assert [type(event) for event in events(console)] == [EventRaised]
    assert console.statistics()["ignored"] == 3
