"""The user of a client's connections, and a server's handler that leaves everything to the test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from matahari.amqp import Event, Opened
from matahari.errors import TransportError
from matahari.net import Pump
from tests.support.node import TIME

__all__ = ["DEADLINE", "Mute", "User"]

DEADLINE = 20.0 * TIME  # seconds for anything that must happen


class User:
    """Writes down what its client tells."""

    def __init__(self) -> None:
        self.opened: list[Opened] = []
        self.events: list[Event] = []
        self.lost: list[TransportError] = []
        self.on_open: Callable[[Pump], None] = lambda pump: None
        self.changed = asyncio.Event()

    def handle_open(self, pump: Pump, opened: Opened) -> None:
        self.opened.append(opened)
        self.changed.set()
        self.on_open(pump)

    def handle_event(self, event: Event) -> None:
        self.events.append(event)

    def handle_writable(self) -> None:
        return

    def handle_lost(self, error: TransportError) -> None:
        self.lost.append(error)
        self.changed.set()

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE):
            while not reached():
                self.changed.clear()
                await self.changed.wait()


class Mute:
    """A server's handler that does nothing by itself."""

    def __init__(self, greeting: Callable[[Pump], None], pump: Pump) -> None:
        self._greeting = greeting
        self._pump = pump

    def handle_event(self, event: Event) -> None:
        if isinstance(event, Opened):
            self._greeting(self._pump)

    def handle_writable(self) -> None:
        return

    def handle_end(self, error: Exception | None) -> None:
        return
