"""Events as a stream: which of them, how many wait, and how it ends."""

from __future__ import annotations

import asyncio
import gc

import pytest

from matahari.console import Console, ConsoleEvent, event_stream
from matahari.errors import NoAgentsError
from matahari.qmf import Property, PropertyType, Schema, SchemaId
from tests.support.fake_bus import FakeBus, OurAgent, Play
from tests.support.host_agents import HostAgent

BEAT = "org.matahariproject:heartbeat"


class Beating(HostAgent):
    """A host whose agent raises events."""

    def beat(self, sequence: int, name: str = "heartbeat", package: str = "org.matahariproject") -> None:
        schema = Schema(SchemaId(package, name, "_event"), (Property("sequence", PropertyType.INT),))
        self.engine.raise_event(schema, {"sequence": sequence}, 6, 5)
        self.step()


def said(event: ConsoleEvent | None) -> tuple[str, object]:
    assert event is not None
    return event.host, event.values.get("sequence")


def test_events_of_one_class_and_some_hosts_come_in_order(play: Play) -> None:
    a, b = Beating("a"), Beating("b")

    async def story(console: Console, bus: FakeBus) -> None:
        async with console.events(BEAT, hosts="a or c") as some, console.events("heartbeat") as every:
            for number in (1, 2):
                a.beat(number)
                b.beat(number)
                a.beat(number, "other")
                a.beat(number, package="org.example")
            assert [said(await anext(some)) for _ in range(2)] == [("a", 1), ("a", 2)]
            assert [said(await anext(every)) for _ in range(4)] == [("a", 1), ("b", 1), ("a", 2), ("b", 2)]
            assert await some.next(timeout=1) is None

    play(story, a, b)


def test_without_a_name_agents_that_come_and_go_are_told_too(play: Play) -> None:
    late = OurAgent("late")

    async def story(console: Console, bus: FakeBus) -> None:
        async with console.events() as events:
            bus.peers.append(late)
            bus.connect()
            event = await events.next(timeout=5)
            assert event is not None and (event.kind, event.host) == ("agent_added", "late")

    play(story, Beating("a"))


def test_what_nobody_takes_is_counted_and_the_first_are_kept(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "MAX_WAITING", 3)
    agent = Beating("a")

    async def story(console: Console, bus: FakeBus) -> None:
        async with console.events(BEAT) as events:
            for number in range(5):
                agent.beat(number)
            await asyncio.sleep(1)
            assert events.dropped == 2
            assert [said(await anext(events)) for _ in range(3)] == [("a", 0), ("a", 1), ("a", 2)]

    play(story, agent)


def test_closing_ends_the_iteration_of_whoever_waits(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        events = console.events(BEAT)
        waiting = asyncio.ensure_future(anext(events, None))
        await asyncio.sleep(1)
        await events.close()
        await events.close()
        assert await waiting is None
        assert [one async for one in events] == []
        assert console._listeners._callbacks == []

    play(story, Beating("a"))


def test_when_the_console_closes_what_came_is_still_there(play: Play) -> None:
    agent = Beating("a")

    async def story(console: Console, bus: FakeBus) -> None:
        async with console.events(BEAT) as events:
            agent.beat(1)
            await asyncio.sleep(1)
            await console.close()
            assert [said(one) async for one in events] == [("a", 1)]

    play(story, agent)


def test_a_stream_that_is_forgotten_hears_no_more(play: Play) -> None:
    agent = Beating("a")

    async def story(console: Console, bus: FakeBus) -> None:
        agent.beat(1)
        events = console.events(BEAT)
        await events.begin()
        assert len(console._listeners._callbacks) == 1
        del events
        gc.collect()
        assert console._listeners._callbacks == []

    play(story, agent)


def test_a_host_that_is_not_known_is_refused(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        with pytest.raises(NoAgentsError, match="did you mean web1"):
            await anext(console.events(BEAT, hosts=["web2"]))
        async with console.events(BEAT, hosts=[]) as events:
            assert await events.next(timeout=1) is None

    play(story, Beating("web1"))
