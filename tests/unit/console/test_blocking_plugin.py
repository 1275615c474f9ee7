"""Calls in the blocking face: an interrupt loses nothing, and batches are confirmed in the caller's thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import pytest

from matahari.console import Batch, ClassName, RemoteObject, Result, Told
from matahari.console.background import Background
from matahari.console.blocking_plugin import Call
from matahari.console.calls import Call as AsyncCall
from matahari.qmf import ObjectId, Schema, SchemaId

T = TypeVar("T")


class InterruptedOnce(Future[T]):
    """Whoever waits first is interrupted, just when it is done."""

    is_interrupted = False

    def result(self, timeout: float | None = None) -> T:
        if not self.is_interrupted:
            self.is_interrupted = True
            raise KeyboardInterrupt
        return super().result(timeout)


class Here:
    """Stands for the background thread: runs each coroutine at once, in this thread."""

    def __init__(self) -> None:
        self.future: type[Future[Any]] = Future
        self.is_closed = False

    def begin(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        future: Future[T] = self.future()
        future.set_result(asyncio.run(coroutine))
        return future

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(coroutine)


class Scripted:
    """Stands for a call: gives what it is told to, and notes the answers to batches."""

    def __init__(self, script: Sequence[Told | Batch], confirm: object = None) -> None:
        self._script: Iterator[Told | Batch] = iter(script)
        self._settings = SimpleNamespace(confirm=confirm)
        self.answers: list[bool] = []
        self.results: Sequence[Result] = ()

    async def _take(self) -> Told | Batch | None:
        return next(self._script, None)

    def _take_waiting(self) -> list[Told]:
        return []

    def _answer(self, is_confirmed: bool) -> None:
        self.answers.append(is_confirmed)


def result(host: str) -> Result:
    item = RemoteObject(host, "a", "o", ClassName("p", "C"), {}, ObjectId("a", "o"), Schema(SchemaId("p", "C")))
    return Result(item, 1, None, 0.1)


def call(script: Scripted, here: Here) -> Call:
    return Call(cast(AsyncCall, script), cast(Background, here))


def test_an_interrupt_loses_no_result() -> None:
    here = Here()
    one = call(Scripted([result("a"), result("b")]), here)
    assert next(one).host == "a"
    here.future = InterruptedOnce
    with pytest.raises(KeyboardInterrupt):
        next(one)
    here.future = Future
    assert [each.host for each in one] == ["b"]


def test_at_its_end_a_call_gives_all_results_again() -> None:
    results = [result("a"), result("b")]
    script = Scripted(results)
    script.results = results
    one = call(script, Here())
    assert next(one).host == "a"
    one.wait()
    for _ in range(2):
        assert [each.host for each in one] == ["a", "b"]
    with pytest.raises(StopIteration):
        next(one)


def test_batches_are_confirmed_on_the_way() -> None:
    asked: list[Batch] = []
    first, second = Batch(1, 2, ("a",)), Batch(2, 2, ("b",))

    def confirm(batch: Batch) -> bool:
        asked.append(batch)
        return batch.number == 1

    script = Scripted([first, result("a"), second], confirm)
    assert [each.host for each in call(script, Here())] == ["a"]
    assert (asked, script.answers) == ([first, second], [True, False])


def test_a_coroutine_function_cannot_confirm_here() -> None:
    async def confirm(batch: Batch) -> bool:
        return True

    made: list[Coroutine[Any, Any, bool]] = []

    def remembered(batch: Batch) -> Awaitable[bool]:
        made.append(confirm(batch))
        return made[-1]

    with pytest.raises(TypeError, match="confirm says true or false"):
        next(call(Scripted([Batch(1, 1, ("a",))], remembered), Here()))
    made[0].close()
