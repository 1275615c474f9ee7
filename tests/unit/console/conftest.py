"""A console on a bus in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from matahari.console import Console, connect, station
from tests.support.fake_bus import FakeBus, Peer, Story
from tests.support.virtual_loop import run


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Run a story with a console that has found the given peers; options are those of ``connect``."""
    buses: list[FakeBus] = []

    def bus(*args: object, **options: object) -> FakeBus:
        buses.append(FakeBus(*args, **options))  # type: ignore[arg-type]  # those of Bus
        return buses[-1]

    monkeypatch.setattr(station, "Bus", bus)

    def played(story: Story, *peers: Peer, **options: object) -> None:
        async def inner() -> None:
            connecting = connect("unix:/nowhere", **options)  # type: ignore[arg-type]  # those of connect
            console = Console(connecting._address, connecting._bus)
            buses[-1].peers += peers
            await console._open(5.0)
            try:
                await story(console, buses[-1])
            finally:
                await console.close()

        run(inner())

    yield played
