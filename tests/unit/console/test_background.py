"""The thread behind the blocking face: nobody waits for ever, neither at its end nor on itself."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future, wait
from typing import Any

import pytest

from matahari.console.background import Background
from matahari.errors import RequestError
from tests.support.node import TIME

WAIT = 10 * TIME


@pytest.fixture
def loop() -> Iterator[Background]:
    made = Background()
    yield made
    made.close()


async def forever() -> None:
    await asyncio.Event().wait()


def test_what_is_waited_for_comes_from_the_other_thread(loop: Background) -> None:
    async def name() -> str:
        return threading.current_thread().name

    assert loop.run(name()) == "matahari console"


def test_the_end_frees_whoever_still_waits(loop: Background) -> None:
    started = threading.Event()

    async def wait() -> None:
        started.set()
        await forever()

    waiting = loop.begin(wait())
    assert started.wait(WAIT)
    last = loop.begin(forever())  # it may not have taken its first step
    loop.close()
    for one in (waiting, last):
        with pytest.raises(RequestError, match="closed"):
            one.result(WAIT)
    assert loop.is_closed


def test_after_the_end_nothing_is_begun(loop: Background) -> None:
    loop.close()
    loop.close()
    with pytest.raises(RequestError, match="closed"):
        loop.run(forever())


def test_a_callback_that_would_wait_for_itself_is_told_so(loop: Background) -> None:
    async def callback() -> None:
        loop.run(forever())

    with pytest.raises(RequestError, match="callback"):
        loop.begin(callback()).result(WAIT)


def test_whoever_gives_up_waiting_cancels_what_it_waited_for(loop: Background) -> None:
    ended = threading.Event()

    async def wait() -> None:
        try:
            await forever()
        finally:
            ended.set()

    started = loop.begin(wait())
    loop.run(asyncio.sleep(0))
    started.cancel()
    assert ended.wait(WAIT)


def test_what_ends_before_anybody_can_wait_for_it_is_told_as_it_is(
    loop: Background, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse() -> None:
        raise RequestError("refused")

    begin = asyncio.run_coroutine_threadsafe

    def slowly(coroutine: Coroutine[Any, Any, None], on: asyncio.AbstractEventLoop) -> Future[None]:
        future = begin(coroutine, on)
        wait([future], WAIT)  # the other thread was faster
        return future

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", slowly)
    with pytest.raises(RequestError, match="refused"):
        loop.run(refuse())


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    gc.collect()  # what nobody took is told when it goes
    return [record.getMessage() for record in caplog.records]


def test_of_what_nobody_waits_for_any_more_the_end_tells_nothing(
    loop: Background, caplog: pytest.LogCaptureFixture
) -> None:
    started, cancelled = threading.Event(), threading.Event()

    async def wait() -> None:
        started.set()
        try:
            await forever()
        finally:
            cancelled.set()

    waiting = loop.begin(wait())
    assert started.wait(WAIT)
    hold = threading.Event()
    loop.begin(busy(hold))  # it gets to know of the cancellation only when the end has begun
    waiting.cancel()
    ending = threading.Thread(target=loop.close)
    ending.start()
    while not loop.is_closed:
        ending.join(0.001)
    hold.set()
    ending.join(WAIT)
    assert cancelled.is_set()
    del waiting  # which holds it
    assert said(caplog) == []


async def busy(hold: threading.Event) -> None:
    hold.wait(WAIT)


def test_an_error_of_ours_that_comes_of_giving_up_is_not_told_either(
    loop: Background, caplog: pytest.LogCaptureFixture
) -> None:
    started = threading.Event()

    async def wait() -> None:
        started.set()
        try:
            await forever()
        except asyncio.CancelledError:
            raise RequestError("cancelled") from None

    waiting = loop.begin(wait())
    assert started.wait(WAIT)
    waiting.cancel()
    loop.run(asyncio.sleep(0))
    loop.close()
    del waiting
    assert said(caplog) == []


def test_tasks_that_are_begun_at_the_end_end_too(loop: Background, caplog: pytest.LogCaptureFixture) -> None:
    started = threading.Event()
    more: list[asyncio.Task[None]] = []

    async def wait() -> None:
        started.set()
        try:
            await forever()
        finally:
            more.append(asyncio.get_running_loop().create_task(forever()))

    loop.begin(wait())
    assert started.wait(WAIT)
    loop.close()
    assert [task.cancelled() for task in more] == [True]
    more.clear()
    assert said(caplog) == []


def test_what_is_ended_while_another_thread_closes_the_console_has_ended(loop: Background) -> None:
    begun = threading.Event()

    async def end() -> None:
        begun.set()
        await forever()

    raised: list[RequestError] = []

    def ending() -> None:
        try:
            loop.end(end())
        except RequestError as error:
            raised.append(error)

    other = threading.Thread(target=ending)
    other.start()
    assert begun.wait(WAIT)
    loop.close()
    other.join(WAIT)
    loop.end(end())  # and afterwards there is nothing to do
    assert (raised, other.is_alive()) == ([], False)
