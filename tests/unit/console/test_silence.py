"""A hung agent among others that answer: selecting, reading, listing and changes take a moment longer at most."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest

from matahari.console import ClassName, Console, ObjectChange, Subscription
from matahari.console.inquiry import ANSWER_GRACE, LOOKUP_GRACE
from matahari.errors import RequestTimeoutError
from matahari.qmf import Direct, Packet, Publish
from tests.support.calling_agent import CallingAgent
from tests.support.fake_bus import FakeBus, OurAgent, Play
from tests.support.host_agents import PLUGINS, HostAgent, PluginAgent, SilentAgent
from tests.support.slow_agents import slowed


class Falling(HostAgent):
    """Answers until it is told not to."""

    is_hung = False

    def receive(self, command: Publish | Direct, tell: Callable[[Packet], None]) -> None:
        if not self.is_hung:
            super().receive(command, tell)


def now() -> float:
    return asyncio.get_running_loop().time()


def test_selecting_tells_who_is_silent_and_does_not_wait(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        start = now()
        found = await console.select("Host")
        assert now() - start == pytest.approx(LOOKUP_GRACE - 0.1 + LOOKUP_GRACE, abs=0.1)  # from the last answer on
        assert [one.host for one in found] == ["a", "b"]
        assert [one.host for one in found.unanswered] == ["hung"]

    play(story, HostAgent("a"), slowed(HostAgent("b"), LOOKUP_GRACE - 0.1, "OBJECT"), SilentAgent("host", "hung"))


def test_while_nothing_was_found_selecting_waits_for_all(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        start = now()
        with pytest.raises(RequestTimeoutError, match=r"no answer within 3 s from matahariproject\.org:host:hung"):
            await console.select("Door", package="org.example", timeout=3.0)
        assert now() - start == pytest.approx(3.0, abs=0.1)

    play(story, HostAgent("a"), SilentAgent("host", "hung"))


def test_objects_of_hosts_by_filter_tell_those_that_did_not_answer_it(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        start = now()
        found = await console.select("Host", hosts="role = web")
        assert now() - start == pytest.approx(ANSWER_GRACE, abs=0.1)
        assert [one.host for one in found] == ["a"]
        assert [one.name for one in found.unanswered] == ["matahariproject.org:host:hung"]

    play(story, HostAgent("a", facts={"role": "web"}), SilentAgent("host", "hung"))


def test_reading_again_tells_who_has_fallen_silent_and_does_not_wait(play: Play) -> None:
    falling = Falling("falling")

    async def story(console: Console, bus: FakeBus) -> None:
        found = await console.select("Host")
        falling.is_hung = True
        start = now()
        fresh = await found.refresh()
        assert now() - start == pytest.approx(LOOKUP_GRACE, abs=0.1)
        assert [one.host for one in fresh] == ["a"]
        assert [one.host for one in fresh.unanswered] == ["falling"]

    play(story, HostAgent("a"), falling)


def test_listing_classes_does_not_wait_and_logs_who_was_left_out(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        for listed in (console.classes, console.event_classes):
            start = now()
            with caplog.at_level(logging.WARNING):
                await listed()
            assert now() - start == pytest.approx(ANSWER_GRACE, abs=0.1)
        assert ClassName("org.matahariproject", "Host") in await console.classes()
        assert "matahariproject.org:host:hung does not tell its classes: it is silent, while others" in caplog.text

    play(story, HostAgent("a"), PluginAgent("a", disks="1"), SilentAgent("host", "hung"))


GHOSTS = ["matahariproject.org:host:ghost", "matahariproject.org:rpc:ghost"]


def haunt(console: Console) -> None:
    """Have the broker list agents that have never announced themselves: they hung before this console came."""
    console._station.handle_bindings("snapshot", [*console._station.agents, *GHOSTS])


def test_an_agent_that_never_said_where_it_is_may_be_meant_by_a_filter(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        haunt(console)
        start = now()
        matches = await console.match_hosts("role = web")
        assert [one.name for one in matches.hosts] == ["a"]
        assert [(one.name, one.host) for one in matches.unanswered] == [(name, "") for name in GHOSTS]
        with pytest.raises(RequestTimeoutError, match=r"from matahariproject\.org:host:ghost, matahari"):
            await console.hosts("role = db")
        assert [one.name for one in (await console.select("Host", hosts="role = web")).unanswered] == GHOSTS
        results = await (await console.plugin("calc", "role = web")).num_calls()
        assert [(one.host, one.ok) for one in results] == [("a", True), ("", False)]
        assert repr(results[1]).startswith(f"<Result: {GHOSTS[1]}: RequestTimeoutError: ")
        assert now() - start < 0.1

    play(story, HostAgent("a", facts={"role": "web"}), CallingAgent("a"))


@pytest.mark.parametrize(
    ("where", "may_be_meant"),
    [
        ("a or b", True),
        ("a or B", True),
        ("a*", True),
        ("not b", True),
        ("not c*", True),
        ("A", False),
        ("a or web1", False),
        ("not (b or *)", False),
        ("(a or /b/) and web1", False),
        ("web1 and role = web", False),
        ("b or role = db", True),
    ],
)
def test_a_host_of_unknown_name_is_told_unless_all_names_that_are_meant_were_found(
    play: Play, where: str, may_be_meant: bool
) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        haunt(console)
        matches = await console.match_hosts(where)
        assert [one.name for one in matches.unanswered] == (GHOSTS if may_be_meant else [])

    play(story, HostAgent("a", facts={"role": "web"}), HostAgent("web1", facts={"role": "web"}))


def test_names_of_hosts_leave_one_that_never_said_its_name_in_the_silent(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        haunt(console)
        assert [one.name for one in await console.unannounced()] == GHOSTS
        results = await (await console.plugin("calc", "a*")).num_calls()
        assert [one.object.agent for one in results.silent] == GHOSTS[1:]
        assert (await (await console.plugin("calc", "a")).num_calls()).silent == []
        assert [one.name for one in (await console.select("Host", hosts="not c")).unanswered] == GHOSTS
        assert [one.name for one in (await console.select("Host")).unanswered] == GHOSTS
        assert [one.name for one in (await console.select("calc", package=PLUGINS)).unanswered] == GHOSTS[1:]

    play(story, HostAgent("a"), CallingAgent("a"))


def test_a_schema_is_asked_of_another_agent_when_one_hangs(play: Play) -> None:
    """All hosts of a fleet have the same: one that has hung since it told its objects must not lose those of all."""

    async def story(console: Console, bus: FakeBus) -> None:
        start = now()
        assert [one.host for one in await console.select("Host")] == ["a", "b", "c"]
        assert now() - start == pytest.approx(2 * ANSWER_GRACE, abs=0.1)

    play(story, slowed(HostAgent("a"), 3600, "SCHEMA"), slowed(HostAgent("b"), 3600, "SCHEMA"), HostAgent("c"))


def test_who_does_not_tell_what_its_objects_are_is_silent_and_delays_no_other(play: Play) -> None:
    other = slowed(CallingAgent("other", more=("own",)), 3600, "SCHEMA")

    async def story(console: Console, bus: FakeBus) -> None:
        start = now()
        found = await console.select("calc", package="org.matahariproject.rpc.plugin")
        assert ([one.host for one in found], [one.host for one in found.unanswered]) == (["a"], ["other"])
        plugin = await console.plugin("calc", ["a", "other"], timeout=3.0)
        assert now() - start == pytest.approx(2 * LOOKUP_GRACE, abs=0.1)
        results = await plugin.num_calls()
        assert ([one.host for one in results.ok], [one.host for one in results.silent]) == (["a"], ["other"])
        assert results.not_asked == ()
        with pytest.raises(RequestTimeoutError, match=r"no answer within 2 s from matahariproject\.org:rpc:other"):
            await console.plugin("calc", ["other"], fetch_timeout=2.0)

    play(story, CallingAgent("a"), other)


def test_asking_for_schemas_keeps_to_the_time_of_the_whole(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        start = now()
        with pytest.raises(RequestTimeoutError):
            await console.select("Host", timeout=5.0)
        assert now() - start == pytest.approx(5.0, abs=0.1)

    play(story, slowed(slowed(HostAgent("a"), 3600, "SCHEMA"), 3.0, "OBJECT"))


def test_objects_that_are_read_again_with_another_schema_keep_to_the_time_too(play: Play) -> None:
    renewed = HostAgent("renewed")

    async def story(console: Console, bus: FakeBus) -> None:
        found = await console.select("Host")
        console._station._engine._schemas._schemas.clear()  # as after an update, to another version
        slowed(renewed, 3600, "SCHEMA")
        slowed(renewed, 3.0, "OBJECT")
        start = now()
        fresh = await found.refresh(timeout=5.0)
        assert (list(fresh), [one.host for one in fresh.unanswered]) == ([], ["renewed"])
        assert now() - start == pytest.approx(5.0, abs=0.1)

    play(story, renewed)


# --- changes ----------------------------------------------------------------------------------------------------


async def the_next(changes: Subscription) -> ObjectChange:
    change = await changes.next(60.0)
    assert change is not None
    return change


def test_an_agent_that_hangs_delays_the_changes_of_no_other(play: Play) -> None:
    """It has told of an object, and not of which schema that is."""
    hung, well = CallingAgent("hung", more=("own",)), CallingAgent("well")

    async def story(console: Console, bus: FakeBus) -> None:
        clock = asyncio.get_running_loop().time
        async with console.subscribe("calc", package=PLUGINS) as changes:
            slowed(hung, 3600, "SCHEMA")
            start = clock()
            assert (await the_next(changes)).object.host == "well"
            assert clock() - start < 0.1
            assert await changes.next(60.0) is None

    play(story, hung, well)


def test_a_schema_is_asked_of_another_agent_that_has_it_when_one_hangs(play: Play) -> None:
    hung, well = CallingAgent("hung"), CallingAgent("well")

    async def story(console: Console, bus: FakeBus) -> None:
        clock = asyncio.get_running_loop().time
        async with console.subscribe("calc", package=PLUGINS) as changes:
            slowed(hung, 3600, "SCHEMA")
            start = clock()
            assert {(await the_next(changes)).object.host for _ in range(2)} == {"hung", "well"}
            assert clock() - start < 1.0

    play(story, hung, well)


def test_who_asks_again_and_again_gets_a_change_whose_schema_comes_late(play: Play) -> None:
    slow = OurAgent()

    async def story(console: Console, bus: FakeBus) -> None:
        async with console.subscribe("Door", package="org.example") as changes:
            slowed(slow, 2.5, "SCHEMA")
            found = [await changes.next(1.0) for _ in range(4)]
            assert [None if one is None else one.object.name for one in found] == [None, None, "front", None]

    play(story, slow)
