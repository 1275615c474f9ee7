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
    with_user_id,
)
from matahari.broker.access import Access
from matahari.broker.nodes import BINDINGS, EXCHANGES, TAP, TOPIC, Nodes
from matahari.broker.subscription import Subscription
from matahari.errors import RemoteProtocolError
from matahari.net import Pump

__all__ = ["Session"]

_log = logging.getLogger(__name__)

MAX_LINKS = 256  # an agent needs four, a console six; more is a mistake or an attack
MAX_KEY = 255  # bytes of a routing key (qmf2.md 1.9)
CREDIT = 500  # messages a client may have under way to us on one link
SESSION_BACKLOG = 4 << 20  # bytes handed to one session whose window is closed, before its rings fill
UNAUTHORIZED = "amqp:unauthorized-access"
FLUSH_EVERY = 8  # messages sent to one client between two writes to its socket


class Session:
    """Handler of one connection. Runs on the broker's loop.

    Attributes:
        peer: the client's name for log lines.
    """

    def __init__(
        self,
        nodes: Nodes,
        pump: Pump,
        login: str,
        peer: str,
        *,
        access: Access | None = None,
    ) -> None:
        """Serve a client.

        Args:
            login: who the client is, proved before.
            access: what the login may do; None for everything but tapping.
        """
        self.pump = pump
        self.peer = peer
        self._nodes = nodes
        self._login = login
        self._access = access or Access(login)
        self._loop = asyncio.get_running_loop()
        self._targets: dict[Link, str | None] = {}
        self._subscriptions: dict[Link, Subscription] = {}
        self._unflushed = 0
        self._complaints: set[str] = set()
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

    @property
    def expired(self) -> int:
        return sum(one.ring.expired for one in self._subscriptions.values())

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
        elif node.address is not None and not self._nodes.has(node.address):
            self._refuse_unknown(link, node.address)
        elif refusal := self._access.refuse_sender(node.address):
            self._refuse(link, refusal)
        else:
            self._targets[link] = node.address
            engine.accept(link, node, credit=CREDIT)

    def _subscribe(self, link: Link, node: Terminus) -> None:
        engine, address = self.pump.engine, node.address
        filters: dict[str, tuple[int | str, object]] = {}
        key = ""
        if not node.dynamic and address in EXCHANGES:
            filters, found = _binding(node)
            # brokers.md 3.1: without a filter a topic source gets everything, a direct one binds the empty key
            key = found if found is not None else "#" if address == TOPIC else ""
            if len(key.encode()) > MAX_KEY:
                engine.refuse(link, "amqp:invalid-field", f"a binding key may have {MAX_KEY} bytes")
                return
        elif not node.dynamic and address not in (BINDINGS, TAP):
            self._refuse_unknown(link, address)
            return
        refusal = self._access.refuse_receiver(None if node.dynamic else address, key)
        if refusal:
            self._refuse(link, refusal)
            return
        if node.dynamic or address is None:
            address = self._nodes.new_dynamic()
        engine.accept(link, Terminus(address, node.dynamic, node.capabilities, filters))
        subscription = Subscription(self, link, address, key)
        self._subscriptions[link] = subscription
        self._nodes.bind(address, key, subscription)

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
        elif self._nodes.has(node) and (refusal := self._access.refuse_message(node, key)):
            self._note_refusal(refusal)
            self.end(link, UNAUTHORIZED, refusal)
        else:
            self._nodes.publish(node, key, data, envelope.ttl, self._login)

    def _refuse(self, link: Link, refusal: str) -> None:
        self._note_refusal(refusal)
        self.pump.engine.refuse(link, UNAUTHORIZED, refusal)

    def _refuse_unknown(self, link: Link, address: str | None) -> None:
        nodes = ", ".join(EXCHANGES)
        self.pump.engine.refuse(link, "amqp:not-found", f"there is no node {address!r}; nodes are {nodes}")

    def _note_refusal(self, refusal: str) -> None:
        self._nodes.counters.refused += 1
        self._complain("refusal", "%s: refused (further ones are only counted): %s", refusal)

    def _log_end(self, event: Closed) -> None:
        if not event.condition:
            return
        level = logging.WARNING
        if event.condition == "amqp:connection:forced":  # cut: a killed client, or one that only looked who is here
            level = logging.INFO if self._is_open else logging.DEBUG
        # the texts may be the peer's own: quoted, so that they cannot pass for lines of this log, and short
        _log.log(level, "connection of %s ended: %.60r %.200r", self.peer, event.condition, event.description)

    def _drop_malformed(self, why: str) -> None:
        self._nodes.counters.malformed += 1
        self._complain("malformed", "%s sent a malformed message, dropped (further ones are only counted): %s", why)

    def _complain(self, kind: str, text: str, why: str) -> None:
        """One line of each kind for one connection; keys and names in it are the client's own."""
        if kind not in self._complaints:
            self._complaints.add(kind)
            _log.warning(text, self.peer, why)

    def _is_own(self, user_id: bytes) -> bool:
        name = user_id.decode("utf-8", "replace")
        return name == self._login or name.partition("@")[0] == self._login

    def _drop(self, link: Link) -> None:
        self._targets.pop(link, None)
        subscription = self._subscriptions.pop(link, None)
        if subscription is not None:
            self._nodes.unbind(subscription.node, subscription.key, subscription)
            self._nodes.counters.dropped += subscription.ring.dropped
            self._nodes.counters.expired += subscription.ring.expired
            subscription.finish()


def _binding(node: Terminus) -> tuple[dict[str, tuple[int | str, object]], str | None]:
    """The filters that are applied (the first binding key), and the key."""
    for name, (code, value) in node.filters.items():
        if (code in BINDING_KEY_CODES or code in BINDING_KEY_NAMES) and isinstance(value, str):
            return {name: (code, value)}, value
    return {}, None
