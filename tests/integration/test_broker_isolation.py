"""What one client does, or no longer does, harms no other: stuck subscribers, killed processes, taps, old replies."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import proton
import psutil
import pytest

from matahari.amqp import MAX_MESSAGE, Message, decode_message, encode_message
from matahari.broker import BINDINGS, DIRECT, LEGACY, TAP, TOPIC
from tests.support.broker_client import BrokerClient, Receiver, Sender, binding
from tests.support.broker_process import LOGIN, Running, running
from tests.support.holder import KEYS
from tests.support.node import TIME, Program

pytestmark = [pytest.mark.integration, pytest.mark.embedded]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def broker() -> Iterator[Running]:
    """One broker for all tests that leave it as it was."""
    with running() as found:
        yield found
        assert "Traceback" not in found.program.text


def number_of(data: bytes) -> int:
    body = decode_message(data).body
    assert isinstance(body, bytes)
    return int(body[:6])


class TestStuckSubscribers:
    def test_one_that_stops_reading_blocks_no_publisher_and_only_itself_loses_messages(self, broker: Running) -> None:
        """Unsettled publishing, which one stuck subscriber stops on qpidd (brokers.md 6.1)."""
        count, size = 400, 64 << 10

        async def story(client: BrokerClient) -> None:
            async with BrokerClient.connect(broker.address) as slow, BrokerClient.connect(broker.address) as publisher:
                stuck = await slow.subscribe("flood", credit=count)
                healthy = [await client.subscribe("flood", credit=count) for _ in range(2)]
                transport = slow.pump._transport
                assert transport is not None
                transport.pause_reading()
                topic = await publisher.sender(TOPIC)
                for number in range(count):
                    data = encode_message(Message(b"%06d" % number + b"x" * size, subject="flood"))
                    assert await topic.send_unsettled(data) == proton.Delivery.ACCEPTED
                for one in healthy:
                    assert [number_of(await one.get_raw()) for _ in range(count)] == list(range(count))
                transport.resume_reading()
                got = [number_of(await stuck.get_raw())]
                while got[-1] != count - 1:
                    got.append(number_of(await stuck.get_raw()))
                assert got == sorted(set(got))
                assert len(got) < count
                stuck.detach()
                await slow.round_trip()
            lost = broker.program.wait_line(rf"has lost (\d+) messages of {TOPIC} 'flood'").group(1)
            assert int(lost) == count - len(got)

        broker.play(story)

    def test_many_that_stop_reading_cost_their_rings_and_no_more(self, broker: Running) -> None:
        """Twenty rings of 8 MiB and what sockets hold are far below what was published."""
        process = psutil.Process(broker.program.process.pid)

        async def story(client: BrokerClient) -> None:
            stuck = [await client.subscribe("many", credit=0) for _ in range(20)]
            topic = await client.sender(TOPIC)
            before = process.memory_info().rss
            for _ in range(100):
                await topic.send(b"x" * (1 << 20), subject="many")
            await client.round_trip()
            grown = process.memory_info().rss - before
            assert grown < 20 * (16 << 20), "twice the rings"
            assert not any(one.waiting for one in stuck)

        broker.play(story)


class TestDeadClients:
    def test_all_state_of_a_killed_process_is_gone_within_a_second(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            watcher, tap = await client.receiver(BINDINGS), await client.receiver(TAP)
            assert (await watcher.get()).body == {"keys": [], "more": False}
            topic, relay = await client.sender(TOPIC), await client.sender(None)
            with Program("python", "-m", "tests.support.holder", broker.address, cwd=ROOT) as holder:
                bound = [(await watcher.get()).body for _ in KEYS]
                assert bound == [{"key": key} for key in KEYS]
                dynamic = await asyncio.to_thread(lambda: holder.wait_line(r"holding (\S+)").group(1))
                assert await deliveries(topic, relay, tap, dynamic) == [1, 1, 1]
                os.killpg(holder.process.pid, signal.SIGKILL)
                async with asyncio.timeout(1.0 * TIME):
                    gone = [await watcher.get() for _ in KEYS]
                assert [(one.subject, one.body) for one in gone] == [("unbound", {"key": key}) for key in KEYS]
                assert await deliveries(topic, relay, tap, dynamic) == [0, 0, 0]
                assert (await (await client.sender(dynamic)).wait_closed()).condition == "amqp:not-found"

        async def deliveries(topic: Sender, relay: Sender, tap: Receiver, dynamic: str) -> list[object]:
            """How many subscribers a topic message, a legacy one and one to the dynamic node went to."""
            await topic.send(b"x", subject="held.k")
            await relay.send(b"x", to=LEGACY, subject="held")
            await relay.send(b"x", to=dynamic)
            return [(await tap.get()).properties["delivered"] for _ in range(3)]

        broker.play(story)


class TestTap:
    def test_a_tap_sees_every_message_with_its_publisher_and_its_bytes(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            tap, mine = await client.receiver(TAP), await client.own("k")
            assert tap.address == TAP
            async with BrokerClient.connect(broker.tcp) as other:
                sender, relay = await other.sender(DIRECT), await other.sender(None)
                await sender.send({"a": 1}, subject="k", reply_to="qmf.default.direct/me")
                await relay.send(b"2", to=TOPIC, subject="t.u")
                await relay.send(b"3", to=f"{TOPIC}/t.u", subject="dropped")
                seen = [await tap.get() for _ in range(3)]
            assert [(one.subject, one.properties) for one in seen] == [
                ("k", {"node": DIRECT, "key": "k", "login": "anonymous", "delivered": 1}),
                ("t.u", {"node": TOPIC, "key": "t.u", "login": "anonymous", "delivered": 0}),
                ("dropped", {"node": f"{TOPIC}/t.u", "key": "dropped", "login": "anonymous", "delivered": 0}),
            ]
            assert [one.section for one in seen] == ["data"] * 3
            assert seen[0].body == await mine.get_raw()

        broker.play(story)

    def test_a_message_too_large_to_be_wrapped_is_told_by_its_size(self, broker: Running) -> None:
        data = encode_message(Message(b"", subject="k", user_id=LOGIN.encode()))
        data = encode_message(Message(b"x" * (MAX_MESSAGE - len(data) - 3), subject="k", user_id=LOGIN.encode()))
        assert len(data) == MAX_MESSAGE

        async def story(client: BrokerClient) -> None:
            tap, sender = await client.receiver(TAP), await client.sender(DIRECT)
            await sender.send_raw(data)
            message = await tap.get()
            assert (message.section, message.properties["left-out"]) == ("none", MAX_MESSAGE)
            assert client.closed is None

        broker.play(story)

    def test_others_may_not_tap_and_nobody_may_publish_there(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            async with BrokerClient.connect(broker.tcp) as other:
                closed = await (await other.receiver(TAP)).wait_closed()
                assert closed.condition == "amqp:unauthorized-access"
                assert "anonymous may not attach matahari.tap" in closed.description
            assert (await (await client.sender(TAP)).wait_closed()).condition == "amqp:not-found"

        broker.play(story)


class TestLegacyReplies:
    def test_answers_of_qmf_v1_reach_exactly_their_key(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            watcher = await client.receiver(BINDINGS)
            await watcher.get()
            mine = await client.receiver(LEGACY, filters=binding("reply-host.1.2", topic=False))
            assert mine.opened is not None
            assert mine.opened.filters == binding("reply-host.1.2", topic=False)
            other = await client.receiver(LEGACY, filters=binding("reply-#", topic=False))
            direct = await client.own("reply-host.1.2")
            sender, relay = await client.sender(LEGACY), await client.sender(None)
            await sender.send(b"1", subject="reply-host.1.2")
            await relay.send(b"2", to=LEGACY, subject="reply-host.1.2")
            assert await mine.bodies(2) == [b"1", b"2"]
            await client.round_trip()
            assert not other.waiting
            assert not direct.waiting
            assert [(await watcher.get()).subject] == ["bound"], "of the direct exchange alone"
            assert not watcher.waiting

        broker.play(story)
