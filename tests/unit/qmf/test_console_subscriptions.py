"""The console engine's subscriptions to objects (qmf2.md 3.10): started, refreshed, given back, lost."""

from __future__ import annotations

import pytest

from matahari.errors import LocalProtocolError
from matahari.qmf import _console_subscriptions as module
from matahari.qmf.console import ConsoleEngine
from matahari.qmf.console_events import (
    DataIndicated,
    EngineEvent,
    SubscriptionData,
    SubscriptionEnded,
    SubscriptionFailed,
    SubscriptionStarted,
)
from matahari.qmf.data import ObjectId, failure_text
from matahari.qmf.packet import Direct, Packet, Publish
from matahari.qmf.query import Query, QueryTarget
from matahari.qmf.schema import SchemaId
from matahari.qmf.values import Value

REPLY_TO = "qmf.default.direct/direct-console.1"
AGENT = "example.org:lab:1"
QUERY = Query(QueryTarget.OBJECT, schema_id=SchemaId("org.example", "Thing"))
GRANTED: dict[str, Value] = {"_subscription_id": b"s-1", "_duration": 100, "_interval": 2000}


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


def sent(console: ConsoleEngine) -> list[tuple[str, Value]]:
    return [(command.packet.opcode, command.packet.body) for command in commands(console)]


def answer(number: int, body: Value, opcode: str = "_subscribe_response", agent: str = AGENT) -> Packet:
    return Packet(opcode, body, agent=agent, correlation_id=str(number))


def data(number: int | str | None, *names: str, agent: str = AGENT, **values: Value) -> Packet:
    items: list[Value] = [{"_values": dict(values), "_object_id": {"_object_name": name}} for name in names]
    correlation = None if number is None else str(number)
    return Packet("_data_indication", items, "_data", agent, correlation)


def heartbeat(**values: Value) -> Packet:
    attributes: dict[str, Value] = {"_heartbeat_interval": 0, "_epoch": 1}
    return Packet("_agent_heartbeat_indication", {"_values": attributes | values}, agent=AGENT)


def started() -> tuple[ConsoleEngine, int]:
    """A console with one subscription that runs since 0 and lives for 100 s."""
    console = ConsoleEngine(reply_to=REPLY_TO)
    number = console.subscribe(AGENT, QUERY, 0.0, 5.0)
    console.receive(answer(number, GRANTED), 1.0)
    commands(console)
    events(console)
    return console, number


def test_a_subscription_is_asked_for_in_milliseconds_and_seconds_under_a_numeric_handle() -> None:
    console = ConsoleEngine(reply_to=REPLY_TO, first_request=5)
    assert console.call(AGENT, ObjectId("", "o"), "m", {}, 0.0, 5.0) == 5
    assert console.subscribe(AGENT, QUERY, 0.0, 5.0, interval=1.5, lifetime=60) == 6
    assert commands(console)[1] == Direct(
        AGENT,
        Packet(
            "_subscribe_request",
            {"_query": QUERY.to_map(), "_interval": 1500, "_duration": 60},
            correlation_id="6",
            reply_to=REPLY_TO,
            method="request",
        ),
    )
    assert console.query(AGENT, QUERY, 0.0, 5.0) == 7


def test_what_the_agent_grants_goes_before_what_was_asked_for() -> None:
    console = ConsoleEngine(reply_to=REPLY_TO)
    number = console.subscribe(AGENT, QUERY, 0.0, 5.0, interval=1.0, lifetime=60)
    console.receive(answer(number, GRANTED), 1.0)
    assert events(console) == [SubscriptionStarted(number, AGENT, 2.0, 100.0)]
    assert console.next_deadline() == 50.0
    assert console.statistics()["subscriptions"] == 1


@pytest.mark.parametrize(
    ("granted", "refresh_at"),
    [({}, 30.0), ({"_duration": 0}, 5.0), ({"_duration": 2**40}, 1800.0), ({"_duration": "x"}, 30.0)],
)
def test_a_lifetime_is_brought_into_a_range_that_can_be_kept(granted: dict[str, Value], refresh_at: float) -> None:
    console = ConsoleEngine(reply_to=REPLY_TO)
    number = console.subscribe(AGENT, QUERY, 0.0, 5.0, lifetime=60)
    console.receive(answer(number, {"_subscription_id": "s", **granted}), 1.0)
    assert console.next_deadline() == refresh_at


def test_data_comes_under_the_handle_and_merged() -> None:
    console, number = started()
    console.receive(data(number, "a", "b", x=1), 2.0)
    console.receive(data(number, "a", y=2), 3.0)
    first, second = events(console)
    assert isinstance(first, SubscriptionData) and isinstance(second, SubscriptionData)
    assert (first.subscription, first.agent) == (number, AGENT)
    assert [item.object_id for item in first.items] == [ObjectId(AGENT, "a"), ObjectId(AGENT, "b")]
    assert second.items[0].values == {"x": 1, "y": 2}


def test_data_of_no_subscription_of_that_agent_is_ignored() -> None:
    console, number = started()
    for packet in (data(99, "a"), data("x", "a"), data("9" * 30, "a"), data(number, "a", agent="other:x:1")):
        console.receive(packet, 2.0)
    assert events(console) == []
    assert console.statistics()["ignored"] == 4
    console.receive(data(None, "a"), 2.0)
    console.receive(data("", "a"), 2.0)
    assert [type(event) for event in events(console)] == [DataIndicated] * 2


def test_a_subscription_is_refreshed_at_half_its_lifetime_for_as_long_as_it_is_wanted() -> None:
    console, number = started()
    console.handle_timeout(49.9)
    assert commands(console) == []
    for now in (50.0, 100.0, 150.0):
        assert console.next_deadline() == now
        console.handle_timeout(now)
        assert sent(console) == [
            ("_subscribe_refresh_indication", {"_subscription_id": "s-1", "_duration": 100}),
        ]
        console.receive(answer(number, {"_subscription_id": "s-1", "_duration": 100}), now + 1)
    assert events(console) == []


def test_a_refresh_is_a_request_with_handle_and_reply_address() -> None:
    console, number = started()
    console.handle_timeout(50.0)
    (command,) = commands(console)
    assert (command.packet.method, command.packet.reply_to) == ("request", REPLY_TO)
    assert command.packet.correlation_id == str(number)


def test_a_refresh_that_is_not_answered_is_repeated_until_the_lifetime_is_over() -> None:
    console, number = started()
    times = []
    while not events(console):
        now = console.next_deadline()
        assert now is not None
        console.handle_timeout(now)
        times.append(now)
    assert times == [50.0 + 5 * n for n in range(11)]
    assert len(commands(console)) == 10
    assert console.statistics()["subscriptions"] == 0
    assert console.next_deadline() is None
    console.receive(data(number, "a"), 101.0)
    assert events(console) == []


def test_the_end_of_an_expired_subscription_is_told() -> None:
    console, number = started()
    console.handle_timeout(100.0)
    assert events(console) == [SubscriptionEnded(number, AGENT, "expired")]


@pytest.mark.parametrize(
    ("opcode", "body"),
    [
        ("_exception", {"_values": {"error_text": b"There is no such subscription"}}),
        ("_subscribe_response", {"_values": {"error_text": "no"}}),
        ("_exception", None),
    ],
)
def test_a_refused_refresh_ends_the_subscription(opcode: str, body: Value) -> None:
    console, number = started()
    console.handle_timeout(50.0)
    console.receive(answer(number, body, opcode), 51.0)
    assert events(console) == [SubscriptionEnded(number, AGENT, "refused")]


@pytest.mark.parametrize(
    ("opcode", "body", "said"),
    [
        ("_exception", {"_values": {"error_text": b"too many"}}, "too many"),
        ("_subscribe_response", {"_values": {"error_text": "no"}}, "no"),
        ("_subscribe_response", {}, "the answer cannot be read: _values: no map of values"),
        ("_subscribe_response", {"_subscription_id": 5}, "the answer cannot be read: _values: no map of values"),
        (
            "_subscribe_response",
            {"_subscription_id": "x" * 2000},
            "the answer cannot be read: _values: no map of values",
        ),
        ("_subscribe_response", None, "the answer cannot be read: data: not a map"),
    ],
)
def test_a_subscription_may_be_refused(opcode: str, body: Value, said: str) -> None:
    console = ConsoleEngine(reply_to=REPLY_TO)
    number = console.subscribe(AGENT, QUERY, 0.0, 5.0)
    console.receive(answer(number, body, opcode), 1.0)
    (event,) = events(console)
    assert isinstance(event, SubscriptionFailed)
    assert (event.subscription, event.agent, failure_text(event.error)) == (number, AGENT, said)
    assert console.next_deadline() is None


def test_an_agent_that_knows_no_subscriptions_fails_them_by_its_silence() -> None:
    """libqmf2 and the broker's agent drop the request without a word (qmf2.md 3.10)."""
    console = ConsoleEngine(reply_to=REPLY_TO)
    number = console.subscribe("broker", QUERY, 0.0, 5.0)
    console.handle_timeout(5.0)
    (event,) = events(console)
    assert isinstance(event, SubscriptionFailed)
    assert failure_text(event.error) == "no answer within 5 s: the agent has no subscriptions, or is silent"
    console.receive(answer(number, GRANTED, agent="broker"), 6.0)
    assert events(console) == []
    assert console.statistics()["ignored"] == 1


def test_an_answer_of_another_agent_is_ignored() -> None:
    console = ConsoleEngine(reply_to=REPLY_TO)
    number = console.subscribe(AGENT, QUERY, 0.0, 5.0)
    console.receive(answer(number, GRANTED, agent="other:x:1"), 1.0)
    assert events(console) == []
    console.receive(Packet("_query_response", [], agent=AGENT, correlation_id=str(number)), 1.0)
    assert console.statistics()["ignored"] == 2


def test_a_running_subscription_is_given_back_when_it_is_cancelled() -> None:
    console, number = started()
    assert console.unsubscribe(number)
    assert sent(console) == [("_subscribe_cancel_indication", {"_subscription_id": "s-1"})]
    assert not console.unsubscribe(number)
    console.receive(data(number, "a"), 2.0)
    assert events(console) == []
    assert console.next_deadline() is None


def test_one_cancelled_before_it_was_granted_is_given_back_when_it_is() -> None:
    console = ConsoleEngine(reply_to=REPLY_TO)
    number, refused, silent = (console.subscribe(AGENT, QUERY, 0.0, 5.0) for _ in range(3))
    commands(console)
    for one in (number, refused, silent):
        assert console.unsubscribe(one)
        assert not console.unsubscribe(one)
    console.receive(data(number, "a"), 1.0)
    console.receive(answer(number, GRANTED), 1.0)
    console.receive(answer(refused, None, "_exception"), 1.0)
    console.handle_timeout(5.0)
    assert sent(console) == [("_subscribe_cancel_indication", {"_subscription_id": "s-1"})]
    assert events(console) == []
    assert console.statistics()["subscriptions"] == 0


@pytest.mark.parametrize("by", ["gone", "restart", "aged"])
def test_an_agent_that_goes_or_restarts_ends_its_subscriptions(by: str) -> None:
    console, running = started()
    asked, cancelled = console.subscribe(AGENT, QUERY, 2.0, 50.0), console.subscribe(AGENT, QUERY, 2.0, 50.0)
    other = console.subscribe("other:x:1", QUERY, 2.0, 50.0)
    console.unsubscribe(cancelled)
    console.receive(heartbeat(_heartbeat_interval=10), 3.0)
    if by == "gone":
        console.agent_gone(AGENT, 4.0)
    elif by == "restart":
        console.receive(heartbeat(_epoch=2), 4.0)
    else:
        console.handle_timeout(33.0)
    ended = [event for event in events(console) if isinstance(event, (SubscriptionEnded, SubscriptionFailed))]
    assert ended[0] == SubscriptionEnded(running, AGENT, "gone")
    assert isinstance(ended[1], SubscriptionFailed)
    assert (ended[1].subscription, failure_text(ended[1].error)) == (asked, "the agent left before it answered")
    assert len(ended) == 2
    assert console.unsubscribe(other)


def test_subscriptions_are_limited_and_their_interval_must_make_sense(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SUBSCRIPTIONS", 1)
    console = ConsoleEngine(reply_to=REPLY_TO)
    for interval in (0.0, -1.0, 1e9):
        with pytest.raises(ValueError, match="interval"):
            console.subscribe(AGENT, QUERY, 0.0, 5.0, interval=interval)
    console.subscribe(AGENT, QUERY, 0.0, 5.0)
    with pytest.raises(LocalProtocolError):
        console.subscribe(AGENT, QUERY, 0.0, 5.0)
    assert len(commands(console)) == 1
