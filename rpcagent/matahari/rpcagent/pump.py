"""A non-blocking socket on the event loop: reads as data comes, writes at once or when there is room.

asyncio's own transports would do but for two things: descriptors must travel with some of the bytes, and a
worker's socket must be readable to its end in one go once the worker is known to be dead.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import sys
import termios
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

__all__ = ["SocketPump"]

#: Read at once, in bytes; more, and the C library would map and unmap memory for each read.
_READ_SIZE: Final = 64 * 1024


class SocketPump:
    """Owns ``sock`` until it is closed.

    What waits to be written is bounded by its users: a worker gets no more than its limit of calls, the warm
    parent one message for each worker.

    Args:
        sock: a connected stream socket.
        receive: called with each piece of data.
        ended: called once when the peer's stream has ended; not after ``close``.
    """

    def __init__(self, sock: socket.socket, *, receive: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._receive = receive
        self._ended = ended
        self._unsent: deque[tuple[memoryview, Sequence[int]]] = deque()
        self._is_over = False
        self._loop.add_reader(sock, self._readable)

    def write(self, data: bytes, descriptors: Sequence[int] = ()) -> None:
        """Send ``data``; ``descriptors`` go with its first byte, and are closed here when they are gone."""
        if self._is_over:
            _close_all(descriptors)
        elif self._unsent:
            self._unsent.append((memoryview(data), descriptors))
        else:
            rest = self._send(memoryview(data), descriptors)
            if rest is not None:
                self._unsent.append(rest)
                self._loop.add_writer(self._sock, self._writable)

    def pause(self) -> None:
        """Read nothing until :meth:`resume`; what the kernel's buffer does not hold makes the peer wait."""
        if not self._is_over:
            self._loop.remove_reader(self._sock)

    def resume(self) -> None:
        """Read again; nothing happens when the stream has ended, or was closed."""
        if not self._is_over:
            self._loop.add_reader(self._sock, self._readable)

    def read_rest(self) -> None:
        """Read what has come until now and no more: who has a copy of the other end may go on writing for ever."""
        left = 0 if self._is_over else _waiting(self._sock)
        while left > 0 and not self._is_over and (size := self._read()):
            left -= size

    def close(self) -> None:
        """Close the socket; neither callback is called any more."""
        if self._sock.fileno() < 0:
            return
        self._is_over = True
        self._loop.remove_reader(self._sock)
        self._loop.remove_writer(self._sock)
        self._sock.close()
        for _, descriptors in self._unsent:
            _close_all(descriptors)
        self._unsent.clear()

    def _readable(self) -> None:
        self._read()

    def _read(self) -> int:
        """Read once; how many bytes there were."""
        try:
            data = self._sock.recv(_READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            data = b""
        if data:
            self._receive(data)
            return len(data)
        self._loop.remove_reader(self._sock)
        self._is_over = True
        self._ended()
        return 0

    def _writable(self) -> None:
        while self._unsent:
            rest = self._send(*self._unsent[0])
            if rest is not None:
                self._unsent[0] = rest
                return
            self._unsent.popleft()
        self._loop.remove_writer(self._sock)

    def _send(self, data: memoryview, descriptors: Sequence[int]) -> tuple[memoryview, Sequence[int]] | None:
        """Send once; gives what could not be sent. A broken socket swallows all: its end is found by reading."""
        try:
            sent = socket.send_fds(self._sock, [data], list(descriptors)) if descriptors else self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            return data, descriptors
        except OSError:
            sent = len(data)
        _close_all(descriptors)
        return (data[sent:], ()) if sent < len(data) else None


def _waiting(sock: socket.socket) -> int:
    """How many bytes can be read now."""
    number = fcntl.ioctl(sock, termios.FIONREAD, bytes(4))
    return int.from_bytes(number, sys.byteorder)


def _close_all(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
