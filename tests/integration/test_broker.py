"""The embedded broker as a process of its own: the points of brokers.md 9, and how it meets bad clients."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import signal
import socket
import stat
from collections.abc import Awaitable, Callable, Iterator

import proton
import proton.reactor
import proton.utils
import psutil
import pytest

from matahari.amqp import MAX_MESSAGE, TOPIC_BINDING, Message, encode_message, read_envelope, with_user_id
from matahari.broker import BINDINGS, DIRECT, TOPIC
from tests.support import amqp_frames as raw
from tests.support.broker_client import BrokerClient, binding
from tests.support.node import TIME, Box, Program, box

pytestmark = pytest.mark.integration

LOGIN = pwd.getpwuid(os.geteuid()).pw_name
RING_BYTES = 8 << 20
Story = Callable[[BrokerClient], Awaitable[None]]


class Running:
    """A broker process and where it listens."""

    def __init__(self, made: Box, program: Program) -> None:
        self.box = made
        self.program = program
        self.address = made.address
        found = program.wait_line(r"insecure-anonymous=127\.0\.0\.1:(\d+)")
        self.port = int(found.group(1))

    def play(self, story: Story) -> None:
        """Run ``story`` with one connected client."""

        async def connected() -> None:
            async with BrokerClient.connect(self.address) as client:
                await story(client)

        asyncio.run(connected())


@pytest.fixture(scope="module")
def broker() -> Iterator[Running]:
    """One broker for all tests that leave it as it was."""
    with running() as found:
        yield found
        assert "Traceback" not in found.program.text


@contextlib.contextmanager
def running() -> Iterator[Running]:
    with box() as made, made.start("broker", "--socket", made.socket, "--insecure-anonymous", "0") as program:
        yield Running(made, program)


class TestConformance:
    """The points of brokers.md 9, in its order; the twelfth (ACL) is not built yet."""

    def test_01_the_open_frame_names_the_broker_and_offers_the_anonymous_relay(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            opened = client.opened
            assert opened is not None
            assert opened.properties["product"] == "matahari-broker"
            assert opened.properties["version"]
            assert opened.properties["user-id"] == "checked"
            assert opened.capabilities == ("ANONYMOUS-RELAY",)
            transport = client.pump.engine._transport
            assert transport.remote_idle_timeout > 0
            assert transport.remote_max_frame_size >= 32 << 10

        broker.play(story)

    def test_01_container_ids_are_unique_per_connection(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            async with BrokerClient.connect(broker.address) as other:
                assert client.opened is not None
                assert other.opened is not None
                assert client.opened.container != other.opened.container

        broker.play(story)

    def test_02_unknown_nodes_are_refused_and_the_connection_stays(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            for node in ("qmf.other.topic", "", "queue", "qmf.default.topic/key", "matahari.dynamic.guessed"):
                for end in (await client.receiver(node), await client.sender(node)):
                    assert end.opened is None
                    assert (await end.wait_closed()).condition == "amqp:not-found"
            assert (await client.sender(BINDINGS)).opened is None
            assert (await client.subscribe("#")).opened is not None
            assert client.closed is None

        broker.play(story)

    def test_03_messages_are_routed_by_subject_whatever_their_to_says(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            one, all_of_a, mine = await client.subscribe("a.b"), await client.subscribe("a.#"), await client.own("a.b")
            topic, direct = await client.sender(TOPIC), await client.sender(DIRECT)
            await topic.send(b"1", subject="a.b", to=DIRECT)
            await topic.send(b"2", subject="a", to="nowhere")
            await direct.send(b"3", subject="a.b", to=TOPIC)
            await direct.send(b"4", subject="a.#")
            await topic.send(b"5", subject="*.b")
            await topic.send(b"6")
            await topic.send(b"7", subject="a.b")
            assert await one.bodies(2) == [b"1", b"7"]
            assert await all_of_a.bodies(3) == [b"1", b"2", b"7"]
            assert await mine.bodies(1) == [b"3"]
            await client.round_trip()
            assert not one.waiting
            assert not all_of_a.waiting
            assert not mine.waiting

        broker.play(story)

    def test_03_the_anonymous_relay_goes_by_to_and_subject(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            topic, mine, dynamic = await client.subscribe("a.*"), await client.own("k"), await client.receiver(None)
            relay = await client.sender(None)
            await relay.send(b"1", to=TOPIC, subject="a.b")
            await relay.send(b"2", to=DIRECT, subject="k")
            await relay.send(b"3", to=dynamic.address)
            for to in (f"{DIRECT}/k", f"{TOPIC}/a.b", "nowhere", "", None, BINDINGS):
                await relay.send(b"dropped", to=to, subject="k")
            await client.round_trip()
            assert (await topic.bodies(1), await mine.bodies(1), await dynamic.bodies(1)) == ([b"1"], [b"2"], [b"3"])
            assert not topic.waiting
            assert not mine.waiting
            assert not dynamic.waiting
            assert client.closed is None

        broker.play(story)

    def test_04_a_filter_is_applied_and_echoed(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            link = await client.subscribe("a.#")
            assert link.opened is not None
            assert link.opened.filters == {"key": (TOPIC_BINDING, "a.#")}
            assert link.address == TOPIC

        broker.play(story)

    def test_04_unknown_filters_are_left_out_of_the_echo(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            selector = {"selector": (0x468C00000004, "x = 1")}
            both = await client.receiver(TOPIC, filters={**selector, **binding("a.b")})
            assert both.opened is not None
            assert both.opened.filters == binding("a.b")
            only = await client.receiver(TOPIC, filters=selector)
            assert only.opened is not None
            assert only.opened.filters == {}
            two = await client.receiver(TOPIC, filters={**binding("first"), "second": (TOPIC_BINDING, "second")})
            assert two.opened is not None
            assert len(two.opened.filters) == 1

        broker.play(story)

    def test_04_a_filter_may_be_described_by_a_symbol(self, broker: Running) -> None:
        """Played by hand: our own client sends numbers only."""
        name = "apache.org:legacy-amqp-topic-binding:string"
        source = raw.described(
            0x28,
            raw.listing(
                raw.text(TOPIC),
                *[raw.NULL] * 6,
                raw.mapping(raw.symbol("key"), raw.described(name, raw.text("by.symbol"))),
            ),
        )

        async def story(client: BrokerClient) -> None:
            with _plain_socket(broker) as peer:
                peer.sendall(raw.opening() + raw.begin() + raw.attach("l", 0, receives=True, source=source))
                peer.sendall(raw.flow(0, 10))
                answer = _read_until(peer, lambda seen: name.encode() in seen)
                assert answer.count(b"by.symbol") == 1
                topic = await client.sender(TOPIC)
                await topic.send(b"other", subject="by.number")
                await topic.send(b"wanted", subject="by.symbol")
                assert b"other" not in _read_until(peer, lambda seen: b"wanted" in seen)

        broker.play(story)

    def test_04_without_a_filter_a_topic_source_gets_everything_and_a_direct_one_the_empty_key(
        self, broker: Running
    ) -> None:
        async def story(client: BrokerClient) -> None:
            everything, nothing = await client.receiver(TOPIC), await client.receiver(DIRECT)
            topic, direct = await client.sender(TOPIC), await client.sender(DIRECT)
            await topic.send(b"1", subject="any.key")
            await topic.send(b"2")
            await direct.send(b"3", subject="any")
            await direct.send(b"4")
            assert await everything.bodies(2) == [b"1", b"2"]
            assert await nothing.bodies(1) == [b"4"]

        broker.play(story)

    def test_05_a_dynamic_source_has_a_name_that_nobody_can_guess(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            one, two = await client.receiver(None), await client.receiver(None)
            assert one.opened is not None
            assert one.opened.dynamic
            assert one.address != two.address
            assert len(one.address) > 30
            async with BrokerClient.connect(broker.address) as other:
                sender = await other.sender(one.address)
                await sender.send(b"for one", subject="ignored")
                assert await one.bodies(1) == [b"for one"]
                assert not two.waiting

        broker.play(story)

    def test_05_a_dynamic_node_goes_with_its_link(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            link = await client.receiver(None)
            sender = await client.sender(link.address)
            link.detach()
            await client.round_trip()
            await sender.send(b"to nobody")
            assert (await client.sender(link.address)).opened is None
            assert client.closed is None

        broker.play(story)

    def test_06_a_stuck_subscriber_loses_the_oldest_and_stops_nobody(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            count, size = 250, 64 << 10
            assert count * size > RING_BYTES
            async with BrokerClient.connect(broker.address) as publisher, BrokerClient.connect(broker.address) as slow:
                stuck, healthy = await slow.subscribe("load", credit=0), await client.subscribe("load", credit=1000)
                topic = await publisher.sender(TOPIC)
                for number in range(count):
                    await topic.send(b"%06d" % number + b"x" * size, subject="load")
                await publisher.round_trip()
                got = [int((await healthy.get_raw()).partition(b"x")[0][-6:]) for _ in range(count)]
                assert got == list(range(count))
                assert not stuck.waiting
                stuck.give(1000)
                late = [int((await stuck.get_raw()).partition(b"x")[0][-6:])]
                while late[-1] != count - 1:
                    late.append(int((await stuck.get_raw()).partition(b"x")[0][-6:]))
                assert late == list(range(count - len(late), count))
                assert RING_BYTES // 2 < len(late) * size <= RING_BYTES

        broker.play(story)

    def test_06_a_subscriber_that_does_not_read_its_socket_stops_nobody(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            with _plain_socket(broker) as peer:
                source = raw.described(0x28, raw.listing(raw.text(TOPIC)))
                peer.sendall(raw.opening() + raw.begin() + raw.attach("l", 0, receives=True, source=source))
                peer.sendall(raw.flow(0, (1 << 31) - 1))
                _read_until(peer, lambda seen: seen.count(b"\x00\x53\x12") == 1)
                healthy, topic = await client.subscribe("flood", credit=1000), await client.sender(TOPIC)
                for number in range(300):
                    await topic.send(b"%06d" % number + b"x" * (64 << 10), subject="flood")
                    await healthy.get_raw()

        broker.play(story)

    def test_06_an_expired_message_is_not_delivered_and_time_spent_waiting_is_taken_off(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            link, topic = await client.subscribe("t", credit=0), await client.sender(TOPIC)
            await topic.send(b"short", subject="t", ttl=0.001)
            await topic.send(b"long", subject="t", ttl=600.0)
            await topic.send(b"endless", subject="t")
            await client.pass_time(0.05)
            link.give(10)
            long, endless = await link.get(), await link.get()
            assert (long.body, endless.body) == (b"long", b"endless")
            assert long.ttl is not None
            assert 500.0 < long.ttl <= 599.96
            assert endless.ttl is None

        broker.play(story)

    def test_06_the_links_of_a_client_are_gone_with_it(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            async with BrokerClient.connect(broker.address) as other:
                await other.own("short-lived")
            watcher = await client.receiver(BINDINGS)
            assert "short-lived" not in str((await watcher.get()).body)

        broker.play(story)

    @pytest.mark.parametrize("node", [TOPIC, DIRECT, None])
    def test_07_an_unsettled_message_is_accepted_at_once_though_nobody_is_bound(
        self, broker: Running, node: str | None
    ) -> None:
        async def story(client: BrokerClient) -> None:
            sender = await client.sender(node)
            data = encode_message(Message(b"x", subject="nobody-is-bound-to-this", to=DIRECT))
            assert await sender.send_unsettled(data) == proton.Delivery.ACCEPTED

        broker.play(story)

    @pytest.mark.parametrize("user", [b"somebody-else", LOGIN.encode() + b"x", b"@" + LOGIN.encode(), b"\xff"])
    def test_08_a_forged_user_id_detaches_the_link(self, broker: Running, user: bytes) -> None:
        async def story(client: BrokerClient) -> None:
            link, sender, other = await client.own("k"), await client.sender(DIRECT), await client.sender(DIRECT)
            await sender.send(b"forged", subject="k", user_id=user)
            closed = await sender.wait_closed()
            assert closed.condition == "amqp:not-allowed"
            assert "user-id" in closed.description
            await other.send(b"honest", subject="k")
            assert await link.bodies(1) == [b"honest"]
            assert client.closed is None

        broker.play(story)

    def test_08_an_empty_user_id_is_stamped_and_an_honest_one_kept(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            link, sender = await client.own("k"), await client.sender(DIRECT)
            await sender.send(b"1", subject="k")
            await sender.send(b"2", subject="k", user_id=LOGIN.encode())
            await sender.send(b"3", subject="k", user_id=f"{LOGIN}@REALM".encode())
            assert [(await link.get()).user_id for _ in range(3)] == [
                LOGIN.encode(),
                LOGIN.encode(),
                f"{LOGIN}@REALM".encode(),
            ]

        broker.play(story)

    def test_08_without_authentication_everybody_is_anonymous(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            link = await client.own("k")
            async with BrokerClient.connect(f"127.0.0.1:{broker.port}") as stranger:
                sender = await stranger.sender(DIRECT)
                await sender.send(b"1", subject="k")
                assert (await link.get()).user_id == b"anonymous"
                await sender.send(b"2", subject="k", user_id=LOGIN.encode())
                assert (await sender.wait_closed()).condition == "amqp:not-allowed"

        broker.play(story)

    def test_09_messages_are_settled_by_default_and_not_for_those_who_settle_themselves(self, broker: Running) -> None:
        async def story(client: BrokerClient) -> None:
            default, own = await client.own("k"), await client.receiver(DIRECT, filters=binding("k"), settles=True)
            assert default.link._proton.remote_snd_settle_mode == proton.Link.SND_SETTLED
            assert own.link._proton.remote_snd_settle_mode == proton.Link.SND_UNSETTLED
            sender = await client.sender(DIRECT)
            for number in range(3):
                await sender.send(b"%d" % number, subject="k")
            for link in (default, own):
                assert await link.bodies(3) == [b"0", b"1", b"2"]

        broker.play(story)

    @pytest.mark.parametrize("inferred", [True, False])
    @pytest.mark.parametrize(
        "body",
        [b"\x00\x00\x00\x04\x00\x00\x00\x00", {"map": [1, {"nested": "é"}]}, [1, 2, 3], [], "text", None],
        ids=["bytes", "map", "list", "empty-list", "text", "none"],
    )
    def test_10_bytes_are_forwarded_as_they_are(self, broker: Running, body: object, inferred: bool) -> None:
        message = proton.Message(subject="k", user_id=LOGIN.encode(), ttl=1000, priority=7, durable=True)
        message.body = body  # type: ignore[assignment]  # any value of proton's table
        message.inferred = inferred
        message.annotations = {proton.symbol("x-opt-via"): "here"}
        message.properties = {"qmf.opcode": "_x", "n": 1}  # type: ignore[assignment]  # proton declares None alone
        data = message.encode()

        async def story(client: BrokerClient) -> None:
            link, sender = await client.own("k"), await client.sender(DIRECT)
            await sender.send_raw(data)
            assert await link.get_raw() == data

        broker.play(story)

    def test_10_a_stamp_changes_the_user_id_and_nothing_else(self, broker: Running) -> None:
        data = encode_message(Message({"a": [1, 2]}, section="value", subject="k", properties={"x": "y"}))

        async def story(client: BrokerClient) -> None:
            link, sender = await client.own("k"), await client.sender(DIRECT)
            await sender.send_raw(data)
            assert await link.get_raw() == with_user_id(data, read_envelope(data), LOGIN.encode())

        broker.play(story)

    @pytest.mark.parametrize("size", [300_000, 1 << 20])
    def test_10_large_messages_pass(self, broker: Running, size: int) -> None:
        async def story(client: BrokerClient) -> None:
            link, sender = await client.own("k"), await client.sender(DIRECT)
            await sender.send(b"x" * size, subject="k")
            assert await link.bodies(1) == [b"x" * size]

        broker.play(story)

    @pytest.mark.parametrize("reply_to", ["qmf.default.direct/me", "a-queue", "qmf.default.topic/agent.ind", ""])
    def test_11_reply_to_is_left_as_it_is(self, broker: Running, reply_to: str) -> None:
        async def story(client: BrokerClient) -> None:
            link, sender = await client.own("k"), await client.sender(DIRECT)
            await sender.send(b"x", subject="k", reply_to=reply_to)
            assert (await link.get()).reply_to == reply_to

        broker.play(story)


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

    def test_a_client_that_was_killed_leaves_nothing(self, broker: Running) -> None:
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
            with _plain_socket(broker) if where == "socket" else _tcp_socket(broker) as peer:
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
            with _plain_socket(broker):
                pass
        broker.play(_nothing)
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
        with _plain_socket(broker) as peer:
            peer.sendall(raw.opening())
            peer.settimeout(1.0 * TIME)
            with pytest.raises(TimeoutError):
                for _ in range((32 << 20) // len(block)):
                    peer.sendall(block)
            broker.play(_nothing)

    def test_a_dynamic_target_is_refused(self, broker: Running) -> None:
        target = raw.described(
            0x29, raw.listing(raw.NULL, raw.uint(0), raw.symbol("link-detach"), raw.uint(0), b"\x41")
        )
        with _plain_socket(broker) as peer:
            peer.sendall(raw.opening() + raw.begin() + raw.attach("l", 0, receives=False, target=target))
            _read_until(peer, lambda seen: b"amqp:not-implemented" in seen)


class TestProcess:
    def test_the_socket_is_private_and_gone_at_the_end(self) -> None:
        with running() as found:
            path = found.box.socket
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
            assert found.program.stop() == 0
            assert not path.exists()
            assert "Traceback" not in found.program.text

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_clients_are_told_that_the_broker_is_stopping(self, number: int) -> None:
        with running() as found:

            async def story() -> None:
                async with BrokerClient.connect(found.address) as client:
                    await client.own("k")
                    found.program.process.send_signal(number)
                    closed = await client.wait_closed()
                    assert closed.condition == "amqp:connection:forced"
                    assert closed.description == "the broker is stopping"

            asyncio.run(story())
            assert found.program.wait_end() == 0

    def test_a_client_that_does_not_read_does_not_keep_the_broker_from_ending(self) -> None:
        with running() as found, _plain_socket(found) as peer:
            source = raw.described(0x28, raw.listing(raw.text(TOPIC)))
            peer.sendall(raw.opening() + raw.begin() + raw.attach("l", 0, receives=True, source=source))
            peer.sendall(raw.flow(0, 1000))
            _read_until(peer, lambda seen: b"\x00\x53\x12" in seen)

            async def flood() -> None:
                async with BrokerClient.connect(found.address) as client:
                    topic = await client.sender(TOPIC)
                    for _ in range(50):
                        await topic.send(b"x" * (1 << 16), subject="k")
                    await client.round_trip()

            asyncio.run(flood())
            assert found.program.stop() == 0

    def test_a_second_broker_on_the_socket_is_refused(self, broker: Running) -> None:
        done = broker.box.run("broker", "--socket", broker.box.socket)
        assert done.returncode == 1
        assert done.stdout == ""
        assert f"another broker listens on {broker.box.socket}" in done.stderr
        assert done.stderr.count("\n") == 1
        broker.play(_nothing)

    def test_a_second_broker_on_the_port_is_refused(self, broker: Running) -> None:
        done = broker.box.run("broker", "--socket", "other.sock", "--insecure-anonymous", str(broker.port))
        assert done.returncode == 1
        assert f"127.0.0.1:{broker.port}" in done.stderr
        assert not (broker.box.home / "other.sock").exists()

    def test_the_socket_file_of_a_broker_that_was_killed_is_replaced(self) -> None:
        with box() as made:
            with made.start("broker", "--socket", made.socket) as killed:
                os.killpg(killed.process.pid, signal.SIGKILL)
                killed.wait_end()
            assert made.socket.is_socket()
            with made.start("broker", "--socket", made.socket) as again:
                assert again.stop() == 0

    def test_a_file_that_is_no_socket_is_left_alone(self) -> None:
        with box() as made:
            made.socket.write_text("precious")
            done = made.run("broker", "--socket", made.socket)
            assert done.returncode == 1
            assert "is not a socket" in done.stderr
            assert made.socket.read_text() == "precious"

    def test_a_directory_that_others_may_enter_is_refused(self) -> None:
        with box() as made:
            open_house = made.home / "open"
            open_house.mkdir(mode=0o755)
            done = made.run("broker", "--socket", open_house / "bus.sock")
            assert done.returncode == 1
            assert "directory of its own" in done.stderr

    def test_a_path_too_long_for_a_socket_is_refused(self) -> None:
        with box() as made:
            done = made.run("broker", "--socket", made.home / ("x" * 120))
            assert done.returncode == 1
            assert "x" * 120 in done.stderr

    def test_tcp_is_there_on_request_only_and_on_loopback_only(self, broker: Running) -> None:
        with box() as made, made.start("broker", "--socket", made.socket) as plain:
            assert _listening_ports(plain.process.pid) == []
        assert _listening_ports(broker.program.process.pid) == [("127.0.0.1", broker.port)]

    def test_an_agent_needs_the_flag_for_the_open_port(self, broker: Running) -> None:
        done = broker.box.run("agent", "-b", f"127.0.0.1:{broker.port}", "--only", "host", "--state", "refused")
        assert done.returncode == 1
        assert "TCP without authentication is refused" in done.stderr
        assert "--insecure-anonymous" in done.stderr
        assert "Traceback" not in done.stderr


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


# --- helpers ------------------------------------------------------------------------------------------------


async def _nothing(client: BrokerClient) -> None:
    await client.round_trip()


async def _opened(client: BrokerClient) -> None:
    """Attach again and again until there is room: a detach takes effect when the broker has read it."""
    while (await client.subscribe("x")).opened is None:
        pass


@contextlib.contextmanager
def _plain_socket(broker: Running) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(20 * TIME)
        peer.connect(str(broker.box.socket))
        yield peer


@contextlib.contextmanager
def _tcp_socket(broker: Running) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", broker.port), timeout=20 * TIME) as peer:
        yield peer


def _read_until(peer: socket.socket, reached: Callable[[bytes], bool]) -> bytes:
    seen = b""
    while not reached(seen):
        data = peer.recv(1 << 16)
        assert data, f"the broker hung up after {seen!r}"
        seen += data
    return seen


def _listening_ports(pid: int) -> list[tuple[str, int]]:
    """TCP sockets of a process that listen."""
    found = psutil.Process(pid).net_connections(kind="tcp")
    return [(one.laddr.ip, one.laddr.port) for one in found if one.status == psutil.CONN_LISTEN]
