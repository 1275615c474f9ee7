"""Tasks that somebody keeps."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine

import pytest

from matahari.errors import MatahariError
from matahari.net import TaskKeeper


def run(scenario: Coroutine[object, object, None]) -> None:
    asyncio.run(scenario)


def test_a_task_is_kept_until_it_ends() -> None:
    async def scenario() -> None:
        keeper, gate = TaskKeeper(), asyncio.Event()
        task = keeper.start(gate.wait(), name="waits")
        assert (len(keeper), task.get_name()) == (1, "waits")
        gate.set()
        assert await task is True
        await asyncio.sleep(0)
        assert len(keeper) == 0

    run(scenario())


def test_a_failure_is_logged_with_its_place(caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise ValueError("boom")

    async def scenario() -> None:
        keeper = TaskKeeper()
        await asyncio.wait((keeper.start(fails(), name="faulty"),))

    with caplog.at_level(logging.ERROR):
        run(scenario())
    (record,) = caplog.records
    assert record.getMessage() == "task faulty failed: boom"
    assert record.exc_info is not None


def test_an_error_of_ours_is_logged_as_one_sentence(caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise MatahariError("the disk is full")

    async def scenario() -> None:
        keeper = TaskKeeper()
        await asyncio.wait((keeper.start(fails(), name="writer"),))

    with caplog.at_level(logging.ERROR):
        run(scenario())
    (record,) = caplog.records
    assert record.getMessage() == "task writer failed: the disk is full"
    assert not record.exc_info


def test_cancel_all_waits_for_the_end_of_every_task(caplog: pytest.LogCaptureFixture) -> None:
    ended: list[str] = []

    async def works(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(name)

    async def scenario() -> None:
        keeper = TaskKeeper()
        tasks = [keeper.start(works(name), name=name) for name in "abc"]
        await asyncio.sleep(0)
        await keeper.cancel_all()
        assert all(task.cancelled() for task in tasks)

    run(scenario())
    assert sorted(ended) == ["a", "b", "c"]
    assert not caplog.records


def test_cancel_all_spares_the_task_that_calls_it() -> None:
    async def scenario() -> None:
        keeper = TaskKeeper()
        other = keeper.start(asyncio.Event().wait(), name="other")

        async def ends_the_others() -> str:
            await keeper.cancel_all()
            return "done"

        assert await keeper.start(ends_the_others(), name="caller") == "done"
        assert other.cancelled()

    run(scenario())


def test_cancel_all_without_tasks_returns() -> None:
    run(TaskKeeper().cancel_all())


def test_wait_any_returns_with_the_first_task_that_ends() -> None:
    async def scenario() -> None:
        keeper, gate = TaskKeeper(), asyncio.Event()
        keeper.start(gate.wait(), name="quick")
        slow = keeper.start(asyncio.Event().wait(), name="slow")
        gate.set()
        await keeper.wait_any(60.0)
        assert not slow.done()
        await keeper.cancel_all()

    run(scenario())


def test_wait_any_ends_with_its_time_and_at_once_without_tasks() -> None:
    async def scenario() -> None:
        keeper = TaskKeeper()
        await keeper.wait_any(60.0)
        task = keeper.start(asyncio.Event().wait(), name="never")
        await keeper.wait_any(-1.0)
        assert not task.done()
        await keeper.cancel_all()

    run(scenario())
