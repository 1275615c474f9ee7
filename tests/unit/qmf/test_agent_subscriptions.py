"""Subscriptions to the objects of the agent engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from matahari.qmf import (
    AgentEngine,
    Data,
    ManagedObject,
    Packet,
    Property,
    PropertyType,
    Publish,
    Reply,
    Schema,
    Value,
)
from matahari.qmf import _subscriptions as module
from tests.support.lab_agent import (
    NAME,
    OTHER,
    REPLY_TO,
    THING,
    address,
    ask,
    commands,
    items_of,
    refusal,
    replied,
    running_agent,
)

THINGS: Value = {"_what": "OBJECT", "_schema_id": {"_class_name": "Thing", "_package_name": "org.example"}}


def request(query: Value = THINGS, *, interval: Value = 2000, duration: Value = 60) -> Packet:
    body: dict[str, Value] = {"_query": query, "_interval": interval, "_duration": duration}
    return Packet("_subscribe_request", {name: value for name, value in body.items() if value is not None})


def refresh(name: Value = "s1", **members: Value) -> Packet:
    body: dict[str, Value] = {"_subscription_id": name, **{f"_{key}": value for key, value in members.items()}}
    return Packet("_subscribe_refresh_indication", body, method="request")


def cancel(name: Value = "s1") -> Packet:
    return Packet("_subscribe_cancel_indication", {"_subscription_id": name})


def subscribed(agent: AgentEngine, packet: Packet | None = None, now: float = 11.0) -> dict[str, Value]:
    """Subscribe and return what was granted."""
    (answer,) = ask(agent, packet or request(), now)
    assert (answer.opcode, answer.method, answer.content) == ("_subscribe_response", "response", None)
    assert isinstance(answer.body, dict)
    return answer.body


def news(agent: AgentEngine, now: float, wall_ns: int = 900) -> list[dict[str, Value]]:
    """What subscribers are told at ``now``, as data maps."""
    agent.handle_timeout(now, wall_ns)
    found = []
    for packet in replied(command for command in commands(agent) if not isinstance(command, Publish)):
        assert packet.opcode == "_data_indication"
        assert (packet.content, packet.method, packet.correlation_id) == ("_data", "indication", "17")
        assert packet.subject == "" and not packet.partial
        found += items_of(packet)
    return found


def labels(agent: AgentEngine, now: float) -> list[Value]:
    """The labels of what subscribers are told at ``now``; ``gone NAME`` of what was deleted."""
    found: list[Value] = []
    for item in news(agent, now):
        data = Data.from_map(item)
        assert data.object_id is not None
        found.append(f"gone {data.object_id.object_name}" if data.delete_ns else data.values.get("label"))
    return found


def test_a_subscription_is_answered_and_the_objects_follow_at_once() -> None:
    """qmf2.md 3.10."""
    agent = running_agent()
    assert subscribed(agent) == {"_subscription_id": "s1", "_duration": 60, "_interval": 2000}
    assert agent.statistics()["subscriptions"] == 1
    assert agent.next_deadline() == 11.0
    (item,) = news(agent, 11.0)
    assert item == {
        "_values": {"label": "first"},
        "_object_id": {"_agent_name": NAME, "_object_name": "one", "_agent_epoch": 4},
        "_schema_id": THING.id.to_map(),
        "_create_ts": 150,
        "_update_ts": 150,
        "_delete_ts": 0,
    }


def test_the_news_have_the_form_of_the_request() -> None:
    agent = running_agent()
    subscribed(agent, replace(request(), form_a=True))
    agent.handle_timeout(11.0, 900)
    (packet,) = replied(commands(agent))
    assert packet.form_a


def test_only_changes_are_told_at_each_interval() -> None:
    agent = running_agent()
    label = "a"
    agent.add_object(ManagedObject("one", THING, lambda: {"label": label}), 300)
    subscribed(agent)
    assert labels(agent, 11.2) == ["a"]
    assert agent.next_deadline() == 13.0  # on whole seconds, so that several share one look
    label = "b"
    assert labels(agent, 12.9) == []
    assert labels(agent, 13.0) == ["b"]
    assert labels(agent, 15.0) == []
    agent.add_object(ManagedObject("two", THING, {"label": "c"}), 300)
    assert labels(agent, 17.0) == ["c"]
    agent.remove_object("two", 400)
    assert labels(agent, 19.0) == ["gone two"]
    assert labels(agent, 21.0) == []


def test_an_object_that_is_gone_has_the_moment_but_no_values() -> None:
    agent = running_agent()
    subscribed(agent)
    news(agent, 11.0)
    agent.remove_object("one", 400)
    assert news(agent, 13.0, 500) == [
        {
            "_values": {},
            "_object_id": {"_agent_name": NAME, "_object_name": "one", "_agent_epoch": 4},
            "_schema_id": THING.id.to_map(),
            "_delete_ts": 500,
        }
    ]


def test_many_changes_come_in_several_messages() -> None:
    agent = running_agent()
    for number in range(150):
        agent.add_object(ManagedObject(f"o{number}", THING, {"label": "x"}), 300)
    subscribed(agent)
    agent.handle_timeout(11.0, 900)
    packets = replied(commands(agent))
    assert [len(items_of(packet)) for packet in packets] == [100, 51]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"_what": b"OBJECT", "_object_id": address()}, ["first"]),
        ({"_what": "OBJECT", "_object_id": address("two")}, []),
        ({"_what": "OBJECT", "_schema_id": {"_class_name": b"Thing"}}, ["first"]),
        ({"_what": "OBJECT", "_schema_id": {"_class_name": "Other"}}, []),
        ({**THINGS, "_where": ["eq", "label", ["quote", b"first"]]}, ["first"]),  # type: ignore[dict-item] # a map
        ({**THINGS, "_where": ["eq", "label", ["quote", "second"]]}, []),  # type: ignore[dict-item] # a map
    ],
)
def test_objects_are_chosen_by_id_class_and_predicate(query: Value, expected: list[str]) -> None:
    agent = running_agent()
    subscribed(agent, request(query))
    assert labels(agent, 11.0) == expected


def test_an_object_that_does_not_match_any_more_is_told_of_once_more_as_it_is() -> None:
    agent = running_agent()
    label = "in"
    agent.add_object(ManagedObject("one", THING, lambda: {"label": label}), 300)
    assert isinstance(THINGS, dict)
    subscribed(agent, request({**THINGS, "_where": ["eq", "label", ["quote", "in"]]}))
    assert labels(agent, 11.0) == ["in"]
    label = "out"
    assert labels(agent, 13.0) == ["out"]
    label = "far out"
    assert labels(agent, 15.0) == []
    label = "in"
    assert labels(agent, 17.0) == ["in"]


def test_an_object_of_another_class_in_the_place_of_one_makes_that_one_go() -> None:
    agent = running_agent()
    agent.add_schema(OTHER, 1)
    subscribed(agent)
    subscribed(agent, request({"_what": "OBJECT", "_object_id": address()}))
    assert labels(agent, 11.0) == ["first", "first"]
    agent.add_object(ManagedObject("one", OTHER, {"n": 1}), 300)
    found = news(agent, 13.0)
    assert [bool(item["_delete_ts"]) for item in found] == [True, False]
    newer = Schema(replace(OTHER.id, hash=None), (*OTHER.properties, Property("more", PropertyType.INT)))
    agent.add_schema(newer, 1)
    agent.add_object(ManagedObject("one", newer, {"n": 1}), 300)
    assert len(news(agent, 15.0)) == 1  # equal values of another version of the class are news


def test_an_object_whose_values_cannot_be_had_is_neither_new_nor_gone() -> None:
    failing = False

    def values() -> Mapping[str, Value]:
        if failing:
            raise OSError("no disk")
        return {"label": "x"}

    agent = running_agent()
    agent.add_object(ManagedObject("one", THING, values), 300)
    agent.add_object(ManagedObject("two", THING, {"label": "y"}), 300)
    subscribed(agent)
    assert labels(agent, 11.0) == ["x", "y"]
    failing = True
    agent.add_object(ManagedObject("two", THING, {"label": "z"}), 300)
    assert labels(agent, 13.0) == ["z"]
    failing = False
    assert labels(agent, 15.0) == []


@pytest.mark.parametrize(
    ("interval", "duration", "granted"),
    [
        (None, None, (30_000, 300)),
        (0, -5, (30_000, 300)),
        ("soon", True, (30_000, 300)),
        (1, 1, (1000, 10)),
        (1001, 10.5, (2000, 11)),
        (10**12, 10**30, (3_600_000, 3600)),
        (float("inf"), float("nan"), (3_600_000, 300)),
    ],
)
def test_interval_and_duration_have_defaults_and_bounds(
    interval: Value, duration: Value, granted: tuple[int, int]
) -> None:
    body = subscribed(running_agent(), request(interval=interval, duration=duration))
    assert (body["_interval"], body["_duration"]) == granted


def test_a_subscription_ends_when_its_time_is_over() -> None:
    agent = running_agent()
    subscribed(agent)
    assert labels(agent, 11.0) == ["first"]
    agent.add_object(ManagedObject("two", THING, {"label": "x"}), 300)
    assert labels(agent, 71.0) == []
    assert agent.statistics()["subscriptions"] == 0
    assert refusal(ask(agent, refresh(), 72.0)) == (1, "There is no such subscription")


def test_a_refresh_prolongs_a_subscription() -> None:
    agent = running_agent()
    subscribed(agent)
    for now, members, duration in ((60.0, {}, 60), (100.0, {"duration": 100}, 100), (190.0, {"duration": None}, 100)):
        (answer,) = ask(agent, refresh(b"s1", **members), now)
        assert answer.opcode == "_subscribe_response"
        assert answer.body == {"_subscription_id": "s1", "_duration": duration, "_interval": 2000}
    assert labels(agent, 289.0) == ["first"]
    assert refusal(ask(agent, refresh(), 290.0))[0] == 1  # over, though nobody looked meanwhile


@pytest.mark.parametrize("body", [None, [], {}, {"_subscription_id": 5}, {"_subscription_id": "s2"}])
def test_a_refresh_of_an_unknown_subscription_is_an_exception(body: Value) -> None:
    agent = running_agent()
    subscribed(agent)
    answers = ask(agent, Packet("_subscribe_refresh_indication", body, method="request"))
    assert refusal(answers) == (1, "There is no such subscription")


@pytest.mark.parametrize("reply_to", [None, REPLY_TO])
def test_a_cancelled_subscription_is_silent(reply_to: str | None) -> None:
    agent = running_agent()
    subscribed(agent)
    agent.receive(replace(cancel(), reply_to=reply_to), 11.0, 300)
    assert agent.statistics()["subscriptions"] == 0
    assert news(agent, 11.0) == []
    agent.receive(replace(cancel(), reply_to=reply_to), 11.0, 300)
    agent.receive(replace(Packet("_subscribe_cancel_indication", [1]), reply_to=reply_to), 11.0, 300)
    assert commands(agent) == []
    assert agent.statistics()["ignored"] == 2


@pytest.mark.parametrize(
    ("packet", "complaint"),
    [
        (Packet("_subscribe_request"), "A subscription must be a map"),
        (Packet("_subscribe_request", [1]), "A subscription must be a map"),
        (request(None), "Invalid query"),
        (request({"_what": "SCHEMA"}), "Only objects by id or class"),
        (request({"_what": "OBJECT_ID", "_schema_id": {"_class_name": "Thing"}}), "Only objects by id or class"),
        (request({"_what": "OBJECT"}), "Only objects by id or class"),
        (request({"_what": "OBJECT", "_object_id": {}}), "Invalid query"),
        (request({**THINGS, "_where": ["like"]}), "Invalid query"),  # type: ignore[dict-item] # a map
    ],
)
def test_what_cannot_be_subscribed_to_is_refused(packet: Packet, complaint: str) -> None:
    agent = running_agent()
    code, said = refusal(ask(agent, packet))
    assert code == 4
    assert str(said).startswith(complaint)
    assert agent.statistics()["subscriptions"] == 0


def test_one_console_cannot_take_all_subscriptions() -> None:
    agent = running_agent()
    for _ in range(module.MAX_SUBSCRIPTIONS_PER_ADDRESS):
        subscribed(agent)
    code, said = refusal(ask(agent, request()))
    assert (code, said) == (7, "A console has at most 16 subscriptions to an agent")
    agent.receive(replace(request(), reply_to="other"), 11.0, 300)
    assert agent.statistics()["subscriptions"] == module.MAX_SUBSCRIPTIONS_PER_ADDRESS + 1


def test_an_agent_has_a_limited_number_of_subscriptions() -> None:
    agent = running_agent()
    for number in range(module.MAX_SUBSCRIPTIONS):
        agent.receive(replace(request(duration=10 + number), reply_to=f"console-{number}"), 11.0, 300)
    commands(agent)
    assert refusal(ask(agent, request()))[1] == "An agent has at most 64 subscriptions"
    assert subscribed(agent, now=21.0)  # the first is over by now


def test_subscriptions_that_are_due_together_share_one_look_at_the_objects() -> None:
    asked = 0

    def values() -> Mapping[str, Value]:
        nonlocal asked
        asked += 1
        return {"label": "x"}

    agent = running_agent()
    agent.add_object(ManagedObject("one", THING, values), 300)
    for number in range(10):
        subscribed(agent, request(interval=1000), now=11.0 + number / 100)
        assert labels(agent, 11.0 + number / 100) == ["x"]
    before = asked
    assert news(agent, 12.0) == []
    assert asked == before + 1


def test_without_subscriptions_there_is_nothing_to_do() -> None:
    agent = running_agent()
    deadline = agent.next_deadline()
    subscribed(agent)
    agent.receive(cancel(), 11.0, 300)
    assert agent.next_deadline() == deadline


def test_a_stopped_agent_has_no_subscriptions() -> None:
    agent = running_agent()
    subscribed(agent)
    agent.stop()
    assert agent.statistics()["subscriptions"] == 0
    assert refusal(ask(agent, request())) == (7, "The agent is stopping")
    assert refusal(ask(agent, refresh()))[0] == 1
    assert news(agent, 50.0) == []


def test_after_a_reconnect_subscribers_are_told_again_what_there_is() -> None:
    """What was under way when the connection broke is lost."""
    agent = running_agent()
    agent.add_object(ManagedObject("two", THING, {"label": "second"}), 300)
    subscribed(agent)
    assert labels(agent, 11.0) == ["first", "second"]
    agent.remove_object("two", 300)
    agent.start(12.0, 400)
    assert labels(agent, 12.0) == ["first", "gone two"]
    assert labels(agent, 14.0) == []


def test_ids_of_subscriptions_cannot_be_guessed() -> None:
    found = set()
    for _ in range(2):
        agent = AgentEngine(vendor="v", product="p", instance="i", attributes={})
        agent.receive(replace(request(), reply_to=REPLY_TO), 1.0, 1)
        (command,) = commands(agent)
        assert isinstance(command, Reply)
        assert isinstance(command.packet.body, dict)
        found.add(str(command.packet.body["_subscription_id"]))
    assert len(found) == 2
    assert all(len(name) == 36 for name in found)
