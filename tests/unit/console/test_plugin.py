"""A plugin as an object with methods, and calls of them."""

from __future__ import annotations

import asyncio
import copy
import inspect
import pydoc

import pytest

from matahari.console import CallOptions, Console, Host, HostChoice, Plugin, Result
from matahari.errors import (
    AbortedError,
    AgentGoneError,
    InvalidArgumentError,
    NoAgentsError,
    RemoteCancelledError,
    RequestTimeoutError,
    UnknownActionError,
)
from tests.support.calling_agent import CallingAgent
from tests.support.calling_fleet import asked, fleet, left_out, not_asked
from tests.support.fake_bus import FakeBus, Play
from tests.support.host_agents import HostAgent, PluginAgent, SilentAgent


def test_methods_are_attributes_whose_results_come_one_by_one_or_as_a_whole(play: Play) -> None:
    agents = [CallingAgent("a", 3), CallingAgent("b", ValueError("boom"))]

    async def story(console: Console, bus: FakeBus) -> None:
        plugin = await console.plugin("calc")
        came = [(one.host, one.value if one.ok else type(one.error)) async for one in plugin.num_calls()]
        assert sorted(came) == [("a", 3), ("b", AbortedError)]
        results = await plugin.add(1, b=2)
        assert [one.host for one in results] == ["a", "b"]
        assert (results.values(), [one.host for one in results.failed]) == ([3], ["b"])
        assert agents[0].called == [("num_calls", []), ("add", ["1"])]
        assert repr(plugin) == "<Plugin: calc on 2 hosts>"
        assert plugin.hosts == ["a", "b"] and len(plugin.objects) == 2

    play(story, *agents)


def test_at_its_end_a_call_gives_all_results_again(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        plugin = await console.plugin("calc")
        call = plugin.num_calls()
        first = await anext(call)
        assert [one async for one in call] != [first]  # while it runs, iterating goes on with what comes
        for _ in range(2):
            assert [one.host async for one in call] == ["h0", "h1", "h2"]
        waited = plugin.num_calls()
        await waited
        assert [one.host async for one in waited] == ["h0", "h1", "h2"]

    play(story, *fleet(3))


def test_a_call_of_a_host_that_has_left_fails_at_once_and_the_others_are_called(play: Play) -> None:
    agents = fleet(2)

    async def story(console: Console, bus: FakeBus) -> None:
        plugin = await console.plugin("calc")
        agents[1].leave()
        await asyncio.sleep(0.1)
        console._station.handle_bindings("snapshot", [agents[0].name])  # the broker says so
        start = asyncio.get_running_loop().time()
        results = await plugin.num_calls()
        assert asyncio.get_running_loop().time() - start < 0.5
        assert results.values() == [0]
        [gone] = results.silent
        assert (gone.host, type(gone.error), str(gone.error)) == ("h1", AgentGoneError, "the agent has left")
        assert agents[1].called == []

    play(story, *agents)


def test_an_agent_that_the_broker_still_lists_is_asked_though_it_fell_silent(play: Play) -> None:
    agents = fleet(1)

    async def story(console: Console, bus: FakeBus) -> None:
        plugin = await console.plugin("calc")
        name = agents[0].name
        console._station.handle_bindings("snapshot", [])
        console._station.handle_bindings("bound", [name])
        assert [one.name for one in await console.unannounced()] == [name]
        await plugin.num_calls()
        assert agents[0].called == [("num_calls", [])]

    play(story, *agents)


def test_nothing_is_sent_before_somebody_awaits_it(play: Play) -> None:
    agents = fleet(1)

    async def story(console: Console, bus: FakeBus) -> None:
        call = (await console.plugin("calc")).num_calls()
        await asyncio.sleep(1)
        assert asked(agents) == []
        await call
        assert asked(agents) == ["h0"]

    play(story, *agents)


def test_a_method_shows_the_signature_and_documentation_that_the_plugin_publishes(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        plugin = await console.plugin("calc")
        assert str(inspect.signature(plugin.add)) == "(a: int, b: int | None = 1)"
        assert plugin.add.__doc__ == "About add."
        shown = pydoc.plain(pydoc.render_doc(plugin.add))
        assert "add(a: int, b: int | None = 1)" in shown and "About add." in shown
        assert {"add", "num_calls", "using", "call"} <= set(dir(plugin))

    play(story, *fleet(2))


def test_where_no_host_was_chosen_that_is_why_there_are_no_methods(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        plugin = await console.plugin("calc", [])
        with pytest.raises(AttributeError, match="no host that was chosen has the plugin 'calc', so that its methods"):
            plugin.num_calls  # noqa: B018 - it raises

    play(story, *fleet(1))


def test_a_method_that_no_host_has_is_no_attribute(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        plugin = await console.plugin("calc")
        with pytest.raises(AttributeError, match="calc has no method 'num_call'; did you mean 'num_calls'"):
            plugin.num_call  # noqa: B018 - it raises
        assert not hasattr(plugin, "_repr_html_")
        assert copy.copy(plugin).hosts == ["h0"]
        with pytest.raises(UnknownActionError, match="did you mean 'num_calls'"):
            await plugin.call("num_call")

    play(story, *fleet(1))


def test_a_method_whose_name_is_taken_is_called_by_name(play: Play) -> None:
    agent = CallingAgent("a", 1, more=("using", "call"))

    async def story(console: Console, bus: FakeBus) -> None:
        plugin = await console.plugin("calc")
        assert (await plugin.call("using")).values() == [1]
        assert (await plugin.call("call")).values() == [1]
        assert [method for method, _ in agent.called] == ["using", "call"]

    play(story, agent)


def test_where_the_plugin_is_out_of_service_the_error_says_so(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        plugin = await console.plugin("calc")
        with pytest.raises(AttributeError, match="it is failed on a: call"):
            plugin.num_calls  # noqa: B018 - it raises

    play(story, CallingAgent("a", state="failed"))


@pytest.mark.parametrize("kind", ["names", "hosts", "filter", "selection"])
def test_hosts_are_chosen_by_all_that_means_hosts(play: Play, kind: str) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        choices: dict[str, HostChoice] = {
            "names": ["h1", "h2"],
            "hosts": [Host("h1", "uuid-of-h1"), Host("h2", "uuid-of-h2")],
            "filter": "h1 or h2",
            "selection": await console.hosts("h1") | "h2",
        }
        results = await (await console.plugin("calc", choices[kind])).num_calls()
        assert [one.host for one in results] == ["h1", "h2"]

    play(story, *fleet())


def test_hosts_that_were_chosen_and_cannot_be_asked_are_named(play: Play) -> None:
    agents = [*fleet(1), PluginAgent("bare", disks="1"), SilentAgent("rpc", "deaf"), HostAgent("plain")]

    async def story(console: Console, bus: FakeBus) -> None:
        plugin = await console.plugin("calc", ["h0", "bare", "deaf", "plain"], fetch_timeout=2)
        results = await plugin.num_calls()
        assert [one.host for one in results.ok] == ["h0"]
        assert [one.host for one in results.silent] == ["deaf"]
        assert left_out(results.not_asked) == not_asked("no_plugin", "bare", "plain")
        with pytest.raises(NoAgentsError, match="no host that was chosen has the plugin 'calc'"):
            (await console.plugin("calc", ["bare"])).call("num_calls")
        with pytest.raises(NoAgentsError, match="did you mean"):
            await console.plugin("clac", ["h0"])

    play(story, *agents)


def test_hosts_of_an_iterator_are_named_as_those_of_a_list(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        results = await (await console.plugin("calc", iter(["a", "bare"]))).num_calls()
        assert [(one.host, one.reason) for one in results.not_asked] == [("bare", "no_plugin")]

    play(story, CallingAgent("a"), PluginAgent("bare"))


def test_what_no_host_would_take_is_refused_before_anything_is_sent(play: Play) -> None:
    agents = fleet(2)

    async def story(console: Console, bus: FakeBus) -> None:
        plugin = await console.plugin("calc")
        with pytest.raises(InvalidArgumentError):
            await plugin.using(batch=1).add("one")
        assert asked(agents) == []

    play(story, *agents)


# -- time limits -------------------------------------------------------------------------------------------------------


def test_a_host_that_does_not_answer_delays_no_other(play: Play) -> None:
    agents = [*fleet(2), CallingAgent("deaf", None)]

    async def story(console: Console, bus: FakeBus) -> None:
        start = asyncio.get_running_loop().time()
        came: list[tuple[str, float]] = []
        async for one in (await console.plugin("calc", host_timeout=5)).num_calls():
            came.append((one.host, round(asyncio.get_running_loop().time() - start)))
        assert sorted(came) == [("deaf", 5), ("h0", 0), ("h1", 0)]

    play(story, *agents)


def test_one_time_limit_holds_for_the_whole_and_one_for_each_host(play: Play) -> None:
    agents = [CallingAgent(f"h{at}", None) for at in range(5)]

    async def story(console: Console, bus: FakeBus) -> None:
        start = asyncio.get_running_loop().time()
        results = await (await console.plugin("calc", batch=1, timeout=7, host_timeout=3)).num_calls()
        assert asyncio.get_running_loop().time() - start == pytest.approx(7, abs=0.1)
        assert [round(one.duration) for one in results.silent] == [3, 3, 1]
        assert all(isinstance(one.error, RequestTimeoutError) for one in results)
        assert left_out(results.not_asked) == not_asked("timeout", "h3", "h4")
        with pytest.raises(ExceptionGroup, match="5 of 5 calls failed: h0, h1, h2, h3, h4"):
            results.raise_for_errors()

    play(story, *agents)


def test_a_pause_that_would_outlast_the_time_is_not_waited_for(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        start = asyncio.get_running_loop().time()
        results = await (await console.plugin("calc", batch=4, pause=60, timeout=30)).num_calls()
        assert asyncio.get_running_loop().time() - start < 1
        assert left_out(results.not_asked) == not_asked("timeout", "h4")

    play(story, *fleet())


# -- giving up ---------------------------------------------------------------------------------------------------------


def test_a_call_that_is_given_up_asks_no_further_host(play: Play) -> None:
    agents = [CallingAgent(f"h{at}", None) for at in range(3)]

    async def story(console: Console, bus: FakeBus) -> None:
        call = (await console.plugin("calc", batch=2)).num_calls()
        await call.begin()
        await asyncio.sleep(0.1)
        assert [item.host for item in call.running] == ["h0", "h1"]
        call.cancel()
        results = await call
        assert [type(one.error) for one in results] == [RemoteCancelledError] * 2
        assert left_out(results.not_asked) == not_asked("cancelled", "h2")
        assert [agent.cancelled for agent in agents] == [1, 1, 0]

    play(story, *agents)


def test_giving_up_ends_a_pause(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        call = (await console.plugin("calc", batch=3, pause=600)).num_calls()
        start = asyncio.get_running_loop().time()
        asyncio.get_running_loop().call_later(5, call.cancel)
        assert len(await call) == 3
        assert asyncio.get_running_loop().time() - start == pytest.approx(5, abs=0.5)

    play(story, *fleet())


def test_leaving_the_block_ends_the_call_on_the_hosts(play: Play) -> None:
    agents = [CallingAgent("a", None)]

    async def story(console: Console, bus: FakeBus) -> None:
        async with (await console.plugin("calc")).num_calls() as call:
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.1)
        assert agents[0].cancelled == 1
        assert [one async for one in call] == []

    play(story, *agents)


def test_what_was_interrupted_is_taken_up_again(play: Play) -> None:
    agents = fleet()

    async def story(console: Console, bus: FakeBus) -> None:
        call = (await console.plugin("calc", batch=2, pause=10)).num_calls()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(15):
                await call
        assert asked(agents) == ["h0", "h1", "h2", "h3"]
        assert (await call).values() == [0, 1, 2, 3, 4]
        assert all(len(agent.called) == 1 for agent in agents)

    play(story, *agents)


# -- options -----------------------------------------------------------------------------------------------------------


def test_options_that_do_not_exist_or_make_no_sense_are_refused(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        plugin = await console.plugin("calc")
        with pytest.raises(TypeError, match="no option 'bach'; did you mean 'batch'"):
            plugin.using(bach=1)  # type: ignore[call-arg]  # that is the point
        wrong: list[CallOptions] = [{"timeout": 0}, {"host_timeout": -1}, {"batch": "0%"}, {"pause": 5}]
        for options in wrong:
            with pytest.raises(ValueError, match="above 0|number of hosts|need a batch"):  # noqa: RUF043 - alternatives
                plugin.using(**options)
        assert isinstance(plugin.using(batch=2), Plugin)

    play(story, *fleet(1))


def test_options_are_changed_one_by_one_and_the_plugin_stays_as_it_is(play: Play) -> None:
    agents = fleet()

    async def story(console: Console, bus: FakeBus) -> None:
        plugin = await console.plugin("calc", limit=3, seed=1)
        assert len(await plugin.using(batch=1, canary=1).num_calls()) == 3
        assert len(await plugin.using(limit=None, seed=None).num_calls()) == 5
        assert len(await plugin.num_calls()) == 3

    play(story, *agents)


def test_everything_that_a_call_tells_can_be_had(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        plugin = await console.plugin("calc", reports=True)
        assert [type(told) async for told in plugin.num_calls().stream()] == [Result]
        assert len(await plugin.num_calls().wait(on_report=lambda report: None)) == 1

    play(story, *fleet(1))
