"""Hosts by filter: what is asked of whom, and what happens where nobody answers."""

from __future__ import annotations

import asyncio
import logging

import pytest

from matahari.console import Console, Host, HostChoice
from matahari.console.inquiry import ANSWER_GRACE
from matahari.console.matching import filter_of
from matahari.errors import FilterSyntaxError, NoAgentsError, RequestTimeoutError
from matahari.filters import parse
from tests.support.fake_bus import FakeBus, OurAgent, Play, QpidBroker
from tests.support.host_agents import HostAgent, PluginAgent, SilentAgent
from tests.support.slow_agents import slowed


def web1() -> HostAgent:
    return HostAgent(
        "web1",
        facts={"role": "web", "os.version": "12"},
        labels={"rack": "b1"},
        classes=["frontend"],
        free_mem=4 * 2**20,
    )


def db1() -> HostAgent:
    return HostAgent("db1", facts={"role": "db", "os.version": "11"}, labels={}, classes=[], free_mem=2**20)


async def names(console: Console, where: HostChoice | None = None, **facts: object) -> list[str]:
    return [host.name for host in await console.hosts(where, facts=facts or None, timeout=2.0)]


CHOICES = [
    ("web*", ["web1"]),
    ("not web*", ["db1"]),
    ("role = web", ["web1"]),
    ("not role = web", ["db1"]),
    ("site = ber", []),
    ("not site = ber", []),
    ("os.version >= 11.5", ["web1"]),
    ("label.rack = b1", ["web1"]),
    ("rack = b1 or role = db", ["db1", "web1"]),
    ("class frontend", ["web1"]),
    ("class Host", ["db1", "web1"]),
    ("class org.matahariproject.rpc.plugin:disks", ["web1"]),
    ("class nosuch", []),
    ("Host.free_mem > 2GiB", ["web1"]),
    ("Host.free_mem <= 1GiB", ["db1"]),
    ("Host.free_mem = 1048576", ["db1"]),
    ("org.example:Door.label = front", ["db1"]),
    ("has org.example:Door.label", ["db1"]),
    ("plugin disks", ["web1"]),
    ("plugin disks >= 1.10", ["web1"]),
    ("plugin disks >= 1.11", []),
    ("plugin d*", ["web1"]),
    ("plugin d* = 1.10 and plugin calc", ["web1"]),
    ("not plugin disks", ["db1"]),
    ("agent rpc", ["web1"]),
    ("agent door or agent rpc", ["db1", "web1"]),
]


@pytest.mark.parametrize(("where", "found"), CHOICES)
def test_hosts_are_chosen_by_everything_that_a_filter_knows(play: Play, where: str, found: list[str]) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        assert await names(console, where) == found

    play(story, web1(), db1(), PluginAgent("web1", disks="1.10", calc=""), OurAgent("db1"), QpidBroker())


def test_hosts_are_given_as_values_and_by_facts(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        assert await console.hosts("role = web") == [Host("web1", "uuid-of-web1")]
        assert await console.hosts(parse("role = web")) == [Host("web1", "uuid-of-web1")]
        assert await names(console, role="web") == ["web1"]
        assert await names(console, role=["web", "db"]) == ["db1", "web1"]
        assert await names(console, "db*", role=["web", "db"]) == ["db1"]
        assert await console.hosts() == [Host("db1", "uuid-of-db1"), Host("web1", "uuid-of-web1")]
        assert await console.hosts(facts={}) == await console.hosts()
        assert await names(console, ["db1", Host("web1", "uuid-of-web1")]) == ["db1", "web1"]
        assert await names(console, ["db1", "web1"], role="web") == ["web1"]
        assert await names(console, await console.hosts("role = web")) == ["web1"]
        assert await names(console, []) == []
        assert [one.host.name for one in await console.match_hosts(iter(["db1"])) if one.matched] == ["db1"]
        for unknown in (["db1", "web9"], [Host("db1", "another")]):
            with pytest.raises(NoAgentsError, match="not found"):
                await console.hosts(unknown)

    play(story, web1(), db1())


def test_only_what_the_filter_looks_at_is_asked_and_only_where_the_name_leaves_it_open(play: Play) -> None:
    web, db, plugins = web1(), db1(), PluginAgent("web1", disks="1.10", calc="2")

    async def story(console: Console, bus: FakeBus) -> None:
        await names(console, "web* or /db/")
        await names(console, "agent rpc")
        assert (web.asked, db.asked, plugins.asked) == ([], [], [])
        await names(console, "web* and role = web")
        assert (web.asked, db.asked, plugins.asked) == (["OBJECT Host"], [], [])
        await names(console, "plugin disks >= 1")
        assert plugins.asked == ["OBJECT disks"]
        await names(console, "plugin d* >= 1")
        assert plugins.asked == ["OBJECT disks", "OBJECT"]
        assert (web.asked, db.asked) == (["OBJECT Host"], [])

    play(story, web, db, plugins)


def test_a_silent_host_delays_no_other_and_is_named_in_the_log(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        clock = asyncio.get_running_loop()
        before = clock.time()
        with caplog.at_level(logging.WARNING, "matahari.console.choosing"):
            assert await names(console, "role = web or web1") == ["web1"]
        assert 2.0 <= clock.time() - before < 2.5
        assert "no answer from matahariproject.org:host:db1 on db1: undecided, and left out" in caplog.text

    play(story, web1(), SilentAgent("host", "db1"))


def crowd(role: str = "web") -> list[HostAgent]:
    return [HostAgent(f"h{number:02}", facts={"role": role}) for number in range(29)]


def test_one_hung_host_of_thirty_delays_the_others_by_a_moment(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        clock = asyncio.get_running_loop().time
        before = clock()
        web = await console.hosts("role = web")
        assert clock() - before == pytest.approx(ANSWER_GRACE, abs=0.1)
        assert (len(web), [one.name for one in web.undecided]) == (29, ["hung"])
        assert [one.name for one in (~web).undecided] == ["hung"]
        assert "no answer from matahariproject.org:host:hung on hung: undecided" in caplog.text
        matches = await console.match_hosts("role = web and Host.hostname = h*")
        assert clock() - before == pytest.approx(2 * ANSWER_GRACE, abs=0.1)
        [hung] = [one for one in matches if one.truth is None]
        assert [one.name for one in hung.unanswered] == ["matahariproject.org:host:hung"]

    play(story, *crowd(), SilentAgent("host", "hung"))


def test_hosts_that_all_answer_are_not_waited_for(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        before = asyncio.get_running_loop().time()
        assert len(await console.hosts("role = web")) == 29
        assert asyncio.get_running_loop().time() - before < 0.1

    play(story, *crowd())


def test_a_host_that_is_merely_slower_is_in_the_selection(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        web = await console.hosts("role = web")
        assert (len(web), web.undecided) == (30, [])

    play(story, *crowd(), slowed(HostAgent("slow", facts={"role": "web"}), ANSWER_GRACE - 0.1))


def test_while_no_host_matches_a_slow_one_may_be_the_one_that_is_meant(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        assert await names(console, "role = mail") == ["slow"]

    play(story, *crowd(), slowed(HostAgent("slow", facts={"role": "mail"}), 1.5))


def test_what_the_other_agents_of_a_hung_one_told_may_decide(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        matches = await console.match_hosts("role = db or plugin disks")
        assert [one.name for one in matches.hosts] == ["db1", "half"]
        assert matches.unanswered == []

    play(story, db1(), SilentAgent("host", "half"), PluginAgent("half", disks="1"))


def test_an_object_whose_schema_is_not_told_is_no_host_without_such_values(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        matches = await console.match_hosts("not Host.free_mem > 1GiB", timeout=5.0)
        assert [(one.host.name, one.truth) for one in matches] == [("db1", True), ("hung", None)]
        assert [one.host for one in matches.unanswered] == ["hung"]

    hung = slowed(HostAgent("hung", free_mem=1, other=1), 3600, "SCHEMA")
    play(story, db1(), hung)


def test_who_might_match_and_does_not_answer_is_an_error_when_nobody_matches(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        with pytest.raises(
            RequestTimeoutError, match=r"no answer within 2 s from matahariproject\.org:host:db1 on db1"
        ):
            await names(console, "role = mail")
        assert await names(console, "role = mail and not db*") == []

    play(story, web1(), SilentAgent("host", "db1"))


def test_an_agent_that_a_filter_does_not_look_at_may_be_silent(play: Play) -> None:
    silent = SilentAgent("rpc", "web1")

    async def story(console: Console, bus: FakeBus) -> None:
        before = asyncio.get_running_loop().time()
        assert await names(console, "role = web and Host.free_mem > 1GiB") == ["web1"]
        assert asyncio.get_running_loop().time() - before < 1.0
        assert silent.asked == []

    play(story, web1(), silent)


def test_all_questions_of_a_filter_share_one_time_limit(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        before = asyncio.get_running_loop().time()
        matches = await console.match_hosts("role = web and plugin x and class y and org.x:Cat.n = 1", timeout=3.0)
        assert asyncio.get_running_loop().time() - before < 3.5
        assert [one.truth for one in matches] == [None]
        assert sorted(one.product for one in matches.unanswered) == ["host", "rpc"]

    play(story, SilentAgent("host", "db1"), SilentAgent("rpc", "db1"))


def test_every_host_is_explained(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        matches = await console.match_hosts("os.version >= 12 and plugin disks")
        assert [(one.host.name, one.matched) for one in matches] == [("db1", False), ("web1", False)]
        assert list(matches[0].explanation.lines()) == [
            "no      os.version >= 12 and plugin disks",
            '  no      os.version >= 12: os.version is "11", not >= 12',
            "  no      plugin disks: there is no such plugin",
        ]
        assert (matches.hosts, matches.unanswered, str(matches.filter)) == ([], [], "os.version >= 12 and plugin disks")
        assert repr(matches) == "<HostMatches: 0 of 2 hosts for os.version >= 12 and plugin disks>"
        assert matches[0:1] == (matches[0],)

    play(story, web1(), db1())


def test_names_that_no_host_has_are_told_with_what_may_have_been_meant(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        matches = await console.match_hosts("rol = web and rack = b1 and os.version > 1 or has label.rok")
        assert list(matches.unknown_names) == ["rok", "rol"]
        assert matches.unknown_names["rol"][0] == "role"
        assert all(isinstance(close, tuple) for close in matches.unknown_names.values())
        assert (await console.match_hosts("web*")).unknown_names == {}

    play(story, web1(), db1())


def test_a_host_without_facts_has_only_unknown_ones(play: Play) -> None:
    """As an agent of 2012 has it, or a host with only plugins."""

    async def story(console: Console, bus: FakeBus) -> None:
        assert await names(console, "role = web or not role = web") == []
        assert await names(console, "old* and Host.free_mem > 1KiB") == ["old"]
        matches = await console.match_hosts("role = web")
        assert [one.truth for one in matches] == [None, None]
        assert matches.unanswered == []

    play(story, HostAgent("old", free_mem=9), PluginAgent("plugins", disks="1"))


def test_what_is_no_filter_is_refused_before_anything_is_asked(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        bus.sent.clear()
        with pytest.raises(FilterSyntaxError, match="did you mean and"):
            await console.hosts("role = web adn x")
        with pytest.raises(ValueError, match="no value of a fact"):
            await console.hosts(facts={"x": {}})
        with pytest.raises(ValueError, match="a filter or facts are needed"):
            await console.match_hosts()
        with pytest.raises(ValueError, match="above 0"):
            await console.match_hosts("a = 1", timeout=0)
        assert bus.sent == []

    play(story, web1())


def test_a_text_a_filter_and_facts_make_one_filter() -> None:
    assert filter_of(None, None) is None
    assert filter_of("a or b", {"x": 1}) == parse("(a or b) and fact.x = 1")
    assert filter_of(parse("a"), None) == parse("a")
