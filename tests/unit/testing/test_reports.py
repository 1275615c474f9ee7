"""Records of what a call tells, and arguments as logs show them."""

from __future__ import annotations

import asyncio

import pytest

from matahari.hooks import MASK
from matahari.hostproto import Output, Partial, PluginEvent, Progress
from matahari.rpcagent import CallFailure
from matahari.testing import (
    CallRecord,
    EventReport,
    MethodSpec,
    OutputReport,
    PartialReport,
    ProgressReport,
    Report,
    RunningCall,
)
from matahari.testing.reports import masked, read_report

REPORTS: list[Report] = [
    ProgressReport(1, 2, "half"),
    OutputReport("a\n"),
    PartialReport([1]),
    EventReport("full", 4, {"disk": "/"}),
    OutputReport("b\n"),
]


def spec(*names: str, sensitive: tuple[str, ...] = ()) -> MethodSpec:
    return MethodSpec(
        "m", {"properties": {name: {} for name in names}, "x-positional": list(names)}, sensitive=sensitive
    )


def test_messages_of_a_worker_become_records_with_values() -> None:
    told: list[Progress | Output | Partial | PluginEvent] = [
        Progress(1, 1, 2, "half"),
        Output(1, "a\n"),
        Partial(1, "[1]"),
        PluginEvent(1, "full", '{"disk": "/"}', 4),
        Output(1, "b\n"),
    ]
    assert [read_report(each) for each in told] == REPORTS


def test_a_record_sorts_its_reports() -> None:
    record = CallRecord(3, None, REPORTS, {})
    assert record.progress == [ProgressReport(1, 2, "half")]
    assert record.output == "a\nb\n"
    assert record.partials == [[1]]
    assert record.events == [EventReport("full", 4, {"disk": "/"})]


def test_values_of_sensitive_parameters_are_masked_by_position_and_by_name() -> None:
    login = spec("user", "password", sensitive=("password",))
    shown = {"user": "anna", "password": MASK}
    assert masked(login, ["anna", "x"], {}) == shown
    assert masked(login, ["anna"], {"password": "x"}) == shown
    assert masked(spec("user", sensitive=("secrets",)), ["anna", "x"], {"other": "y"}) == {
        "user": "anna",
        "2": MASK,
        "other": MASK,
    }
    assert masked(None, ["x"], {"a": 1}) == {"1": MASK, "a": MASK}


def test_reports_are_iterated_from_the_first_on_and_until_the_end() -> None:
    async def story() -> None:
        steps: asyncio.Queue[Report | None] = asyncio.Queue()

        async def run(call: RunningCall) -> object:
            while (report := await steps.get()) is not None:
                call.add(report)
            return "done"

        call = RunningCall(run, {})
        seen: list[Report] = []
        steps.put_nowait(REPORTS[0])
        async for report in call:
            seen.append(report)
            steps.put_nowait(REPORTS[len(seen)] if len(seen) < len(REPORTS) else None)
        assert seen == REPORTS
        assert [each async for each in call] == REPORTS
        assert (await call, await call, call.is_over) == ("done", "done", True)
        assert await call.record() == CallRecord("done", None, tuple(REPORTS), {})

    asyncio.run(story())


def test_a_failure_is_raised_and_part_of_the_record_and_a_cancelled_call_is_over() -> None:
    async def fail(call: RunningCall) -> object:
        raise CallFailure("busy", "Busy", "no")

    async def hang(call: RunningCall) -> object:
        await asyncio.Event().wait()
        return None

    async def story() -> None:
        call = RunningCall(fail, {})
        with pytest.raises(CallFailure):
            await call
        record = await call.record()
        assert record.failure is not None
        assert (record.value, record.failure.kind) == (None, "busy")
        hung = RunningCall(hang, {})
        await asyncio.sleep(0)
        hung.cancel()
        assert [report async for report in hung] == []
        with pytest.raises(asyncio.CancelledError):
            await hung

    asyncio.run(story())
