"""What is told of a call after its outcome."""

from __future__ import annotations

import asyncio

from matahari.agent import AfterState
from matahari.rpcagent import CallResult
from matahari.rpcagent.answering import LET_GO, CallAnswer
from tests.support.virtual_loop import START, run


def test_a_call_that_lets_go_in_time_went_on_for_nobody() -> None:
    async def story() -> None:
        told: list[AfterState] = []
        answer = CallAnswer(told.append)
        answer.goes_on()
        asyncio.get_running_loop().call_later(LET_GO / 2, answer.has_ended, "ended")
        await answer.tell(LET_GO)
        assert asyncio.get_running_loop().time() == START + LET_GO / 2
        answer.has_ended("ended")
        assert told == []

    run(story())


def test_a_call_that_does_not_is_told_and_so_is_its_end_once() -> None:
    async def story() -> None:
        for state in ("ended", "stopped"):
            told: list[AfterState] = []
            answer = CallAnswer(told.append)
            answer.goes_on()
            await answer.tell(LET_GO)
            await answer.tell()
            assert told == ["running"]
            answer.has_ended(state)
            answer.has_ended("stopped")
            assert told == ["running", state]

    run(story())


def test_what_ended_with_its_outcome_has_nothing_to_tell() -> None:
    async def story() -> None:
        told: list[AfterState] = []
        answer = CallAnswer(told.append)
        answer.has_ended("ended")
        answer.set_result(CallResult("1"))
        await answer.tell(LET_GO)
        assert told == []
        assert asyncio.get_running_loop().time() == START

    run(story())


def test_nobody_needs_to_listen() -> None:
    async def story() -> None:
        answer = CallAnswer()
        answer.goes_on()
        await answer.tell(LET_GO)
        answer.has_ended("ended")

    run(story())
