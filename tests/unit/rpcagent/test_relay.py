"""Reports of plugin calls on their way to the caller."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from matahari.agent import CallReporter
from matahari.agent.reports import MAX_VALUE, WAITING_BYTES
from matahari.hostproto import Output, Partial, Progress
from matahari.qmf import OutputReport, PartialReport, ProgressReport, Report
from matahari.rpcagent import CallFailure, CallResult
from matahari.rpcagent.records import Reporter
from matahari.rpcagent.relay import relayed
from tests.support.virtual_loop import run


class Sink:
    is_crowded = False

    def __init__(self) -> None:
        self.sent: list[Report] = []

    def send_reports(self, call: int, reports: Sequence[Report]) -> None:
        self.sent += reports


def test_each_kind_of_report_is_passed_on() -> None:
    async def story() -> None:
        sink = Sink()

        async def invoke(hear: Reporter | None) -> CallResult:
            assert hear is not None
            for report in (Progress(1, 1, 2, "half"), Output(1, "x"), Partial(1, "3")):
                assert hear(report) is None
            await asyncio.sleep(1)
            return CallResult("4")

        assert await relayed(CallReporter(1, 0.0, sink), invoke) == CallResult("4")
        assert sink.sent == [ProgressReport(1, 2, "half"), OutputReport("x"), PartialReport("3")]

    run(story())


def test_nobody_hears_a_call_whose_caller_does_not_want_to() -> None:
    async def story() -> None:
        async def invoke(hear: Reporter | None) -> CallResult:
            assert hear is None
            return CallResult("4")

        assert await relayed(None, invoke) == CallResult("4")

    run(story())


def test_a_worker_that_is_too_fast_is_told_what_to_wait_for() -> None:
    async def story() -> None:
        async def invoke(hear: Reporter | None) -> CallResult:
            assert hear is not None
            room = hear(Partial(1, "x" * WAITING_BYTES))
            assert room is not None
            await room
            assert hear(Partial(1, "1")) is None
            return CallResult("4")

        assert await relayed(CallReporter(1, 0.0, Sink()), invoke) == CallResult("4")

    run(story())


def test_a_value_that_fits_no_message_ends_the_call() -> None:
    async def story() -> None:
        async def invoke(hear: Reporter | None) -> CallResult:
            assert hear is not None
            hear(Partial(1, "x" * (MAX_VALUE + 1)))
            hear(Partial(1, "x" * (MAX_VALUE + 2)))
            await asyncio.sleep(100)
            return CallResult("4")

        with pytest.raises(CallFailure, match=f"has {MAX_VALUE + 1} bytes of JSON") as caught:
            await relayed(CallReporter(1, 0.0, Sink()), invoke)
        assert caught.value.kind == "too_large"

    run(story())


def test_failures_and_time_outs_of_the_call_are_its_own() -> None:
    async def story() -> None:
        async def fail(hear: Reporter | None) -> CallResult:
            raise CallFailure("raised", "ValueError", "no")

        async def time_out(hear: Reporter | None) -> CallResult:
            raise TimeoutError("mine")

        with pytest.raises(CallFailure, match="no"):
            await relayed(CallReporter(1, 0.0, Sink()), fail)
        with pytest.raises(TimeoutError, match="mine"):
            await relayed(CallReporter(1, 0.0, Sink()), time_out)

    run(story())
