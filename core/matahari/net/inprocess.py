"""A connection whose ends are in one process and one event loop: what is written at one end is read at the other.

For an agent beside its broker. Two pumps speak AMQP with each other as they would over a Unix socket, and neither they nor
what uses them can tell the difference: bytes arrive at a later turn of the loop and in pieces, a reader that does not read
makes the writer wait, the end of a stream comes after its last byte. What is left out are system calls and wake-ups.
"""

from __future__ import annotations

import asyncio
from collections import deque

from matahari.net.pump import READ_SIZE, Pump

__all__ = ["MemoryTransport", "join"]

_HIGH_WATER = 64 * 1024  # bytes; asyncio's own, until a pump says otherwise


class MemoryTransport(asyncio.Transport):
    """One end. What its peer has written waits here until it is read, as in the buffer of a socket."""

    def __init__(self, pump: Pump) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._pump = pump
        self._peer = self  # until they are joined
        self._unread: deque[bytes] = (
            deque()
        )  # bounded by the peer's pump, which writes no more once it is told to pause
        self._size = 0
        self._high = _HIGH_WATER
        self._reading: asyncio.Handle | None = None
        self._is_paused = False
        self._is_full = False  # our own pump has been told so
        self._is_closing = False
        self._peer_has_ended = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Say how much may wait at the peer; ``low`` is a quarter of it."""
        self._high = _HIGH_WATER if high is None else high

    def get_write_buffer_size(self) -> int:
        return self._peer._size

    def write(self, data: bytes | bytearray | memoryview) -> None:
        peer = self._peer
        if self._is_closing or peer._is_closing:
            return
        peer._unread.append(bytes(data))
        peer._size += len(data)
        peer._read_soon()
        if peer._size > self._high and not self._is_full:
            self._is_full = True
            self._pump.pause_writing()

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        """Read no more; what was written before arrives still, and then the end."""
        self._end(None)

    def abort(self) -> None:
        self._end(None)

    def pause_reading(self) -> None:
        self._is_paused = True

    def resume_reading(self) -> None:
        self._is_paused = False
        if self._unread or self._peer_has_ended:
            self._read_soon()

    def _read_soon(self) -> None:
        if self._reading is None and not self._is_paused and not self._is_closing:
            self._reading = self._loop.call_soon(self._read)

    def _read(self) -> None:
        self._reading = None
        if self._is_paused or self._is_closing:
            return
        try:
            if self._unread:
                self._pump.data_received(self._take())
                self._peer._make_room()
            else:
                self._pump.eof_received()
                self._end(None)
        except Exception as error:  # noqa: BLE001 - as for a socket: the connection ends, and the loop goes on
            told = {"message": "a connection within the process failed", "exception": error, "transport": self}
            self._loop.call_exception_handler(told)
            self._end(error)
        if self._unread or self._peer_has_ended:
            self._read_soon()

    def _end(self, error: Exception | None) -> None:
        if self._is_closing:
            return
        self._is_closing = True
        self._unread.clear()
        self._size = 0
        self._peer._peer_has_ended = True
        self._peer._read_soon()
        self._loop.call_soon(self._pump.connection_lost, error)

    def _take(self) -> bytes:
        """As much as a socket gives at once."""
        data = self._unread.popleft()
        if self._unread and len(data) < READ_SIZE:
            parts, size = [data], len(data)
            while self._unread and size < READ_SIZE:
                parts.append(self._unread.popleft())
                size += len(parts[-1])
            data = b"".join(parts)
        if len(data) > READ_SIZE:
            self._unread.appendleft(data[READ_SIZE:])
            data = data[:READ_SIZE]
        self._size -= len(data)
        return data

    def _make_room(self) -> None:
        """The peer has read something."""
        if self._is_full and not self._is_closing and self._peer._size <= self._high // 4:
            self._is_full = False
            self._pump.resume_writing()


def join(client: Pump, server: Pump) -> None:
    """Connect two pumps with each other."""
    ours, theirs = MemoryTransport(client), MemoryTransport(server)
    ours._peer, theirs._peer = theirs, ours
    server.connection_made(theirs)
    client.connection_made(ours)
