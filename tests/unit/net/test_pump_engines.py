"""The pump with real engines: what a peer can do to a connection by silence and by not reading."""

from __future__ import annotations

import asyncio

from matahari.amqp import Closed, LinkRequested, Opened, Received
from matahari.amqp.options import OPEN_TIMEOUT
from matahari.net.pump import LINGER
from tests.support.amqp_link import client_engine, server_engine
from tests.support.memory_pump import Pair, Side
from tests.support.virtual_loop import run, turns


def test_both_ends_open() -> None:
    async def story() -> None:
        pair = Pair(Side(client_engine()), Side(server_engine()))
        await pair.carry()
        for side in (pair.client, pair.server):
            assert [type(event) for event in side.notes.events] == [Opened]

    run(story())


def test_what_was_sent_while_the_socket_was_full_arrives_in_order() -> None:
    async def story() -> None:
        pair = Pair(Side(client_engine()), Side(server_engine()))
        await pair.carry()
        pair.client.pump.engine.open_receiver("node", "in", credit=1000)
        pair.client.pump.flush()
        await pair.carry()
        (request,) = pair.server.notes.of(LinkRequested)
        assert isinstance(request, LinkRequested)
        server = pair.server
        server.pump.engine.accept(request.link, request.terminus)
        server.fill()
        for number in range(600):
            server.pump.engine.send(request.link, b"%d" % number)
            server.pump.flush_soon()
        await turns(2)
        assert server.transport.written == []
        server.empty()
        assert server.notes.writable == 1
        await pair.carry()
        received = [event.data for event in pair.client.notes.events if isinstance(event, Received)]
        assert received == [b"%d" % number for number in range(600)]

    run(story())


def test_a_silent_peer_is_dropped_by_the_timer() -> None:
    async def story() -> None:
        pair = Pair(Side(client_engine(idle_timeout=0)), Side(server_engine(idle_timeout=10)))
        await pair.carry()
        await asyncio.sleep(9)
        assert not pair.server.notes.of(Closed)
        await asyncio.sleep(3)
        assert len(pair.server.notes.of(Closed)) == 1
        assert pair.server.transport.is_closing()

    run(story())


def test_a_silent_peer_is_dropped_also_while_its_socket_is_full() -> None:
    async def story() -> None:
        pair = Pair(Side(client_engine(idle_timeout=0)), Side(server_engine(idle_timeout=10)))
        await pair.carry()
        pair.server.fill()
        await asyncio.sleep(11)
        assert len(pair.server.notes.of(Closed)) == 1
        assert not pair.server.transport.aborted
        await asyncio.sleep(LINGER)
        assert pair.server.transport.aborted

    run(story())


def test_idle_peers_keep_each_other_alive() -> None:
    async def story() -> None:
        pair = Pair(Side(client_engine(idle_timeout=10)), Side(server_engine(idle_timeout=10)))
        await pair.carry()
        for _ in range(100):
            await asyncio.sleep(1)
            await pair.carry()
        assert not pair.server.notes.of(Closed)
        assert not pair.client.notes.of(Closed)

    run(story())


def test_a_peer_that_says_nothing_is_dropped() -> None:
    async def story() -> None:
        server = Side(server_engine())
        await asyncio.sleep(OPEN_TIMEOUT - 1)
        assert not server.transport.is_closing()
        await asyncio.sleep(2)
        assert server.transport.is_closing()
        assert len(server.notes.of(Closed)) == 1

    run(story())


def test_last_words_that_nobody_reads_are_given_up_after_a_while() -> None:
    async def story() -> None:
        server = Side(server_engine())
        server.transport.waiting = 100
        server.pump.data_received(b"GET / HTTP/1.1\r\n\r\n")
        assert server.transport.is_closing()
        assert server.transport.written
        await asyncio.sleep(LINGER - 0.1)
        assert not server.transport.aborted
        await asyncio.sleep(0.2)
        assert server.transport.aborted

    run(story())


def test_an_orderly_goodbye_is_heard_and_closes_both_sockets() -> None:
    async def story() -> None:
        pair = Pair(Side(client_engine()), Side(server_engine()))
        await pair.carry()
        pair.server.pump.engine.close("amqp:connection:forced", "the broker is stopping")
        pair.server.pump.flush()
        await pair.carry()
        (closed,) = pair.client.notes.of(Closed)
        assert isinstance(closed, Closed)
        assert closed.description == "the broker is stopping"
        assert pair.client.transport.is_closing()
        assert pair.server.transport.is_closing()
        for side in (pair.client, pair.server):
            side.pump.connection_lost(None)
            assert side.notes.ends == [None]
            assert len(side.notes.of(Closed)) == 1
            assert not side.transport.aborted
        await asyncio.sleep(1000)

    run(story())
