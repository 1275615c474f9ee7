"""Connections within the process: as over a socket, but for the socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from matahari.amqp import Closed, CreditGiven, Engine, LinkRequested, Opened, Received
from matahari.net import Pump
from matahari.net.inprocess import MemoryTransport, join
from matahari.net.pump import READ_SIZE
from tests.support.amqp_link import client_engine, server_engine
from tests.support.memory_pump import Notes
from tests.support.virtual_loop import run, turns

HIGH = 1 << 20  # what a pump lets wait before it writes no more


class End:
    """Stands for a pump: writes down what its transport tells it."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.calls: list[object] = []
        self.on_data: Callable[[bytes], None] = lambda data: None
        self._transport: MemoryTransport | None = None

    @property
    def transport(self) -> MemoryTransport:
        assert self._transport is not None
        return self._transport

    def connection_made(self, transport: MemoryTransport) -> None:
        self._transport = transport
        transport.set_write_buffer_limits(high=HIGH)

    def data_received(self, data: bytes) -> None:
        self.pieces.append(data)
        self.on_data(data)

    def eof_received(self) -> bool:
        self.calls.append("eof")
        return False

    def pause_writing(self) -> None:
        self.calls.append("pause")

    def resume_writing(self) -> None:
        self.calls.append("resume")

    def connection_lost(self, error: Exception | None) -> None:
        self.calls.append(("lost", error))


def ends() -> tuple[End, End]:
    one, other = End(), End()
    join(cast(Pump, one), cast(Pump, other))
    return one, other


def test_what_was_written_is_read_at_a_later_turn_and_in_one_piece() -> None:
    async def story() -> None:
        one, other = ends()
        one.transport.write(b"a")
        one.transport.write(bytearray(b"b"))
        one.transport.write(memoryview(b"c"))
        assert other.pieces == []
        await turns(1)
        assert other.pieces == [b"abc"]
        other.transport.write(b"back")
        await turns(1)
        assert one.pieces == [b"back"]

    run(story())


def test_much_is_read_in_pieces_so_that_others_have_their_turn() -> None:
    async def story() -> None:
        one, other = ends()
        data = bytes(range(256)) * 1000
        one.transport.write(data[:100])
        one.transport.write(data[100:])
        assert one.transport.get_write_buffer_size() == len(data)
        await turns(1)
        assert len(other.pieces) == 1
        await turns(10)
        assert b"".join(other.pieces) == data
        assert max(map(len, other.pieces)) <= READ_SIZE
        assert one.transport.get_write_buffer_size() == 0

    run(story())


def test_a_reader_that_does_not_read_makes_the_writer_wait() -> None:
    async def story() -> None:
        one, other = ends()
        other.transport.pause_reading()
        one.transport.write(b"x" * HIGH)
        await turns(3)
        assert (other.pieces, one.calls) == ([], [])
        one.transport.write(b"y")
        assert one.calls == ["pause"]
        other.transport.resume_reading()
        await turns(1)
        assert one.calls == ["pause"], "only when most of it is read"
        await turns(40)
        assert one.calls == ["pause", "resume"]
        assert sum(map(len, other.pieces)) == HIGH + 1

    run(story())


def test_pausing_in_the_middle_holds_back_the_rest() -> None:
    async def story() -> None:
        one, other = ends()
        other.on_data = lambda data: other.transport.pause_reading()
        one.transport.write(b"x" * READ_SIZE + b"rest")
        await turns(5)
        assert len(other.pieces) == 1
        other.transport.resume_reading()
        await turns(5)
        assert other.pieces[1:] == [b"rest"]

    run(story())


def test_the_end_comes_after_the_last_byte_and_ends_both() -> None:
    async def story() -> None:
        one, other = ends()
        one.transport.write(b"x" * READ_SIZE + b"last words")
        one.transport.close()
        assert one.transport.is_closing()
        await turns(5)
        assert b"".join(other.pieces).endswith(b"last words")
        assert other.calls == ["eof", ("lost", None)]
        assert one.calls == [("lost", None)]
        assert other.transport.is_closing()

    run(story())


def test_after_closing_nothing_is_read_or_written() -> None:
    async def story() -> None:
        one, other = ends()
        other.transport.write(b"too late")
        one.transport.close()
        one.transport.close()
        one.transport.abort()
        one.transport.write(b"nor this")
        other.transport.write(b"nobody reads")
        await turns(5)
        assert (one.pieces, other.pieces) == ([], [])
        assert one.calls == [("lost", None)]
        assert one.transport.get_write_buffer_size() == other.transport.get_write_buffer_size() == 0

    run(story())


def test_a_paused_reader_learns_of_the_end_when_it_reads_again() -> None:
    async def story() -> None:
        one, other = ends()
        other.transport.pause_reading()
        one.transport.write(b"last")
        one.transport.close()
        await turns(5)
        assert (other.pieces, other.calls) == ([], [])
        other.transport.resume_reading()
        await turns(5)
        assert (other.pieces, other.calls) == ([b"last"], ["eof", ("lost", None)])

    run(story())


def test_a_reader_that_fails_costs_its_connection_and_no_more() -> None:
    async def story() -> None:
        told: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context["exception"]))
        one, other = ends()
        fault = ValueError("a fault")

        def fail(data: bytes) -> None:
            raise fault

        other.on_data = fail
        one.transport.write(b"x")
        await turns(5)
        assert told == [fault]
        assert other.calls == [("lost", fault)]
        assert one.calls == ["eof", ("lost", None)]

    run(story())


class Sides:
    """Two real pumps."""

    def __init__(self, client: Engine, server: Engine) -> None:
        self.client, self.server = Notes(), Notes()
        self.near, self.far = Pump(client, self.client), Pump(server, self.server)
        join(self.near, self.far)


def test_pumps_speak_amqp_with_each_other() -> None:
    async def story() -> None:
        sides = Sides(client_engine(), server_engine())
        await turns(10)
        assert [type(event) for event in (*sides.client.events, *sides.server.events)] == [Opened, Opened]
        link = sides.near.engine.open_sender("node", "out")
        sides.near.flush_soon()
        await turns(10)
        (request,) = sides.server.of(LinkRequested)
        assert isinstance(request, LinkRequested)
        sides.far.engine.accept(request.link, request.terminus, credit=500)
        sides.far.flush_soon()
        await turns(10)
        assert sides.client.of(CreditGiven)
        sent = [b"%d" % number * 500 for number in range(300)]
        for data in sent:
            sides.near.engine.send(link, data)
            sides.near.flush_soon()
        await turns(60)
        assert [event.data for event in sides.server.events if isinstance(event, Received)] == sent
        sides.near.engine.close()
        sides.near.flush()
        await turns(10)
        assert len(sides.client.of(Closed)) == len(sides.server.of(Closed)) == 1
        assert sides.client.ends == sides.server.ends == [None]

    run(story())


def test_a_pump_that_drops_the_connection_is_missed_at_the_other_end() -> None:
    async def story() -> None:
        sides = Sides(client_engine(), server_engine())
        await turns(10)
        sides.near.abort()
        await turns(10)
        (closed,) = sides.server.of(Closed)
        assert isinstance(closed, Closed)
        assert closed.condition == "amqp:connection:forced"
        assert len(sides.client.ends) == len(sides.server.ends) == 1

    run(story())


def test_idle_ends_keep_each_other_alive() -> None:
    async def story() -> None:
        sides = Sides(client_engine(idle_timeout=10), server_engine(idle_timeout=10))
        await asyncio.sleep(60)
        assert not sides.client.of(Closed)
        assert not sides.server.of(Closed)

    run(story())
