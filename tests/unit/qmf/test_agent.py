"""The agent engine as conversations: packets and time in, commands out."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

import pytest

from matahari.errors import LocalProtocolError, SchemaError
from matahari.qmf import agent as module
from matahari.qmf._objects import ManagedObject
from matahari.qmf.agent import ANNOUNCE_GAP, MAX_PENDING_CALLS, AgentEngine
from matahari.qmf.data import Data
from matahari.qmf.packet import Command, Invoke, Packet, Publish, Reply
from matahari.qmf.property import Property, PropertyType
from matahari.qmf.schema import Method, Schema, SchemaId
from matahari.qmf.values import UInt, ULong, Value

NAME = "example.org:lab:some.instance"
REPLY_TO = "qmf.default.topic/direct-console.1"

THING = Schema(
    SchemaId("org.example", "Thing"),
    (Property("label", PropertyType.STRING),),
    (
        Method(
            "echo",
            "",
            (
                Property("count", PropertyType.INT),
                Property("ratio", PropertyType.FLOAT),
                Property("label", PropertyType.STRING),
                Property("maybe", PropertyType.STRING, optional=True),
                Property("result", PropertyType.STRING, direction="O"),
                Property("both", PropertyType.LIST, direction="IO"),
            ),
        ),
    ),
)
EVENT = Schema(SchemaId("org.example", "Poked", "_event"), (Property("text", PropertyType.STRING),), default_severity=2)


def new_agent() -> AgentEngine:
    return AgentEngine(
        vendor="example.org",
        product="lab",
        instance="some.instance",
        attributes={"hostname": "box", "_vendor": "cannot be replaced"},
        heartbeat_interval=30,
        epoch=4,
    )


def running_agent() -> AgentEngine:
    agent = new_agent()
    agent.add_schema(THING, 100)
    agent.add_object(ManagedObject("one", THING, {"label": "first"}))
    agent.start(10.0, 200)
    commands(agent)
    return agent


def commands(agent: AgentEngine) -> list[Command]:
    found = []
    while (command := agent.next_command()) is not None:
        found.append(command)
    return found


def ask(agent: AgentEngine, packet: Packet) -> list[Packet]:
    """Send a request and return the answers, all of which must go where it says."""
    packet = replace(packet, reply_to=REPLY_TO, correlation_id="17")
    agent.receive(packet, 11.0, 300)
    found = []
    for command in commands(agent):
        assert isinstance(command, Reply)
        assert command.reply_to == REPLY_TO
        assert command.packet.correlation_id == "17"
        assert command.packet.agent == NAME
        found.append(command.packet)
    return found


def call(method: Value = "echo", arguments: Value = None, address: Value = None) -> Packet:
    body: dict[str, Value] = {"_method_name": method, "_arguments": arguments, "_object_id": address}
    return Packet(
        "_method_request",
        {key: value for key, value in body.items() if value is not None},
        correlation_id="17",
        reply_to=REPLY_TO,
        user_id="ann",
    )


def address(name: Value = "one", agent: Value = NAME) -> Value:
    return {"_object_name": name, "_agent_name": agent, "_agent_epoch": 99}


def values_of(packet: Packet) -> dict[str, Value]:
    assert isinstance(packet.body, dict)
    values = packet.body["_values"]
    assert isinstance(values, dict)
    return values


def refusal(packets: list[Packet]) -> tuple[Value, Value]:
    (packet,) = packets
    assert (packet.opcode, packet.content, packet.method) == ("_exception", "_data", "response")
    values = values_of(packet)
    assert type(values["error_code"]) is UInt
    return values["error_code"], values["error_text"]


# -- identity and announcements --------------------------------------------------------------------------------------


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
    (command,) = commands(agent)
    assert values_of(command.packet)["_timestamp"] == 300 if isinstance(command, Publish) else False
    assert agent.next_deadline() == 71.0
    agent.stop()
    assert agent.next_deadline() is None
    agent.handle_timeout(100.0, 400)
    assert commands(agent) == []
    agent.start(200.0, 500)
    assert len(commands(agent)) == 1
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


# -- locate ----------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("body", [["like"], {"a": 1}, "text", b"bytes"])
def test_a_malformed_locate_request_is_answered_with_an_exception(body: Value) -> None:
    code, said = refusal(ask(running_agent(), Packet("_agent_locate_request", body)))
    assert code == 4
    assert str(said).startswith("Invalid predicate")


def test_a_stopped_agent_is_not_located() -> None:
    agent = running_agent()
    agent.stop()
    assert ask(agent, Packet("_agent_locate_request", [])) == []


# -- queries ---------------------------------------------------------------------------------------------------------


def query(**members: Value) -> Packet:
    return Packet("_query_request", {f"_{name}": value for name, value in members.items()})


THING_MAP: Value = {
    "_values": {"label": "first"},
    "_object_id": {"_agent_name": NAME, "_object_name": "one", "_agent_epoch": 4},
    "_schema_id": THING.id.to_map(),
}


@pytest.mark.parametrize(
    ("packet", "content", "body"),
    [
        (query(what="SCHEMA_ID"), "_schema_id", [THING.id.to_map()]),
        (query(what="SCHEMA", schema_id=THING.id.to_map()), "_schema", [THING.to_map()]),
        (query(what="SCHEMA", schema_id={"_class_name": b"Thing"}), "_schema", [THING.to_map()]),
        (query(what="SCHEMA", schema_id={"_class_name": "Other"}), "_schema", []),
        (query(what="SCHEMA", schema_id=replace(THING.id, hash=EVENT.id.hash).to_map()), "_schema", []),
        (query(what="OBJECT", schema_id={"_class_name": "Thing"}), "_data", [THING_MAP]),
        (query(what=b"OBJECT_ID", schema_id={"_package_name": "org.example"}), "_data", [THING_MAP]),
        (query(what="OBJECT", schema_id={"_class_name": "Thing", "_package_name": "other"}), "_data", []),
        (query(what="OBJECT", schema_id={"_class_name": "thing"}), "_data", []),
        (query(what="OBJECT", object_id={"_object_name": b"one"}), "_data", [THING_MAP]),
        (query(what="OBJECT", object_id=address()), "_data", [THING_MAP]),
        (query(what="OBJECT", object_id=address(agent="x:y:z")), "_data", []),
        (query(what="OBJECT", object_id=address("two")), "_data", []),
        (
            query(what="OBJECT", schema_id={"_class_name": "Thing"}, where=["eq", "label", ["quote", "second"]]),
            "_data",
            [],
        ),
    ],
)
def test_a_query_is_answered(packet: Packet, content: str, body: Value) -> None:
    (answer,) = ask(running_agent(), packet)
    assert (answer.opcode, answer.method, answer.content) == ("_query_response", "response", content)
    assert answer.body == body
    assert not answer.partial


@pytest.mark.parametrize(
    "packet",
    [
        Packet("_query_request"),
        query(),
        query(what="AGENT"),
        query(what="OBJECT"),
        query(what="SCHEMA"),
        query(what="OBJECT", object_id={}),
        query(what="OBJECT", schema_id={"_class_name": "Thing"}, where=["eq"]),
    ],
)
def test_a_malformed_query_is_answered_with_an_exception(packet: Packet) -> None:
    code, said = refusal(ask(running_agent(), packet))
    assert code == 4
    assert str(said).startswith("Invalid query: ")


def test_a_long_answer_comes_in_parts_of_which_only_the_last_is_not_partial() -> None:
    agent = running_agent()
    for number in range(249):
        agent.add_object(ManagedObject(str(number), THING, {"label": str(number)}))
    answers = ask(agent, query(what="OBJECT", schema_id={"_class_name": "Thing"}))
    assert [len(answer.body) for answer in answers if isinstance(answer.body, list)] == [100, 100, 50]
    assert [answer.partial for answer in answers] == [True, True, False]


def test_values_can_come_from_a_function_each_time() -> None:
    agent = running_agent()
    count = iter(range(10))
    agent.add_object(ManagedObject("one", THING, lambda: {"label": str(next(count))}))
    for expected in ("0", "1"):
        (answer,) = ask(agent, query(what="OBJECT", object_id=address()))
        assert isinstance(answer.body, list)
        assert Data.from_map(answer.body[0]).values == {"label": expected}


def test_values_that_cannot_be_had_are_an_exception_and_a_log_line(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> Mapping[str, Value]:
        raise OSError("no disk")

    agent = running_agent()
    agent.add_object(ManagedObject("one", THING, fail))
    with caplog.at_level(logging.ERROR):
        assert refusal(ask(agent, query(what="OBJECT", object_id=address()))) == (
            7, "the values of one cannot be had: no disk",
        )  # fmt: skip
    assert "the values of object one" in caplog.text


# -- calls -----------------------------------------------------------------------------------------------------------


def test_a_call_goes_to_the_application_and_its_result_to_the_caller() -> None:
    agent = running_agent()
    agent.receive(replace(call(arguments={"count": 1}, address=address()), form_a=True), 11.0, 300)
    (command,) = commands(agent)
    assert command == Invoke(1, "one", "echo", {"count": 1}, "ann")
    assert agent.statistics()["pending"] == 1
    agent.complete(1, {"result": "x"})
    (command,) = commands(agent)
    assert command == Reply(
        REPLY_TO,
        Packet(
            "_method_response",
            {"_arguments": {"result": "x"}},
            agent=NAME,
            correlation_id="17",
            method="response",
            form_a=True,
        ),
    )
    assert agent.statistics()["pending"] == 0


def test_an_answer_without_output_still_has_arguments() -> None:
    """The Python console fails on a response without them (qmf2.md 3.6)."""
    agent = running_agent()
    agent.receive(call(address=address()), 11.0, 300)
    commands(agent)
    agent.complete(1, {})
    (command,) = commands(agent)
    assert isinstance(command, Reply)
    assert command.packet.body == {"_arguments": {}}


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        (None, {}),
        ({}, {}),
        ({"count": 2**63, "ratio": 1, "label": b"text", "both": [b"raw"]}, {"count": 2**63, "ratio": 1, "label": "text", "both": [b"raw"]}),
        ({"ratio": 1.5, "maybe": None}, {"ratio": 1.5, "maybe": None}),
    ],
)  # fmt: skip
def test_arguments_that_fit_the_schema_are_passed_on(given: Value, seen: Value) -> None:
    agent = running_agent()
    agent.receive(call(arguments=given, address=address()), 11.0, 300)
    (command,) = commands(agent)
    assert isinstance(command, Invoke)
    assert command.arguments == seen


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"other": 1}, "other"),
        ({"result": "x"}, "result"),
        ({"count": "1"}, "count"),
        ({"count": True}, "count"),
        ({"count": None}, "count"),
        ({"ratio": "x"}, "ratio"),
        ({"label": b"\xff"}, "label"),
        ({"both": {}}, "both"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_by_name(given: Value, name: str) -> None:
    answers = ask(running_agent(), call(arguments=given, address=address()))
    assert refusal(answers) == (7, f"Invalid argument: {name}")
    assert values_of(answers[0])["kind"] == "invalid_argument"


def test_a_method_that_the_schema_does_not_know_is_for_the_application_to_refuse() -> None:
    agent = running_agent()
    agent.receive(call("unheard", {"any": 1}, address()), 11.0, 300)
    (command,) = commands(agent)
    assert isinstance(command, Invoke)
    assert (command.method, command.arguments) == ("unheard", {"any": 1})


def test_a_call_without_object_is_a_call_of_the_agent() -> None:
    agent = running_agent()
    agent.receive(call(b"ping", {}), 11.0, 300)
    assert commands(agent) == [Invoke(1, None, "ping", {}, "ann")]


@pytest.mark.parametrize("where", [address("two"), address(agent="x:y:z")])
def test_an_object_that_is_not_there_is_refused_as_libqmf2_does(where: Value) -> None:
    answers = ask(running_agent(), call(address=where))
    assert refusal(answers) == (1, "No data object found with the specified address")


@pytest.mark.parametrize(
    "packet",
    [
        Packet("_method_request", [1]),
        Packet("_method_request"),
        Packet("_method_request", {}),
        Packet("_method_request", {"_method_name": 5}),
        call(arguments=[1], address=address()),
        call(address=[]),
        call(address={"_agent_name": NAME}),
    ],
)
def test_a_malformed_call_is_answered_with_an_exception(packet: Packet) -> None:
    code, said = refusal(ask(running_agent(), packet))
    assert code == 4
    assert said


def test_a_failure_carries_code_text_and_data() -> None:
    agent = running_agent()
    for _ in range(3):
        agent.receive(call(address=address()), 11.0, 300)
    commands(agent)
    agent.fail(1, "plain trouble", code=3)
    agent.fail(2, "ValueError: boom", data=Data({"type": "ValueError", "error_code": 42}, schema_id=THING.id))
    agent.fail(3, "no room")
    first, second, third = commands(agent)
    assert isinstance(first, Reply) and isinstance(second, Reply) and isinstance(third, Reply)
    assert refusal([first.packet]) == (3, "plain trouble")
    assert second.packet.body == {
        "_values": {"type": "ValueError", "error_code": 42, "error_text": "ValueError: boom"},
        "_schema_id": THING.id.to_map(),
    }
    assert refusal([third.packet]) == (7, "no room")


def test_a_call_is_answered_exactly_once() -> None:
    agent = running_agent()
    agent.receive(call(address=address()), 11.0, 300)
    commands(agent)
    agent.complete(1, {})
    with pytest.raises(LocalProtocolError):
        agent.complete(1, {})
    with pytest.raises(LocalProtocolError):
        agent.fail(1, "again")
    with pytest.raises(LocalProtocolError):
        agent.fail(2, "never given out")


def test_a_stopped_agent_refuses_calls_and_finishes_those_under_way() -> None:
    agent = running_agent()
    agent.receive(call(address=address()), 11.0, 300)
    commands(agent)
    agent.stop()
    agent.remove_object("one")
    assert refusal(ask(agent, call())) == (7, "The agent is stopping")
    agent.complete(1, {})
    assert len(commands(agent)) == 1


def test_too_many_calls_under_way_are_refused_as_busy() -> None:
    agent = running_agent()
    for _ in range(MAX_PENDING_CALLS):
        agent.receive(call(address=address()), 11.0, 300)
        assert isinstance(agent.next_command(), Invoke)
    answers = ask(agent, call(address=address()))
    assert refusal(answers) == (7, "busy")
    assert values_of(answers[0])["kind"] == "busy"
    agent.complete(1, {})
    commands(agent)
    agent.receive(call(address=address()), 11.0, 300)
    assert isinstance(agent.next_command(), Invoke)


# -- everything else -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("packet", "answered"),
    [
        (Packet("_subscribe_request", {}), True),
        (Packet("", b"AM2S"), False),
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
    assert agent.statistics()["dropped"] == 5
