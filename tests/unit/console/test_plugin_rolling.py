"""Calls of a plugin that go over a fleet batch by batch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from matahari.console import Batch, Console
from tests.support.calling_fleet import asked, fleet, left_out, not_asked
from tests.support.fake_bus import FakeBus, Play


def test_batches_go_one_after_the_other_with_a_pause_between(play: Play) -> None:
    agents = fleet()
    times: list[float] = []
    for agent in agents:
        agent.on_call = lambda: times.append(asyncio.get_running_loop().time())

    async def story(console: Console, bus: FakeBus) -> None:
        start = asyncio.get_running_loop().time()
        results = await (await console.plugin("calc", batch=2, pause=10)).num_calls()
        assert results.values() == [0, 1, 2, 3, 4]
        assert [round((time - start) / 10) for time in times] == [0, 0, 1, 1, 2]

    play(story, *agents)


def test_too_many_failures_end_it_and_the_rest_is_named(play: Play) -> None:
    agents = fleet(h1=ValueError("x"))

    async def story(console: Console, bus: FakeBus) -> None:
        results = await (await console.plugin("calc", batch="40%", max_failures=0)).num_calls()
        assert ([one.host for one in results.ok], [one.host for one in results.failed]) == (["h0"], ["h1"])
        assert left_out(results.not_asked) == not_asked("failures", "h2", "h3", "h4")
        assert asked(agents) == ["h0", "h1"]
        assert repr(results) == "<Results: 1 ok, 1 failed, 0 silent, 3 not asked>"

    play(story, *agents)


def test_a_canary_that_fails_saves_the_others(play: Play) -> None:
    agents = fleet(h0=ValueError("x"))

    async def story(console: Console, bus: FakeBus) -> None:
        results = await (await console.plugin("calc", canary=1)).num_calls()
        assert len(results) == 1 and len(results.not_asked) == 4
        assert asked(agents) == ["h0"]

    play(story, *agents)


@pytest.mark.parametrize("is_async", [False, True])
def test_each_batch_is_asked_for_and_no_ends_it(play: Play, is_async: bool) -> None:
    agents = fleet()
    batches: list[Batch] = []

    def confirm(batch: Batch) -> bool | Awaitable[bool]:
        assert asked(agents) == [host for one in batches for host in one.hosts]
        batches.append(batch)
        return asyncio.sleep(100, batch.number < 2) if is_async else batch.number < 2

    async def story(console: Console, bus: FakeBus) -> None:
        plugin = await console.plugin("calc", batch=2, confirm=confirm, timeout=5)
        results = await plugin.num_calls()
        assert batches == [Batch(1, 3, ("h0", "h1")), Batch(2, 3, ("h2", "h3"))]
        assert left_out(results.not_asked) == not_asked("refused", "h2", "h3", "h4")
        assert results.values() == [0, 1]

    play(story, *agents)


def test_a_sample_names_those_that_are_not_in_it(play: Play) -> None:
    agents = fleet()

    async def story(console: Console, bus: FakeBus) -> None:
        plugin = await console.plugin("calc", limit="40%", seed=1)
        results = await plugin.num_calls()
        assert len(results) == 2
        assert {one.host for one in results} | {one.host for one in results.not_asked} == {f"h{at}" for at in range(5)}
        assert [one.host for one in await plugin.num_calls()] == [one.host for one in results]

    play(story, *agents)


def test_objects_of_any_class_are_called_batch_by_batch_and_the_sample_is_known_before(play: Play) -> None:
    agents = fleet()

    async def story(console: Console, bus: FakeBus) -> None:
        objects = (await console.plugin("calc")).objects
        call = objects.rolling_with("num_calls", (), {}, limit="40%", seed=1, batch=1)
        assert len(call.hosts) == 2
        assert all(not one.called for one in agents)
        assert [one.host async for one in call] == list(call.hosts)
        with pytest.raises(ValueError, match="need a batch or a canary"):
            objects.rolling_with("num_calls", (), {}, pause=1)

    play(story, *agents)
