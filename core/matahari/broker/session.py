"""One client's connection to the broker: its links, its rights, its rings."""

from __future__ import annotations

import asyncio
import logging

from matahari.amqp import (
    BINDING_KEY_CODES,
    BINDING_KEY_NAMES,
    MAX_MESSAGE,
    Closed,
    CreditGiven,
    Event,
    Link,
    LinkClosed,
    LinkRequested,
    Opened,
    Received,
    Terminus,
    read_envelope,
    with_ttl,
    with_user_id,
)
from matahari.broker.nodes import BINDINGS, DIRECT, TOPIC, Nodes
from matahari.broker.ring import Ring, Waiting
from matahari.errors import RemoteProtocolError
from matahari.net import Pump

__all__ = ["Session"]

_log = logging.getLogger(__name__)

MAX_LINKS = 256  # an agent needs four, a console six; more is a mistake or an attack
MAX_KEY = 255  # bytes of a routing key (qmf2.md 1.9)
CREDIT = 500  # messages a client may have under way to us on one link
SESSION_BACKLOG = 4 << 20  # bytes handed to one session whose window is closed, before its rings fill
FLUSH_EVERY = 8  # messages sent to one client between two writes to its socket
DRAIN_SLICE = 256  # messages of one ring sent in one go, so that one subscriber cannot hold up the loop


class Subscription:
    """A link on which the broker sends. Gone with its link."""

    def __init__(self, session: Session, link: Link, node: str, key: str) -> None:
        self.node = node
        self.key = key
        self.ring = Ring()
        self.is_scheduled = False  # the next slice of the ring is sent at the loop's next turn, and not before
        self._session = session
        self._link = link

    def deliver(self, data: bytes, ttl: int | None) -> None:
        if not self.ring and self._session.can_send(self._link):
            self._session.send(self._link, data)
            return
        now = self._session.now()
        self.ring.push(Waiting(data, now, None if ttl is None else now + ttl / 1000))
        if self.node == BINDINGS and self.ring.dropped:
            # a list with a gap is worse than none: the watcher comes back and gets a fresh one
            self._session.end(self._link, "amqp:resource-limit-exceeded", "the list of bindings was not read in time")
            return
        self._session.pump.wants_writable = True

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


class Session:
    """Handler of one connection. Runs on the broker's loop."""

    def __init__(self, nodes: Nodes, pump: Pump, login: str, peer: str) -> None:
        self.pump = pump
        self._nodes = nodes
        self._login = login
        self._peer = peer
        self._loop = asyncio.get_running_loop()
        self._targets: dict[Link, str | None] = {}
        self._subscriptions: dict[Link, Subscription] = {}
        self._unflushed = 0
        self._complained = False
        self._is_open = False

    # --- the pump's calls -----------------------------------------------------------------------------------

    def handle_event(self, event: Event) -> None:
        match event:
            case Received():
                self._receive(event.link, event.data)
            case CreditGiven():
                subscription = self._subscriptions.get(event.link)
                if subscription is not None and subscription.ring:
                    self._drain(subscription)
            case LinkRequested():
                self._attach(event)
            case LinkClosed():
                self._drop(event.link)
            case Opened():
                self._is_open = True
            case Closed():
                self._log_end(event)
                self.release()
            case _:
                pass  # LinkOpened is for links that we begin, and there are none

    def handle_writable(self) -> None:
        self.pump.wants_writable = False
        for subscription in list(self._subscriptions.values()):
            if subscription.ring:
                self._drain(subscription)

    def handle_end(self, error: Exception | None) -> None:
        self.release()

    # --- for subscriptions ----------------------------------------------------------------------------------

    def now(self) -> float:
        return self._loop.time()

    def can_send(self, link: Link) -> bool:
        return self.pump.is_writable and link.is_open and link.credit > 0 and link.backlog < SESSION_BACKLOG

    def send(self, link: Link, data: bytes) -> None:
        self.pump.engine.send(link, data)
        self._unflushed += 1
        if self._unflushed >= FLUSH_EVERY:
            self._unflushed = 0
            self.pump.flush()
        else:
            self.pump.flush_soon()

    def end(self, link: Link, condition: str, description: str) -> None:
        """Detach one link with a reason."""
        self._drop(link)
        self.pump.engine.detach(link, condition, description)
        self.pump.flush_soon()

    def release(self) -> None:
        """Forget everything of this client."""
        for link in list(self._subscriptions):
            self._drop(link)
        self._targets.clear()

    @property
    def waiting(self) -> int:
        return sum(len(one.ring) for one in self._subscriptions.values())

    @property
    def dropped(self) -> int:
        return sum(one.ring.dropped for one in self._subscriptions.values())

    # --- inside ---------------------------------------------------------------------------------------------

    def _drain(self, subscription: Subscription) -> None:
        if not subscription.is_scheduled and not subscription.drain():
            self.pump.wants_writable = True
            if self.can_send(subscription._link):
                subscription.is_scheduled = True
                self._loop.call_soon(self._drain_again, subscription)

    def _drain_again(self, subscription: Subscription) -> None:
        subscription.is_scheduled = False
        if subscription._link in self._subscriptions:
            self._drain(subscription)

    def _attach(self, event: LinkRequested) -> None:
        engine, link, node = self.pump.engine, event.link, event.terminus
        if len(self._targets) + len(self._subscriptions) >= MAX_LINKS:
            engine.refuse(link, "amqp:resource-limit-exceeded", f"a connection may have {MAX_LINKS} links")
        elif link.is_sender:
            self._subscribe(link, node)
        elif not node.present:
            engine.refuse(link, "amqp:not-found", "the target is missing")
        elif node.dynamic:
            engine.refuse(link, "amqp:not-implemented", "dynamic targets are not offered; use a dynamic source")
        elif node.address is None or self._nodes.has(node.address):
            self._targets[link] = node.address
            engine.accept(link, node, credit=CREDIT)
        else:
            engine.refuse(link, "amqp:not-found", f"there is no node {node.address!r}; nodes are {TOPIC} and {DIRECT}")

    def _subscribe(self, link: Link, node: Terminus) -> None:
        engine = self.pump.engine
        if node.dynamic:
            address = self._nodes.new_dynamic()
            subscription = Subscription(self, link, address, "")
            applied = Terminus(address, True, node.capabilities, {})
        elif node.address in (TOPIC, DIRECT, BINDINGS):
            filters, key = _binding(node) if node.address != BINDINGS else ({}, None)
            if key is None:
                # brokers.md 3.1: without a filter a topic source gets everything, a direct one binds the empty key
                key = "#" if node.address == TOPIC else ""
            if len(key.encode()) > MAX_KEY:
                engine.refuse(link, "amqp:invalid-field", f"a binding key may have {MAX_KEY} bytes")
                return
            subscription = Subscription(self, link, node.address, key)
            applied = Terminus(node.address, False, node.capabilities, filters)
        else:
            engine.refuse(link, "amqp:not-found", f"there is no node {node.address!r}; nodes are {TOPIC} and {DIRECT}")
            return
        engine.accept(link, applied)
        self._subscriptions[link] = subscription
        self._nodes.bind(subscription.node, subscription.key, subscription)

    def _receive(self, link: Link, data: bytes) -> None:
        if link not in self._targets:
            return
        try:
            envelope = read_envelope(data)
        except RemoteProtocolError as error:
            self._drop_malformed(str(error))
            return
        node = self._targets[link]
        if node is None:
            node = envelope.to or ""
        if envelope.user_id is None:
            data = with_user_id(data, envelope, self._login.encode())
        elif not self._is_own(envelope.user_id):
            name = envelope.user_id.decode("utf-8", "replace")
            self.end(link, "amqp:not-allowed", f"user-id {name!r} is not yours")
            return
        key = envelope.subject or ""
        if len(key) > MAX_KEY or (not key.isascii() and len(key.encode()) > MAX_KEY):
            self._drop_malformed(f"its subject has more than {MAX_KEY} bytes")
        elif len(data) > MAX_MESSAGE:
            # the user-id made it too large, and whoever got it would drop the connection
            self._drop_malformed(f"with its user-id it has more than {MAX_MESSAGE} bytes")
        else:
            self._nodes.publish(node, key, data, envelope.ttl)

    def _log_end(self, event: Closed) -> None:
        if not event.condition:
            return
        level = logging.WARNING
        if event.condition == "amqp:connection:forced":  # cut: a killed client, or one that only looked who is here
            level = logging.INFO if self._is_open else logging.DEBUG
        # the texts may be the peer's own: quoted, so that they cannot pass for lines of this log, and short
        _log.log(level, "connection of %s ended: %.60r %.200r", self._peer, event.condition, event.description)

    def _drop_malformed(self, why: str) -> None:
        self._nodes.counters.malformed += 1
        if not self._complained:
            self._complained = True
            _log.warning("%s sent a malformed message, dropped (further ones are only counted): %s", self._peer, why)

    def _is_own(self, user_id: bytes) -> bool:
        name = user_id.decode("utf-8", "replace")
        return name == self._login or name.partition("@")[0] == self._login

    def _drop(self, link: Link) -> None:
        self._targets.pop(link, None)
        subscription = self._subscriptions.pop(link, None)
        if subscription is not None:
            self._nodes.unbind(subscription.node, subscription.key, subscription)


def _binding(node: Terminus) -> tuple[dict[str, tuple[int | str, object]], str | None]:
    """The filters that are applied (the first binding key), and the key."""
    for name, (code, value) in node.filters.items():
        if (code in BINDING_KEY_CODES or code in BINDING_KEY_NAMES) and isinstance(value, str):
            return {name: (code, value)}, value
    return {}, None


def _aged(message: Waiting, now: float) -> bytes:
    """The message with its time to live reduced by the time it waited."""
    if message.expires is None:
        return message.data
    left = int((message.expires - now) * 1000)
    return with_ttl(message.data, read_envelope(message.data), left)
