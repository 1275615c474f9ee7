"""Pumps on transports that exist in memory alone: real engines and handlers, no socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from matahari.amqp import Engine, Event
from matahari.net import Handler, Pump
from tests.support.virtual_loop import turns

__all__ = ["MemoryTransport", "Notes", "Pair", "Side"]


class MemoryTransport(asyncio.Transport):
    """Keeps what is written; the test decides when its buffer is full."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.waiting = 0
        self.aborted = False
        self._closing = False

    def write(self, data: bytes | bytearray | memoryview[int]) -> None:
        assert not self._closing
        self.written.append(bytes(data))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert high is not None

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._closing = True

    def abort(self) -> None:
        self._closing = True
        self.aborted = True

    def take(self) -> bytes:
        """Everything written since the last call."""
        data, self.written = b"".join(self.written), []
        return data


class Notes:
    """A handler that writes down its calls, and does what the test says for each event."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.writable = 0
        self.ends: list[Exception | None] = []
        self.react: Callable[[Event], None] = lambda event: None

    def handle_event(self, event: Event) -> None:
        assert not self.ends, "an event after the end"
        self.events.append(event)
        self.react(event)

    def handle_writable(self) -> None:
        assert not self.ends
        self.writable += 1

    def handle_end(self, error: Exception | None) -> None:
        self.ends.append(error)

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


class Side:
    """A pump with its transport. It is connected when its handler is known."""

    def __init__(self, engine: Engine, handler: Callable[[Pump], Handler] | None = None) -> None:
        self.notes = Notes()
        self.pump = Pump(engine, self.notes)
        if handler is not None:
            self.pump._handler = handler(self.pump)
        self.transport = MemoryTransport()
        self.pump.connection_made(self.transport)

    def fill(self) -> None:
        """The socket's buffer is full."""
        self.transport.waiting = 1 << 20
        self.pump.pause_writing()

    def empty(self) -> None:
        """The socket takes data again."""
        self.transport.waiting = 0
        self.pump.resume_writing()


class Pair:
    """Two sides whose transports lead to each other when the test carries the bytes."""

    def __init__(self, client: Side, server: Side) -> None:
        self.client = client
        self.server = server

    async def carry(self) -> None:
        """Until both are silent."""
        for _ in range(1000):
            await turns()
            moved = False
            for source, target in ((self.client, self.server), (self.server, self.client)):
                data = source.transport.take()
                if data and not target.transport.is_closing():
                    target.pump.data_received(data)
                    moved = True
            if not moved:
                return
        raise AssertionError("no rest")
