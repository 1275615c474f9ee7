"""Blocking code beside the event loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from matahari.hooks import Threads


def test_a_result_and_an_exception_come_back() -> None:
    async def scenario() -> None:
        threads = Threads()
        assert await threads.run(threading.get_ident, timeout=5) != threading.get_ident()
        with pytest.raises(ValueError, match="invalid literal"):
            await threads.run(lambda: int("x"), timeout=5)
        assert threads.busy == 0

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", [StopIteration, SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_what_would_end_the_task_or_the_loop_is_an_ordinary_failure(kind: type[BaseException]) -> None:
    def fail() -> None:
        raise kind

    async def scenario() -> None:
        threads = Threads(1)
        for _ in range(2):
            with pytest.raises(RuntimeError, match=kind.__name__):
                await threads.run(fail, timeout=5)
        assert threads.busy == 0

    asyncio.run(scenario())


def test_a_time_out_of_its_own_keeps_its_text() -> None:
    def late() -> None:
        raise TimeoutError("the server did not answer")

    async def scenario() -> None:
        with pytest.raises(TimeoutError, match="the server did not answer"):
            await Threads().run(late, timeout=5)

    asyncio.run(scenario())


def test_hung_threads_are_bounded_and_counted_until_they_end() -> None:
    gate, ended = threading.Event(), threading.Event()

    def hangs() -> None:
        gate.wait()
        ended.set()

    async def scenario() -> None:
        threads = Threads(1)
        with pytest.raises(TimeoutError, match=r"not ended within 0\.05 s"):
            await threads.run(hangs, timeout=0.05)
        with pytest.raises(TimeoutError, match="all 1 threads are busy"):
            await threads.run(lambda: None, timeout=5)
        gate.set()
        while threads.busy:
            await asyncio.sleep(0)
        assert await threads.run(lambda: 7, timeout=5) == 7

    asyncio.run(scenario())


def test_more_than_there_are_threads_wait_for_their_turn() -> None:
    async def scenario() -> None:
        threads = Threads(2)
        most = 0

        def look() -> int:
            nonlocal most
            most = max(most, threads.busy)
            return threads.busy

        await asyncio.gather(*(threads.run(look, timeout=30) for _ in range(200)))
        assert (threads.busy, most) == (0, 2)

    asyncio.run(scenario())


def test_who_waits_for_a_turn_has_a_time_limit_and_may_give_up() -> None:
    gate = threading.Event()

    async def scenario() -> None:
        threads = Threads(1)
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(threads.run(gate.wait, timeout=30))
            await asyncio.sleep(0)
            with pytest.raises(TimeoutError, match="all 1 threads are busy"):
                await threads.run(lambda: None, timeout=0.05)
            given_up = tasks.create_task(threads.run(lambda: 1, timeout=30))
            patient = tasks.create_task(threads.run(lambda: 2, timeout=30))
            await asyncio.sleep(0)
            given_up.cancel()
            gate.set()
        assert (first.result(), patient.result(), given_up.cancelled()) == (True, 2, True)

    asyncio.run(scenario())


def test_a_turn_whose_owner_was_cancelled_goes_to_the_next() -> None:
    async def scenario() -> None:
        threads = Threads(1)
        ended = threading.Event()

        async def first() -> None:
            await threads.run(ended.wait, timeout=30)
            second.cancel()  # its turn has come, and it has not run yet

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(first())
            await asyncio.sleep(0)
            second = tasks.create_task(threads.run(lambda: 2, timeout=30))
            third = tasks.create_task(threads.run(lambda: 3, timeout=30))
            await asyncio.sleep(0)
            ended.set()
        assert (second.cancelled(), third.result()) == (True, 3)

    asyncio.run(scenario())


def test_a_thread_that_ends_after_its_loop_harms_nobody() -> None:
    gate = threading.Event()

    async def scenario() -> None:
        with pytest.raises(TimeoutError):
            await Threads().run(gate.wait, timeout=0.05)

    asyncio.run(scenario())
    before = [thread for thread in threading.enumerate() if thread.name == "matahari-hook"]
    gate.set()
    for thread in before:
        thread.join(5)
        assert not thread.is_alive()
