"""What one client's rings do when it does not read. Links and socket are fakes; the rest is real."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import cast

from matahari.amqp import Link
from matahari.broker.nodes import BINDINGS, TOPIC, Nodes
from matahari.broker.ring import RING_MESSAGES
from matahari.broker.session import Session, Subscription
from matahari.net import Pump


@dataclass
class FakeEngine:
    detached: list[tuple[object, str]] = field(default_factory=list)

    def detach(self, link: object, condition: str, description: str) -> None:
        self.detached.append((link, condition))


@dataclass
class FakePump:
    """A socket that takes nothing."""

    engine: FakeEngine = field(default_factory=FakeEngine)
    is_writable: bool = False
    wants_writable: bool = False

    def flush_soon(self) -> None:
        return


def stuck(node: str) -> tuple[FakePump, Subscription]:
    async def fill() -> tuple[FakePump, Subscription]:
        pump = FakePump()
        session = Session(Nodes(), cast(Pump, pump), "root", "a test")
        subscription = Subscription(session, cast(Link, object()), node, "")
        for _ in range(RING_MESSAGES + 1):
            subscription.deliver(b"x", None)
        return pump, subscription

    return asyncio.run(fill())


def test_a_stuck_subscriber_loses_the_oldest_and_is_woken_when_it_reads_again() -> None:
    pump, subscription = stuck(TOPIC)
    assert subscription.ring.dropped == 1
    assert pump.wants_writable
    assert not pump.engine.detached


def test_a_stuck_watcher_of_the_bindings_is_sent_away_because_a_list_with_a_gap_is_worse_than_none() -> None:
    pump, _ = stuck(BINDINGS)
    assert [condition for _, condition in pump.engine.detached] == ["amqp:resource-limit-exceeded"]
