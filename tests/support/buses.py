"""The kind of broker that tests run on: the embedded one, or a real RabbitMQ behind a relay that can be cut."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, Self

from tests.support.rabbitmq import RabbitMQ, rabbitmq

__all__ = ["KINDS", "Broker", "Bus", "EmbeddedBus", "RabbitBus", "choose", "take"]

KINDS = ("embedded", "rabbitmq3")


class Broker(Protocol):
    """A broker that runs, as a context manager that ends it."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None: ...

    def kill(self) -> None:
        """End it without a goodbye."""


class Bus(Protocol):
    """Where the programs of one test meet.

    Attributes:
        address: as after ``-b``.
        virtual_host: for the programs' option of that name, empty for none.
        words: what every client needs on its command line, the address included.
    """

    address: str
    virtual_host: str
    words: tuple[str, ...]


class EmbeddedBus:
    """A Unix socket on which the test starts our own broker."""

    def __init__(self, home: Path) -> None:
        self.address = f"unix:{home / 'bus.sock'}"
        self.virtual_host = ""
        self.words: tuple[str, ...] = ("-b", self.address)


class RabbitBus:
    """A virtual host of RabbitMQ, reached through a relay."""

    def __init__(self, server: RabbitMQ, virtual_host: str) -> None:
        self.relay = Relay(server.port)
        self.address = f"amqp://127.0.0.1:{self.relay.port}"
        self.virtual_host = f"vhost:{virtual_host}"
        self.words: tuple[str, ...] = ("-b", self.address, "--insecure-anonymous", "--virtual-host", self.virtual_host)


class Relay:
    """A port of loopback that leads to another one, until it is killed; then it refuses, until it is entered again."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)
        self._thread.start()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        # the port is found, and kept for later: it is this test's from now on
        self._run(self._listen())
        self.kill()

    def __enter__(self) -> Self:
        self._run(self._listen())
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """Cut every connection and refuse new ones."""
        self._run(self._cut())

    def close(self) -> None:
        """End the relay for good."""
        self.kill()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: object) -> None:
        assert asyncio.iscoroutine(work)
        asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _cut(self) -> None:
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        while tasks := [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]:
            await asyncio.wait(tasks)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            self._writers.add(back)
            await asyncio.gather(self._copy(reader, back), self._copy(there, writer))
            self._writers.discard(back)
            back.transport.abort()  # one whose answers nobody took any longer is open still
        self._writers.discard(writer)
        writer.transport.abort()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        if writer.can_write_eof() and not writer.is_closing():
            writer.write_eof()


class _Chosen:
    """What this run of the tests uses; the server starts when the first test needs it."""

    kind = KINDS[0]
    server: RabbitMQ | None = None
    ending = contextlib.ExitStack()


def choose(kind: str) -> None:
    """Use that kind from now on."""
    _Chosen.kind = kind


@contextlib.contextmanager
def take(home: Path) -> Iterator[Bus]:
    """A bus of the chosen kind that no other test uses."""
    if _Chosen.kind == "embedded":
        yield EmbeddedBus(home)
        return
    if _Chosen.server is None:
        atexit.register(_Chosen.ending.close)
        _Chosen.server = _Chosen.ending.enter_context(rabbitmq())
    bus = RabbitBus(_Chosen.server, _Chosen.server.take_host())
    try:
        yield bus
    finally:
        bus.relay.close()
