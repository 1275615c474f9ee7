"""A call for programs without an event loop: what waits is fetched at once, and an interrupt loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from typing import cast

import pytest

from matahari.console import ClassName, Output, RemoteObject, RunningCall, Told, sync
from matahari.console.background import Background
from matahari.qmf import ObjectId, Schema, SchemaId

DOOR = RemoteObject(
    "box", "v:p:1", "front", ClassName("org.example", "Door"), {}, ObjectId("v:p:1", "front"),
    Schema(SchemaId("org.example", "Door")),
)  # fmt: skip


class FakeLoop:
    """Runs what it is given at once; ``fetches`` counts the ways to it. The first ``interrupts`` results are not ready."""

    def __init__(self, *, interrupts: int = 0) -> None:
        self.fetches = 0
        self._interrupts = interrupts

    def end(self, coroutine: Coroutine[object, object, None]) -> None:
        asyncio.run(coroutine)

    def begin(self, coroutine: Coroutine[object, object, list[Told]]) -> Future[list[Told]]:
        self.fetches += 1
        future = Interrupted(self._interrupts)
        future.set_result(asyncio.run(coroutine))
        return future


class Interrupted(Future[list[Told]]):
    """Ctrl-C comes while it is waited for, so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._times = times

    def result(self, timeout: float | None = None) -> list[Told]:
        if self._times:
            self._times -= 1
            raise KeyboardInterrupt
        return super().result(timeout)


class FakeCall:
    """Tells these batches, each of which waits when it is asked."""

    def __init__(self, *batches: Sequence[Told]) -> None:
        self._batches = [list(batch) for batch in batches]
        self._waiting: list[Told] = []

    async def __anext__(self) -> Told:
        if not self._waiting:
            if not self._batches:
                raise StopAsyncIteration
            self._waiting = self._batches.pop(0)
        return self._waiting.pop(0)

    def _take_waiting(self) -> list[Told]:
        waiting, self._waiting = self._waiting, []
        return waiting

    async def close(self) -> None:
        self._batches.clear()


def blocking(call: FakeCall, loop: FakeLoop) -> sync.RunningCall:
    return sync.RunningCall(cast("RunningCall", call), cast("Background", loop))


def outputs(*chunks: str) -> list[Told]:
    return [Output(DOOR, chunk) for chunk in chunks]


def test_what_waits_comes_in_order_by_one_fetch() -> None:
    loop = FakeLoop()
    call = blocking(FakeCall(outputs("a", "b", "c"), outputs("d"), outputs("e", "f")), loop)
    assert list(call) == outputs("a", "b", "c", "d", "e", "f")
    assert loop.fetches == 4  # three batches, and the end
    assert list(call) == []


def test_an_interrupt_while_it_waits_loses_nothing() -> None:
    loop = FakeLoop(interrupts=2)
    call = blocking(FakeCall(outputs("a", "b")), loop)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            next(call)
    assert [next(call), next(call)] == outputs("a", "b")
    assert loop.fetches == 1


def test_nothing_more_comes_after_the_close() -> None:
    call = blocking(FakeCall(outputs("a", "b"), outputs("c")), FakeLoop())
    assert next(call) == Output(DOOR, "a")
    call.close()
    assert list(call) == []
