"""What the embedded broker must do, point by point (brokers.md section 9), seen by a plain client over a real socket.

One test for each point, by its number; ``test_broker_details`` has the corners.
"""

from __future__ import annotations

from collections.abc import Iterator

import proton
import pytest

from matahari.amqp import TOPIC_BINDING, Message, encode_message
from matahari.broker import BINDINGS, DIRECT, LEGACY, TAP, TOPIC
from tests.support import amqp_frames as raw
from tests.support.broker_client import BrokerClient, binding
from tests.support.broker_process import LOGIN, Running, plain_socket, read_until, running

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]

RING_BYTES = 8 << 20
RULES = f"""
[groups]
staff = ["{LOGIN}"]

[[rules]]
who = "@staff"
allow = "all"

[[rules]]
who = "anonymous"
allow = "publish"
node = "qmf.default.topic"
key = "agent.ind.#"

[[rules]]
who = "anonymous"
allow = "bind"
node = "qmf.default.direct"
key = "console.{{login}}.#"
"""


@pytest.fixture(scope="module")
def broker() -> Iterator[Running]:
    """One broker for all tests that leave it as it was."""
    with running() as found:
        yield found
        assert "Traceback" not in found.program.text


def test_point_01_the_open_frame_tells_product_version_relay_and_limits(broker: Running) -> None:
    async def story(client: BrokerClient) -> None:
        opened = client.opened
        assert opened is not None
        assert opened.properties["product"] == "matahari-broker"
        assert opened.properties["version"]
        assert opened.properties["tap"] == "offered"
        assert opened.capabilities == ("ANONYMOUS-RELAY",)
        transport = client.pump.engine._transport
        assert transport.remote_idle_timeout > 0
        assert transport.remote_max_frame_size >= 32 << 10

    broker.play(story)


def test_point_02_two_nodes_by_topic_and_by_exact_key_and_others_are_not_found(broker: Running) -> None:
    async def story(client: BrokerClient) -> None:
        one, many, exact = await client.subscribe("a.*.c"), await client.subscribe("a.#"), await client.own("a.b.c")
        topic, direct = await client.sender(TOPIC), await client.sender(DIRECT)
        for number, key in enumerate(("a.b.c", "a", "a.b", "a.b.c.d", "b")):
            await topic.send(b"t%d" % number, subject=key)
            await direct.send(b"d%d" % number, subject=key)
        await client.round_trip()
        assert await one.bodies(len(one.waiting)) == [b"t0"]
        assert await many.bodies(len(many.waiting)) == [b"t0", b"t1", b"t2", b"t3"]
        assert await exact.bodies(len(exact.waiting)) == [b"d0"]
        for end in (await client.receiver("nowhere"), await client.sender("nowhere")):
            assert (await end.wait_closed()).condition == "amqp:not-found"
        assert client.closed is None

    broker.play(story)


def test_point_03_the_subject_routes_and_on_a_null_target_to_names_the_node(broker: Running) -> None:
    async def story(client: BrokerClient) -> None:
        topic, mine, dynamic = await client.subscribe("k"), await client.own("k"), await client.receiver(None)
        named, relay = await client.sender(TOPIC), await client.sender(None)
        await named.send(b"named", subject="k", to=DIRECT)
        for to, body in ((TOPIC, b"topic"), (DIRECT, b"direct"), (dynamic.address, b"dynamic"), (f"{DIRECT}/k", b"-")):
            await relay.send(body, subject="k", to=to)
        await client.round_trip()
        assert await topic.bodies(len(topic.waiting)) == [b"named", b"topic"]
        assert await mine.bodies(len(mine.waiting)) == [b"direct"]
        assert await dynamic.bodies(len(dynamic.waiting)) == [b"dynamic"]
        assert client.closed is None

    broker.play(story)


@pytest.mark.parametrize(
    "descriptor", [TOPIC_BINDING, "apache.org:legacy-amqp-topic-binding:string"], ids=["ulong", "symbol"]
)
def test_point_04_a_filter_by_either_descriptor_is_applied_and_echoed_and_an_unknown_one_is_not(
    broker: Running, descriptor: int | str
) -> None:
    known = raw.described(descriptor, raw.text("wanted.#"))
    filters = raw.mapping(
        raw.symbol("other"),
        raw.described("example.org:unknown:string", raw.text("never echoed")),
        raw.symbol("key"),
        known,
    )
    source = raw.described(0x28, raw.listing(raw.text(TOPIC), *[raw.NULL] * 6, filters))

    async def story(client: BrokerClient) -> None:
        with plain_socket(broker) as peer:
            peer.sendall(raw.opening() + raw.begin() + raw.attach("l", 0, receives=True, source=source))
            peer.sendall(raw.flow(0, 10))
            echo = read_until(peer, lambda seen: b"wanted.#" in seen)
            code = descriptor.encode() if isinstance(descriptor, str) else descriptor.to_bytes(8, "big")
            assert code in echo
            assert b"unknown" not in echo
            assert b"never echoed" not in echo
            topic = await client.sender(TOPIC)
            await topic.send(b"not this", subject="other.key")
            await topic.send(b"but this", subject="wanted.key")
            assert b"not this" not in read_until(peer, lambda seen: b"but this" in seen)

    broker.play(story)


def test_point_05_dynamic_addresses_cannot_be_guessed_and_go_with_their_links(broker: Running) -> None:
    async def story(client: BrokerClient) -> None:
        one, two = await client.receiver(None), await client.receiver(None)
        assert one.opened is not None
        assert one.opened.dynamic
        shared = len("matahari.dynamic.")
        assert min(len(one.address), len(two.address)) >= shared + 24
        assert one.address[shared : shared + 8] != two.address[shared : shared + 8]
        sender = await client.sender(one.address)
        await sender.send(b"x", subject="any")
        assert await one.bodies(1) == [b"x"]
        address = one.address
        one.detach()
        assert (await (await client.sender(address)).wait_closed()).condition == "amqp:not-found"

    broker.play(story)


def test_point_06_a_ring_drops_the_oldest_counts_them_and_keeps_time(broker: Running) -> None:
    count, size = 200, 64 << 10
    assert count * size > RING_BYTES

    async def story(client: BrokerClient) -> None:
        slow, topic = await client.subscribe("ring.#", credit=0), await client.sender(TOPIC)
        for number in range(count):
            await topic.send(b"%06d" % number + b"x" * size, subject="ring.load")
        await topic.send(b"expired", subject="ring.ttl", ttl=0.001)
        await topic.send(b"aged", subject="ring.ttl", ttl=600.0)
        await client.round_trip()
        await client.pass_time(0.05)
        slow.give(1000)
        bodies = []
        message = await slow.get()
        while message.body != b"aged":
            assert isinstance(message.body, bytes)
            bodies.append(int(message.body[:6]))
            message = await slow.get()
        assert bodies == list(range(count - len(bodies), count)), "the newest, and in order"
        assert RING_BYTES - 2 * size < len(bodies) * size <= RING_BYTES
        assert message.ttl is not None
        assert message.ttl <= 599.96
        slow.detach()
        lost = count - len(bodies)
        broker.program.wait_line(f"local user .* has lost {lost} messages of {TOPIC} 'ring.#'")

    broker.play(story)


def test_point_07_unsettled_messages_are_accepted_at_once_whoever_is_bound_or_stuck(broker: Running) -> None:
    async def story(client: BrokerClient) -> None:
        sender = await client.sender(TOPIC)
        data = encode_message(Message(b"x" * (1 << 20), subject="stuck"))
        assert await sender.send_unsettled(data) == proton.Delivery.ACCEPTED
        await client.subscribe("stuck", credit=0)
        for _ in range(2 * RING_BYTES // len(data)):
            assert await sender.send_unsettled(data) == proton.Delivery.ACCEPTED

    broker.play(story)


def test_point_08_a_user_id_is_the_logins_own_or_stamped_or_the_link_ends(broker: Running) -> None:
    async def story(client: BrokerClient) -> None:
        assert client.opened is not None
        assert client.opened.properties["user-id"] == "checked"
        mine, sender = await client.own("k"), await client.sender(DIRECT)
        for user in (None, LOGIN.encode(), f"{LOGIN}@REALM".encode()):
            await sender.send(b"x", subject="k", user_id=user)
        users = [(await mine.get()).user_id for _ in range(3)]
        assert users == [LOGIN.encode(), LOGIN.encode(), f"{LOGIN}@REALM".encode()]
        await sender.send(b"forged", subject="k", user_id=b"somebody-else")
        assert (await sender.wait_closed()).condition == "amqp:not-allowed"
        assert not mine.waiting
        assert client.closed is None

    broker.play(story)


def test_point_09_deliveries_are_settled_unless_the_receiver_settles(broker: Running) -> None:
    async def story(client: BrokerClient) -> None:
        default, own = await client.own("k"), await client.receiver(DIRECT, filters=binding("k"), settles=True)
        assert default.link._proton.remote_snd_settle_mode == proton.Link.SND_SETTLED
        assert own.link._proton.remote_snd_settle_mode == proton.Link.SND_UNSETTLED
        sender = await client.sender(DIRECT)
        await sender.send(b"x", subject="k")
        assert await default.bodies(1) == await own.bodies(1) == [b"x"]

    broker.play(story)


@pytest.mark.parametrize("inferred", [True, False], ids=["sequence", "value"])
def test_point_10_a_message_is_kept_byte_for_byte_in_both_list_forms(broker: Running, inferred: bool) -> None:
    message = proton.Message(subject="k", user_id=LOGIN.encode(), durable=True, priority=7)
    message.body = [1, "two", {"three": [b"4", None]}, []]
    message.inferred = inferred
    data = message.encode()

    async def story(client: BrokerClient) -> None:
        mine, sender = await client.own("k"), await client.sender(DIRECT)
        await sender.send_raw(data)
        assert await mine.get_raw() == data

    broker.play(story)


def test_point_11_reply_to_is_left_as_it_is(broker: Running) -> None:
    async def story(client: BrokerClient) -> None:
        mine, sender = await client.own("k"), await client.sender(DIRECT)
        for reply_to in ("qmf.default.direct/me", "amq.direct/reply-1", "a-queue", "exchange/with/slashes;{x:1}"):
            await sender.send(b"x", subject="k", reply_to=reply_to)
            assert (await mine.get()).reply_to == reply_to

    broker.play(story)


def test_point_12_each_login_publishes_and_binds_the_keys_that_rules_allow_it() -> None:
    """Our own login may do everything here, ``anonymous`` what its two rules say."""

    async def story(client: BrokerClient) -> None:
        everything, mine = await client.subscribe("#"), await client.own("console.anonymous.1")
        async with BrokerClient.connect(ruled.tcp) as other:
            topic = await other.sender(TOPIC)
            await topic.send(b"allowed", subject="agent.ind.heartbeat")
            assert await everything.bodies(1) == [b"allowed"]
            await topic.send(b"refused", subject="console.request.agent_locate")
            closed = await topic.wait_closed()
            assert closed.condition == "amqp:unauthorized-access"
            assert all(word in closed.description for word in ("anonymous", "publish", "console.request.agent_locate"))
            assert (await other.own("console.anonymous.2")).opened is not None
            closed = await (await other.own("console.root.1")).wait_closed()
            assert closed.condition == "amqp:unauthorized-access"
            assert all(word in closed.description for word in ("anonymous", "bind", "console.root.1"))
            for end in (
                await other.subscribe("agent.ind.#"),
                await other.receiver(None),
                await other.receiver(BINDINGS),
                await other.receiver(TAP),
                await other.sender(None),
                await other.sender(DIRECT),
                await other.sender(LEGACY),
            ):
                assert (await end.wait_closed()).condition == "amqp:unauthorized-access"
            assert other.closed is None
        await client.round_trip()
        assert not everything.waiting
        assert not mine.waiting

    with running(acl=RULES) as ruled:
        ruled.play(story)
        ruled.program.wait_line("refused .*anonymous may not publish 'console.request.agent_locate'")
        assert "Traceback" not in ruled.program.text
