"""The points of brokers.md 9 in detail; ``test_broker_conformance`` has the main case of each."""

from __future__ import annotations

from collections.abc import Iterator

import proton
import proton.reactor
import proton.utils
import pytest

from matahari.amqp import TOPIC_BINDING, Message, encode_message, read_envelope, with_user_id
from matahari.broker import BINDINGS, DIRECT, TOPIC
from tests.support import amqp_frames as raw
from tests.support.broker_client import BrokerClient, binding
from tests.support.broker_process import LOGIN, Running, plain_socket, read_until, running

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]


@pytest.fixture(scope="module")
def broker() -> Iterator[Running]:
    """One broker for all tests that leave it as it was."""
    with running() as found:
        yield found
        assert "Traceback" not in found.program.text


RING_BYTES = 8 << 20


def test_01_the_open_frame_names_the_broker_and_offers_the_anonymous_relay(broker: Running) -> None:
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


def test_01_container_ids_are_unique_per_connection(broker: Running) -> None:
    async def story(client: BrokerClient) -> None:
        async with BrokerClient.connect(broker.address) as other:
            assert client.opened is not None
            assert other.opened is not None
            assert client.opened.container != other.opened.container

    broker.play(story)


def test_02_unknown_nodes_are_refused_and_the_connection_stays(broker: Running) -> None:
    async def story(client: BrokerClient) -> None:
        for node in ("qmf.other.topic", "", "queue", "qmf.default.topic/key", "matahari.dynamic.guessed"):
            for end in (await client.receiver(node), await client.sender(node)):
                assert end.opened is None
                assert (await end.wait_closed()).condition == "amqp:not-found"
        assert (await client.sender(BINDINGS)).opened is None
        assert (await client.subscribe("#")).opened is not None
        assert client.closed is None

    broker.play(story)


def test_03_messages_are_routed_by_subject_whatever_their_to_says(broker: Running) -> None:
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


def test_03_the_anonymous_relay_goes_by_to_and_subject(broker: Running) -> None:
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


def test_04_a_filter_is_applied_and_echoed(broker: Running) -> None:
    async def story(client: BrokerClient) -> None:
        link = await client.subscribe("a.#")
        assert link.opened is not None
        assert link.opened.filters == {"key": (TOPIC_BINDING, "a.#")}
        assert link.address == TOPIC

    broker.play(story)


def test_04_unknown_filters_are_left_out_of_the_echo(broker: Running) -> None:
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


def test_04_a_filter_may_be_described_by_a_symbol(broker: Running) -> None:
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
        with plain_socket(broker) as peer:
            peer.sendall(raw.opening() + raw.begin() + raw.attach("l", 0, receives=True, source=source))
            peer.sendall(raw.flow(0, 10))
            answer = read_until(peer, lambda seen: name.encode() in seen)
            assert answer.count(b"by.symbol") == 1
            topic = await client.sender(TOPIC)
            await topic.send(b"other", subject="by.number")
            await topic.send(b"wanted", subject="by.symbol")
            assert b"other" not in read_until(peer, lambda seen: b"wanted" in seen)

    broker.play(story)


def test_04_without_a_filter_a_topic_source_gets_everything_and_a_direct_one_the_empty_key(broker: Running) -> None:
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


def test_05_a_dynamic_source_has_a_name_that_nobody_can_guess(broker: Running) -> None:
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


def test_05_a_dynamic_node_goes_with_its_link(broker: Running) -> None:
    async def story(client: BrokerClient) -> None:
        link = await client.receiver(None)
        sender = await client.sender(link.address)
        link.detach()
        await client.round_trip()
        await sender.send(b"to nobody")
        assert (await client.sender(link.address)).opened is None
        assert client.closed is None

    broker.play(story)


def test_06_a_stuck_subscriber_loses_the_oldest_and_stops_nobody(broker: Running) -> None:
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


def test_06_a_subscriber_that_does_not_read_its_socket_stops_nobody(broker: Running) -> None:
    async def story(client: BrokerClient) -> None:
        with plain_socket(broker) as peer:
            source = raw.described(0x28, raw.listing(raw.text(TOPIC)))
            peer.sendall(raw.opening() + raw.begin() + raw.attach("l", 0, receives=True, source=source))
            peer.sendall(raw.flow(0, (1 << 31) - 1))
            read_until(peer, lambda seen: seen.count(b"\x00\x53\x12") == 1)
            healthy, topic = await client.subscribe("flood", credit=1000), await client.sender(TOPIC)
            for number in range(300):
                await topic.send(b"%06d" % number + b"x" * (64 << 10), subject="flood")
                await healthy.get_raw()

    broker.play(story)


def test_06_an_expired_message_is_not_delivered_and_time_spent_waiting_is_taken_off(broker: Running) -> None:
    async def story(client: BrokerClient) -> None:
        link, topic = await client.subscribe("t", credit=0), await client.sender(TOPIC)
        await topic.send(b"short", subject="t", ttl=0.001)
        await topic.send(b"long", subject="t", ttl=600.0)
        await topic.send(b"endless", subject="t")
        await client.round_trip()
        await client.pass_time(0.05)
        link.give(10)
        long, endless = await link.get(), await link.get()
        assert (long.body, endless.body) == (b"long", b"endless")
        assert long.ttl is not None
        assert 500.0 < long.ttl <= 599.96
        assert endless.ttl is None

    broker.play(story)


def test_06_the_links_of_a_client_are_gone_with_it(broker: Running) -> None:
    async def story(client: BrokerClient) -> None:
        async with BrokerClient.connect(broker.address) as other:
            await other.own("short-lived")
        watcher = await client.receiver(BINDINGS)
        assert "short-lived" not in str((await watcher.get()).body)

    broker.play(story)


@pytest.mark.parametrize("node", [TOPIC, DIRECT, None])
def test_07_an_unsettled_message_is_accepted_at_once_though_nobody_is_bound(broker: Running, node: str | None) -> None:
    async def story(client: BrokerClient) -> None:
        sender = await client.sender(node)
        data = encode_message(Message(b"x", subject="nobody-is-bound-to-this", to=DIRECT))
        assert await sender.send_unsettled(data) == proton.Delivery.ACCEPTED

    broker.play(story)


@pytest.mark.parametrize("user", [b"somebody-else", LOGIN.encode() + b"x", b"@" + LOGIN.encode(), b"\xff"])
def test_08_a_forged_user_id_detaches_the_link(broker: Running, user: bytes) -> None:
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


def test_08_an_empty_user_id_is_stamped_and_an_honest_one_kept(broker: Running) -> None:
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


def test_08_without_authentication_everybody_is_anonymous(broker: Running) -> None:
    async def story(client: BrokerClient) -> None:
        link = await client.own("k")
        async with BrokerClient.connect(f"127.0.0.1:{broker.port}") as stranger:
            sender = await stranger.sender(DIRECT)
            await sender.send(b"1", subject="k")
            assert (await link.get()).user_id == b"anonymous"
            await sender.send(b"2", subject="k", user_id=LOGIN.encode())
            assert (await sender.wait_closed()).condition == "amqp:not-allowed"

    broker.play(story)


def test_09_messages_are_settled_by_default_and_not_for_those_who_settle_themselves(broker: Running) -> None:
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
def test_10_bytes_are_forwarded_as_they_are(broker: Running, body: object, inferred: bool) -> None:
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


def test_10_a_stamp_changes_the_user_id_andnothing_else(broker: Running) -> None:
    data = encode_message(Message({"a": [1, 2]}, section="value", subject="k", properties={"x": "y"}))

    async def story(client: BrokerClient) -> None:
        link, sender = await client.own("k"), await client.sender(DIRECT)
        await sender.send_raw(data)
        assert await link.get_raw() == with_user_id(data, read_envelope(data), LOGIN.encode())

    broker.play(story)


@pytest.mark.parametrize("size", [300_000, 1 << 20])
def test_10_large_messages_pass(broker: Running, size: int) -> None:
    async def story(client: BrokerClient) -> None:
        link, sender = await client.own("k"), await client.sender(DIRECT)
        await sender.send(b"x" * size, subject="k")
        assert await link.bodies(1) == [b"x" * size]

    broker.play(story)


@pytest.mark.parametrize("reply_to", ["qmf.default.direct/me", "a-queue", "qmf.default.topic/agent.ind", ""])
def test_11_reply_to_is_left_as_it_is(broker: Running, reply_to: str) -> None:
    async def story(client: BrokerClient) -> None:
        link, sender = await client.own("k"), await client.sender(DIRECT)
        await sender.send(b"x", subject="k", reply_to=reply_to)
        assert (await link.get()).reply_to == reply_to

    broker.play(story)
