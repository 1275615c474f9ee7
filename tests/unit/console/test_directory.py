"""Whom the console asks: agents of the chosen hosts, and those that may have what is asked for."""

from __future__ import annotations

import pytest

from matahari.console import Console
from matahari.console.arguments import PLUGIN_PACKAGE
from matahari.console.directory import may_have
from matahari.errors import NoAgentsError
from matahari.qmf import AgentInfo
from tests.support.fake_bus import FakeBus, OurAgent, Play


def info(vendor: str, product: str) -> AgentInfo:
    return AgentInfo(f"{vendor}:{product}:1", vendor, product, "1")


def test_our_host_agents_are_not_asked_for_plugins() -> None:
    assert not may_have(info("matahariproject.org", "host"), PLUGIN_PACKAGE)
    assert may_have(info("matahariproject.org", "host"), "org.matahariproject")
    assert may_have(info("matahariproject.org", "rpc"), PLUGIN_PACKAGE)
    assert may_have(info("example.org", "host"), PLUGIN_PACKAGE)


def test_agents_are_given_in_the_order_of_the_hosts_and_once_each(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        both = await console.hosts()
        assert [host.name for host in both] == ["a", "b"]
        chosen = console._directory.on([both[1], "a", "b", both[0]])
        assert [info.attributes["hostname"] for info in chosen] == ["b", "a"]
        assert console._directory.on([]) == []
        with pytest.raises(NoAgentsError, match='Host "c" not found'):
            console._directory.on(["a", "c"])
        with pytest.raises(NoAgentsError, match='Host "" not found'):
            console._directory.on([""])

    play(story, OurAgent("a"), OurAgent("b"))
