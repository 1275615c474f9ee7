"""Agents that are slow or hung when a plugin is looked up: they delay nobody, are asked last, and are told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from matahari.console import Batch, Console
from matahari.console.inquiry import ANSWER_GRACE, LOOKUP_GRACE
from matahari.console.lookup import Lookup
from matahari.errors import AbortedError, InvalidArgumentError, RequestTimeoutError
from matahari.net import TaskKeeper
from matahari.qmf import AgentInfo, Data, Direct, Packet, Publish
from tests.support.calling_agent import CallingAgent, Say
from tests.support.fake_bus import FakeBus, Play
from tests.support.host_agents import HostAgent, PluginAgent, SilentAgent
from tests.support.slow_agents import slowed
from tests.support.virtual_loop import VirtualLoop, run


class SlowAgent(CallingAgent):
    """Takes so many seconds for each answer but that to the first question, who it is; may be healed."""

    def __init__(self, hostname: str, delay: float, say: Say = 0) -> None:
        super().__init__(hostname, say)
        self.delay = delay

    def receive(self, command: Publish | Direct, tell: Callable[[Packet], None]) -> None:
        if not self.delay or command.key == "console.request.agent_locate":
            super().receive(command, tell)
        elif command.key in (self.engine.direct_subject, self.name):
            asyncio.get_running_loop().call_later(self.delay, super().receive, command, tell)


def now() -> float:
    return asyncio.get_running_loop().time()


def test_a_hung_agent_delays_the_look_up_by_a_moment_and_is_told_last(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        start = now()
        plugin = await console.plugin("calc")
        assert now() - start == pytest.approx(LOOKUP_GRACE, abs=0.1)
        assert [one.host for one in plugin.objects.unanswered] == ["deaf"]
        came = [(one.host, round(now() - start)) async for one in plugin.num_calls()]
        assert came == [("a", 1), ("b", 1), ("deaf", 10)]  # the question stays open as long as there is time
        [silent] = (await plugin.num_calls()).silent
        assert (silent.host, type(silent.error)) == ("deaf", RequestTimeoutError)
        assert now() - start == pytest.approx(10 + LOOKUP_GRACE, abs=0.1)  # asked again, for a moment

    play(story, CallingAgent("a"), CallingAgent("b"), SilentAgent("rpc", "deaf"))


def test_agents_that_all_answer_are_not_waited_for(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        start = now()
        assert len(await (await console.plugin("calc")).num_calls()) == 2
        assert now() - start < 0.1

    play(story, CallingAgent("a"), CallingAgent("b"), PluginAgent("bare"))


@pytest.mark.parametrize("gap", range(8))
def test_answers_that_come_one_upon_the_other_are_all_taken(gap: int) -> None:
    """Three at a time, so many turns of the event loop apart, then none for some: that is no second of silence."""

    async def ask(info: AgentInfo, timeout: float) -> list[Data]:
        burst, at = divmod(int(info.name), 3)
        for _ in range(30 * burst + gap * at):
            await asyncio.sleep(0)
        return [Data(values={"name": info.name})]

    async def story() -> None:
        keeper = TaskKeeper()
        infos = [AgentInfo(str(number), "", "rpc", "") for number in range(20)]
        answers = await Lookup(keeper, ask).find(infos, 10.0)
        assert [info.name for info, items in zip(infos, answers, strict=True) if items is None] == []
        await keeper.cancel_all()

    run(story())


def test_when_this_process_did_not_run_nobody_was_silent() -> None:
    async def ask(info: AgentInfo, timeout: float) -> list[Data]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        if info.name == "stalling":
            await asyncio.sleep(0.5)
            loop._skip(60.0)
            await asyncio.sleep(0.2)  # until what came meanwhile is read
        return [Data(values={"name": info.name})]

    async def story() -> None:
        keeper = TaskKeeper()
        infos = [AgentInfo(name, "", "rpc", "") for name in ("quick", "stalling")]
        assert None not in await Lookup(keeper, ask).find(infos, 600.0)
        await keeper.cancel_all()

    run(story())


def test_while_nothing_is_found_the_whole_time_is_waited(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        assert (await console.plugin("calc")).hosts == ["slow"]

    play(story, SlowAgent("slow", 4), PluginAgent("bare"))


def test_a_slow_agent_is_called_when_the_others_are_done(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        plugin = await console.plugin("calc")
        assert plugin.hosts == ["quick"]
        came = [(one.host, one.value if one.ok else type(one.error)) async for one in plugin.num_calls()]
        assert came == [("quick", 1), ("slow", 2)]
        assert [one.value for one in await plugin.num_calls()] == [1, 2]

    play(story, CallingAgent("quick", 1), SlowAgent("slow", 3, 2))


def test_an_agent_that_comes_to_itself_is_found_by_the_next_call(play: Play) -> None:
    hung = SlowAgent("hung", 3600, 2)

    async def story(console: Console, bus: FakeBus) -> None:
        plugin = await console.plugin("calc", fetch_timeout=2)
        assert [one.host for one in (await plugin.num_calls()).silent] == ["hung"]
        hung.delay = 0
        assert (await plugin.num_calls()).values() == [1, 2]

    play(story, CallingAgent("quick", 1), hung)


def test_what_it_answers_is_its_own(play: Play) -> None:
    agents = [CallingAgent("quick", 1), SlowAgent("slow", 3, ValueError("boom")), SilentAgent("rpc", "deaf")]

    async def story(console: Console, bus: FakeBus) -> None:
        plugin = await console.plugin("calc", ["quick", "slow", "deaf"])
        results = await plugin.num_calls()
        assert [(one.host, type(one.error)) for one in results.failed] == [("slow", AbortedError)]
        assert [one.host for one in results.silent] == ["deaf"]
        with pytest.raises(InvalidArgumentError):
            await plugin.add("one")

    play(story, *agents)


def test_a_slow_agent_without_the_plugin_is_named_where_it_was_chosen(play: Play) -> None:
    class SlowBare(PluginAgent):
        def receive(self, command: Publish | Direct, tell: Callable[[Packet], None]) -> None:
            delay = 0 if command.key == "console.request.agent_locate" else 3
            asyncio.get_running_loop().call_later(delay, super().receive, command, tell)

    async def story(console: Console, bus: FakeBus) -> None:
        for hosts, left in ((["quick", "bare"], ["bare"]), (None, [])):
            results = await (await console.plugin("calc", hosts)).num_calls()
            assert [one.host for one in results] == ["quick"]
            assert [(one.host, one.reason) for one in results.not_asked] == [(host, "no_plugin") for host in left]

    play(story, CallingAgent("quick", 1), SlowBare("bare"))


def test_the_time_for_the_whole_counts_for_them_too(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        plugin = await console.plugin("calc", timeout=4)
        start = now()
        assert [one.host for one in (await plugin.num_calls()).silent] == ["deaf"]
        assert now() - start == pytest.approx(4, abs=0.1)

    play(story, CallingAgent("a"), SilentAgent("rpc", "deaf"))


def test_a_call_that_is_given_up_waits_for_nobody(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        call = (await console.plugin("calc")).num_calls()
        start = now()
        asyncio.get_running_loop().call_later(2, call.cancel)
        results = await call
        assert now() - start == pytest.approx(2, abs=0.1)
        assert [(one.host, one.reason) for one in results.not_asked] == [("deaf", "cancelled")]

    play(story, CallingAgent("a"), SilentAgent("rpc", "deaf"))


def test_what_was_interrupted_while_it_waited_is_taken_up_again(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        call = (await console.plugin("calc")).num_calls()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await call
        assert [one.host for one in await call] == ["a", "slow"]

    play(story, CallingAgent("a"), SlowAgent("slow", 3))


def test_they_are_confirmed_as_a_batch_of_their_own_after_the_others(play: Play) -> None:
    asked: list[Batch] = []

    def confirm(batch: Batch) -> bool:
        asked.append(batch)
        return True

    async def story(console: Console, bus: FakeBus) -> None:
        plugin = await console.plugin("calc", batch=2, confirm=confirm)
        assert len(await plugin.num_calls()) == 3
        assert asked == [Batch(1, 1, ("a", "b")), Batch(2, 2, ("slow",))]
        sample = await plugin.using(limit=1, seed=1).num_calls()
        assert ("slow", "limit") in [(one.host, one.reason) for one in sample.not_asked]

    play(story, CallingAgent("a"), CallingAgent("b"), SlowAgent("slow", 3))


def test_a_failure_spares_them_too(play: Play) -> None:
    slow = SlowAgent("slow", 3)

    async def story(console: Console, bus: FakeBus) -> None:
        results = await (await console.plugin("calc", batch=1, max_failures=0)).num_calls()
        assert [(one.host, one.reason) for one in results.not_asked] == [("slow", "failures")]
        assert slow.called == []

    play(story, CallingAgent("a", ValueError("x")), slow)


def test_closing_the_console_leaves_no_question_open(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        await console.plugin("calc")
        await console.close()
        assert [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("asking")] == []

    play(story, CallingAgent("a"), SilentAgent("rpc", "deaf"))


# --- schemas of those that come late --------------------------------------------------------------------------


def test_the_schemas_of_late_agents_are_read_at_the_same_time_and_delay_no_other(play: Play) -> None:
    """Each has answered late what it has, and takes 3 s more to tell what that is; one never does."""
    late = [slowed(slowed(CallingAgent(f"late{at}", more=(f"m{at}",)), 3, "SCHEMA"), 2, "OBJECT") for at in range(3)]
    hung = slowed(slowed(CallingAgent("hung", more=("other",)), 3600, "SCHEMA"), 2, "OBJECT")

    async def story(console: Console, bus: FakeBus) -> None:
        start = now()
        plugin = await console.plugin("calc")
        came = [(one.host, round(now() - start)) async for one in plugin.num_calls()]
        assert came == [("quick", 1), ("late0", 5), ("late1", 5), ("late2", 5), ("hung", 12)]
        results = await plugin.using(timeout=5).num_calls()  # it is asked once more, for what its objects are
        assert [one.host for one in results.silent] == ["hung"]
        assert results.not_asked == ()
        assert now() - start == pytest.approx(12 + 5, abs=0.2)

    play(story, CallingAgent("quick"), *late, hung)


def test_the_time_for_the_whole_counts_for_schemas_too(play: Play) -> None:
    late = [slowed(slowed(CallingAgent(f"late{at}", more=(f"m{at}",)), 3600, "SCHEMA"), 2, "OBJECT") for at in range(3)]

    async def story(console: Console, bus: FakeBus) -> None:
        plugin = await console.plugin("calc", timeout=4)
        start = now()
        assert [one.host for one in (await plugin.num_calls()).silent] == ["late0", "late1", "late2"]
        assert now() - start == pytest.approx(4, abs=0.1)

    play(story, CallingAgent("quick"), *late)


# --- hosts that a filter leaves undecided ---------------------------------------------------------------------


def web(hostname: str, role: str = "web") -> HostAgent:
    return HostAgent(hostname, facts={"role": role})


def test_a_hung_host_delays_a_look_up_by_filter_by_a_moment_and_is_told_last(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        start = now()
        plugin = await console.plugin("calc", "role = web")
        assert now() - start == pytest.approx(ANSWER_GRACE, abs=0.1)
        assert (plugin.hosts, [one.host for one in plugin.objects.unanswered]) == (["a"], ["hung"])
        came = [(one.host, one.ok, round(now() - start, 1)) async for one in plugin.num_calls()]
        assert came == [("a", True, ANSWER_GRACE), ("hung", False, 10 + ANSWER_GRACE)]
        results = await plugin.using(timeout=0.5).num_calls()
        assert ([one.host for one in results.silent], results.not_asked) == (["hung"], ())
        assert now() - start == pytest.approx(10 + ANSWER_GRACE + 0.5, abs=0.1)

    play(story, web("a"), CallingAgent("a"), SilentAgent("host", "hung"), SilentAgent("rpc", "hung"))


def test_a_slow_host_that_is_meant_is_called_and_one_that_is_not_is_left_alone(play: Play) -> None:
    others = [CallingAgent(name) for name in ("a", "slow", "db", "factless", "bare")]
    hosts = [web("a"), slowed(web("slow"), 2), slowed(web("db", "db"), 2), slowed(HostAgent("factless"), 2)]

    async def story(console: Console, bus: FakeBus) -> None:
        results = await (await console.plugin("calc", "role = web")).num_calls()
        assert [(one.host, one.ok) for one in results] == [("a", True), ("slow", True)]
        assert [(one.host, one.reason) for one in results.not_asked] == [
            ("factless", "undecided"),
            ("bare", "no_plugin"),
        ]
        assert [agent.called for agent in others if agent.name.endswith((":db", ":factless"))] == [[], []]

    play(story, *hosts, *others[:4], slowed(web("bare"), 2.5), PluginAgent("bare"))


def test_when_no_host_that_is_meant_has_the_plugin_a_slow_one_may(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        assert (await console.plugin("calc", "role = web")).hosts == ["slow"]

    play(story, web("a"), PluginAgent("a", disks="1"), slowed(web("slow"), 2), CallingAgent("slow"))


def test_a_selection_is_taken_as_it_is_and_its_undecided_hosts_are_told(play: Play) -> None:
    slow = CallingAgent("slow")

    async def story(console: Console, bus: FakeBus) -> None:
        chosen = await console.hosts("role = web")
        assert [one.name for one in chosen.undecided] == ["slow"]
        start = now()
        plugin = await console.plugin("calc", chosen)
        for calling in (plugin, plugin.using(timeout=5)):
            results = await calling.num_calls()
            assert [one.host for one in results] == ["a"]
            assert [(one.host, one.reason) for one in results.not_asked] == [("slow", "undecided")]
        assert now() - start < 0.1
        assert slow.called == []

    play(story, web("a"), CallingAgent("a"), slowed(web("slow"), 2), slow)


def test_what_slow_hosts_answer_to_the_filter_counts_when_all_are_waited_for(play: Play) -> None:
    """As no quick host has the plugin, the slow ones are; one is not meant, and one lacks the plugin too."""
    rpc = [PluginAgent("a"), CallingAgent("slow"), CallingAgent("db"), PluginAgent("bare"), CallingAgent("factless")]
    late = [
        slowed(web("slow"), 2),
        slowed(web("db", "db"), 2),
        slowed(web("bare"), 2),
        slowed(HostAgent("factless"), 2),
    ]

    async def story(console: Console, bus: FakeBus) -> None:
        plugin = await console.plugin("calc", "role = web")
        for results in (await plugin.num_calls(), await plugin.num_calls()):
            assert [one.host for one in results] == ["slow"]
            assert sorted((one.host, one.reason) for one in results.not_asked) == [
                ("a", "no_plugin"),
                ("bare", "no_plugin"),
                ("factless", "undecided"),
            ]

    play(story, web("a"), *rpc, *late)


def test_hosts_that_are_meant_and_those_that_may_be_have_the_time_of_the_look_up_together(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        start = now()
        with pytest.raises(RequestTimeoutError):
            await console.plugin("calc", "role = web", fetch_timeout=3)
        assert now() - start == pytest.approx(ANSWER_GRACE + 3, abs=0.1)

    play(story, web("a"), SilentAgent("rpc", "a"), SilentAgent("host", "hung"), SilentAgent("rpc", "hung"))


def test_a_slow_host_that_may_be_meant_ends_the_waiting_for_one_that_is_hung(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        start = now()
        plugin = await console.plugin("calc", "role = web")
        assert now() - start == pytest.approx(ANSWER_GRACE + 2 + LOOKUP_GRACE, abs=0.1)
        assert (plugin.hosts, [one.host for one in plugin.objects.unanswered]) == (["slow"], ["a"])

    play(story, web("a"), SilentAgent("rpc", "a"), slowed(web("slow"), 2), CallingAgent("slow"))
