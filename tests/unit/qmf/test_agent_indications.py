"""What the agent engine tells everybody about its objects, without being asked."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

import pytest

from matahari.errors import LocalProtocolError
from matahari.qmf import AgentEngine, Data, ManagedObject, Packet, Property, PropertyType, Schema, ULong, Value
from tests.support.lab_agent import (
    NAME,
    OTHER,
    TAIL,
    THING,
    ask,
    commands,
    items_of,
    new_agent,
    published,
    running_agent,
)

THING_KEY = f"agent.ind.data.org_example.Thing.{TAIL}"
OTHER_KEY = f"agent.ind.data.org_example_more.Other.{TAIL}"


def told(agent: AgentEngine, now: float, wall_ns: int = 900) -> dict[str, list[str]]:
    """What is told of at ``now``: names of objects by key, those that are gone with a minus."""
    agent.handle_timeout(now, wall_ns)
    found: dict[str, list[str]] = {}
    for key, packet in published(commands(agent)):
        if packet.content == "_data":
            for item in items_of(packet):
                data = Data.from_map(item)
                assert data.object_id is not None
                found.setdefault(key, []).append(f"{'-' if data.delete_ns else ''}{data.object_id.object_name}")
    return found


def test_an_object_is_told_of_in_the_form_of_the_brokers_agent() -> None:
    """qmf2.md 3.9; 8, V17."""
    agent = new_agent()
    agent.add_schema(THING, 100)
    agent.add_object(ManagedObject("one", THING, {"label": "first"}), 150)
    assert agent.next_deadline() is None
    agent.start(10.0, 200)
    assert agent.next_deadline() == 10.0
    commands(agent)
    agent.handle_timeout(10.0, 200)
    ((key, packet),) = published(commands(agent))
    assert key == THING_KEY
    assert packet == Packet(
        "_data_indication",
        [
            {
                "_values": {"label": "first"},
                "_object_id": {"_agent_name": NAME, "_object_name": "one", "_agent_epoch": 4},
                "_schema_id": THING.id.to_map(),
                "_create_ts": 150,
                "_update_ts": 150,
                "_delete_ts": 0,
            }
        ],
        content="_data",
        agent=NAME,
        method="indication",
    )
    (item,) = items_of(packet)
    assert {type(item[name]) for name in ("_create_ts", "_update_ts", "_delete_ts")} == {ULong}


def test_objects_are_told_of_by_class_and_in_parts() -> None:
    agent = running_agent()
    agent.add_schema(OTHER, 100)
    for number in range(101):
        agent.add_object(ManagedObject(f"o{number}", OTHER, {"n": number}), 300)
    agent.object_changed("one", 300)
    agent.handle_timeout(20.0, 400)
    indications = [
        (key, len(items_of(packet))) for key, packet in published(commands(agent)) if packet.content == "_data"
    ]
    assert indications == [(THING_KEY, 1), (OTHER_KEY, 100), (OTHER_KEY, 1)]
    assert not any(packet.partial for _, packet in published(commands(agent)))


def test_changes_are_gathered_for_the_publish_interval() -> None:
    agent = running_agent()
    agent.add_object(ManagedObject("two", THING, {"label": "second"}), 300)
    assert agent.next_deadline() == 20.0
    agent.object_changed("one", 300)
    agent.object_changed("one", 301)
    assert told(agent, 19.9) == {}
    assert told(agent, 20.0) == {THING_KEY: ["one", "two"]}
    assert told(agent, 29.0) == {}
    agent.object_changed("two", 302)
    assert agent.next_deadline() == 30.0
    assert told(agent, 30.0) == {THING_KEY: ["two"]}


def test_a_change_after_a_quiet_time_is_told_of_at_once() -> None:
    agent = running_agent()
    agent.object_changed("one", 300)
    deadline = agent.next_deadline()
    assert deadline is not None and deadline <= 25.0
    assert told(agent, 25.0) == {THING_KEY: ["one"]}


def test_an_object_that_is_gone_is_told_of_once_with_its_last_values() -> None:
    """qpid-tool takes it off its list then (qmf2.md 6.3)."""
    agent = running_agent()
    agent.add_object(ManagedObject("two", THING, {"label": "second"}), 300)
    assert told(agent, 20.0) == {THING_KEY: ["two"]}
    agent.remove_object("two", 400)
    agent.handle_timeout(30.0, 500)
    ((key, packet),) = published(commands(agent))
    assert key == THING_KEY
    assert items_of(packet) == [
        {
            "_values": {"label": "second"},
            "_object_id": {"_agent_name": NAME, "_object_name": "two", "_agent_epoch": 4},
            "_schema_id": THING.id.to_map(),
            "_create_ts": 300,
            "_update_ts": 300,
            "_delete_ts": 400,
        }
    ]
    assert told(agent, 500.0) == {THING_KEY: ["one"]}


def test_an_object_that_comes_back_in_time_was_never_gone() -> None:
    agent = running_agent()
    agent.remove_object("one", 300)
    agent.add_object(ManagedObject("one", THING, {"label": "again"}), 310)
    assert told(agent, 20.0) == {THING_KEY: ["one"]}


def test_an_object_of_another_class_in_the_place_of_one_makes_that_one_go() -> None:
    agent = running_agent()
    agent.add_schema(OTHER, 100)
    agent.add_object(ManagedObject("one", OTHER, {"n": 1}), 300)
    assert told(agent, 20.0) == {THING_KEY: ["-one"], OTHER_KEY: ["one"]}


def test_another_version_of_the_class_is_the_same_object() -> None:
    """A plugin that was reloaded with other methods keeps its object."""
    agent = running_agent()
    newer = Schema(replace(THING.id, hash=None), (*THING.properties, Property("more", PropertyType.INT)))
    agent.add_schema(newer, 250)
    agent.add_object(ManagedObject("one", newer, {"label": "x"}), 300)
    agent.handle_timeout(20.0, 400)
    _, (_, packet) = published(commands(agent))
    (item,) = items_of(packet)
    assert (item["_create_ts"], item["_update_ts"], item["_delete_ts"]) == (150, 300, 0)


def test_a_locate_makes_the_agent_tell_of_everything_soon_but_not_at_once() -> None:
    """Every agent of a fleet hears it, so each waits for a while of its own, within the interval."""
    agent = running_agent()
    ask(agent, Packet("_agent_locate_request", []), now=30.0)
    deadline = agent.next_deadline()
    assert deadline is not None
    assert 30.0 < deadline < 40.0
    ask(agent, Packet("_agent_locate_request", []), now=31.0)
    assert agent.next_deadline() == deadline
    assert told(agent, deadline) == {THING_KEY: ["one"]}
    for _ in range(5):
        ask(agent, Packet("_agent_locate_request", []), now=deadline + 0.1)
    later = [moment / 10 for moment in range(300, 500) if told(agent, moment / 10)]
    assert all(moment >= deadline + 10.0 for moment in later)
    assert len(later) <= 2


def test_a_locate_that_does_not_match_changes_nothing() -> None:
    agent = running_agent()
    ask(agent, Packet("_agent_locate_request", ["false"]), now=25.0)
    assert agent.next_deadline() == 40.0


def test_an_agent_that_stopped_tells_of_nothing_until_it_starts_again() -> None:
    agent = running_agent()
    agent.object_changed("one", 300)
    agent.stop()
    assert agent.next_deadline() is None
    assert told(agent, 100.0) == {}
    agent.start(200.0, 500)
    assert told(agent, 200.0) == {THING_KEY: ["one"]}


def test_after_a_reconnect_everything_is_told_of_again() -> None:
    agent = running_agent()
    agent.start(20.0, 500)
    commands(agent)
    deadline = agent.next_deadline()
    assert deadline is not None and deadline < 30.0
    assert told(agent, deadline) == {THING_KEY: ["one"]}


def test_values_that_differ_at_the_next_look_move_the_time_of_update_on() -> None:
    agent = running_agent()
    labels = iter(["a", "a", "b"])
    agent.add_object(ManagedObject("one", THING, lambda: {"label": next(labels)}), 300)
    seen = []
    for now in (20.0, 100.0, 200.0):
        agent.handle_timeout(now, round(1000 * now))
        (packet,) = [packet for _, packet in published(commands(agent)) if packet.content == "_data"]
        seen += [item["_update_ts"] for item in items_of(packet)]
    assert seen == [300, 300, 200_000]


def test_an_object_that_fails_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    failing = True

    def values() -> Mapping[str, Value]:
        if failing:
            raise OSError("no disk")
        return {"label": "back"}

    agent = running_agent()
    agent.add_object(ManagedObject("bad", THING, values), 300)
    agent.add_object(ManagedObject("worse", THING, {"label": 2**70}), 300)
    agent.add_object(ManagedObject("good", THING, {"label": "fine"}), 300)
    with caplog.at_level(logging.ERROR):
        assert told(agent, 20.0) == {THING_KEY: ["good"]}
        assert told(agent, 100.0) == {THING_KEY: ["one", "good"]}
    assert len(caplog.records) == 2  # each is logged once, until it is over
    failing = False
    assert told(agent, 200.0) == {THING_KEY: ["one", "bad", "good"]}
    failing = True
    agent.remove_object("bad", 400)
    assert told(agent, 205.0) == {}
    assert told(agent, 210.0) == {THING_KEY: ["-bad"]}


def test_a_change_of_an_object_that_is_not_there_is_the_callers_mistake() -> None:
    with pytest.raises(LocalProtocolError, match="no object two"):
        running_agent().object_changed("two", 1)


def test_an_idle_agent_asks_its_objects_only_with_the_heartbeats() -> None:
    asked = 0

    def values() -> Mapping[str, Value]:
        nonlocal asked
        asked += 1
        return {"label": "x"}

    agent = running_agent()
    agent.add_object(ManagedObject("one", THING, values), 300)
    now = 20.0
    while now < 320.0:
        agent.handle_timeout(now, 400)
        deadline = agent.next_deadline()
        assert deadline is not None and deadline > now
        now = deadline
    assert asked == 10  # for the change, then each 30 seconds


def test_a_publish_interval_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="publish interval"):
        new_agent(publish_interval=0.0)
