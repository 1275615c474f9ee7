"""Running calls in threads and on the event loop, without a socket."""

from __future__ import annotations

import asyncio
import contextvars
import datetime
import queue
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path

from matahari.hostproto import Call, Failure, Output, Partial, PluginEvent, Progress, Result
from matahari.plugin import context, event, output, progress
from matahari.pluginhost.calls import Runner
from matahari.pluginhost.describe import examine
from matahari.pluginhost.forms import Form
from matahari.pluginhost.reports import Report

TIMEOUT = 20


class Desk:
    """A runner, and where its answers go."""

    def __init__(
        self,
        actions: dict[str, Callable[..., object]],
        concurrency: int = 2,
        forms: dict[str, Form] | None = None,
    ) -> None:
        self.answers: queue.Queue[Result | Failure] = queue.Queue()
        self.reports: list[Report] = []
        self.said = threading.Event()
        self.gate = threading.Event()
        self.gate.set()
        self.idle = threading.Semaphore(0)
        self.runner = Runner(
            "p",
            actions,
            files={__file__},
            concurrency=concurrency,
            result_limit=1000,
            answer=self.answers.put,
            idle=self.idle.release,
            forms=forms,
            report=self.report,
            facts={"os": "debian"},
            settings={"roots": ["/tmp"]},
        )
        self._next = 0

    def start(self, method: str, *args: str, **kwargs: str) -> int:
        self._next += 1
        self.runner.start(Call(self._next, method, args, kwargs, "r1", "anna", 30.0))
        return self._next

    def report(self, report: Report) -> None:
        self.said.set()
        assert self.gate.wait(TIMEOUT)
        self.reports.append(report)

    def answer(self) -> Result | Failure:
        return self.answers.get(timeout=TIMEOUT)


def test_blocking_and_async_actions_are_answered() -> None:
    async def later(x: int) -> int:
        await asyncio.sleep(0)
        return x + 1

    desk = Desk({"now": lambda x, y=1: [x, y], "later": later})
    call = desk.start("now", "1", y='"b"')
    assert desk.answer() == Result(call, '[1, "b"]')
    call = desk.start("later", "1")
    assert desk.answer() == Result(call, "2")
    assert desk.idle.acquire(timeout=TIMEOUT)
    assert desk.idle.acquire(timeout=TIMEOUT)
    assert desk.runner.unanswered == 0


def test_a_coroutine_that_a_blocking_action_returns_is_awaited() -> None:
    async def later() -> str:
        return context().plugin

    desk = Desk({"wrapped": lambda: later()})
    call = desk.start("wrapped")
    assert desk.answer() == Result(call, '"p"')


def test_the_context_is_seen_in_both_worlds() -> None:
    async def later() -> list[str]:
        await asyncio.sleep(0)
        return [context().request_id, context().caller]

    desk = Desk({"now": lambda: [context().request_id, context().caller], "later": later})
    for name in ("now", "later"):
        call = desk.start(name)
        assert desk.answer() == Result(call, '["r1", "anna"]')


def test_bad_calls_are_answered_too() -> None:
    desk = Desk({"now": lambda *_: 1})
    desk.start("gone")
    answer = desk.answer()
    assert isinstance(answer, Failure)
    assert answer.kind == "unknown_action"
    for text in ("{", "NaN", "[" * 100_000):
        desk.start("now", text)
        answer = desk.answer()
        assert isinstance(answer, Failure)
        assert (answer.kind, "argument '#1' is not JSON" in answer.value) == ("invalid_argument", True)


def test_what_an_action_raises_is_a_failure_even_the_end_of_the_process() -> None:
    def leave() -> None:
        raise SystemExit(3)

    async def fail() -> None:
        raise KeyboardInterrupt

    desk = Desk({"leave": leave, "fail": fail})
    for name, error in (("leave", "SystemExit"), ("fail", "KeyboardInterrupt")):
        desk.start(name)
        answer = desk.answer()
        assert isinstance(answer, Failure)
        assert (answer.kind, answer.error_type) == ("raised", error)
        assert f"in {name}" in answer.traceback


def test_more_calls_than_agreed_are_refused() -> None:
    gate = threading.Event()
    desk = Desk({"wait": lambda: gate.wait(TIMEOUT)}, concurrency=1)
    first = desk.start("wait")
    second = desk.start("wait")
    answer = desk.answer()
    assert isinstance(answer, Failure)
    assert (answer.id, answer.kind) == (second, "busy")
    gate.set()
    assert desk.answer() == Result(first, "true")


def test_cancelling_reaches_both_kinds() -> None:
    started = threading.Semaphore(0)

    def blocking() -> None:
        started.release()
        while not context().is_cancelled:
            threading.Event().wait(0.001)

    async def coroutine() -> None:
        started.release()
        await asyncio.get_running_loop().create_future()

    desk = Desk({"blocking": blocking, "coroutine": coroutine})
    call = desk.start("blocking")
    assert started.acquire(timeout=TIMEOUT)
    desk.runner.cancel(call)
    assert desk.answer() == Result(call, "null")
    call = desk.start("coroutine")
    assert started.acquire(timeout=TIMEOUT)
    desk.runner.cancel(call)
    answer = desk.answer()
    assert isinstance(answer, Failure)
    assert (answer.id, answer.kind) == (call, "cancelled")
    desk.runner.cancel(99)


def test_a_coroutine_that_is_cancelled_before_its_first_step_is_answered() -> None:
    is_blocked, go_on = threading.Event(), threading.Event()

    async def block() -> None:
        is_blocked.set()
        assert go_on.wait(TIMEOUT)

    async def later() -> None:
        await asyncio.sleep(TIMEOUT)

    desk = Desk({"block": block, "later": later})
    first = desk.start("block")
    assert is_blocked.wait(TIMEOUT)
    # Start and cancellation of the second meet the event loop together.
    second = desk.start("later")
    desk.runner.cancel(second)
    go_on.set()
    assert desk.answer() == Result(first, "null")
    answer = desk.answer()
    assert isinstance(answer, Failure)
    assert (answer.id, answer.kind) == (second, "cancelled")


def test_threads_are_started_only_when_they_are_needed() -> None:
    names: set[str] = set()
    desk = Desk({"name": lambda: names.add(threading.current_thread().name)}, concurrency=8)
    for _ in range(5):
        desk.start("name")
        desk.answer()
        assert desk.idle.acquire(timeout=TIMEOUT)
    assert names == {"call-1"}


class TestStreams:
    def test_each_yielded_value_is_a_partial_result_and_the_answer_comes_last(self) -> None:
        def count(limit: int) -> Iterator[int]:
            for number in range(limit):
                progress(number, limit)
                yield number

        async def later(limit: int) -> AsyncIterator[int]:
            for number in range(limit):
                await asyncio.sleep(0)
                yield number

        desk = Desk({"count": count, "later": later, "wrapped": lambda limit: count(limit)})
        for name in ("count", "later", "wrapped"):
            call = desk.start(name, "3")
            assert desk.answer() == Result(call, "3")
            partials = [report for report in desk.reports if isinstance(report, Partial)]
            assert partials == [Partial(call, "0"), Partial(call, "1"), Partial(call, "2")]
            desk.reports.clear()

    def test_what_a_generator_returns_is_the_result(self) -> None:
        def total(limit: int) -> Generator[int, None, dict[str, int]]:
            yield from range(limit)
            return {"sum": sum(range(limit))}

        desk = Desk({"total": total})
        call = desk.start("total", "4")
        assert desk.answer() == Result(call, '{"sum": 6}')

    def test_a_generator_that_raises_fails_after_what_it_has_yielded(self) -> None:
        def broken() -> Iterator[int]:
            yield 1
            raise ValueError("two")

        async def later() -> AsyncIterator[int]:
            yield 1
            raise ValueError("two")

        desk = Desk({"broken": broken, "later": later})
        for name in ("broken", "later"):
            call = desk.start(name)
            answer = desk.answer()
            assert isinstance(answer, Failure)
            assert (answer.kind, answer.value) == ("raised", "two")
            assert desk.reports == [Partial(call, "1")]
            desk.reports.clear()

    def test_a_value_that_cannot_be_sent_ends_the_call_and_the_generator(self) -> None:
        closed = threading.Semaphore(0)

        def bad(value: str) -> Iterator[object]:
            try:
                yield object() if value == "object" else "x" * 2000
                raise AssertionError("asked for more")
            finally:
                closed.release()

        desk = Desk({"bad": bad})
        for value, kind in (('"object"', "bad_result"), ('"long"', "too_large")):
            desk.start("bad", value)
            answer = desk.answer()
            assert isinstance(answer, Failure)
            assert answer.kind == kind
            assert closed.acquire(timeout=TIMEOUT)

    def test_cancelling_ends_a_generator(self) -> None:
        closed = threading.Semaphore(0)

        def endless() -> Iterator[int]:
            try:
                while True:
                    yield 1
            finally:
                closed.release()

        async def endless_later() -> AsyncIterator[int]:
            try:
                while True:
                    await asyncio.sleep(0)
                    yield 1
            finally:
                closed.release()

        desk = Desk({"endless": endless, "endless_later": endless_later})
        for name in ("endless", "endless_later"):
            desk.said.clear()
            call = desk.start(name)
            assert desk.said.wait(TIMEOUT)
            desk.runner.cancel(call)
            answer = desk.answer()
            assert isinstance(answer, Failure)
            assert (answer.id, answer.kind) == (call, "cancelled")
            assert closed.acquire(timeout=TIMEOUT)

    def test_reports_come_before_the_answer_and_from_threads_too(self) -> None:
        def work() -> str:
            thread = threading.Thread(target=contextvars.copy_context().run, args=(output, "from a thread"))
            thread.start()
            thread.join()
            progress(1, 2)
            progress(2, 2)
            event("done", disk="a")
            return "ok"

        async def work_later() -> str:
            await asyncio.to_thread(output, "from a thread")
            progress(1, 2)
            progress(2, 2)
            event("done", disk="a")
            return "ok"

        desk = Desk({"work": work, "work_later": work_later})
        for name in ("work", "work_later"):
            call = desk.start(name)
            assert desk.answer() == Result(call, '"ok"')
            assert [report for report in desk.reports if not isinstance(report, PluginEvent)] == [
                Output(call, "from a thread"),
                Progress(call, 1, 2),
                Progress(call, 2, 2),
            ]
            assert PluginEvent(call, "done", '{"disk": "a"}') in desk.reports
            desk.reports.clear()

    def test_whoever_yields_waits_while_nobody_reads(self) -> None:
        def count() -> Iterator[int]:
            for number in range(3):
                made.append(number)
                yield number

        made: list[int] = []
        desk = Desk({"count": count})
        desk.gate.clear()
        call = desk.start("count")
        assert desk.said.wait(TIMEOUT)
        assert made == [0]
        desk.gate.set()
        assert desk.answer() == Result(call, "3")
        assert desk.reports == [Partial(call, "0"), Partial(call, "1"), Partial(call, "2")]


def test_values_are_converted_both_ways() -> None:
    def child(path: Path, *, when: datetime.date) -> dict[str, Path]:
        return {when.isoformat(): path / "child"}

    desk = Desk({"child": child}, forms={"child": examine("child", child, print).form})
    call = desk.start("child", '"/a"', when='"2020-01-02"')
    assert desk.answer() == Result(call, '{"2020-01-02": "/a/child"}')
    desk.start("child", '"/a"', when='"soon"')
    answer = desk.answer()
    assert isinstance(answer, Failure)
    assert answer.kind == "invalid_argument"
    assert answer.value.startswith("p.child, argument 'when': 'soon' is not a valid date")


def test_a_result_that_is_not_as_annotated_goes_as_it_is_or_is_named() -> None:
    def lies(what: str) -> Path:
        return {"text": "text", "object": object(), "number": float("inf")}[what]  # type: ignore[return-value]  # on purpose

    desk = Desk({"lies": lies}, forms={"lies": examine("lies", lies, print).form})
    call = desk.start("lies", '"text"')
    assert desk.answer() == Result(call, '"text"')
    for what in ("object", "number"):
        desk.start("lies", f'"{what}"')
        answer = desk.answer()
        assert isinstance(answer, Failure)
        assert answer.kind == "bad_result"
        assert answer.value.startswith("p.lies returned what is not JSON")


def test_facts_and_settings_are_in_the_context() -> None:
    desk = Desk({"look": lambda: [dict(context().facts), context().settings["roots"]]})
    call = desk.start("look")
    assert desk.answer() == Result(call, '[{"os": "debian"}, ["/tmp"]]')
