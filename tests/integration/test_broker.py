"""The embedded broker as a process of its own: who is bound, bad clients, and a stock client."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import proton
import proton.reactor
import proton.utils
import pytest

from matahari.amqp import MAX_MESSAGE, TOPIC_BINDING, Message, encode_message
from matahari.broker import BINDINGS, DIRECT, TOPIC
from tests.support import amqp_frames as raw
from tests.support.broker_client import BrokerClient
from tests.support.broker_process import Running, nothing, plain_socket, read_until, running, tcp_socket
from tests.support.node import TIME

pytestmark = [pytest.mark.integration, pytest.mark.embedded]


@pytest.fixture(scope="module")
def broker() -> Iterator[Running]:
    """One broker for all tests that leave it as it was."""
    with running() as found:
        yield found
        assert "Traceback" not in found.program.text


class TestBindings:
    def test_who_is_bound_is_told_at_first_and_then_each_change(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            async with BrokerClient.connect(broker.address) as other:
                first = await other.own("agent-1")
                watcher = await client.receiver(BINDINGS)
                snapshot = await watcher.get()
                assert snapshot.subject == "snapshot"
                assert snapshot.body == {"keys": ["agent-1"], "more": False}
                await other.own("agent-2")
                first.detach()
                found = [await watcher.get(), await watcher.get()]
                assert [(one.subject, one.body) for one in found] == [
                    ("bound", {"key": "agent-2"}),
                    ("unbound", {"key": "agent-1"}),
                ]
            last = await watcher.get()
            assert (last.subject, last.body) == ("unbound", {"key": "agent-2"})

        broker.play(story)

    def test_a_client_that_was_killed_leavesnothing(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            watcher = await client.receiver(BINDINGS)
            assert (await watcher.get()).body == {"keys": [], "more": False}
            words = ("agent", "-b", broker.address, "--only", "host", "--state", "killed")
            with broker.box.start(*words) as agent:
                bound = await watcher.get()
                assert bound.subject == "bound"
                os.killpg(agent.process.pid, signal.SIGKILL)
                gone = await watcher.get()
                assert (gone.subject, gone.body) == ("unbound", bound.body)

        broker.play(story)


class TestBadClients:
    def test_a_malformed_message_is_dropped_and_named_once(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            link, sender = await client.own("k"), await client.sender(DIRECT)
            good = encode_message(Message(b"good", subject="k"))
            twice = b"\x00\x53\x73\xc0\x05\x04\x40\x40\x40\x40" * 2
            for data in (b"GET / HTTP/1.1", good[:20], twice, b"\x00\x53\x73\xc0\x07\x04\x40\x40\x40\xa1\x01\xff"):
                await sender.send_raw(data)
            await sender.send(b"no key of ours", subject="k" * 256)
            await sender.send(b"no key of ours", subject="é" * 128)
            await sender.send_raw(good)
            assert await link.bodies(1) == [b"good"]
            assert client.closed is None

        before = broker.program.text.count("malformed")
        broker.play(story)
        broker.program.wait_line("sent a malformed message")
        assert broker.program.text.count("malformed") == before + 1

    def test_a_message_above_the_limit_ends_its_senders_connection_alone(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            link = await client.own("k")
            async with BrokerClient.connect(broker.address) as careless:
                sender = await careless.sender(DIRECT)
                careless.pump.engine.send(sender.link, b"x" * (MAX_MESSAGE + 1))
                careless.pump.flush()
                closed = await careless.wait_closed()
                assert closed.condition == "amqp:link:message-size-exceeded"
                assert str(MAX_MESSAGE) in closed.description
            honest = await client.sender(DIRECT)
            await honest.send(b"x", subject="k")
            assert await link.bodies(1) == [b"x"]

        broker.play(story)

    def test_a_message_that_a_stamp_makes_too_large_harms_nobody(self, broker: Running) -> None:
        """Its receivers would end their connections over it."""
        data = encode_message(Message(b"", subject="k"))
        data = encode_message(Message(b"x" * (MAX_MESSAGE - len(data) - 3), subject="k"))
        assert len(data) == MAX_MESSAGE

        async def story(client: BrokerClient) -> None:
            link, sender = await client.own("k"), await client.sender(DIRECT)
            await sender.send_raw(data)
            await sender.send(b"next", subject="k")
            assert await link.bodies(1) == [b"next"]
            assert client.closed is None

        broker.play(story)

    @pytest.mark.parametrize("where", ["socket", "port"])
    @pytest.mark.parametrize(
        "garbage",
        [b"GET / HTTP/1.1\r\n\r\n", b"\0" * 100, raw.SASL_HEADER + b"\xff" * 1000],
        ids=["http", "zeros", "sasl"],
    )
    def test_garbage_is_logged_once_and_disturbs_nobody(self, broker: Running, where: str, garbage: bytes) -> None:
        async def story(client: BrokerClient) -> None:
            link, sender = await client.own("k"), await client.sender(DIRECT)
            with plain_socket(broker) if where == "socket" else tcp_socket(broker) as peer:
                peer.sendall(garbage)
                while peer.recv(4096):
                    pass
            await sender.send(b"undisturbed", subject="k")
            assert await link.bodies(1) == [b"undisturbed"]

        before = broker.program.text.count(" ended: ")
        broker.play(story)
        broker.program.wait_line("WARNING.* ended: ")
        assert broker.program.text.count(" ended: ") == before + 1

    def test_a_look_at_the_socket_is_not_worth_a_line(self, broker: Running) -> None:
        before = broker.program.text
        for _ in range(3):
            with plain_socket(broker):
                pass
        broker.play(nothing)
        assert broker.program.text == before

    def test_one_client_cannot_have_links_without_end(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            links = [await client.subscribe("x") for _ in range(256)]
            assert all(link.opened for link in links)
            more = await client.subscribe("x")
            assert (await more.wait_closed()).condition == "amqp:resource-limit-exceeded"
            links[0].detach()
            await asyncio.wait_for(_opened(client), 20 * TIME)

        broker.play(story)

    def test_a_binding_key_has_a_limit(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            assert (await client.subscribe("k" * 255)).opened is not None
            refused = await client.subscribe("k" * 256)
            assert (await refused.wait_closed()).condition == "amqp:invalid-field"

        broker.play(story)

    def test_a_client_that_asks_and_never_reads_is_not_read_any_more(self, broker: Running) -> None:
        """Each session that begins and ends wants an answer; these must not pile up in the broker."""
        block = (raw.begin() + raw.end()) * 2000
        with plain_socket(broker) as peer:
            peer.sendall(raw.opening())
            peer.settimeout(1.0 * TIME)
            with pytest.raises(TimeoutError):
                for _ in range((32 << 20) // len(block)):
                    peer.sendall(block)
            broker.play(nothing)

    def test_a_dynamic_target_is_refused(self, broker: Running) -> None:
        target = raw.described(
            0x29, raw.listing(raw.NULL, raw.uint(0), raw.symbol("link-detach"), raw.uint(0), b"\x41")
        )
        with plain_socket(broker) as peer:
            peer.sendall(raw.opening() + raw.begin() + raw.attach("l", 0, receives=False, target=target))
            read_until(peer, lambda seen: b"amqp:not-implemented" in seen)


def test_a_stock_proton_client_can_publish_and_subscribe(broker: Running) -> None:
    """Unsettled sends, acknowledged receipts, its own link names and its own idea of credit."""
    connection = proton.utils.BlockingConnection(f"127.0.0.1:{broker.port}", timeout=20 * TIME)
    try:
        pattern = proton.reactor.Filter(
            {proton.symbol("key"): proton.Described(proton.ulong(TOPIC_BINDING), "stock.#")}
        )
        plain = connection.create_receiver(TOPIC, credit=10, options=pattern, name="plain")
        settling = [pattern, proton.reactor.AtLeastOnce()]
        acknowledging = connection.create_receiver(TOPIC, credit=10, options=settling, name="acknowledging")
        sender = connection.create_sender(TOPIC)
        for number in range(20):
            delivery = sender.send(proton.Message(subject=f"stock.{number}", body={"n": number}))
            assert delivery.remote_state == proton.Delivery.ACCEPTED
            for receiver in (plain, acknowledging):
                message = receiver.receive(timeout=20 * TIME)
                assert (message.subject, message.body) == (f"stock.{number}", {"n": number})
            acknowledging.accept()
        with pytest.raises(proton.utils.LinkDetached, match="not-found"):
            connection.create_sender("nowhere")
        dynamic = connection.create_receiver(None, dynamic=True)
        assert str(dynamic.link.remote_source.address).startswith("matahari.dynamic.")
    finally:
        connection.close()


async def _opened(client: BrokerClient) -> None:
    """Attach again and again until there is room: a detach takes effect when the broker has read it."""
    while (await client.subscribe("x")).opened is None:
        pass
