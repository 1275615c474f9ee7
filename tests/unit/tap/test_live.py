"""What the tap does with a broker's answers to its links; the engine is a stub that notes what it is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import pytest

from matahari.amqp import (
    CreditGiven,
    Engine,
    Link,
    LinkClosed,
    LinkOpened,
    Opened,
    Received,
    Session,
    SessionClosed,
    Terminus,
    decode_message,
    encode_message,
)
from matahari.broker.tap import Tapped
from matahari.bus import message_of
from matahari.errors import ConnectionLostError, LinkRefusedError, RemoteProtocolError
from matahari.net import Client, Pump
from matahari.qmf import Packet
from matahari.tap.live import LiveTap, unwrap
from matahari.tap.sighting import Delivery, Sighting
from matahari.tap.traffic import Watcher


@dataclass(eq=False)
class StubLink:
    address: str | None
    is_sender: bool
    filters: object = None
    owner: object = None
    is_open: bool = True


@dataclass
class StubEngine:
    links: list[StubLink] = field(default_factory=list)
    sent: list[tuple[StubLink, bytes]] = field(default_factory=list)
    detached: list[StubLink] = field(default_factory=list)
    is_closed: bool = False

    def open_receiver(self, address: str | None, name: str, *, filters: object, **_: object) -> StubLink:
        self.links.append(StubLink(address, False, filters))
        return self.links[-1]

    def open_sender(self, address: str | None, name: str) -> StubLink:
        self.links.append(StubLink(address, True))
        return self.links[-1]

    def send(self, link: StubLink, data: bytes) -> None:
        self.sent.append((link, data))

    def detach(self, link: StubLink) -> None:
        self.detached.append(link)

    def close(self) -> None:
        self.is_closed = True


class StubPump:
    def __init__(self) -> None:
        self.engine = StubEngine()

    def flush_soon(self) -> None:
        pass


class StubClient:
    def __init__(self) -> None:
        self.refused = False
        self.expected: Exception | None = None

    def refuse(self) -> None:
        self.refused = True

    def expect_end(self, error: Exception) -> None:
        self.expected = error


class Bench:
    """A tap on a stub, opened by a broker of the given product."""

    def __init__(self, product: str, version: str = "1", **said: str) -> None:
        self.remarks: list[str] = []
        self.seen: list[Sighting] = []
        self.client = StubClient()
        self.watcher = Watcher()
        self.tap = LiveTap("amqp://x", kind="auto", see=self._see, remark=self.remarks.append)
        self.tap.client = cast(Client, self.client)
        self.opened = Opened("c", "", {"product": product, "version": version, **said}, ())
        self.open()

    def open(self) -> None:
        self.pump = StubPump()
        self.tap.handle_open(cast(Pump, self.pump), self.opened)

    @property
    def engine(self) -> StubEngine:
        return self.pump.engine

    def receivers(self) -> list[StubLink]:
        return [link for link in self.engine.links if not link.is_sender]

    def attach_all(self) -> None:
        for link in self.receivers():
            self.tap.handle_event(LinkOpened(cast(Link, link), Terminus(link.address, False, (), {})))

    def refuse(self, link: StubLink, condition: str = "amqp:unauthorized-access") -> None:
        self.tap.handle_event(LinkClosed(cast(Link, link), condition, "no"))

    def receive(self, link: StubLink, data: bytes) -> None:
        self.tap.handle_event(Received(cast(Link, link), data))

    def _see(self, delivery: Delivery) -> Sighting:
        self.seen.append(self.watcher.see(delivery, 0, 0.0))
        return self.seen[-1]


HEARTBEAT = encode_message(
    message_of(
        Packet("_agent_heartbeat_indication", {"_values": {"hostname": "web1"}}, agent="x:y:1"), "agent.ind.heartbeat"
    )
)


def test_what_our_own_broker_wraps_is_unwrapped() -> None:
    wrapped = Tapped("qmf.default.direct", "key", "ops", 2, HEARTBEAT).encode()
    assert unwrap(wrapped) == Delivery(HEARTBEAT, "qmf.default.direct", "key", "key", "ops", 2, 0)
    assert unwrap(Tapped("qmf.default.topic", "a.b", "", 0, b"").encode()).binding == "#"


def test_what_it_left_out_for_its_size_is_known() -> None:
    large = Tapped("qmf.default.topic", "a.b", "ops", 0, bytes(2_000_000)).encode()
    assert unwrap(large) == Delivery(b"", "qmf.default.topic", "a.b", "#", "ops", 0, 2_000_000)


@pytest.mark.parametrize("data", [b"", b"\x00", HEARTBEAT])
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        unwrap(data)


def test_the_tap_node_is_used_where_it_is_offered_and_announced_when_it_is_attached() -> None:
    bench = Bench("matahari-broker", tap="offered")
    [link] = bench.receivers()
    assert link.address == "matahari.tap"
    assert bench.remarks == []
    bench.attach_all()
    assert bench.remarks == ["watching amqp://x (matahari-broker 1)"]
    bench.receive(link, Tapped("qmf.default.topic", "k", "ops", 1, HEARTBEAT).encode())
    assert [(seen.opcode, seen.delivery.login) for seen in bench.seen] == [("heartbeat", "ops")]
    bench.receive(link, b"\x00")
    assert "cannot be read" in bench.remarks[-1]


def test_a_refused_tap_node_is_done_without() -> None:
    bench = Bench("matahari-broker", tap="offered")
    bench.refuse(bench.receivers()[0])
    addresses = [link.address for link in bench.receivers()[1:]]
    assert addresses == ["qmf.default.topic", "qmf.default.direct"]
    bench.tap.handle_event(LinkOpened(cast(Link, bench.receivers()[1]), Terminus("", False, (), {})))
    bench.tap.handle_event(LinkOpened(cast(Link, bench.receivers()[2]), Terminus("", False, (), {})))
    assert "this login may not use matahari.tap" in bench.remarks[-1]


def test_agents_are_asked_once_and_not_again_after_a_reconnect() -> None:
    bench = Bench("qpid-cpp")
    [sender] = [link for link in bench.engine.links if link.is_sender]
    bench.tap.handle_event(CreditGiven(cast(Link, sender)))
    [(link, data)] = bench.engine.sent
    message = decode_message(data)
    assert (link, message.reply_to) == (sender, f"qmf.default.direct/{bench.tap.own_key}")
    assert bench.engine.detached == [sender]
    bench.tap.handle_lost(ConnectionLostError("gone"))
    assert bench.remarks[-1] == "gone; reconnecting"
    bench.open()
    assert [link for link in bench.engine.links if link.is_sender] == []


def test_keys_that_are_learned_are_received_from() -> None:
    bench = Bench("qpid-cpp")
    topic = bench.receivers()[0]
    bench.receive(topic, HEARTBEAT)
    assert [link.address for link in bench.receivers()] == [
        "qmf.default.topic",
        "qmf.default.direct",
        "qmf.default.direct",
    ]
    assert "x:y:1" in str(bench.receivers()[-1].filters)


def test_the_refusal_of_a_learned_key_is_told_once_and_borne() -> None:
    bench = Bench("qpid-cpp")
    bench.attach_all()
    bench.receive(bench.receivers()[0], HEARTBEAT)
    bench.refuse(bench.receivers()[-1])
    assert "some keys are not seen" in bench.remarks[-1]
    assert bench.tap.refused is None


def test_the_refusal_of_the_topic_exchange_ends_it_with_the_remedy() -> None:
    bench = Bench("qpid-cpp")
    bench.refuse(bench.receivers()[0], "amqp:not-found")
    assert isinstance(bench.tap.refused, LinkRefusedError)
    assert "mgmt-enable=yes" in str(bench.tap.refused)
    assert bench.client.refused


def test_a_receiver_that_is_taken_away_later_starts_the_connection_over() -> None:
    bench = Bench("qpid-cpp")
    bench.attach_all()
    bench.refuse(bench.receivers()[0], "amqp:resource-deleted")
    assert bench.engine.is_closed
    assert bench.client.expected is not None
    assert bench.tap.refused is None


def end_session(bench: Bench, condition: str) -> None:
    links = list(bench.receivers())
    bench.tap.handle_event(SessionClosed(cast(Session, object()), condition, "no"))
    for link in links:
        bench.refuse(link, condition)


def test_a_session_that_is_ended_for_the_direct_messages_is_begun_without_them() -> None:
    bench = Bench("RabbitMQ", "3.10.8")
    assert len(bench.receivers()) == 2
    end_session(bench, "amqp:unauthorized-access")
    assert [link.address for link in bench.receivers()[2:]] == ["/exchange/qmf.default.topic/#"]
    bench.tap.handle_event(LinkOpened(cast(Link, bench.receivers()[-1]), Terminus("", False, (), {})))
    assert "direct messages are not seen: amqp:unauthorized-access" in bench.remarks[-1]
    end_session(bench, "amqp:internal-error")
    assert bench.engine.is_closed


def test_a_session_that_is_ended_again_is_given_up() -> None:
    bench = Bench("RabbitMQ", "3.10.8")
    end_session(bench, "amqp:not-found")
    end_session(bench, "amqp:not-found")
    assert "import_definitions" in str(bench.tap.refused)


def test_a_connection_that_is_cut_for_the_direct_messages_comes_back_without_them() -> None:
    bench = Bench("RabbitMQ", "3.10.8")
    bench.tap.handle_lost(ConnectionLostError("cut"))
    bench.open()
    assert len(bench.receivers()) == 1


def test_families_are_received_from_one_by_one_and_matched_here() -> None:
    bench = Bench("skupper-router")
    addresses = [link.address for link in bench.receivers()]
    assert "qmf.default.topic.agent.ind.heartbeat" in addresses
    assert "qmf.default.topic.other" in addresses


def test_an_unknown_product_ends_it() -> None:
    bench = Bench("Strange")
    assert "--broker-kind" in str(bench.tap.refused)
    assert bench.engine.links == []


def test_an_end_of_our_own_is_not_told() -> None:
    bench = Bench("qpid-cpp")
    bench.tap.is_closing = True
    bench.tap.handle_lost(ConnectionLostError("gone"))
    assert bench.remarks == []


def test_the_stub_has_what_the_engine_has() -> None:
    for name in ("open_receiver", "open_sender", "send", "detach", "close"):
        assert callable(getattr(Engine, name))
