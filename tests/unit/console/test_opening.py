"""A console that is not yet open, and whoever opens it gives up."""

from __future__ import annotations

import asyncio

import pytest

from matahari.console import connect, station
from matahari.errors import ConnectFailedError
from tests.support.fake_bus import FakeBus
from tests.support.virtual_loop import run


class Unreachable(FakeBus):
    """Never connects."""

    async def run(self) -> None:
        await self._closed.wait()

    async def wait_connected(self) -> None:
        await asyncio.Event().wait()


@pytest.mark.parametrize("kind", [Unreachable, FakeBus], ids=["connecting", "discovering"])
def test_whoever_gives_up_connecting_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, kind: type[FakeBus]
) -> None:
    monkeypatch.setattr(station, "Bus", kind)

    async def scenario() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(_connected(), 0.1)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(scenario())


def test_a_broker_that_cannot_be_reached_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(station, "Bus", Unreachable)

    async def scenario() -> None:
        with pytest.raises(ConnectFailedError, match="no answer from unix:/nowhere within 5 s"):
            await connect("unix:/nowhere")
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(scenario())


async def _connected() -> object:
    return await connect("unix:/nowhere")
