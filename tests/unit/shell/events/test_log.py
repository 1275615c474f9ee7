"""What the shell remembers of the events that it heard."""

from __future__ import annotations

import threading

import pytest

from matahari.console import ConsoleEvent
from matahari.errors import RequestError
from matahari.shell.events.log import MAX_BYTES, MAX_EVENTS, EventLog, Heard
from matahari.shell.terminal.snapshot import SnapshotKeeper
from tests.support.fake_console import fleet
from tests.support.fake_events import MOMENT, FakeEvents, heartbeat


def sequences(log: EventLog) -> list[object]:
    return [heard.event.values["sequence"] for heard in log.recent()]


def test_it_listens_once_and_knows_since_when() -> None:
    bus, log = FakeEvents(), EventLog(now=iter([7, 8, 9]).__next__)
    assert (log.since_ns, bus.listeners) == (None, [])
    log.begin(bus)
    log.begin(bus)
    assert log.since_ns == 7
    bus.raise_event(heartbeat("web1"))
    assert [heard.heard_ns for heard in log.recent()] == [8]
    assert log.total == 1


def test_a_console_that_refuses_is_asked_again() -> None:
    class Refusing(FakeEvents):
        def listen(self, callback: object) -> object:
            raise RequestError("a console has 100 listeners at most; close some")

    log = EventLog()
    with pytest.raises(RequestError):
        log.begin(Refusing())
    assert log.since_ns is None
    bus = FakeEvents()
    log.begin(bus)
    assert len(bus.listeners) == 1


def test_the_oldest_are_forgotten_where_there_are_many() -> None:
    log = EventLog()
    for at in range(MAX_EVENTS + 5):
        log.hear(heartbeat("web1", at))
    assert sequences(log) == list(range(5, MAX_EVENTS + 5))
    assert log.total == MAX_EVENTS + 5


def test_the_oldest_are_forgotten_where_they_are_large() -> None:
    log = EventLog()
    large = "x" * (MAX_BYTES // 4)
    for at in range(10):
        log.hear(ConsoleEvent("event", "web1", "a", values={"sequence": at, "nested": [{"text": large}]}))
    assert sequences(log) == [7, 8, 9]
    log.hear(ConsoleEvent("event", "web1", "a", values={"sequence": 10, "text": large * 5}))
    assert sequences(log) == [10]
    log.hear(heartbeat("web1", 11))
    assert sequences(log) == [11]


def test_heartbeats_make_room_for_all_else() -> None:
    log = EventLog()
    rare = ConsoleEvent("event", "web1", "a", values={"sequence": -1})
    log.hear(rare)
    for at in range(MAX_EVENTS + 5):
        log.hear(heartbeat("web1", at))
    log.hear(rare)
    assert sequences(log) == [-1, *range(7, MAX_EVENTS + 5), -1]
    assert (log.forgotten(heartbeats=True), log.forgotten(heartbeats=False)) == (7, 0)


def test_the_time_is_the_agent_s_or_else_when_it_was_heard() -> None:
    assert Heard(heartbeat("web1"), 5).time_ns == MOMENT
    assert Heard(ConsoleEvent("agent_added", "web1", "a:b:c"), 5).time_ns == 5


def test_a_shell_at_a_terminal_begins_in_the_background_and_an_error_is_left_for_later() -> None:
    console, log, is_done = fleet(), EventLog(), threading.Event()

    def first() -> None:
        log.begin(console)
        is_done.set()
        raise RequestError("the console is closed")

    with SnapshotKeeper(console, interval=3600, first=first) as keeper:
        assert is_done.wait(10)
        assert len(console.bus.listeners) == 1
        keeper.want_refresh()
