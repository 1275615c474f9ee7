"""Needs 6.2.1 to 6.2.8 and 6.3 of qmf2.md: what ``qmf.console``, the 2012 mhsh and ``qpid-tool`` must get from us."""

from __future__ import annotations

import uuid
from typing import cast

import pytest

from matahari.qmf import (
    AgentEngine,
    Invoke,
    ManagedObject,
    Packet,
    Publish,
    Reply,
    Value,
    v1,
)
from tests.support.agent_replay import packet as recorded
from tests.support.qmf_talk import (
    DONE,
    NAME,
    THING,
    an_agent,
    ask,
    ask_one,
    commands,
    items,
    on_the_wire,
    query,
    request,
    values,
)
from tests.support.recorded import find
from tests.support.wire_reader import Typed, read_frames

PYTHON = "qmf.default.direct/qmfc-v2-box.4711.1"
LEGACY = "amq.direct/reply-box.4711.1"


def told(agent: AgentEngine) -> list[Publish]:
    return [command for command in commands(agent) if isinstance(command, Publish)]


def indications(agent: AgentEngine) -> list[dict[str, Value]]:
    """Objects told unasked."""
    return [item for command in told(agent) if command.packet.content == "_data" for item in items(command.packet)]


def names(found: list[dict[str, Value]]) -> list[Value]:
    return [cast("dict[str, Value]", item["_object_id"])["_object_name"] for item in found]


# -- 6.2 -------------------------------------------------------------------------------------------------------------


def test_need_6_2_1_the_recorded_broadcast_is_answered_to_its_reply_queue() -> None:
    agent = an_agent()
    agent.receive(recorded(find("locate", "request-python-0-10")), 1.0, 2)
    (reply,) = commands(agent)
    assert isinstance(reply, Reply)
    assert reply.reply_to == "qmf.default.direct/qmfc-v2-vm.5906.1"


def test_need_6_2_2_an_announcement_has_all_that_makes_an_agent() -> None:
    agent = an_agent()
    agent.handle_timeout(60.0, 5)
    heartbeat = next(one.packet for one in told(agent) if one.packet.opcode == "_agent_heartbeat_indication")
    for packet in (heartbeat, ask_one(agent, request("_agent_locate_request", [], reply_to=PYTHON))):
        reading = on_the_wire(packet)
        assert reading.properties["content-type"].value == "amqp/map"
        assert reading.application["qmf.agent"] == Typed("string", NAME)
        said = values(packet)
        assert said["_timestamp"] in (5, 20)
        assert said["_heartbeat_interval"] == 60
        assert not NAME.startswith("apache.org:qpidd")


def test_need_6_2_3_a_change_of_schemas_is_told_soon_and_the_list_is_had_again() -> None:
    agent = an_agent()
    before = values(ask_one(agent, request("_agent_locate_request", [])))["_schema_updated"]
    agent.remove_schema(DONE.id, 1)
    assert cast(float, agent.next_deadline()) < 1.0
    agent.handle_timeout(1.0, 2)
    heartbeat = next(one.packet for one in told(agent) if one.packet.opcode == "_agent_heartbeat_indication")
    after = values(heartbeat)["_schema_updated"]
    assert isinstance(before, int) and isinstance(after, int)
    assert after > before
    assert [one["_class_name"] for one in items(ask_one(agent, query(what="SCHEMA_ID")))] == ["Thing"]


def test_need_6_2_4_an_agent_without_the_class_answers_with_nothing_at_once() -> None:
    asked = find("objects", "request-python-Host-from-host")
    answer = ask_one(an_agent(), recorded(asked))
    assert (answer.opcode, answer.content, answer.body, answer.partial) == ("_query_response", "_data", [], False)


def test_need_6_2_5_an_object_has_its_class_with_hash_and_its_id() -> None:
    found = ask_one(an_agent(), query(what="OBJECT", schema_id={"_class_name": "Thing"}))
    body = on_the_wire(found).body
    assert body is not None
    (item,) = items(found)
    assert item["_values"] == {"name": "n0", "size": 0}
    assert item["_schema_id"] == THING.id.to_map()
    assert isinstance(cast("dict[str, Value]", item["_schema_id"])["_hash"], uuid.UUID)
    assert item["_object_id"] == {"_agent_name": NAME, "_object_name": "thing-0", "_agent_epoch": 1}


def test_need_6_2_5_the_schema_of_that_hash_is_had_by_a_frame_on_the_legacy_exchange() -> None:
    asked = Packet("", v1.encode_schema_request(12, THING.id), reply_to=LEGACY)
    answer = ask_one(an_agent(), asked)
    (frame,) = read_frames(cast(bytes, answer.body))
    assert (frame["opcode"], frame["sequence"]) == ("s", 12)
    assert THING.id.hash is not None and frame["hash"] == THING.id.hash.hex


def test_need_6_2_6_the_directions_of_arguments_are_in_the_schema_that_it_reads() -> None:
    """Only ``dir`` tells it what to send; it takes arguments by position."""
    (frame,) = read_frames(v1.encode_schema(1, THING))
    (method,) = cast("list[dict[str, object]]", frame["methods"])
    arguments = cast("list[list[tuple[Typed, Typed]]]", method["arguments"])
    said = [{str(key.value): value.value for key, value in entries} for entries in arguments]
    assert [(one["name"], one["dir"]) for one in said] == [("to", "I"), ("old", "O")]


def test_need_6_2_6_a_call_under_the_agents_name_is_answered_with_arguments() -> None:
    agent = an_agent()
    address: Value = {"_agent_name": NAME, "_object_name": "thing-0", "_agent_epoch": 1}
    body: Value = {"_object_id": address, "_method_name": "resize", "_arguments": {"to": 5}}
    agent.receive(request("_method_request", body, correlation_id="1339420401", reply_to=PYTHON), 1.0, 2)
    (call,) = commands(agent)
    assert isinstance(call, Invoke)
    agent.complete(call.call, {"old": 0})
    (reply,) = commands(agent)
    assert isinstance(reply, Reply)
    assert (reply.reply_to, reply.packet.correlation_id) == (PYTHON, "1339420401")
    assert reply.packet.body == {"_arguments": {"old": 0}}


@pytest.mark.parametrize("name", ["request-python-0-10-to-lab", "request-python-0-10-to-host"])
def test_need_6_2_7_a_request_with_nothing_but_an_opcode_is_answered(name: str) -> None:
    asked = find("schema-ids", name)
    assert asked.stated.application == {"qmf.opcode": Typed("string", "_query_request")}
    assert ask_one(an_agent(), recorded(asked)).content == "_schema_id"


def test_need_6_2_8_headers_are_text_and_so_is_text_in_bodies() -> None:
    answer = on_the_wire(ask_one(an_agent(), query(what="SCHEMA", schema_id=THING.id.to_map())))
    assert {value.kind for value in answer.application.values()} == {"string"}
    assert answer.body is not None
    assert "vbin16" not in repr(answer.body)
    (frame,) = read_frames(v1.encode_schema(1, THING))
    assert "vbin" not in repr(frame)


# -- 6.3: qpid-tool --------------------------------------------------------------------------------------------------


def test_need_6_3_1_agents_are_listed_by_their_announcements() -> None:
    assert {"_vendor", "_product", "_instance", "_name"} <= values(
        ask_one(an_agent(), request("_agent_locate_request", []))
    ).keys()


def test_need_6_3_2_a_class_is_shown_after_an_event_or_object_of_it_named_its_hash() -> None:
    agent = an_agent()
    agent.raise_event(DONE, {"text": "x"}, None, 1)
    agent.handle_timeout(100.0, 6)
    hashes = {
        cast("dict[str, Value]", item["_schema_id"])["_hash"]
        for one in told(agent)
        if isinstance(one.packet.body, list)
        for item in items(one.packet)
    }
    assert hashes == {THING.id.hash, DONE.id.hash}


def test_need_6_3_3_all_objects_are_told_soon_after_a_locate() -> None:
    agent = an_agent(objects=3)
    agent.handle_timeout(100.0, 6)
    assert len(indications(agent)) == 3
    agent.handle_timeout(111.0, 6)
    assert indications(agent) == [], "nothing has changed"
    ask(agent, request("_agent_locate_request", []), now=112.0)
    due = agent.next_deadline()
    assert due is not None and due <= 112.0 + 10.0 * 2
    agent.handle_timeout(due, 7)
    assert names(indications(agent)) == ["thing-0", "thing-1", "thing-2"]


def test_need_6_3_3_all_objects_are_told_periodically() -> None:
    agent = an_agent(objects=2)
    counts = []
    for minute in range(1, 6):
        agent.handle_timeout(60.0 * minute, minute)
        counts.append(len(indications(agent)))
    assert counts == [2] * 5


def test_need_6_3_3_a_new_and_a_changed_object_are_told_alone() -> None:
    agent = an_agent(objects=2)
    agent.handle_timeout(50.0, 6)
    indications(agent)
    agent.add_object(ManagedObject("late", THING, {"name": "l"}), 7)
    agent.object_changed("thing-1", 8)
    agent.handle_timeout(61.0, 9)
    found = indications(agent)
    assert sorted(map(str, names(found))) == ["late", "thing-1"]
    times = {str(names([item])[0]): (item["_create_ts"], item["_update_ts"], item["_delete_ts"]) for item in found}
    assert times == {"late": (7, 7, 0), "thing-1": (3, 8, 0)}


def test_need_6_3_3_a_deleted_object_is_told_once_with_the_time() -> None:
    agent = an_agent(objects=2)
    agent.handle_timeout(50.0, 6)
    indications(agent)
    agent.remove_object("thing-0", 7)
    agent.handle_timeout(61.0, 9)
    (gone,) = [item for item in indications(agent) if item["_delete_ts"]]
    assert names([gone]) == ["thing-0"]
    assert gone["_delete_ts"] == 7
    assert gone["_schema_id"] == THING.id.to_map()
    agent.handle_timeout(200.0, 10)
    assert names(indications(agent)) == ["thing-1"]


def test_need_6_3_4_an_object_is_had_by_its_id_and_then_called() -> None:
    agent = an_agent()
    address: Value = {"_agent_name": NAME, "_object_name": "thing-0", "_agent_epoch": 1}
    (item,) = items(ask_one(agent, query(what="OBJECT", object_id=address)))
    assert cast("dict[str, Value]", item["_object_id"])["_agent_name"] == NAME
    body: Value = {"_object_id": item["_object_id"], "_method_name": "resize", "_arguments": {"to": 5}}
    agent.receive(request("_method_request", body), 1.0, 2)
    (call,) = commands(agent)
    assert isinstance(call, Invoke)
    assert call.object_name == "thing-0"
