"""Commands of the Host agent with real processes."""

from __future__ import annotations

import asyncio

import pytest

from matahari.agent import Fault
from matahari.agents.host.actions import run_first

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]


def test_the_first_installed_command_runs() -> None:
    asyncio.run(run_first((("no-such-program-here",), ("true",), ("false",))))


def test_a_failing_command_is_reported_with_status_and_words() -> None:
    with pytest.raises(Fault, match=r"Error in backend: ls /no/such/file ended with status 2: .*No such file"):
        asyncio.run(run_first((("ls", "/no/such/file"),)))


def test_a_command_that_hangs_is_killed_and_reported() -> None:
    with pytest.raises(Fault, match=r"sleep 600 did not end within 0\.2 s"):
        asyncio.run(run_first((("sleep", "600"),), timeout=0.2))


def test_a_missing_command_is_reported() -> None:
    with pytest.raises(Fault, match="none of no-such-program-here is installed"):
        asyncio.run(run_first((("no-such-program-here",),)))


def test_a_cancelled_call_leaves_no_child() -> None:
    async def story() -> None:
        task = asyncio.ensure_future(run_first((("sleep", "600"),)))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(story())
