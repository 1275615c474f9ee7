"""How long calls wait, and what the agents are told about it: default, declared and given limits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from matahari.console import Console, Objects, Result
from matahari.console.limits import ANSWER_TIME, MAX_DECLARED
from matahari.errors import RequestTimeoutError
from matahari.qmf import MAX_CALL_TIMEOUT, Value
from tests.support.calling_agent import CallingAgent
from tests.support.fake_bus import FakeBus, Play
from tests.support.host_agents import PLUGINS

HEADSTART = 0.5  # seconds that an agent has less than its caller
DECLARED = 600.0
WAIT = DECLARED + ANSWER_TIME


def deaf(name: str, declared: Value = None) -> CallingAgent:
    """An agent that answers no call, whose methods declare that time limit."""
    return CallingAgent(name, None, declared={} if declared is None else {"timeout": declared})


async def took(wait: Awaitable[object]) -> float:
    start = asyncio.get_running_loop().time()
    await wait
    return round(asyncio.get_running_loop().time() - start, 2)


async def all_of(objects: Objects) -> list[Result]:
    return [one async for one in objects.call_iter("num_calls")]


WAYS: list[Callable[[Objects], Awaitable[object]]] = [
    lambda objects: objects.call("num_calls"),
    lambda objects: objects.num_calls(),
    all_of,
    lambda objects: objects.rolling_with("num_calls", (), {}),
]


@pytest.mark.parametrize("way", WAYS)
def test_a_call_without_a_limit_has_the_longest_that_is_declared(
    way: Callable[[Objects], Awaitable[object]], play: Play
) -> None:
    agents = [deaf("a"), deaf("b", DECLARED), deaf("c", 30)]

    async def story(console: Console, bus: FakeBus) -> None:
        assert await took(way(await console.select("calc", package=PLUGINS))) == WAIT

    play(story, *agents)
    # No agent is told less than it declares, so that it ends the call itself and says so in time.
    assert [agent.limits for agent in agents] == [[WAIT - HEADSTART]] * 3


def test_a_stream_waits_as_long_and_a_little_more_for_the_last_words(play: Play) -> None:
    agent = deaf("a", DECLARED)

    async def story(console: Console, bus: FakeBus) -> None:
        async with (await console.select("calc", package=PLUGINS)).stream("num_calls") as call:
            assert WAIT <= await took(call.wait()) <= WAIT + 1

    play(story, agent)
    assert agent.limits == [WAIT]


def test_a_plugin_waits_as_long_as_its_method_declares(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        plugin = await console.plugin("calc")
        assert await took(plugin.num_calls()) == WAIT
        assert await took(plugin.using(host_timeout=3).num_calls()) == 3
        assert await took(plugin.using(timeout=4).num_calls()) == 4
        # Of the whole only a part is left for the second host.
        assert await took(plugin.using(timeout=900, host_timeout=700, batch=1).num_calls()) == 900

    play(story, deaf("a", DECLARED), deaf("b"))


@pytest.mark.parametrize("declared", [None, 5, 0, -1, True, "600", float("inf"), float("nan"), [600]])
def test_less_than_the_default_and_what_is_no_limit_change_nothing(declared: Value, play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        objects = await console.select("calc", package=PLUGINS)
        assert await took(objects.call("num_calls")) == 10

    play(story, deaf("a", declared))


def test_a_declared_limit_beyond_all_that_agents_keep_hinders_no_call(play: Play) -> None:
    agent = CallingAgent("a", 1, declared={"timeout": 2 * MAX_CALL_TIMEOUT})

    async def story(console: Console, bus: FakeBus) -> None:
        async with (await console.select("calc", package=PLUGINS)).stream("num_calls") as call:
            assert [one.ok for one in await call.wait()] == [True]

    play(story, agent)
    assert agent.limits == [MAX_DECLARED + ANSWER_TIME]


def test_what_is_left_of_the_whole_is_told_without_the_microseconds(play: Play) -> None:
    agents = [deaf("a"), deaf("b")]

    async def story(console: Console, bus: FakeBus) -> None:
        plugin = await console.plugin("calc", batch=1, timeout=3, host_timeout=2.0001)
        results = await plugin.num_calls()
        assert [str(one.error) for one in results] == ["no answer within 2.0001 s", "no answer within 1 s"]
        assert isinstance(results[1].error, RequestTimeoutError) and results[1].error.timeout == 1

    play(story, *agents)
    assert agents[1].limits == [0.9]  # the agent would tell it too


def test_a_call_is_shown_with_its_counts(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        call = (await console.plugin("calc")).num_calls()
        assert repr(call) == "<Call: num_calls on 1 host, 0 results>"
        await call
        assert repr(call) == "<Call: num_calls on 1 host, 1 result>"

    play(story, CallingAgent("a"))
