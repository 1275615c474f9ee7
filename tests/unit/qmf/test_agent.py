"""The agent engine's identity, announcements, events and limits: packets and time in, commands out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matahari.errors import SchemaError
from matahari.qmf import ANNOUNCE_GAP, AgentEngine, Invoke, Packet, Publish, Reply, Schema, UInt, ULong, Value
from matahari.qmf import agent as module
from tests.support.lab_agent import (
    EVENT,
    NAME,
    THING,
    address,
    ask,
    call,
    commands,
    new_agent,
    published,
    refusal,
    running_agent,
    values_of,
)


def test_the_direct_subject_follows_from_the_name() -> None:
    """Running libqmf2 consoles keep the first one they saw (qmf2.md 3.11)."""
    agent = new_agent()
    assert agent.name == NAME
    assert agent.direct_subject == new_agent().direct_subject
    assert agent.direct_subject.startswith("direct-agent.route.")
    other = AgentEngine(vendor="v", product="p", instance="i", attributes={}, direct_subject="mine")
    assert other.direct_subject == "mine"


@pytest.mark.parametrize(
    ("vendor", "product", "instance", "interval"),
    [("a:b", "p", "i", 60), ("v", "p:q", "i", 60), ("v", "p", "", 60), ("v", "p", "i" * 200, 60), ("v", "p", "i", 0)],
)
def test_unusable_names_and_intervals_are_refused(vendor: str, product: str, instance: str, interval: int) -> None:
    with pytest.raises(ValueError):
        AgentEngine(vendor=vendor, product=product, instance=instance, attributes={}, heartbeat_interval=interval)


def test_attributes_that_cannot_be_sent_are_refused_at_once() -> None:
    with pytest.raises(SchemaError):
        AgentEngine(vendor="v", product="p", instance="i", attributes={"n": 2**70})


def test_starting_announces_the_agent_with_all_attributes() -> None:
    agent = new_agent()
    assert agent.next_deadline() is None
    agent.start(10.0, 200)
    (command,) = commands(agent)
    assert isinstance(command, Publish)
    assert command.key == "agent.ind.heartbeat.example_org.lab.some_instance"
    packet = command.packet
    assert (packet.opcode, packet.method, packet.agent, packet.ttl) == (
        "_agent_heartbeat_indication", "indication", NAME, 60.0,
    )  # fmt: skip
    assert (packet.reply_to, packet.correlation_id, packet.content) == (None, None, None)
    values = values_of(packet)
    assert values == {
        "_vendor": "example.org",
        "_product": "lab",
        "_instance": "some.instance",
        "_name": NAME,
        "_direct_subject": agent.direct_subject,
        "qmf.agent_capability": 1,
        "hostname": "box",
        "_timestamp": 200,
        "_heartbeat_interval": 30,
        "_epoch": 4,
        "_schema_updated": 200,
    }
    assert type(values["_timestamp"]) is type(values["_schema_updated"]) is ULong
    assert type(values["_epoch"]) is type(values["_heartbeat_interval"]) is type(values["qmf.agent_capability"]) is UInt


def test_heartbeats_come_each_interval_until_the_agent_stops() -> None:
    agent = running_agent()
    assert agent.next_deadline() == 40.0
    agent.handle_timeout(39.9, 300)
    assert commands(agent) == []
    agent.handle_timeout(41.0, 300)
    (_, heartbeat), (_, objects) = published(commands(agent))
    assert values_of(heartbeat)["_timestamp"] == 300
    assert objects.content == "_data"  # as often as heartbeats, all objects are told of
    assert agent.next_deadline() == 71.0
    agent.stop()
    assert agent.next_deadline() is None
    agent.handle_timeout(100.0, 400)
    assert commands(agent) == []
    agent.start(200.0, 500)
    agent.handle_timeout(229.9, 500)
    assert [packet.content for _, packet in published(commands(agent))] == [None, "_data"]
    assert agent.next_deadline() == 230.0


def test_schema_changes_cause_one_heartbeat_soon() -> None:
    agent = running_agent()
    agent.add_schema(EVENT, 150)
    agent.add_schema(EVENT, 160)
    deadline = agent.next_deadline()
    assert deadline == 10.0 + ANNOUNCE_GAP
    agent.handle_timeout(deadline, 300)
    (command,) = commands(agent)
    assert isinstance(command, Publish)
    assert values_of(command.packet)["_schema_updated"] == 150
    agent.remove_schema(EVENT.id, 140)
    agent.handle_timeout(20.0, 400)
    (command,) = commands(agent)
    assert isinstance(command, Publish)
    assert values_of(command.packet)["_schema_updated"] == 151  # moves on although the clock was set back
    assert list(agent.schemas) == [THING.id]
    assert list(agent.objects) == ["one"]


def test_a_schema_added_before_the_start_waits_for_the_start() -> None:
    agent = new_agent()
    agent.add_schema(EVENT, 150)
    assert agent.next_deadline() is None
    agent.start(1.0, 200)
    (command,) = commands(agent)
    assert isinstance(command, Publish)
    assert values_of(command.packet)["_schema_updated"] == 150


# -- locate -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [None, [], {}, ["eq", "hostname", ["quote", b"box"]], ["exists", "qmf.agent_capability"]],
)
def test_a_locate_request_that_matches_is_answered(body: Value) -> None:
    (answer,) = ask(running_agent(), Packet("_agent_locate_request", body))
    assert (answer.opcode, answer.method, answer.content) == ("_agent_locate_response", "indication", None)
    assert values_of(answer)["_timestamp"] == 300
    assert values_of(answer)["_name"] == NAME


@pytest.mark.parametrize(
    "body",
    [["eq", "hostname", ["quote", "other"]], ["exists", "_timestamp"], ["exists", "_epoch"]],
)
def test_a_locate_request_that_does_not_match_is_not_answered(body: Value) -> None:
    assert ask(running_agent(), Packet("_agent_locate_request", body)) == []


@pytest.mark.parametrize("body", [["like"], {"a": 1}, "text", b"bytes", b"", 0])
def test_a_malformed_locate_request_is_answered_with_an_exception(body: Value) -> None:
    code, said = refusal(ask(running_agent(), Packet("_agent_locate_request", body)))
    assert code == 4
    assert str(said).startswith("Invalid predicate")


def test_a_stopped_agent_is_not_located() -> None:
    agent = running_agent()
    agent.stop()
    assert ask(agent, Packet("_agent_locate_request", [])) == []


# -- everything else ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("packet", "answered"),
    [
        (Packet("_browse_request", {}), True),
        (Packet("_browse", {}, method="request"), True),
        (Packet("", {}), False),
        (Packet("_browse", {}), False),
        (Packet("_method_response", {}), False),
        (Packet("_exception", {}), False),
        (Packet("_data_indication", []), False),
    ],
)
def test_of_other_packets_only_requests_are_answered(packet: Packet, answered: bool) -> None:
    agent = running_agent()
    answers = ask(agent, packet)
    assert agent.statistics()["ignored"] == 1
    if answered:
        assert refusal(answers) == (3, "Not implemented")
    else:
        assert answers == []


def test_a_request_without_reply_address_is_not_begun() -> None:
    agent = running_agent()
    agent.receive(replace(call(address=address()), reply_to=None), 11.0, 300)
    assert commands(agent) == []
    assert agent.statistics()["ignored"] == 1


def test_an_event_goes_out_under_the_brokers_form_of_subject() -> None:
    agent = running_agent()
    agent.raise_event(EVENT, {"text": "ouch"}, 6, 900)
    (command,) = commands(agent)
    assert isinstance(command, Publish)
    assert command.key == "agent.ind.event.org_example.Poked.info.example_org.lab.some_instance"
    packet = command.packet
    assert (packet.opcode, packet.content, packet.method, packet.agent) == (
        "_data_indication", "_event", "indication", NAME,
    )  # fmt: skip
    assert packet.body == [
        {"_values": {"text": "ouch"}, "_schema_id": EVENT.id.to_map(), "_severity": 6, "_timestamp": 900}
    ]


@pytest.mark.parametrize(("schema", "severity"), [(EVENT, "crit"), (replace(EVENT, default_severity=None), "note")])
def test_an_event_without_severity_takes_that_of_its_class(schema: Schema, severity: str) -> None:
    agent = running_agent()
    agent.raise_event(schema, {}, None, 900)
    (command,) = commands(agent)
    assert isinstance(command, Publish)
    assert f".{severity}." in command.key


@pytest.mark.parametrize(
    ("severity", "word"), list(enumerate(["emerg", "alert", "crit", "error", "warn", "note", "info", "debug"]))
)
def test_the_subject_of_an_event_has_the_brokers_word_for_its_severity(severity: int, word: str) -> None:
    agent = running_agent()
    agent.raise_event(EVENT, {}, severity, 900)
    ((key, _),) = published(commands(agent))
    assert key == f"agent.ind.event.org_example.Poked.{word}.example_org.lab.some_instance"


@pytest.mark.parametrize("severity", [-1, 8])
def test_a_severity_out_of_range_is_the_callers_mistake(severity: int) -> None:
    with pytest.raises(ValueError):
        running_agent().raise_event(EVENT, {}, severity, 900)


def test_nothing_is_queued_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_QUEUED_COMMANDS", 3)
    agent = running_agent()
    agent.receive(call(address=address()), 11.0, 300)
    for _ in range(5):
        agent.raise_event(EVENT, {}, 1, 900)
    agent.receive(call(address=address()), 11.0, 300)
    agent.handle_timeout(500.0, 900)
    agent.complete(1, {})  # the answer of a call is never dropped
    assert [type(command) for command in commands(agent)] == [Invoke, Publish, Publish, Reply]
    # Dropped: three events, the second call, and at the time-out a heartbeat and an indication of objects.
    assert agent.statistics()["dropped"] == 6
