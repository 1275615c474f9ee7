"""A link on which the broker sends, and the ring in which messages wait for it."""

from __future__ import annotations

import logging
from typing import Protocol

from matahari.amqp import Link, read_envelope, with_ttl
from matahari.broker.nodes import BINDINGS
from matahari.broker.ring import Ring, Waiting
from matahari.net import Pump

__all__ = ["DRAIN_SLICE", "Subscription"]

_log = logging.getLogger(__name__)

DRAIN_SLICE = 256  # messages of one ring sent in one go, so that one subscriber cannot hold up the loop


class Connection(Protocol):
    """What a subscription needs of the session that it belongs to."""

    @property
    def pump(self) -> Pump: ...

    @property
    def peer(self) -> str:
        """Who it is, for lines of the log."""

    def now(self) -> float:
        """Monotonic seconds."""

    def can_send(self, link: Link) -> bool:
        """Whether the client takes a message now."""

    def send(self, link: Link, data: bytes) -> None: ...

    def end(self, link: Link, condition: str, description: str) -> None:
        """Detach the link with a reason."""


class Subscription:
    """Gone with its link. Whoever publishes never waits for it: what the client does not take waits in the ring.

    Attributes:
        node, key: what it is bound to.
        is_scheduled: the next slice of the ring is sent at the loop's next turn, and not before.
    """

    __slots__ = ("_link", "_session", "is_scheduled", "key", "node", "ring")

    def __init__(self, session: Connection, link: Link, node: str, key: str) -> None:
        self.node = node
        self.key = key
        self.ring = Ring()
        self.is_scheduled = False
        self._session = session
        self._link = link

    def deliver(self, data: bytes, ttl: int | None) -> None:
        ring, session = self.ring, self._session
        if not ring and session.can_send(self._link):
            session.send(self._link, data)
            return
        now = session.now()
        dropped = ring.dropped
        # As everywhere in this field a time to live of 0 is none at all.
        ring.push(Waiting(data, now, now + ttl / 1000 if ttl else None))
        if ring.dropped and not dropped:
            if self.node == BINDINGS:
                # a list with a gap is worse than none: the watcher comes back and gets a fresh one
                why = "the list of bindings was not read in time"
                session.end(self._link, "amqp:resource-limit-exceeded", why)
                return
            _log.warning("%s does not keep up with %s: the oldest messages are dropped", session.peer, self)
        session.pump.wants_writable = True

    def drain(self) -> bool:
        """Send what waits, as far as the client takes it; False when something is left."""
        session, link = self._session, self._link
        for _ in range(DRAIN_SLICE):
            if not self.ring:
                return True
            if not session.can_send(link):
                return False
            now = session.now()
            message = self.ring.pop(now)
            if message is not None:
                session.send(link, _aged(message, now))
        return not self.ring

    def finish(self) -> None:
        """The link is gone: say what was lost on it."""
        if self.ring.dropped:
            _log.warning("%s has lost %d messages of %s", self._session.peer, self.ring.dropped, self)

    def __str__(self) -> str:
        return f"{self.node} {self.key!r}" if self.key else self.node


def _aged(message: Waiting, now: float) -> bytes:
    """The message with its time to live reduced by the time it waited."""
    if message.expires is None:
        return message.data
    left = max(1, int((message.expires - now) * 1000))  # 0 would mean "for ever" to the receiver
    return with_ttl(message.data, read_envelope(message.data), left)
