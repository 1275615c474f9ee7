"""QMF packets over one connection that comes back: receivers for our keys, one sender per exchange.

After each reconnect every link is made anew and the user is told, because a broker keeps nothing for a client that
was away. What is sent meanwhile is lost by design; requests have their own deadlines.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from matahari.amqp import (
    MAX_MESSAGE,
    CreditGiven,
    Event,
    Link,
    LinkClosed,
    LinkOpened,
    Opened,
    Received,
    decode_message,
    encode_message,
)
from matahari.bus.scheme import ExchangeScheme, In, Out, check_key, detect
from matahari.bus.wire import message_of, packet_of
from matahari.errors import (
    LinkRefusedError,
    LocalProtocolError,
    RemoteProtocolError,
    SchemaError,
    TransportError,
)
from matahari.net import Address, Client, Pump
from matahari.qmf import Direct, Packet, Publish, Reply

__all__ = ["Bus", "BusUser"]

_log = logging.getLogger(__name__)

CREDIT = 500  # messages under way to us on each receiver (brokers.md 6.5)
OUTBOX = 5000  # messages that wait for a broker that takes no more; then the oldest are dropped and counted
OUTBOX_BYTES = 32 << 20  # the same in bytes: a few large answers must not be the end of an agent
SESSION_BACKLOG = 4 << 20  # bytes handed to a session whose window is closed, before messages wait here
ENVELOPE_SLACK = 1024  # bytes that a broker may add to a message (a user-id) without making it too large
MAX_BINDINGS = 50_000  # keys of one snapshot: twice the agents that a console knows at most
_BINDINGS = "matahari.bindings"


class BusUser(Protocol):
    """Who uses a :class:`Bus`; all calls come from the event loop."""

    def handle_connected(self) -> None:
        """Every link is attached: announce yourself, ask again what matters."""

    def handle_packet(self, packet: Packet) -> None: ...

    def handle_disconnected(self, error: TransportError) -> None: ...

    def handle_bindings(self, change: str, keys: Iterable[str]) -> None:
        """Who owns direct keys, on brokers that tell: ``change`` is ``snapshot``, ``bound`` or ``unbound``."""


@dataclass(slots=True)
class _Sender:
    """A sending link and what waits for it. Without an ``essential`` one the connection is of no use."""

    link: Link
    essential: bool
    waiting: deque[bytes] = field(default_factory=deque)
    size: int = 0


class Bus:
    """See the module's docstring. One event loop owns it; :meth:`run` is its one task."""

    def __init__(
        self,
        address: Address,
        user: BusUser,
        *,
        name: str,
        own: Iterable[str] = (),
        patterns: Iterable[str] = (),
        watch_bindings: bool = False,
        insecure_anonymous: bool = False,
        reconnect: bool = True,
        must_start: bool = False,
    ) -> None:
        """Prepare a connection.

        Args:
            name: beginning of the container id, for the broker's operators to read.
            own: keys on the direct exchange that lead to us.
            patterns: binding keys on the topic exchange.
            watch_bindings: ask brokers that offer it who is bound.
            insecure_anonymous, reconnect, must_start: see :class:`matahari.net.Client`.

        Raises:
            ConnectFailedError: the address may not be used, with the remedy.
            LocalProtocolError: a key that cannot be owned.
        """
        self._user = user
        self._own = [check_key(key) for key in own]
        self._patterns = list(patterns)
        self._watch = watch_bindings
        self._pump: Pump | None = None
        self._scheme = ExchangeScheme()
        self._senders: dict[str | None, _Sender] = {}
        self._pending: set[Link] = set()
        self._bindings: Link | None = None
        self._snapshot: list[str] = []
        self._connected = asyncio.Event()
        self._refused: TransportError | None = None
        self.product = ""
        self.malformed = 0
        self.dropped = 0
        self._client = Client(
            address,
            self,
            container=lambda: f"{name}.{secrets.token_hex(8)}",
            properties={"product": "matahari"},
            insecure_anonymous=insecure_anonymous,
            reconnect=reconnect,
            must_start=must_start,
        )

    @property
    def address(self) -> Address:
        return self._client.address

    @property
    def is_connected(self) -> bool:
        """Whether every link is attached."""
        return self._connected.is_set()

    @property
    def lists_bindings(self) -> bool:
        """Whether the connected broker tells who is bound."""
        return self._bindings is not None

    @property
    def user_id_trusted(self) -> bool:
        return self._scheme.user_id_trusted

    async def run(self) -> None:
        """Stay connected until :meth:`close`.

        Raises:
            TransportError: as :meth:`matahari.net.Client.run`, and when the broker refuses our links for good.
        """
        await self._client.run()
        if self._refused is not None:
            raise self._refused

    async def wait_connected(self) -> None:
        await self._connected.wait()

    async def close(self) -> None:
        await self._client.close()

    def send(self, command: Publish | Direct | Reply) -> bool:
        """Encode and send; False when it was dropped because there is no connection or no such address.

        Raises:
            SchemaError: the packet cannot be encoded, or is above the size limit.
        """
        scheme = self._scheme
        if isinstance(command, Publish):
            out = scheme.publish(command.key)
        elif isinstance(command, Direct):
            out = scheme.direct(command.key)
        else:
            try:
                out = scheme.reply(command.reply_to)
            except LocalProtocolError as error:
                _log.warning("answer not sent: %s", error)
                return False
        data = encode_message(message_of(command.packet, out.subject, out.to))
        if len(data) > MAX_MESSAGE - ENVELOPE_SLACK:
            raise SchemaError(f"a message of {len(data)} bytes is above the limit of {MAX_MESSAGE - ENVELOPE_SLACK}")
        return self._send(out, data)

    def flush(self) -> None:
        """Write what was sent so far now, instead of at the loop's next turn; for when nothing more is to come."""
        if self._pump is not None:
            self._pump.flush()

    # --- the client's calls ---------------------------------------------------------------------------------

    def handle_open(self, pump: Pump, opened: Opened) -> None:
        try:
            self._scheme = detect(opened, str(self.address))
        except TransportError as error:
            self._give_up(error)
            return
        self.product = f"{opened.properties.get('product', '')} {opened.properties.get('version', '')}".strip()
        self._pump = pump
        wanted = [self._scheme.own(key) for key in self._own]
        wanted += [self._scheme.subscribe(pattern) for pattern in self._patterns]
        for one in wanted:
            self._receive(one)
        if self._watch and self._scheme.lists_bindings:
            self._bindings = self._receive(In(_BINDINGS, {}))
        for out in (self._scheme.publish(""), self._scheme.direct("")):
            self._pending.add(self._sender(out.link, essential=True).link)
        pump.flush_soon()

    def handle_event(self, event: Event) -> None:
        match event:
            case Received():
                if event.link is self._bindings:
                    self._receive_bindings(event.data)
                else:
                    self._receive_packet(event.data)
            case CreditGiven():
                self._attached(event.link)
                self._drain(event.link)
            case LinkOpened():
                if not event.link.is_sender:
                    self._attached(event.link)
            case LinkClosed():
                self._link_closed(event)
            case _:
                pass  # a broker that attaches links to us gets no answer: we have no nodes

    def handle_writable(self) -> None:
        if self._pump is not None:
            self._pump.wants_writable = False
        for sender in self._senders.values():
            self._drain(sender.link)

    def handle_lost(self, error: TransportError) -> None:
        self._connected.clear()
        self._pump = None
        self.dropped += sum(len(sender.waiting) for sender in self._senders.values())
        self._senders.clear()
        self._pending.clear()
        self._bindings = None
        self._snapshot.clear()
        self._user.handle_disconnected(error)

    # --- inside ---------------------------------------------------------------------------------------------

    def _receive(self, wanted: In) -> Link:
        assert self._pump is not None
        link = self._pump.engine.open_receiver(
            wanted.address, f"in.{secrets.token_hex(8)}", filters=wanted.filters, credit=CREDIT
        )
        link.owner = wanted.address
        self._pending.add(link)
        return link

    def _sender(self, target: str | None, *, essential: bool = False) -> _Sender:
        found = self._senders.get(target)
        if found is None:
            assert self._pump is not None
            link = self._pump.engine.open_sender(target, f"out.{secrets.token_hex(8)}")
            link.owner = target or "the anonymous relay"
            found = self._senders[target] = _Sender(link, essential)
        return found

    def _attached(self, link: Link) -> None:
        self._pending.discard(link)
        if not self._pending and self._pump is not None and not self.is_connected:
            self._connected.set()
            self._user.handle_connected()

    def _link_closed(self, event: LinkClosed) -> None:
        if event.link.owner is None:
            return  # the broker attached it and took it away again: we have no nodes
        error = LinkRefusedError(str(event.link.owner), event.condition, event.description)
        for target, sender in self._senders.items():
            if sender.link is event.link and not sender.essential:
                # a reply address that this broker does not have: that caller's answers are lost, nothing else
                _log.info("%d answers are not sent: %s", len(sender.waiting), error)
                self.dropped += len(sender.waiting)
                del self._senders[target]
                return
        _log.error("%s", error)
        if event.link in self._pending:
            self._give_up(error)
        elif self._pump is not None:
            # a link that worked was taken away: come back with a fresh connection
            self._pump.engine.close()
            self._pump.flush_soon()

    def _give_up(self, error: TransportError) -> None:
        """The broker cannot be used as it is: end :meth:`run` with the reason."""
        self._refused = error
        self._client.refuse()

    def _receive_packet(self, data: bytes) -> None:
        try:
            packet = packet_of(decode_message(data))
        except RemoteProtocolError as error:
            self._drop_malformed(error)
            return
        self._user.handle_packet(packet)

    def _drop_malformed(self, error: RemoteProtocolError) -> None:
        self.malformed += 1
        level = logging.WARNING if self.malformed == 1 else logging.DEBUG
        _log.log(level, "dropped a malformed message (%d so far): %s", self.malformed, error)

    def _receive_bindings(self, data: bytes) -> None:
        try:
            message = decode_message(data)
        except RemoteProtocolError as error:
            self._drop_malformed(error)
            return
        body = message.body if isinstance(message.body, dict) else {}
        if message.subject == "snapshot":
            keys = body.get("keys")
            if isinstance(keys, list) and len(self._snapshot) < MAX_BINDINGS:
                self._snapshot += [str(key) for key in keys]
            if not body.get("more"):
                keys_seen, self._snapshot = self._snapshot, []
                self._user.handle_bindings("snapshot", keys_seen)
        elif message.subject in ("bound", "unbound"):
            self._user.handle_bindings(message.subject, [str(body.get("key", ""))])

    def _send(self, out: Out, data: bytes) -> bool:
        pump = self._pump
        if pump is None:
            self.dropped += 1
            return False
        try:
            sender = self._sender(out.link)
        except LocalProtocolError:  # the connection is closing; its end has not been reported yet
            self.dropped += 1
            return False
        if sender.waiting or not _takes(pump, sender.link):
            self._queue(pump, sender, data)
        else:
            pump.engine.send(sender.link, data)
        pump.flush_soon()
        return True

    def _queue(self, pump: Pump, sender: _Sender, data: bytes) -> None:
        sender.waiting.append(data)
        sender.size += len(data)
        while len(sender.waiting) > OUTBOX or sender.size > OUTBOX_BYTES:
            sender.size -= len(sender.waiting.popleft())
            self.dropped += 1
        pump.wants_writable = True

    def _drain(self, link: Link) -> None:
        pump = self._pump
        if pump is None:
            return
        for sender in self._senders.values():
            if sender.link is link:
                while sender.waiting and _takes(pump, link):
                    data = sender.waiting.popleft()
                    sender.size -= len(data)
                    pump.engine.send(link, data)
                if sender.waiting:
                    pump.wants_writable = True
                pump.flush_soon()


def _takes(pump: Pump, link: Link) -> bool:
    return pump.is_writable and link.is_open and link.credit > 0 and link.backlog < SESSION_BACKLOG
