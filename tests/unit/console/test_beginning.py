"""The beginning of a call: one that fails, is interrupted, or cannot be sent keeps nobody waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from matahari.console import Console, Result, running
from matahari.console.checking import Prepared
from matahari.errors import CancelledRequestError, SchemaError, UnknownActionError
from matahari.qmf import MAX_CALL_TIMEOUT, Direct, Publish, Reply
from tests.support.fake_bus import FakeBus, OurAgent, Play


async def call_of(console: Console, method: str = "knock") -> running.RunningCall:
    return (await console.select("Door", package="org.example")).stream(method, timeout=5)


def test_a_call_that_could_not_begin_says_so_again(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        call = await call_of(console, "open")
        both = await asyncio.gather(anext(call), anext(call), return_exceptions=True)
        assert [type(one) for one in both] == [UnknownActionError, UnknownActionError]
        with pytest.raises(UnknownActionError):
            await anext(call)

    play(story, OurAgent())


@pytest.mark.parametrize("is_given_up", [False, True])
def test_a_call_whose_beginning_was_interrupted_can_be_begun_or_given_up(
    play: Play, monkeypatch: pytest.MonkeyPatch, is_given_up: bool
) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        call = await call_of(console)
        prepare, release = call._prepare, asyncio.Event()

        async def prepare_late() -> Sequence[Prepared]:
            await release.wait()
            return await prepare()

        monkeypatch.setattr(call, "_prepare", prepare_late)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(call.begin(), 0.1)
        release.set()
        if is_given_up:
            call.cancel()
        [result] = await call.wait()
        assert isinstance(result.error, CancelledRequestError) if is_given_up else result.ok
        assert bus.opcodes().count("_method_request") == (0 if is_given_up else 1)

    play(story, OurAgent())


def test_a_time_limit_that_no_agent_keeps_is_refused_before_anything_is_sent(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        objects = await console.select("Door", package="org.example")
        with pytest.raises(ValueError, match="timeout"):
            objects.stream("knock", timeout=MAX_CALL_TIMEOUT + 1)
        async with objects.stream("knock", timeout=MAX_CALL_TIMEOUT) as call:
            assert [result.ok for result in await call.wait()] == [True]
        assert [result.ok for result in await objects.call("knock", timeout=MAX_CALL_TIMEOUT + 1)] == [True]

    play(story, OurAgent())


def test_a_call_that_cannot_be_sent_has_ended(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    def send(command: Publish | Direct | Reply) -> bool:
        raise SchemaError("above the limit")

    async def story(console: Console, bus: FakeBus) -> None:
        call = await call_of(console)
        monkeypatch.setattr(bus, "send", send)
        await call.begin()
        assert call.running == []
        call.cancel()
        [result] = [told async for told in call]
        assert isinstance(result, Result)
        assert isinstance(result.error, SchemaError)

    play(story, OurAgent())
