"""One client's connection to the broker: what waits, for how long, and what is said about it."""

from __future__ import annotations

import asyncio
import logging

import pytest

from matahari.amqp import (
    Closed,
    CreditGiven,
    Received,
    decode_message,
)
from matahari.broker.nodes import DIRECT, TOPIC, Nodes
from matahari.broker.session import SESSION_BACKLOG
from matahari.broker.subscription import DRAIN_SLICE
from tests.support.session_client import Client, data_of, with_client
from tests.support.virtual_loop import run, turns


def test_messages_to_a_fast_client_do_not_wait() -> None:
    nodes = Nodes()

    async def story(client: Client) -> None:
        await client.receiver(TOPIC, "#")
        for number in range(20):
            nodes.publish(TOPIC, "k", data_of(b"%d" % number), None)
        assert client.session.waiting == 0
        await client.pair.carry()
        assert client.received == [b"%d" % number for number in range(20)]

    with_client(story, nodes)


def test_messages_wait_while_the_socket_is_full_and_go_in_order() -> None:
    nodes = Nodes()

    async def story(client: Client) -> None:
        await client.receiver(TOPIC, "#")
        client.far.fill()
        for number in range(30):
            nodes.publish(TOPIC, "k", data_of(b"%d" % number), None)
        assert client.session.waiting == 30
        client.far.empty()
        nodes.publish(TOPIC, "k", data_of(b"30"), None)
        await client.pair.carry()
        assert client.received == [b"%d" % number for number in range(31)]
        assert client.session.waiting == 0

    with_client(story, nodes)


def test_a_long_ring_is_drained_in_slices_and_wholly() -> None:
    nodes = Nodes()

    async def story(client: Client) -> None:
        link = await client.receiver(TOPIC, "#", credit=0)
        count = DRAIN_SLICE * 3 + 7
        for number in range(count):
            nodes.publish(TOPIC, "k", data_of(b"%d" % number), None)
        link._proton.flow(count)
        client.near.pump.flush()
        client.far.pump.data_received(client.near.transport.take())
        assert client.session.waiting == count - DRAIN_SLICE
        await client.pair.carry()
        assert client.session.waiting == 0
        assert client.received == [b"%d" % number for number in range(count)]

    with_client(story, nodes)


def test_a_closed_window_keeps_messages_in_the_ring_and_not_in_the_engine() -> None:
    """The client gives much credit and its engine's window is used up because it is fed nothing."""
    nodes = Nodes()

    async def story(client: Client) -> None:
        await client.receiver(TOPIC, "#", credit=1000)
        large = data_of(b"x" * (1 << 20))
        for _ in range(12):
            nodes.publish(TOPIC, "k", large, None)
        await turns(3)
        (link,) = client.session._subscriptions
        assert link.backlog <= SESSION_BACKLOG + len(large)
        assert client.session.waiting > 0
        await client.pair.carry()
        assert len(client.received) + client.session.dropped == 12
        assert client.session.waiting == 0

    with_client(story, nodes)


def test_expired_messages_are_not_delivered_and_others_are_aged() -> None:
    nodes = Nodes()

    async def story(client: Client) -> None:
        await client.receiver(TOPIC, "#")
        client.far.fill()
        for ttl in (1.0, 100.0):
            nodes.publish(TOPIC, "k", data_of(b"%d" % ttl, ttl=ttl), int(ttl * 1000))
        await asyncio.sleep(5)
        client.far.empty()
        await client.pair.carry()
        (event,) = client.near.notes.of(Received)
        assert isinstance(event, Received)
        message = decode_message(event.data)
        assert (message.body, message.ttl) == (b"100", 95.0)

    with_client(story, nodes)


def test_what_waited_for_a_client_is_gone_with_it() -> None:
    nodes = Nodes()

    async def story(client: Client) -> None:
        await client.receiver(TOPIC, "#", credit=0)
        nodes.publish(TOPIC, "k", data_of(b"x"), None)
        assert client.session.waiting == 1
        client.far.pump.connection_lost(None)
        assert client.session.waiting == 0
        before = nodes.counters.unroutable
        nodes.publish(TOPIC, "k", data_of(b"y"), None)
        assert nodes.counters.unroutable == before + 1

    with_client(story, nodes)


def test_what_waited_for_a_link_is_gone_with_it() -> None:
    nodes = Nodes()

    async def story(client: Client) -> None:
        link = await client.receiver(TOPIC, "#", credit=0)
        for _ in range(3):
            nodes.publish(TOPIC, "k", data_of(b"x"), None)
        link._proton.flow(10)
        client.near.pump.engine.detach(link)
        client.near.pump.flush()
        await client.pair.carry()
        assert client.session.waiting == 0
        nodes.publish(TOPIC, "k", data_of(b"y"), None)
        assert nodes.counters.unroutable == 1

    with_client(story, nodes)


def test_a_client_may_send_to_itself() -> None:
    async def story(client: Client) -> None:
        await client.receiver(DIRECT, "k")
        sender = await client.sender(DIRECT)
        for number in range(50):
            client.near.pump.engine.send(sender, data_of(b"%d" % number))
        client.near.pump.flush()
        await client.pair.carry()
        assert client.received == [b"%d" % number for number in range(50)]

    with_client(story)


def test_a_forged_user_is_refused_and_nothing_of_it_is_routed() -> None:
    nodes = Nodes()

    async def story(client: Client) -> None:
        await client.receiver(DIRECT, "k")
        sender = await client.sender(DIRECT)
        client.near.pump.engine.send(sender, data_of(b"1", user_id=b"alice"))
        client.near.pump.engine.send(sender, data_of(b"2", user_id=b"bob"))
        client.near.pump.engine.send(sender, data_of(b"3", user_id=b"alice"))
        client.near.pump.flush()
        await client.pair.carry()
        assert client.received == [b"1"]
        assert not sender.is_open
        assert nodes.counters.received == 1

    with_client(story, nodes)


def test_malformed_messages_are_counted_and_named_once(caplog: pytest.LogCaptureFixture) -> None:
    nodes = Nodes()

    async def story(client: Client) -> None:
        sender = await client.sender(DIRECT)
        for data in (b"garbage", b"\x00\x53", data_of(b"x", "k" * 256), data_of(b"x", "é" * 200)):
            client.near.pump.engine.send(sender, data)
        client.near.pump.flush()
        await client.pair.carry()
        assert nodes.counters.malformed == 4
        assert nodes.counters.received == 0
        assert sender.is_open

    with caplog.at_level(logging.WARNING):
        with_client(story, nodes)
    (record,) = caplog.records
    assert "peer alice sent a malformed message" in record.getMessage()


@pytest.mark.parametrize(
    ("opened", "event", "level"),
    [
        (True, Closed("", "", by_peer=True), None),
        (True, Closed("amqp:connection:forced", "the peer cut the connection", by_peer=True), "INFO"),
        (False, Closed("amqp:connection:forced", "the peer cut the connection", by_peer=True), "DEBUG"),
        (True, Closed("amqp:decode-error", "a frame", by_peer=False), "WARNING"),
        (False, Closed("amqp:connection:framing-error", "no header", by_peer=True), "WARNING"),
    ],
)
def test_the_end_of_a_connection_is_worth_a_line_by_its_kind(
    caplog: pytest.LogCaptureFixture, opened: bool, event: Closed, level: str | None
) -> None:
    async def story() -> None:
        client = Client(Nodes())
        if opened:
            await client.pair.carry()
        client.session.handle_event(event)

    with caplog.at_level(logging.DEBUG, logger="matahari.broker"):
        run(story())
    assert [record.levelname for record in caplog.records] == ([] if level is None else [level])


def test_a_peers_own_words_cannot_pass_for_lines_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def story(client: Client) -> None:
        await client.pair.carry()
        client.near.pump.engine.close("x:y", "innocent\n2026-01-01 CRITICAL forged" + "z" * 1000)
        client.near.pump.flush()
        await client.pair.carry()

    with caplog.at_level(logging.WARNING):
        with_client(story)
    (record,) = caplog.records
    assert "\n" not in record.getMessage()
    assert "forged" in record.getMessage()
    assert len(record.getMessage()) < 400


def test_credit_for_an_empty_ring_does_nothing() -> None:
    async def story(client: Client) -> None:
        link = await client.receiver(TOPIC, "#")
        client.session.handle_event(CreditGiven(link))
        client.session.handle_writable()
        await client.pair.carry()
        assert client.received == []

    with_client(story)


def test_what_a_subscriber_lost_is_counted_after_it_has_gone() -> None:
    nodes = Nodes()

    async def story(client: Client) -> None:
        await client.receiver(TOPIC, "#", credit=0)
        for _ in range(10):
            nodes.publish(TOPIC, "k", data_of(b"x" * (1 << 20)), None)
        nodes.publish(TOPIC, "k", data_of(b"x" * (1 << 20)), None)
        assert client.session.dropped == 4
        client.far.pump.connection_lost(None)
        assert client.session.dropped == 0
        assert nodes.counters.dropped == 4

    with_client(story, nodes)
