"""The thread behind the blocking face: nobody waits for ever, neither at its end nor on itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

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
