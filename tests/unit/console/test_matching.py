"""Hosts by filter: what is asked of whom, and what happens where nobody answers."""

from __future__ import annotations

import asyncio
import logging

import pytest

from matahari.console import Console, Host
from matahari.console.matching import filter_of
from matahari.errors import FilterSyntaxError, RequestTimeoutError
from matahari.filters import Filter, parse
from tests.support.fake_bus import FakeBus, OurAgent, Play, QpidBroker
from tests.support.host_agents import HostAgent, PluginAgent, SilentAgent


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


async def names(console: Console, where: str | Filter | None = None, **facts: object) -> list[str]:
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
        with caplog.at_level(logging.WARNING, "matahari.console.client"):
            assert await names(console, "role = web or web1") == ["web1"]
        assert 2.0 <= clock.time() - before < 2.5
        assert "no answer within 2 s from matahariproject.org:host:db1 on db1: left out" in caplog.text

    play(story, web1(), SilentAgent("host", "db1"))


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
