"""Agents that extensions offer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import pytest

from matahari.config import load
from matahari.errors import ConfigError
from matahari.hooks import AgentOffer, Extensions, Threads, hookimpl
from matahari.net import Address
from matahari.shell.service import offers as module
from matahari.shell.service.offers import Offer, find_offers, keep_running, setting_texts

OWN = ("host", "rpc")
Run = Callable[[Mapping[str, str]], Awaitable[None]]


async def idle(settings: Mapping[str, str]) -> None:
    return


class Offers:
    def __init__(self, *names: str, run: Run = idle) -> None:
        self.names = names
        self.run = run

    @hookimpl
    def agents(self) -> Sequence[AgentOffer]:
        if not self.names:
            raise LookupError("none")
        return [AgentOffer(name, "", self.run) for name in self.names]


def found(wanted: Sequence[str] | None, **offers: Offers) -> list[tuple[str, str]]:
    extensions = Extensions()
    for name, offer in offers.items():
        extensions.register(offer, name=name, origin="test")
    chosen = asyncio.run(find_offers(extensions, Threads(), wanted, OWN))
    return [(offer.provider, offer.agent.name) for offer in chosen]


def test_all_offers_are_taken_or_those_that_are_named() -> None:
    assert sorted(found(None, a=Offers("tick", "tock"), b=Offers("log"))) == [
        ("a", "tick"),
        ("a", "tock"),
        ("b", "log"),
    ]
    assert found(["tock"], a=Offers("tick", "tock")) == [("a", "tock")]
    assert found([], a=Offers("tick")) == []


def test_a_name_that_nobody_offers_is_wrong_usage() -> None:
    with pytest.raises(ConfigError, match="there is no agent tack; the agents are host, rpc, tick") as caught:
        found(["tack"], a=Offers("tick"))
    assert (caught.value.file, caught.value.key) == ("command line", "--only")


def test_names_that_are_taken_and_extensions_that_raise_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert found(None, later=Offers("host", "tick"), first=Offers("tick"), broken=Offers()) == [("first", "tick")]
    assert sorted(caplog.messages) == [
        "agent host of extension later is not run: its name is taken",
        "agent tick of extension later is not run: its name is taken",
        "its agents are not run: hook agents of broken: LookupError: none",
    ]


def test_offered_agents_get_the_settings_as_texts(tmp_path: Path) -> None:
    settings = load({"state": str(tmp_path)}, environ={}, files=[], uid=1000)
    texts = setting_texts(settings, Address("unix", path="/run/bus.sock"))
    assert (texts["broker"], texts["state"], texts["acl_file"]) == ("unix:/run/bus.sock", str(tmp_path), "")
    assert texts["facts"].endswith("facts.d")
    assert all(isinstance(value, str) for value in texts.values())


@pytest.mark.parametrize("error", [ValueError("odd"), SystemExit(3), asyncio.CancelledError("of its own")])
def test_an_agent_that_fails_is_named_and_run_again(
    error: BaseException, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "FIRST_DELAY", 0.0)
    runs: list[Mapping[str, str]] = []

    async def fails_twice(settings: Mapping[str, str]) -> None:
        runs.append(settings)
        if len(runs) < 3:
            raise error

    with caplog.at_level(logging.INFO):
        asyncio.run(keep_running(Offer("ticker", AgentOffer("tick", "", fails_twice)), {"broker": "b"}))
    assert runs == [{"broker": "b"}] * 3
    first, _, last = caplog.messages
    assert first.startswith(f"agent tick of extension ticker failed: {type(error).__name__}: {error}; it is run again")
    assert last == "agent tick of extension ticker has ended"


def test_an_agent_is_cancelled_with_the_node() -> None:
    async def scenario() -> None:
        started = asyncio.Event()

        async def forever(settings: Mapping[str, str]) -> None:
            started.set()
            await asyncio.Event().wait()

        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(keep_running(Offer("x", AgentOffer("x", "", forever)), {}))
            await started.wait()
            running.cancel()
        assert running.cancelled()

    asyncio.run(scenario())
