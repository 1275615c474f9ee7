"""Running calls in threads and on the event loop, without a socket."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable

from matahari.hostproto import Call, Failure, Result
from matahari.plugin import context
from matahari.pluginhost.calls import Runner

TIMEOUT = 20


class Desk:
    """A runner, and where its answers go."""

    def __init__(self, actions: dict[str, Callable[..., object]], concurrency: int = 2) -> None:
        self.answers: queue.Queue[Result | Failure] = queue.Queue()
        self.idle = threading.Semaphore(0)
        self.runner = Runner(
            "p",
            actions,
            files={__file__},
            concurrency=concurrency,
            result_limit=1000,
            answer=self.answers.put,
            idle=self.idle.release,
        )
        self._next = 0

    def start(self, method: str, *args: str, **kwargs: str) -> int:
        self._next += 1
        self.runner.start(Call(self._next, method, args, kwargs, "r1", "anna", 30.0))
        return self._next

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
        assert (answer.kind, "argument 1 is not JSON" in answer.value) == ("invalid_argument", True)


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


def test_threads_are_started_only_when_they_are_needed() -> None:
    names: set[str] = set()
    desk = Desk({"name": lambda: names.add(threading.current_thread().name)}, concurrency=8)
    for _ in range(5):
        desk.start("name")
        desk.answer()
        assert desk.idle.acquire(timeout=TIMEOUT)
    assert names == {"call-1"}
