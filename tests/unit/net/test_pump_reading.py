"""How the pump takes what a socket gave: through one buffer for all connections of a thread."""

from __future__ import annotations

import asyncio
import threading
from typing import cast

from matahari.amqp import Engine
from matahari.net import Pump
from matahari.net.pump import READ_SIZE
from tests.support.plugins import TIME
from tests.unit.net.test_pump import FakeEngine, FakeHandler, FakeTransport


def connected(engine: FakeEngine) -> Pump:
    """To be called within a running loop."""
    pump = Pump(cast(Engine, engine), FakeHandler())
    pump.connection_made(FakeTransport())
    return pump


def give(pump: Pump, data: bytes) -> None:
    """Do what asyncio does when the socket has data."""
    room = pump.get_buffer(-1)
    room[: len(data)] = data
    pump.buffer_updated(len(data))


def test_what_was_read_stays_when_the_buffer_is_used_again_by_another_connection() -> None:
    first, second = FakeEngine(), FakeEngine()

    async def scenario() -> None:
        one, other = connected(first), connected(second)
        give(one, b"first of one")
        give(other, b"the other")
        give(one, b"second")

    asyncio.run(scenario())
    assert first.received == [b"first of one", b"second"]
    assert second.received == [b"the other"]


def test_a_read_fills_the_buffer_to_its_last_byte() -> None:
    engine = FakeEngine()
    data = bytes(range(256)) * (READ_SIZE // 256)

    async def scenario() -> None:
        give(connected(engine), data)

    asyncio.run(scenario())
    assert engine.received == [data]


def test_loops_of_two_threads_read_into_buffers_of_their_own() -> None:
    engines = {"main": FakeEngine(), "other": FakeEngine()}

    async def scenario(name: str, between: threading.Barrier) -> None:
        pump = connected(engines[name])
        pump.get_buffer(-1)[:5] = name.encode().ljust(5)
        between.wait(10 * TIME)  # both have written before either takes out
        pump.buffer_updated(5)

    barrier = threading.Barrier(2)
    thread = threading.Thread(target=lambda: asyncio.run(scenario("other", barrier)))
    thread.start()
    asyncio.run(scenario("main", barrier))
    thread.join(10 * TIME)
    assert (engines["main"].received, engines["other"].received) == ([b"main "], [b"other"])
