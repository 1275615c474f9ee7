"""One subscription at a socket that takes nothing, and at one that takes something again."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import cast

import pytest

from matahari.amqp import Link, Message, decode_message, encode_message
from matahari.broker.nodes import BINDINGS, TOPIC, Nodes
from matahari.broker.ring import RING_MESSAGES
from matahari.broker.session import Session
from matahari.broker.subscription import Subscription
from matahari.net import Pump
from tests.support.virtual_loop import run


@dataclass
class FakeEngine:
    detached: list[tuple[object, str]] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)

    def detach(self, link: object, condition: str, description: str) -> None:
        self.detached.append((link, condition))

    def send(self, link: object, data: bytes) -> None:
        self.sent.append(data)


@dataclass
class FakePump:
    """A socket that takes nothing."""

    engine: FakeEngine = field(default_factory=FakeEngine)
    is_writable: bool = False
    wants_writable: bool = False

    def flush_soon(self) -> None:
        return

    def flush(self) -> None:
        return


@dataclass
class FakeLink:
    is_open: bool = True
    credit: int = 1_000_000
    backlog: int = 0


def subscription(node: str) -> tuple[FakePump, Subscription]:
    """One of a session whose socket is full."""
    pump = FakePump()
    session = Session(Nodes(), cast(Pump, pump), "root", "a test")
    return pump, Subscription(session, cast(Link, FakeLink()), node, "k.#" if node == TOPIC else "")


def stuck(node: str) -> tuple[FakePump, Subscription]:
    async def fill() -> tuple[FakePump, Subscription]:
        pump, found = subscription(node)
        for _ in range(RING_MESSAGES + 3):
            found.deliver(b"x", None)
        return pump, found

    return asyncio.run(fill())


def test_a_stuck_subscriber_loses_the_oldest_and_is_woken_when_it_reads_again(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        pump, found = stuck(TOPIC)
        assert found.ring.dropped == 3
        assert pump.wants_writable
        assert not pump.engine.detached
        found.finish()
    assert [record.getMessage() for record in caplog.records] == [
        "a test does not keep up with qmf.default.topic 'k.#': the oldest messages are dropped",
        "a test has lost 3 messages of qmf.default.topic 'k.#'",
    ]


def test_a_stuck_watcher_of_the_bindings_is_sent_away_because_a_list_with_a_gap_is_worse_than_none() -> None:
    pump, _ = stuck(BINDINGS)
    assert {condition for _, condition in pump.engine.detached} == {"amqp:resource-limit-exceeded"}


def test_who_lost_nothing_is_not_worth_a_line(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        _, found = subscription(TOPIC)
        found.deliver(b"x", None)
        found.finish()

    with caplog.at_level(logging.DEBUG, logger="matahari"):
        asyncio.run(story())
    assert not [record for record in caplog.records if record.name.startswith("matahari")]


@pytest.mark.parametrize(
    ("ttl", "waited", "expected"),
    [
        (None, 1e6, "unchanged"),
        (0, 1e6, "unchanged"),  # none at all, as for proton and qpidd
        (1000, 0.9995, 1),  # not 0, which would mean for ever
        (1000, 0.25, 750),
        (1000, 1.0, "expired"),
        (1000, 2.0, "expired"),
    ],
)
def test_time_spent_waiting_is_taken_off(ttl: int | None, waited: float, expected: int | str) -> None:
    async def story() -> None:
        pump, found = subscription(TOPIC)
        data = encode_message(Message(b"x", subject="k", ttl=None if ttl is None else ttl / 1000))
        found.deliver(data, ttl)
        await asyncio.sleep(waited)
        pump.is_writable = True
        assert found.drain()
        if expected == "expired":
            assert not pump.engine.sent
            assert found.ring.expired == 1
        elif expected == "unchanged":
            assert pump.engine.sent == [data]
        else:
            [sent] = pump.engine.sent
            remaining = decode_message(sent).ttl
            assert remaining is not None
            assert round(remaining * 1000) == expected

    run(story())
