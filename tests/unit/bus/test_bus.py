"""The bus on a broker's session in memory: attaching, sending, waiting, and what a bad peer can do to it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

import pytest

from matahari.amqp import MAX_MESSAGE, BodyValue, Closed, Engine, Event, Message, Opened, encode_message
from matahari.broker.nodes import DIRECT, TOPIC, Nodes
from matahari.broker.session import Session
from matahari.bus import Bus
from matahari.bus.outbox import OUTBOX, OUTBOX_BYTES
from matahari.bus.wire import ENVELOPE_SLACK
from matahari.errors import (
    ConnectFailedError,
    ConnectionLostError,
    LinkRefusedError,
    LocalProtocolError,
    SchemaError,
    TransportError,
)
from matahari.net import Address, Pump
from matahari.qmf import Direct, Packet, Publish, Reply
from tests.support.amqp_link import client_engine, server_engine
from tests.support.memory_pump import Pair, Side
from tests.support.virtual_loop import run

Story = Callable[["Setting"], Awaitable[None]]
OURS = {"product": "matahari-broker", "version": "1.2", "user-id": "checked"}


class User:
    """Writes down what the bus tells."""

    def __init__(self) -> None:
        self.connected = 0
        self.packets: list[Packet] = []
        self.lost: list[TransportError] = []
        self.bindings: list[tuple[str, list[str]]] = []

    def handle_connected(self) -> None:
        self.connected += 1

    def handle_packet(self, packet: Packet) -> None:
        self.packets.append(packet)

    def handle_disconnected(self, error: TransportError) -> None:
        self.lost.append(error)

    def handle_bindings(self, change: str, keys: Iterable[str]) -> None:
        self.bindings.append((change, list(keys)))


class Client:
    """Between pump and bus, as the connection of ``matahari.net`` is."""

    def __init__(self, bus: Bus, pump: Pump) -> None:
        self.bus = bus
        self.pump = pump

    def handle_event(self, event: Event) -> None:
        if isinstance(event, Opened):
            self.bus.handle_open(self.pump, event)
        elif isinstance(event, Closed):
            self.bus.handle_lost(ConnectionLostError(event.description))
        else:
            self.bus.handle_event(event)

    def handle_writable(self) -> None:
        self.bus.handle_writable()

    def handle_end(self, error: Exception | None) -> None:
        return


class Setting:
    """A bus, its user, and the broker's side of the connection."""

    def __init__(self, bus: Bus, user: User, server: Engine | None = None) -> None:
        self.bus, self.user = bus, user
        self.nodes = Nodes()
        self.connect(server or server_engine(properties=OURS))

    def connect(self, server: Engine) -> None:
        self.near = Side(client_engine(), lambda pump: Client(self.bus, pump))
        self.far = Side(server, lambda pump: Session(self.nodes, pump, "alice", "peer"))
        self.pair = Pair(self.near, self.far)

    def is_connected(self) -> bool:
        return self.bus.is_connected


def play(story: Story, server: Engine | None = None, **options: object) -> None:
    async def played() -> None:
        user = User()
        given = {"name": "test", "own": ["me"], "patterns": ["news.#"], "watch_bindings": True, **options}
        bus = Bus(Address("unix", path="/nowhere"), user, **given)  # type: ignore[arg-type]  # options of Bus
        await story(Setting(bus, user, server))

    run(played())


def packet(body: bytes | str = "x", **fields: object) -> Packet:
    return Packet("_x", {"body": body}, **fields)  # type: ignore[arg-type]  # fields of Packet


class TestConnecting:
    def test_every_link_is_attached_before_the_user_is_told(self) -> None:
        async def story(at: Setting) -> None:
            assert not at.is_connected()
            await at.pair.carry()
            assert at.user.connected == 1
            assert at.is_connected()
            assert at.bus.product == "matahari-broker 1.2"
            assert at.bus.user_id_trusted
            assert at.bus.lists_bindings
            at.nodes.publish(TOPIC, "news.today", encode_message(Message({"n": 1}, section="value")), None)
            at.nodes.publish(DIRECT, "me", encode_message(Message({"n": 2}, section="value")), None)
            await at.pair.carry()
            assert [one.body for one in at.user.packets] == [{"n": 1}, {"n": 2}]
            await asyncio.wait_for(at.bus.wait_connected(), 1)

        play(story)

    def test_bindings_are_told_as_a_whole_and_then_by_change(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            assert at.user.bindings == [("snapshot", ["me"])]
            other = Setting(Bus(at.bus.address, User(), name="other", own=["other"]), User())
            other.nodes = at.nodes
            other.connect(server_engine(properties=OURS))
            await other.pair.carry()
            await at.pair.carry()
            other.far.pump.connection_lost(None)
            await at.pair.carry()
            assert at.user.bindings[1:] == [("bound", ["other"]), ("unbound", ["other"])]

        play(story)

    def test_a_snapshot_in_parts_is_told_once(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            at.user.bindings.clear()
            (watcher,) = at.nodes._watchers
            bodies: list[BodyValue] = [
                {"keys": ["a", "b"], "more": True},
                {"keys": ["c"], "more": False},
                {"keys": "no list", "more": False},
            ]
            for body in bodies:
                watcher.deliver(encode_message(Message(body, section="value", subject="snapshot")), None)
            watcher.deliver(encode_message(Message({}, section="value", subject="unheard of")), None)
            watcher.deliver(encode_message(Message([1], section="value", subject="snapshot")), None)
            await at.pair.carry()
            assert at.user.bindings[:2] == [("snapshot", ["a", "b", "c"]), ("snapshot", [])]

        play(story)

    def test_on_qpidd_nobody_is_asked_for_bindings(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            assert at.is_connected()
            assert not at.bus.lists_bindings
            assert at.user.bindings == []

        play(story, server_engine(properties={"product": "qpid-cpp"}))

    def test_a_broker_of_an_unknown_kind_ends_it_for_good(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            assert at.user.connected == 0
            with pytest.raises(ConnectFailedError, match="unheard of"):
                await at.bus.run()

        play(story, server_engine(properties={"product": "unheard of"}))

    def test_a_refused_link_ends_it_for_good(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            assert at.user.connected == 0
            with pytest.raises(LinkRefusedError, match="invalid-field"):
                await at.bus.run()

        play(story, patterns=["k" * 256])

    def test_a_key_that_cannot_be_owned_is_our_fault(self) -> None:
        with pytest.raises(LocalProtocolError):
            Bus(Address("unix", path="/x"), User(), name="n", own=["a.#"])

    def test_an_address_that_may_not_be_used_is_refused_at_once(self) -> None:
        with pytest.raises(ConnectFailedError):
            Bus(Address("amqp", host="10.0.0.1"), User(), name="n")

    def test_after_a_loss_everything_is_attached_anew(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            at.near.pump.connection_lost(None)
            at.far.pump.connection_lost(None)
            assert not at.is_connected()
            assert len(at.user.lost) == 1
            assert not at.bus.lists_bindings
            at.connect(server_engine(properties=OURS))
            await at.pair.carry()
            assert at.user.connected == 2
            at.nodes.publish(DIRECT, "me", encode_message(Message({"n": 2}, section="value")), None)
            await at.pair.carry()
            assert len(at.user.packets) == 1
            assert at.user.bindings == [("snapshot", ["me"])] * 2

        play(story)

    def test_a_receiver_that_is_taken_away_later_ends_the_connection(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            session = next(iter(at.nodes._direct.route("me")))
            link = session._link  # type: ignore[attr-defined]  # the broker's own subscription
            at.far.pump.engine.detach(link, "amqp:not-allowed", "no longer")
            at.far.pump.flush()
            await at.pair.carry()
            assert len(at.user.lost) == 1
            assert not at.is_connected()

        play(story)


class TestSending:
    def test_each_kind_of_command_goes_to_its_exchange(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            assert at.bus.send(Publish("news.x", packet("1")))
            assert at.bus.send(Direct("me", packet("2")))
            assert at.bus.send(Reply("qmf.default.direct/me", packet("3")))
            await at.pair.carry()
            assert [one.body for one in at.user.packets] == [{"body": "1"}, {"body": "2"}, {"body": "3"}]
            assert {one.user_id for one in at.user.packets} == {"alice"}

        play(story)

    def test_without_a_connection_messages_are_dropped_and_counted(self) -> None:
        async def story(at: Setting) -> None:
            assert at.bus.send(Publish("news.x", packet())) is False
            await at.pair.carry()
            at.near.pump.connection_lost(None)
            assert at.bus.send(Publish("news.x", packet())) is False
            assert at.bus.dropped == 2

        play(story)

    def test_on_a_closing_connection_messages_are_dropped_and_counted(self) -> None:
        """A new link cannot be opened then; nobody shall be told by an exception."""

        async def story(at: Setting) -> None:
            await at.pair.carry()
            at.near.pump.engine.close()
            assert at.bus.send(Reply("a-queue", packet())) is False
            assert at.bus.dropped == 1

        play(story)

    def test_a_reply_to_nobody_is_not_sent(self, caplog: pytest.LogCaptureFixture) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            assert at.bus.send(Reply("qmf.default.topic/agent.ind.event", packet())) is False

        with caplog.at_level(logging.WARNING):
            play(story)
        assert "not a console's" in caplog.text

    def test_what_is_too_large_is_our_fault(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            with pytest.raises(SchemaError, match="above the limit"):
                at.bus.send(Direct("me", packet(b"x" * MAX_MESSAGE)))
            at.bus.send(Direct("me", packet(b"x" * (MAX_MESSAGE - ENVELOPE_SLACK - 300))))
            await at.pair.carry()
            assert len(at.user.packets) == 1

        play(story)

    def test_messages_wait_for_a_full_socket_and_go_in_order(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            at.near.fill()
            for number in range(10):
                assert at.bus.send(Direct("me", packet(str(number))))
            at.near.empty()
            at.bus.send(Direct("me", packet("10")))
            await at.pair.carry()
            assert [one.body for one in at.user.packets] == [{"body": str(number)} for number in range(11)]

        play(story)

    def test_messages_wait_for_credit_and_go_in_order(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            for number in range(1500):
                assert at.bus.send(Direct("me", packet(str(number))))
            await at.pair.carry()
            assert [one.body for one in at.user.packets] == [{"body": str(number)} for number in range(1500)]
            assert at.bus.dropped == 0

        play(story)

    def test_above_a_count_the_oldest_are_dropped(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            at.near.fill()
            for number in range(OUTBOX + 3):
                at.bus.send(Direct("me", packet(str(number))))
            assert at.bus.dropped == 3
            at.near.empty()
            await at.pair.carry()
            assert at.user.packets[0].body == {"body": "3"}
            assert len(at.user.packets) == OUTBOX

        play(story)

    def test_above_their_bytes_the_oldest_are_dropped(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            at.near.fill()
            body = b"x" * (1 << 20)
            for _ in range((OUTBOX_BYTES >> 20) + 4):
                at.bus.send(Direct("nobody", packet(body)))
            assert 4 <= at.bus.dropped <= 6
            at.near.pump.connection_lost(None)
            assert at.bus.dropped == (OUTBOX_BYTES >> 20) + 4

        play(story)


class TestReceiving:
    def test_malformed_messages_are_counted_and_named_once(self, caplog: pytest.LogCaptureFixture) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            (watcher,) = at.nodes._watchers
            for data in (b"no message", b"\x00\x53\x77", encode_message(Message(5, section="value")), b"\x00"):
                at.nodes.publish(DIRECT, "me", data, None)
                watcher.deliver(b"\x00\x53\x77\xff", None)
            at.nodes.publish(DIRECT, "me", encode_message(Message({"n": 1}, section="value")), None)
            await at.pair.carry()
            assert at.bus.malformed == 8
            assert [one.body for one in at.user.packets] == [{"n": 1}]
            assert at.user.lost == []

        with caplog.at_level(logging.WARNING):
            play(story)
        assert len(caplog.records) == 1

    def test_a_request_whose_body_cannot_be_read_is_counted_and_told_because_somebody_waits(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            for opcode, reply_to in (("_query_request", "qmf.default.direct/c"), ("_query_request", None), ("_x", "c")):
                message = Message(b"\xff", properties={"qmf.opcode": opcode}, reply_to=reply_to, correlation_id="7")
                at.nodes.publish(DIRECT, "me", encode_message(message), None)
            await at.pair.carry()
            assert at.bus.malformed == 3
            told = [(one.opcode, one.body, one.correlation_id, one.reply_to) for one in at.user.packets]
            assert told == [("_query_request", b"\xff", "7", "qmf.default.direct/c")]

        play(story)

    def test_a_broker_that_attaches_links_to_us_gets_no_answer(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            link = at.far.pump.engine.open_sender("console", "uninvited")
            at.far.pump.flush()
            await at.pair.carry()
            at.far.pump.engine.detach(link)
            at.far.pump.flush()
            await at.pair.carry()
            assert at.is_connected()
            assert at.user.lost == []

        play(story)
