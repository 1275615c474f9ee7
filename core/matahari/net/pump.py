"""Joins one AMQP engine to one asyncio stream transport. No decisions about the protocol are made here."""

from __future__ import annotations

import asyncio
import threading
from typing import Protocol

from matahari.amqp import Engine, Event

__all__ = ["Handler", "Pump"]

READ_SIZE = 64 * 1024  # bytes; more, and the C library would map and unmap memory for each read (a fifth of a call)
LINGER = 2.0  # seconds for the last bytes of a closed connection to leave; then the socket is dropped
FLUSH_EVERY = 8  # events handled between two writes: peers start working while we still read (1.7x at 64 in flight)


class Handler(Protocol):
    """Who uses a pump. All calls come from the event loop, none after ``handle_end``."""

    def handle_event(self, event: Event) -> None: ...

    def handle_writable(self) -> None:
        """The socket takes data again after it was full, or (with ``wants_writable``) the peer sent something."""

    def handle_end(self, error: Exception | None) -> None:
        """The socket is gone; always the last call."""


class _ReadBuffer(threading.local):
    """Where reads go to, one for each event loop's thread: what came is taken out before the next read."""

    def __init__(self) -> None:
        self.view = memoryview(bytearray(READ_SIZE))


_read_buffer = _ReadBuffer()


class Pump(asyncio.BufferedProtocol):
    """One engine, one socket, one timer.

    Attributes:
        is_writable: False while the socket's buffer is full; whoever sends much must wait then.
        wants_writable: set by a handler that holds messages back, to be called again whenever the peer has
            sent something: a session's window may have opened, which proton reports by no event.
    """

    def __init__(self, engine: Engine, handler: Handler) -> None:
        self.engine = engine
        self.is_writable = True
        self.wants_writable = False
        self._handler = handler
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._flush_handle: asyncio.Handle | None = None
        self._ended = False

    # --- asyncio's calls ------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=1 << 20)
        self.engine.handle_timeout(self._loop.time())
        self.flush()

    def get_buffer(self, sizehint: int) -> memoryview:
        return _read_buffer.view

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(bytes(_read_buffer.view[:nbytes]))

    def data_received(self, data: bytes) -> None:
        self.engine.receive_data(data, self._loop.time())
        self._dispatch()
        if self.wants_writable and self.is_writable and not self._ended:
            self._handler.handle_writable()

    def eof_received(self) -> bool:
        self.engine.receive_eof(self._loop.time())
        self._dispatch()
        return False

    def pause_writing(self) -> None:
        self.is_writable = False

    def resume_writing(self) -> None:
        self.is_writable = True
        self.flush()
        if not self._ended:
            self._handler.handle_writable()
            self._dispatch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if not self._ended:
            self.engine.receive_eof(self._loop.time())
            self._dispatch()
            self._end(exc)

    # --- the user's calls -----------------------------------------------------------------------------------

    def flush(self) -> None:
        """Write what the engine has, now; with a full socket buffer, when there is room again."""
        if self._flush_handle is not None:
            self._flush_handle.cancel()
            self._flush_handle = None
        transport = self._transport
        if transport is None:
            return
        if self.is_writable:
            data = self.engine.data_to_send()
            if data and not transport.is_closing():
                transport.write(data)
        if not self.engine.is_closed:
            self._arm()
        elif not transport.is_closing():
            self._close(transport)

    def flush_soon(self) -> None:
        """Write once this turn of the loop is over, so that many sends share one write."""
        if self._flush_handle is None and self._transport is not None:
            self._flush_handle = self._loop.call_soon(self._flush_now)

    def abort(self) -> None:
        """Drop the socket without a word."""
        if self._transport is not None:
            self._transport.abort()

    # --- inside ---------------------------------------------------------------------------------------------

    def _flush_now(self) -> None:
        self._flush_handle = None
        self.flush()
        self._drain_events()

    def _dispatch(self) -> None:
        self._drain_events()
        self.flush()
        self._drain_events()

    def _drain_events(self) -> None:
        engine, handler = self.engine, self._handler
        count = 0
        while (event := engine.next_event()) is not None:
            handler.handle_event(event)
            count += 1
            if count % FLUSH_EVERY == 0:
                self.flush()

    def _arm(self) -> None:
        """Keep one timer at the engine's deadline; a later deadline waits for the armed one to fire."""
        deadline = self.engine.next_deadline()
        if deadline is None or self._ended:
            return
        if self._timer is not None:
            if self._timer_at <= deadline:
                return
            self._timer.cancel()
        self._timer_at = deadline
        self._timer = self._loop.call_at(deadline, self._on_timer)

    def _close(self, transport: asyncio.Transport) -> None:
        """Close the socket once its buffer is empty, or after a while when the peer does not read."""
        transport.close()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(LINGER, transport.abort)

    def _on_timer(self) -> None:
        self._timer = None
        if self._ended:
            return
        self.engine.handle_timeout(self._loop.time())
        self._dispatch()

    def _end(self, error: Exception | None) -> None:
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._flush_handle is not None:
            self._flush_handle.cancel()
            self._flush_handle = None
        self._handler.handle_end(error)
