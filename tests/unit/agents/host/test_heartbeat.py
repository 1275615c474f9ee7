"""When heartbeats are due, and what sends them (matahari-2012.md 6.3, checklist 34 and 35)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from matahari.agents.host.heartbeat import HeartbeatSchedule, heartbeats
from matahari.errors import TransportError
from matahari.qmf import Schema, Value


def test_the_first_beat_is_due_at_once_then_one_a_period() -> None:
    schedule = HeartbeatSchedule(5)
    assert schedule.take(100.0)
    assert not schedule.take(104.9)
    assert schedule.next_deadline() == 105.0
    assert schedule.take(105.0)
    assert schedule.next_deadline() == 110.0


def test_late_timers_do_not_shift_the_rhythm() -> None:
    schedule = HeartbeatSchedule(5)
    assert [schedule.take(now) for now in (100.0, 105.2, 110.3)] == [True, True, True]
    assert schedule.next_deadline() == 115.0


def test_missed_beats_are_not_made_up_for() -> None:
    schedule = HeartbeatSchedule(5)
    schedule.take(100.0)
    assert schedule.take(1000.0)
    assert not schedule.take(1000.0)
    assert schedule.next_deadline() == 1005.0


def test_zero_stops_the_beats_and_another_value_resumes_at_once() -> None:
    schedule = HeartbeatSchedule(5)
    schedule.take(100.0)
    schedule.change(0)
    assert schedule.next_deadline() is None
    assert not schedule.take(10_000.0)
    schedule.change(60)
    assert schedule.take(10_000.0)
    assert schedule.next_deadline() == 10_060.0


def test_a_change_counts_from_the_last_beat() -> None:
    schedule = HeartbeatSchedule(60)
    schedule.take(100.0)
    schedule.change(5)
    assert schedule.next_deadline() == 105.0
    schedule.change(10)
    assert schedule.interval == 10
    assert schedule.next_deadline() == 110.0


class Host:
    """A host that counts its beats."""

    def __init__(self, interval: int) -> None:
        self.schedule = HeartbeatSchedule(interval)
        self.changed = asyncio.Event()
        self.beats: list[int] = []

    def beat(self, wall_ns: int) -> Mapping[str, Value]:
        self.beats.append(wall_ns)
        return {"sequence": len(self.beats)}


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_the_task_sends_an_event_at_start_and_when_the_interval_changes() -> None:
    async def story() -> None:
        host, now, sent = Host(3600), 100.0, []

        def raise_event(schema: Schema, values: Mapping[str, Value]) -> None:
            sent.append((schema.id.name, values["sequence"]))

        task = asyncio.ensure_future(heartbeats(host, raise_event, clock=lambda: now, wall_ns=lambda: 7))
        await _settle()
        assert sent == [("heartbeat", 1)]
        host.schedule.change(0)
        host.changed.set()
        await _settle()
        now += 10_000
        host.changed.set()
        await _settle()
        assert len(sent) == 1, "zero means none"
        host.schedule.change(3600)
        host.changed.set()
        await _settle()
        assert sent == [("heartbeat", 1), ("heartbeat", 2)]
        assert host.beats == [7, 7]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(story())


def test_the_task_goes_on_when_an_event_cannot_be_sent() -> None:
    async def story() -> None:
        host, now = Host(3600), 100.0

        def raise_event(schema: Schema, values: Mapping[str, Value]) -> None:
            raise TransportError("no broker")

        task = asyncio.ensure_future(heartbeats(host, raise_event, clock=lambda: now, wall_ns=lambda: 7))
        await _settle()
        now += 3600
        host.changed.set()
        await _settle()
        assert host.beats == [7, 7]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(story())
