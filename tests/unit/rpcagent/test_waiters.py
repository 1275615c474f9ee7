"""Tasks that wait for one thing."""

from __future__ import annotations

import asyncio

import pytest

from matahari.rpcagent.waiters import Waiters


def test_all_who_wait_are_woken_once() -> None:
    async def story() -> None:
        waiters = Waiters()
        waiters.wake()  # nobody waits, and nothing is kept for later
        async with asyncio.TaskGroup() as group:
            first, second = group.create_task(waiters.wait()), group.create_task(waiters.wait())
            await asyncio.sleep(0)
            assert not first.done()
            waiters.wake()
            await asyncio.sleep(0)
            assert first.done()
            assert second.done()
            third = group.create_task(waiters.wait())
            await asyncio.sleep(0)
            assert not third.done()
            waiters.wake()

    asyncio.run(story())


def test_who_gives_up_is_forgotten() -> None:
    async def story() -> None:
        waiters = Waiters()
        async with asyncio.TaskGroup() as group:
            other = group.create_task(waiters.wait())
            gone = group.create_task(waiters.wait())
            await asyncio.sleep(0)
            gone.cancel()
            with pytest.raises(asyncio.CancelledError):
                await gone
            assert not other.done()
            waiters.wake()

    asyncio.run(story())
