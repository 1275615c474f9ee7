"""Quirks 35 to 41 of qmf2.md section 7, those of the Python console and of Matahari itself."""

from __future__ import annotations

from typing import cast

import pytest

from matahari.bus import matches
from matahari.qmf import (
    AgentEngine,
    ConsoleEngine,
    Data,
    EventRaised,
    Invoke,
    ManagedObject,
    ObjectId,
    Publish,
    RequestFailed,
    Value,
    failure_code,
    failure_text,
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
from tests.support.recorded import find
from tests.support.wire_reader import Typed


def test_quirk_35_a_v2_agent_of_ours_answers_the_recorded_v1_schema_request() -> None:
    """No opcode, no app-id, no correlation-id; the answer is found by ``qmf.agent``, which must be text."""
    asked = find("mhsh-requests", "07-qmfv1-schema-request")
    assert asked.stated.application == {}
    agent = an_agent(name=asked.property("subject") or "")
    answer = ask_one(agent, recorded(asked))
    reading = on_the_wire(answer)
    assert reading.application == {"qmf.agent": Typed("string", agent.name)}
    assert reading.section == "data"
    (frame,) = reading.frames
    assert frame["sequence"] == asked.stated.frames[0]["sequence"]


def test_quirk_36_a_result_without_output_has_arguments_all_the_same() -> None:
    agent = an_agent()
    body: Value = {"_object_id": {"_object_name": "thing-0"}, "_method_name": "resize", "_arguments": {"to": 1}}
    agent.receive(request("_method_request", body), 1.0, 2)
    (call,) = commands(agent)
    assert isinstance(call, Invoke)
    agent.complete(call.call, {})
    (reply,) = commands(agent)
    assert not isinstance(reply, Invoke)
    assert reply.packet.body == {"_arguments": {}}


@pytest.mark.parametrize("data", [None, Data({"type": "ValueError", "value": "boom"})], ids=["text", "data"])
def test_quirk_36_every_exception_has_the_two_values_that_it_shows(data: Data | None) -> None:
    agent = an_agent()
    body: Value = {"_object_id": {"_object_name": "thing-0"}, "_method_name": "resize", "_arguments": {"to": 1}}
    agent.receive(request("_method_request", body), 1.0, 2)
    (call,) = commands(agent)
    assert isinstance(call, Invoke)
    agent.fail(call.call, "It cannot be resized.", data=data)
    (reply,) = commands(agent)
    assert not isinstance(reply, Invoke)
    found = values(reply.packet)
    assert (found["error_code"], found["error_text"]) == (7, "It cannot be resized.")


def test_quirk_37_both_spellings_of_the_brokers_name_fit_what_we_bind() -> None:
    for subject in ("agent.ind.heartbeat.apache_org.qpidd.1", "agent.ind.heartbeat.org_apache.qpidd.1"):
        assert matches("agent.ind.heartbeat.#", subject)


def test_quirk_37_our_subjects_fit_its_selective_bindings() -> None:
    agent = an_agent()
    agent.raise_event(DONE, {"text": "x"}, 5, 1)
    agent.add_object(ManagedObject("more", THING, {}), 5)
    agent.handle_timeout(100.0, 6)
    keys = {command.packet.content: command.key for command in commands(agent) if isinstance(command, Publish)}
    bindings = {
        None: "agent.ind.heartbeat.example_org.thing.#",
        "_event": "agent.ind.event.org_example.done.note.example_org.thing.#",
        "_data": "agent.ind.data.org_example.Thing.example_org.thing.#",
    }
    assert keys.keys() == bindings.keys()
    assert all(matches(pattern, keys[content]) for content, pattern in bindings.items())


def test_quirk_38_a_list_of_classes_that_nobody_waits_for_any_more_does_no_harm() -> None:
    agent = an_agent()
    console = a_console(agent)
    number = console.list_classes(NAME, 0.0, 5.0)
    ((_, packet),) = sent(console)
    assert console.cancel(number)
    before = console.statistics()["ignored"]
    console.receive(off_the_wire(ask_one(agent, packet)), 6.0)
    assert events(console) == []
    assert console.statistics()["ignored"] == before + 1


def test_quirk_39_what_is_told_to_all_has_no_correlation_id() -> None:
    agent = an_agent(objects=3)
    agent.raise_event(DONE, {"text": "x"}, None, 1)
    agent.handle_timeout(100.0, 6)
    told = [command.packet for command in commands(agent) if isinstance(command, Publish)]
    assert len(told) >= 3
    assert all("correlation-id" not in on_the_wire(packet).properties for packet in told)


def test_quirk_39_what_is_told_to_a_subscriber_has_the_number_that_it_gave() -> None:
    agent = an_agent()
    body: Value = {"_query": {"_what": "OBJECT", "_schema_id": {"_class_name": "Thing"}}}
    assert ask_one(agent, request("_subscribe_request", body, correlation_id="17")).correlation_id == "17"
    agent.handle_timeout(2.0, 3)
    subscribed = [command for command in commands(agent) if not isinstance(command, (Publish, Invoke))]
    assert [reply.packet.correlation_id for reply in subscribed] == ["17"]
    assert [reply.packet.content for reply in subscribed] == ["_data"]


@pytest.mark.parametrize("what", ["OBJECT", "OBJECT_ID", "SCHEMA", "SCHEMA_ID", "QUERY", ""])
def test_quirk_40_no_query_is_left_without_an_end(what: str) -> None:
    for agent in (an_agent(), an_agent(objects=0), AgentEngine(vendor="v", product="p", instance="i", attributes={})):
        for schema_id in ({"_class_name": "Thing"}, {"_class_name": "Foreign", "_package_name": "else.where"}):
            found = ask(agent, query(what=what, schema_id=cast("dict[str, Value]", schema_id)))
            assert [one.partial for one in found] == [False]
            if what in ("OBJECT", "OBJECT_ID") and schema_id["_class_name"] == "Foreign":
                assert items(found[0]) == []


def test_quirk_41_seconds_of_a_2012_event_stay_seconds_beside_the_nanoseconds_of_its_envelope() -> None:
    console = ConsoleEngine(reply_to=REPLY_TO)
    console.receive(recorded(find("events", "host-heartbeat-1.0")), 1.0)
    (event,) = events(console)
    assert isinstance(event, EventRaised)
    assert event.data.values["timestamp"] == 1795358013
    assert event.data.timestamp_ns == 1795358013960647855


def test_the_bare_error_of_2012_that_its_shell_showed_is_told_in_full_by_ours() -> None:
    """``error (7) - {}``: 2012's PluginException had neither code nor text (qmf2.md, what the lab taught, 7)."""
    answer = find("method-python-0-10", "response-testException")
    console = ConsoleEngine(reply_to=REPLY_TO, first_request=int(answer.property("correlation-id") or "0"))
    console.call(answer.said("qmf.agent") or "", ObjectId("", "x"), "testException", {}, 0.0, 5.0)
    console.receive(recorded(answer), 1.0)
    (event,) = events(console)
    assert isinstance(event, RequestFailed)
    assert failure_code(event.error) == 7
    assert failure_text(event.error).startswith("Exception: Exception thrown by")
