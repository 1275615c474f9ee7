"""Running calls: when their reports leave, who is made to wait, and how a call ends before its method does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence

import pytest

from matahari.agent import CallReporter, Fault
from matahari.agent.reports import GATHER, LONGEST_HOLD, REPORT_INTERVAL, WAITING_BYTES
from matahari.agent.running import GUARD, RunningCalls
from matahari.qmf import CallOptions, Invoke, OutputReport, PartialReport, Report
from tests.support.virtual_loop import START, run, turns


class Sink:
    """Notes what is sent, and when after the start."""

    def __init__(self) -> None:
        self.sent: list[tuple[float, list[Report]]] = []
        self.is_crowded = False

    def send_reports(self, call: int, reports: Sequence[Report]) -> None:
        assert call == 7
        self.sent.append((round(asyncio.get_running_loop().time() - START, 3), list(reports)))


def play(story: Callable[[CallReporter, Sink], Coroutine[object, object, None]], interval: float = 0.0) -> Sink:
    sink = Sink()

    async def played() -> None:
        reporter = CallReporter(7, interval, sink)
        await story(reporter, sink)
        reporter.finish()
        await asyncio.sleep(5)

    run(played())
    return sink


def test_the_first_report_leaves_at_once_and_the_next_ones_when_it_is_their_time() -> None:
    async def story(reporter: CallReporter, sink: Sink) -> None:
        for number in range(4):
            reporter.output(f"{number}")
            await asyncio.sleep(0.02)
        await asyncio.sleep(1)

    sink = play(story)
    assert sink.sent == [
        (GATHER, [OutputReport("0")]),
        (round(GATHER + REPORT_INTERVAL, 3), [OutputReport("12")]),
        (round(GATHER + 2 * REPORT_INTERVAL, 3), [OutputReport("3")]),
    ]


def test_a_caller_who_hears_many_is_told_more_seldom() -> None:
    async def story(reporter: CallReporter, sink: Sink) -> None:
        for _ in range(100):
            reporter.output("x")
            await asyncio.sleep(0.1)

    assert len(play(story, interval=2.0).sent) == 6


def test_what_waits_at_the_end_is_sent_before_the_answer_and_later_reports_are_not() -> None:
    async def story(reporter: CallReporter, sink: Sink) -> None:
        reporter.partial("1")
        reporter.finish()
        assert sink.sent == [(0.0, [PartialReport("1")])]
        reporter.partial("2")
        assert reporter.room() is None

    assert len(play(story).sent) == 1


def test_whoever_reports_too_fast_waits_until_a_message_has_left() -> None:
    async def story(reporter: CallReporter, sink: Sink) -> None:
        value = "x" * (WAITING_BYTES // 2)
        reporter.partial(value)
        assert reporter.room() is None
        reporter.partial(value)
        room = reporter.room()
        assert room is not None and room is reporter.room()
        await room
        assert asyncio.get_running_loop().time() - START == pytest.approx(GATHER)
        assert reporter.room() is None

    play(story)


def test_a_caller_who_wants_to_hear_seldom_does_not_hold_up_others_for_long() -> None:
    async def story(reporter: CallReporter, sink: Sink) -> None:
        reporter.output("first")
        await asyncio.sleep(0.5)
        reporter.output("second")  # due in a minute
        await asyncio.sleep(0.1)
        reporter.partial("x" * WAITING_BYTES)
        room = reporter.room()
        assert room is not None
        await room
        # The value is too large for the message of what waited before it.
        assert [at for at, _ in sink.sent] == pytest.approx([GATHER, GATHER + LONGEST_HOLD, GATHER + 2 * LONGEST_HOLD])

    play(story, interval=60.0)


def test_nothing_leaves_while_the_broker_takes_nothing() -> None:
    async def story(reporter: CallReporter, sink: Sink) -> None:
        sink.is_crowded = True
        reporter.partial("x" * WAITING_BYTES)
        room = reporter.room()
        assert room is not None
        await asyncio.sleep(3)
        assert not room.done()
        assert sink.sent == []
        sink.is_crowded = False
        await room
        assert len(sink.sent) == 1

    play(story)


def test_the_end_of_the_call_frees_whoever_waits() -> None:
    async def story(reporter: CallReporter, sink: Sink) -> None:
        sink.is_crowded = True
        reporter.partial("x" * WAITING_BYTES)
        room = reporter.room()
        reporter.finish()
        assert room is not None and room.done()
        assert len(sink.sent) == 1

    play(story)


def invoke(options: CallOptions | None = None) -> Invoke:
    return Invoke(7, "thing", "work", {}, "ann", options)


def kind_of(caught: pytest.ExceptionInfo[Fault]) -> object:
    assert caught.value.data is not None
    assert caught.value.data.values["error_text"] == caught.value.text
    return caught.value.data.values["kind"]


def test_a_call_that_goes_beyond_its_callers_limit_is_ended() -> None:
    async def story() -> None:
        running = RunningCalls(Sink()).add(invoke(CallOptions(timeout=2.0)))
        with pytest.raises(Fault, match=r"^work took longer than 2 s$") as caught:
            async with running:
                await asyncio.sleep(100)
        assert kind_of(caught) == "timeout"
        assert asyncio.get_running_loop().time() - START == pytest.approx(2.0 + GUARD)

    run(story())


def test_a_call_without_a_limit_has_none_and_nobody_hears_it() -> None:
    async def story() -> None:
        running = RunningCalls(Sink()).add(invoke())
        assert (running.timeout, running.reporter) == (None, None)
        async with running:
            await asyncio.sleep(100_000)

    run(story())


def test_a_timeout_of_the_methods_own_is_passed_on() -> None:
    async def story() -> None:
        running = RunningCalls(Sink()).add(invoke(CallOptions(timeout=2.0)))
        with pytest.raises(TimeoutError, match="mine"):
            async with running:
                raise TimeoutError("mine")

    run(story())


def test_a_call_that_its_caller_gives_up_is_ended_where_it_is_and_what_it_told_is_sent() -> None:
    async def story() -> None:
        sink = Sink()
        calls = RunningCalls(sink)
        running = calls.add(invoke(CallOptions(True)))

        async def work() -> str:
            try:
                async with running:
                    assert running.reporter is not None
                    running.reporter.output("so far")
                    await asyncio.sleep(100)
            except Fault as fault:
                return fault.text
            return ""

        task = asyncio.ensure_future(work())
        await turns(2)
        calls.cancel(7)
        assert await task == "work was cancelled by its caller"
        assert task.cancelling() == 0
        assert [reports for _, reports in sink.sent] == [[OutputReport("so far")]]

    run(story())


def test_a_call_that_was_given_up_and_goes_on_is_not_called_ended() -> None:
    async def story() -> None:
        calls = RunningCalls(Sink())
        running = calls.add(invoke())

        async def work() -> str:
            try:
                async with running:
                    try:
                        await asyncio.sleep(100)
                    finally:
                        running.afterlife("running")
            except Fault as fault:
                return fault.text
            return "it ended by itself"

        task = asyncio.ensure_future(work())
        await turns(2)
        calls.cancel(7)
        assert await task == "work was cancelled by its caller; it has not let go yet"

    run(story())


def test_a_call_that_is_given_up_before_it_begins_never_does() -> None:
    async def story() -> None:
        calls = RunningCalls(Sink())
        running = calls.add(invoke())
        calls.cancel(7)
        with pytest.raises(Fault) as caught:
            async with running:
                raise AssertionError("it began")
        assert kind_of(caught) == "cancelled"

    run(story())


def test_an_end_that_is_not_the_callers_stays_what_it_is() -> None:
    async def story() -> None:
        running = RunningCalls(Sink()).add(invoke(CallOptions(True)))

        async def work() -> None:
            async with running:
                await asyncio.sleep(100)

        task = asyncio.ensure_future(work())
        await turns(2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(story())


def test_a_method_that_answers_although_it_was_given_up_is_believed() -> None:
    async def story() -> None:
        calls = RunningCalls(Sink())
        running = calls.add(invoke())

        async def work() -> str:
            async with running:
                try:
                    await asyncio.sleep(100)
                except asyncio.CancelledError:
                    return "done"
            return ""

        task = asyncio.ensure_future(work())
        await turns(2)
        calls.cancel(7)
        assert await task == "done"

    run(story())


def test_a_call_that_was_answered_is_forgotten() -> None:
    async def story() -> None:
        calls = RunningCalls(Sink())
        calls.add(invoke()).remove()
        calls.cancel(7)

    run(story())
