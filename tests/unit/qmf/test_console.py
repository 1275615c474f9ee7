"""The console engine as conversations: packets, requests and time in; packets and events out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matahari.errors import LocalProtocolError, SchemaError
from matahari.qmf import _console_agents as agents_module
from matahari.qmf import _console_outbox as outbox_module
from matahari.qmf import console as module
from matahari.qmf.console import ConsoleEngine
from matahari.qmf.console_events import (
    AgentAdded,
    AgentRemoved,
    AgentRestarted,
    AgentUpdated,
    CallCompleted,
    DataIndicated,
    EngineEvent,
    EventRaised,
    QueryCompleted,
    RequestAborted,
    RequestExpired,
    RequestFailed,
)
from matahari.qmf.data import Data, ObjectId, failure_code, failure_text
from matahari.qmf.packet import Direct, Packet, Publish
from matahari.qmf.query import Query, QueryTarget
from matahari.qmf.schema import Schema, SchemaId
from matahari.qmf.values import Value

REPLY_TO = "qmf.default.topic/direct-console.1"
AGENT = "example.org:lab:1"
OBJECTS = Query(QueryTarget.OBJECT, schema_id=SchemaId("", "Thing"))


def new_console() -> ConsoleEngine:
    return ConsoleEngine(reply_to=REPLY_TO)


def events(console: ConsoleEngine) -> list[EngineEvent]:
    found = []
    while (event := console.next_event()) is not None:
        found.append(event)
    return found


def heartbeat(name: str = AGENT, **values: Value) -> Packet:
    attributes: dict[str, Value] = {"_heartbeat_interval": 20, "_epoch": 1, "_schema_updated": 5, "_timestamp": 1}
    return Packet("_agent_heartbeat_indication", {"_values": attributes | values}, agent=name)


def knowing(*names: str) -> ConsoleEngine:
    console = new_console()
    for name in names or (AGENT,):
        console.receive(heartbeat(name), 0.0)
    events(console)
    return console


def call(console: ConsoleEngine, agent: str = AGENT, timeout: float = 5.0) -> int:
    return console.call(agent, ObjectId(agent, "thing"), "echo", {"a": 1}, 0.0, timeout)


def response(request: int, body: Value = None, agent: str | None = AGENT, opcode: str = "_method_response") -> Packet:
    return Packet(opcode, body, agent=agent, correlation_id=str(request))


def objects(*names: str) -> list[Value]:
    return [{"_values": {}, "_object_id": {"_object_name": name}} for name in names]


# -- requests as they go out -----------------------------------------------------------------------------------------


def test_a_locate_request_goes_to_all_agents() -> None:
    console = new_console()
    console.locate(0.0, ["exists", "hostname"])
    assert console.next_command() == Publish(
        "console.request.agent_locate",
        Packet(
            "_agent_locate_request", ["exists", "hostname"], correlation_id="0", reply_to=REPLY_TO, method="request"
        ),
    )
    console.locate(0.0)
    command = console.next_command()
    assert command is not None and command.packet.body == []
    assert console.next_command() is None


def test_a_request_goes_to_the_direct_subject_where_there_is_one() -> None:
    console = new_console()
    call(console)
    assert isinstance(console.next_command(), Direct)
    console.receive(heartbeat(_direct_subject="direct-agent.route.1"), 0.0)
    call(console)
    command = console.next_command()
    assert isinstance(command, Publish)
    assert command.key == "direct-agent.route.1"
    console.receive(heartbeat(_direct_subject="direct-agent.route.2"), 0.0)
    call(console)
    command = console.next_command()
    assert command is not None and command.key == "direct-agent.route.2"


def test_calls_and_queries_are_numbered_in_one_row() -> None:
    console = ConsoleEngine(reply_to=REPLY_TO, first_request=41)
    number = console.call(AGENT, ObjectId(AGENT, "o", 2), "echo", {"a": 1}, 0.0, 5.0, {"a": "s"})
    assert number == 41
    assert console.query("broker", OBJECTS, 0.0, 5.0) == 42
    assert console.next_command() == Direct(
        AGENT,
        Packet(
            "_method_request",
            {
                "_object_id": {"_agent_name": AGENT, "_object_name": "o", "_agent_epoch": 2},
                "_method_name": "echo",
                "_arguments": {"a": 1},
                "_subtypes": {"a": "s"},
            },
            correlation_id="41",
            reply_to=REPLY_TO,
            method="request",
        ),
    )
    command = console.next_command()
    assert isinstance(command, Direct)
    assert (command.key, command.packet.opcode, command.packet.body) == ("broker", "_query_request", OBJECTS.to_map())


def test_requests_are_numbered_from_one_at_least() -> None:
    for first in (0, 2**32):
        with pytest.raises(ValueError):
            ConsoleEngine(reply_to=REPLY_TO, first_request=first)


def test_a_request_that_the_brokers_agent_would_drop_in_silence_is_refused() -> None:
    """Quirk 12: a body above 65,536 bytes is not answered."""
    console = new_console()
    large: dict[str, Value] = {"body": "x" * 65_500}
    for agent in ("broker", "apache.org:qpidd:1"):
        with pytest.raises(SchemaError, match="65536"):
            console.call(agent, ObjectId("", "o"), "echo", large, 0.0, 5.0)
    assert console.call(AGENT, ObjectId("", "o"), "echo", large, 0.0, 5.0)
    assert console.statistics()["pending"] == 1


def test_packets_that_nobody_fetches_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "MAX_QUEUED_COMMANDS", 1)
    console = new_console()
    console.locate(0.0)
    for send in (lambda: console.locate(0.0), lambda: call(console), lambda: console.query(AGENT, OBJECTS, 0.0, 1.0)):
        with pytest.raises(LocalProtocolError):
            send()
    assert console.statistics()["pending"] == 0


# -- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "arguments"),
    [({"_arguments": {"result": b"1"}}, {"result": b"1"}), ({}, {}), ({"_arguments": None}, {}), (None, {})],
)
def test_a_response_completes_its_call(body: Value, arguments: dict[str, Value]) -> None:
    console = new_console()
    request = call(console)
    console.receive(response(request, body), 1.0)
    assert events(console) == [CallCompleted(request, AGENT, arguments)]
    assert console.next_deadline() is None


def test_what_comes_after_the_end_of_a_request_is_ignored() -> None:
    console = new_console()
    answered, expired, cancelled = call(console), call(console, timeout=1.0), call(console)
    console.receive(response(answered, {}), 1.0)
    console.handle_timeout(2.0)
    assert console.cancel(cancelled)
    assert not console.cancel(cancelled)
    assert len(events(console)) == 2
    for request in (answered, expired, cancelled, 99):
        console.receive(response(request, {}), 3.0)
    assert events(console) == []
    assert console.statistics() == {
        "agents": 0, "pending": 0, "subscriptions": 0, "schemas": 0, "objects": 0, "ignored": 4, "dropped": 0,
    }  # fmt: skip


@pytest.mark.parametrize("agent", [None, "", "broker", "other:x:1"])
def test_an_answer_of_another_agent_is_ignored(agent: str | None) -> None:
    console = new_console()
    request = call(console)
    console.receive(response(request, {}, agent), 1.0)
    assert events(console) == []
    console.receive(response(request, {}), 1.0)
    assert len(events(console)) == 1


def test_an_answer_of_the_wrong_sort_is_ignored() -> None:
    console = new_console()
    request, other = call(console), console.query(AGENT, OBJECTS, 0.0, 5.0)
    console.receive(response(request, [], opcode="_query_response"), 1.0)
    console.receive(response(other, {}), 1.0)
    console.receive(Packet("_unknown", agent=AGENT), 1.0)
    assert events(console) == []
    assert console.statistics()["ignored"] == 3


def test_the_parts_of_an_answer_are_joined_and_the_agents_name_filled_in() -> None:
    console = new_console()
    request = console.query(AGENT, OBJECTS, 0.0, 5.0)
    part = response(request, objects("a", "b"), opcode="_query_response")
    console.receive(replace(part, partial=True), 1.0)
    assert events(console) == []
    console.receive(replace(part, body=objects("c")), 2.0)
    (event,) = events(console)
    assert isinstance(event, QueryCompleted)
    found = [item.object_id for item in event.items if isinstance(item, Data)]
    assert found == [ObjectId(AGENT, "a"), ObjectId(AGENT, "b"), ObjectId(AGENT, "c")]


def test_schemas_and_schema_ids_come_as_such() -> None:
    schema = Schema(SchemaId("p", "c"))
    console = new_console()
    first = console.query(AGENT, Query(QueryTarget.SCHEMA_ID), 0.0, 5.0)
    second = console.query(AGENT, Query(QueryTarget.SCHEMA, schema_id=schema.id), 0.0, 5.0)
    console.receive(response(first, [schema.id.to_map()], opcode="_query_response"), 1.0)
    console.receive(response(second, [schema.to_map()], opcode="_query_response"), 1.0)
    assert events(console) == [QueryCompleted(first, AGENT, [schema.id]), QueryCompleted(second, AGENT, [schema])]


@pytest.mark.parametrize("body", [{}, [1], "x"])
def test_an_unreadable_answer_to_a_query_fails_it(body: Value) -> None:
    console = new_console()
    request = console.query(AGENT, OBJECTS, 0.0, 5.0)
    console.receive(response(request, body, opcode="_query_response"), 1.0)
    (event,) = events(console)
    assert isinstance(event, RequestFailed)
    assert failure_text(event.error).startswith("the answer cannot be read")


def test_unreadable_arguments_fail_the_call() -> None:
    console = new_console()
    request = call(console)
    console.receive(response(request, {"_arguments": []}), 1.0)
    (event,) = events(console)
    assert isinstance(event, RequestFailed)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"_values": {"error_code": 3, "error_text": b"no"}}, "no"),
        ({"_values": {}}, "error"),
        ({}, "the answer cannot be read: _values: no map of values"),
        (None, "the answer cannot be read: data: not a map"),
    ],
)
def test_an_exception_fails_the_request_whatever_it_holds(body: Value, said: str) -> None:
    console = new_console()
    request = call(console)
    console.receive(response(request, body, opcode="_exception"), 1.0)
    (event,) = events(console)
    assert isinstance(event, RequestFailed)
    assert (event.request, failure_text(event.error)) == (request, said)
    assert failure_code(event.error) in (3, 7)


def test_an_unanswered_request_expires_in_order_of_its_time() -> None:
    console = new_console()
    late, soon = call(console, timeout=9.0), call(console, timeout=2.0)
    assert console.next_deadline() == 2.0
    console.handle_timeout(1.9)
    assert events(console) == []
    console.handle_timeout(10.0)
    assert events(console) == [RequestExpired(soon, AGENT), RequestExpired(late, AGENT)]
    assert console.next_deadline() is None


def test_a_part_does_not_extend_the_time_of_a_request() -> None:
    console = new_console()
    request = console.query(AGENT, OBJECTS, 0.0, 5.0)
    console.receive(replace(response(request, objects("a"), opcode="_query_response"), partial=True), 4.0)
    console.handle_timeout(5.0)
    assert events(console) == [RequestExpired(request, AGENT)]


# -- agents ----------------------------------------------------------------------------------------------------------


def test_an_agent_is_added_once_and_updated_when_something_changes() -> None:
    console = new_console()
    console.receive(heartbeat(), 1.0)
    (event,) = events(console)
    assert isinstance(event, AgentAdded)
    assert console.agents == {AGENT: event.info}
    console.receive(heartbeat(_timestamp=2), 2.0)
    assert events(console) == []
    assert console.agents[AGENT].last_seen == 2.0
    console.receive(heartbeat(hostname="box"), 3.0)
    (event,) = events(console)
    assert isinstance(event, AgentUpdated) and not event.schema_changed
    console.receive(replace(heartbeat(hostname="box", _schema_updated=6), opcode="_agent_locate_response"), 3.0)
    (event,) = events(console)
    assert isinstance(event, AgentUpdated) and event.schema_changed


def test_the_agents_cannot_be_changed_from_outside() -> None:
    console = knowing()
    with pytest.raises(TypeError):
        console.agents[AGENT] = console.agents[AGENT]  # type: ignore[index]  # the point of the test


def test_a_restarted_agent_has_lost_what_it_was_asked() -> None:
    console = knowing(AGENT, "other:x:1")
    request, other = call(console), call(console, "other:x:1")
    console.receive(heartbeat(_epoch=2, _schema_updated=9), 1.0)
    restarted, aborted = events(console)
    assert isinstance(restarted, AgentRestarted)
    assert restarted.info.epoch == 2
    assert aborted == RequestAborted(request, AGENT)
    console.receive(heartbeat(_epoch=0), 1.0)
    assert not any(isinstance(event, AgentRestarted) for event in events(console))
    assert console.cancel(other)


def test_an_agent_that_is_told_to_be_gone_is_removed_with_its_requests() -> None:
    console = knowing(AGENT, "other:x:1")
    first, second, other = call(console), call(console), call(console, "other:x:1")
    console.agent_gone(AGENT, 1.0)
    assert events(console) == [
        AgentRemoved(AGENT, "gone"), RequestAborted(first, AGENT), RequestAborted(second, AGENT),
    ]  # fmt: skip
    assert list(console.agents) == ["other:x:1"]
    unknown = call(console, "never:heard:of")
    console.agent_gone("never:heard:of", 1.0)
    assert events(console) == [RequestAborted(unknown, "never:heard:of")]
    assert console.cancel(other)
    console.receive(heartbeat(), 2.0)
    (event,) = events(console)
    assert isinstance(event, AgentAdded)


def test_a_silent_agent_ages_after_three_intervals() -> None:
    console = knowing()
    assert console.next_deadline() == 60.0
    request = call(console, timeout=100.0)
    console.receive(response(999, {}), 30.0)  # any message counts
    console.handle_timeout(60.0)
    assert events(console) == []
    assert console.next_deadline() == 90.0
    console.handle_timeout(90.0)
    assert events(console) == [AgentRemoved(AGENT, "aged"), RequestAborted(request, AGENT)]
    assert console.next_deadline() is None


def test_a_shorter_interval_makes_an_agent_age_earlier() -> None:
    console = knowing()
    console.receive(heartbeat(_heartbeat_interval=10), 1.0)
    assert console.next_deadline() == 31.0
    console.receive(heartbeat(_heartbeat_interval=100), 2.0)
    console.handle_timeout(31.0)
    assert console.next_deadline() == 302.0
    assert not any(isinstance(event, AgentRemoved) for event in events(console))


def test_an_agent_without_heartbeats_never_ages() -> None:
    console = new_console()
    console.receive(heartbeat(_heartbeat_interval=0), 0.0)
    assert console.next_deadline() is None
    console.receive(heartbeat(_heartbeat_interval=20), 1.0)
    assert console.next_deadline() == 61.0
    console.receive(heartbeat(_heartbeat_interval=0), 2.0)
    assert console.next_deadline() is None
    console.handle_timeout(1e9)
    assert list(console.agents) == [AGENT]
    console.agent_gone(AGENT, 3.0)
    assert not console.agents


def test_agents_that_never_age_give_way_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents_module, "MAX_AGENTS", 3)
    console = knowing()
    for name in ("x:x:1", "x:x:2", "x:x:1", "x:x:3"):
        console.receive(heartbeat(name, _heartbeat_interval=0), 1.0)
    assert list(console.agents) == [AGENT, "x:x:1", "x:x:3"]
    assert AgentRemoved("x:x:2", "aged") in events(console)


def test_invented_agents_are_limited_and_do_not_drive_out_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents_module, "MAX_AGENTS", 2)
    console = knowing(AGENT, "b:b:b")
    console.receive(heartbeat("c:c:c"), 1.0)
    console.receive(heartbeat(_schema_updated=6), 1.0)
    assert list(console.agents) == [AGENT, "b:b:b"]
    assert console.statistics()["dropped"] == 1
    assert len(events(console)) == 1


def test_an_unreadable_announcement_is_ignored() -> None:
    console = new_console()
    console.receive(Packet("_agent_heartbeat_indication", {}, agent=AGENT), 1.0)
    assert events(console) == []
    assert console.statistics()["ignored"] == 1


# -- indications -----------------------------------------------------------------------------------------------------


def indication(body: Value, content: str = "_event", agent: str | None = AGENT) -> Packet:
    return Packet("_data_indication", body, content, agent)


def test_each_item_of_an_event_indication_is_one_event() -> None:
    console = new_console()
    console.receive(indication([{"_values": {"n": 1}}, "junk", {"_values": {"n": 2}}]), 1.0)
    assert events(console) == [EventRaised(AGENT, Data({"n": 1})), EventRaised(AGENT, Data({"n": 2}))]
    assert console.statistics()["ignored"] == 1


def test_indicated_objects_come_together() -> None:
    console = new_console()
    console.receive(indication(objects("a", "b"), "_data"), 1.0)
    (event,) = events(console)
    assert isinstance(event, DataIndicated)
    assert [item.object_id for item in event.items] == [ObjectId(AGENT, "a"), ObjectId(AGENT, "b")]


@pytest.mark.parametrize("packet", [indication({}), indication(None), indication([], agent=None)])
def test_an_unreadable_indication_is_ignored(packet: Packet) -> None:
    console = new_console()
    console.receive(packet, 1.0)
    assert events(console) == []
    assert console.statistics()["ignored"] == 1


def test_events_that_nobody_fetches_are_limited_but_ends_of_requests_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_QUEUED_EVENTS", 3)
    console = new_console()
    request = call(console)
    console.receive(indication([{"_values": {}}] * 5), 1.0)
    console.receive(indication([{"_values": {}}]), 1.0)
    console.receive(indication(objects("a"), "_data"), 1.0)
    console.receive(heartbeat(), 1.0)
    console.receive(response(request, {}), 1.0)
    assert [type(event) for event in events(console)] == [EventRaised] * 3 + [CallCompleted]
    assert console.statistics()["dropped"] == 5
    assert not console.agents
