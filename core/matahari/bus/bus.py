"""QMF packets over one connection that comes back: receivers for our keys, senders as the kind of broker needs them.

After each reconnect, and after each end of our session, every link is made anew and the user is told, because a broker
keeps nothing for a client that was away. What is sent meanwhile is lost by design; requests have their own deadlines.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterable

from matahari.amqp import (
    CreditGiven,
    Event,
    Link,
    LinkClosed,
    LinkOpened,
    Opened,
    Received,
    SessionClosed,
)
from matahari.bus.advice import cause_of_cut, remedy
from matahari.bus.attachment import Attachment, Wishes
from matahari.bus.detection import detect
from matahari.bus.exchange import ExchangeScheme
from matahari.bus.intake import Intake
from matahari.bus.outbox import Outbox
from matahari.bus.recovery import SessionLimit
from matahari.bus.scheme import Scheme, check_key
from matahari.bus.tally import Tally
from matahari.bus.user import BusUser
from matahari.bus.wire import encode_packet
from matahari.errors import (
    ConnectFailedError,
    ConnectionLostError,
    LinkRefusedError,
    LocalProtocolError,
    SchemaError,
    TransportError,
)
from matahari.net import Address, Client, Pump
from matahari.qmf import Direct, Publish, Reply

__all__ = ["Bus"]

_log = logging.getLogger(__name__)

ATTACH_TIMEOUT = 20.0  # seconds for a broker to attach every link; one that needs more is ill


class Bus:
    """See the module's docstring. One event loop owns it; :meth:`run` is its one task.

    Attributes:
        product: product and version of the broker, empty before the first connection.
    """

    def __init__(
        self,
        address: Address,
        user: BusUser,
        *,
        name: str,
        own: Iterable[str] = (),
        patterns: Iterable[str] = (),
        watch_bindings: bool = False,
        legacy_replies: bool = False,
        kind: str = "auto",
        virtual_host: str = "",
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
            legacy_replies: receive messages to our own keys on ``amq.direct`` too, where the broker lets us.
            kind: ``auto``, or the kind to take the broker for (see :func:`matahari.bus.detect`).
            virtual_host: what to ask for in the open frame, e.g. ``vhost:qmf``; empty for nothing.
            insecure_anonymous, reconnect: see :class:`matahari.net.Client`.
            must_start: the first attempt must lead to links that work, for people who wait at a prompt.

        Raises:
            ConnectFailedError: the address may not be used, with the remedy.
            LocalProtocolError: a key that cannot be owned.
        """
        self._user = user
        self._kind = kind
        self._must_start = must_start
        self._is_closing = False
        self._pump: Pump | None = None
        self._scheme: Scheme = ExchangeScheme()
        self._outbox = Outbox()
        self._attachment = Attachment(
            Wishes(tuple(check_key(key) for key in own), tuple(patterns), legacy_replies, watch_bindings)
        )
        self._limit = SessionLimit()
        self._intake = Intake(user, self._attachment)
        self._overdue: asyncio.TimerHandle | None = None
        self._connected = asyncio.Event()
        self._was_complete = False  # on the present connection
        self._is_leaving = False  # the present connection: it is being closed, so nothing on it matters any more
        self._refused: TransportError | None = None
        self._unanswerable = Tally(_log, "answer not sent")
        self.product = ""
        self._client = Client(
            address,
            self,
            container=lambda: f"{name}.{os.urandom(8).hex()}",
            hostname=virtual_host,
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
        return self._attachment.bindings is not None

    @property
    def scheme(self) -> Scheme:
        """Of the broker that is or was connected; Qpid's before the first connection."""
        return self._scheme

    @property
    def user_id_trusted(self) -> bool:
        return self._scheme.user_id_trusted

    @property
    def is_crowded(self) -> bool:
        """Whether so much waits for the broker that what can wait should."""
        return self._outbox.is_crowded

    @property
    def dropped(self) -> int:
        """Messages that were not sent, since the start."""
        return self._outbox.dropped

    @property
    def malformed(self) -> int:
        """Messages that could not be read."""
        return self._intake.malformed

    @property
    def unanswerable(self) -> int:
        """Answers that were not sent, because their address is no console's or not one of this broker."""
        return self._unanswerable.count

    async def run(self) -> None:
        """Stay connected until :meth:`close`.

        Raises:
            TransportError: as :meth:`matahari.net.Client.run`, and when the broker refuses our links for good.
        """
        await self._client.run()
        if self._refused is not None:
            raise self._refused

    def hurry(self) -> None:
        """Try to connect now instead of after the present wait."""
        self._client.hurry()

    async def wait_connected(self) -> None:
        await self._connected.wait()

    async def close(self) -> None:
        self._is_closing = True
        await self._client.close()

    def send(self, command: Publish | Direct | Reply) -> bool:
        """Encode and send; False when it was dropped because there is no connection or no such address.

        Raises:
            SchemaError: the packet cannot be encoded, or it or its key is above the size limit.
        """
        try:
            out = self._scheme.out(command)
        except LocalProtocolError as error:
            if not isinstance(command, Reply):
                raise SchemaError(str(error)) from error
            self._unanswerable.add(error)
            return False
        data = encode_packet(command.packet, out, lists_as_sequence=self._scheme.lists_as_sequence)
        return self._outbox.send(out, data, is_answer=isinstance(command, Reply))

    def listen(self, pattern: str) -> None:
        """Receive also what is published under keys that fit ``pattern``, on later connections too; a broker may refuse.

        Raises:
            LocalProtocolError: this kind of broker cannot have such an address, or the connection is being closed.
        """
        self._attachment.listen(pattern)

    def flush(self) -> None:
        """Write what was sent so far now, instead of at the loop's next turn; for when nothing more is to come."""
        if self._pump is not None:
            self._pump.flush()

    # --- the client's calls ---------------------------------------------------------------------------------

    def handle_open(self, pump: Pump, opened: Opened) -> None:
        self._was_complete = False
        self._is_leaving = False
        try:
            self._scheme = detect(opened, str(self.address), self._kind)
        except TransportError as error:
            self._give_up(error)
            return
        self.product = f"{opened.properties.get('product', '')} {opened.properties.get('version', '')}".strip()
        self._pump = pump
        self._client.hint = cause_of_cut(self._scheme.kind)
        self._attach(pump)

    def handle_event(self, event: Event) -> None:
        if self._is_leaving:
            return
        if self._attachment.handle(event):
            self._receive_declared()
            return
        match event:
            case Received():
                self._intake.receive(event.link, event.data)
            case CreditGiven():
                self._attachment.confirm(event.link)
                self._check_complete()
                self._outbox.drain(event.link)
            case LinkOpened():
                if not event.link.is_sender:
                    self._attachment.confirm(event.link)
                    self._check_complete()
            case LinkClosed():
                self._link_closed(event)
            case SessionClosed():
                self._session_closed(event)
            case _:
                pass  # a broker that attaches links to us gets no answer: we have no nodes

    def handle_writable(self) -> None:
        if self._pump is not None:
            self._pump.wants_writable = False
        self._outbox.drain_all()

    def handle_lost(self, error: TransportError) -> None:
        self._disarm()
        self._pump = None
        self._outbox.close()
        self._attachment.end_connection()
        self._intake.clear()
        self._tell_end(error)
        if self._must_start and not self._is_closing and self._refused is None:
            self._give_up(error)

    # --- attaching ------------------------------------------------------------------------------------------

    def _attach(self, pump: Pump) -> None:
        """Make every link in the engine's first session, which is a new one after the last has ended."""
        self._overdue = asyncio.get_running_loop().call_later(ATTACH_TIMEOUT, self._on_overdue)
        try:
            senders = self._outbox.open(pump, self._scheme.targets, two_sessions=self._scheme.ends_sessions)
            self._attachment.begin(pump, self._scheme, senders)
        except LocalProtocolError as error:
            self._give_up(ConnectFailedError(str(error), address=str(self.address)))

    def _receive_declared(self) -> None:
        failed = self._attachment.receive_declared()
        if failed is not None:
            self._give_up(self._refusal(failed.binding.exchange, failed.condition, failed.description))

    def _check_complete(self) -> None:
        if self._pump is None or self.is_connected or not self._attachment.is_complete:
            return
        self._disarm()
        self._client.hint = ""
        self._must_start = False
        self._was_complete = True
        self._connected.set()
        self._user.handle_connected()

    def _on_overdue(self) -> None:
        self._overdue = None
        self._start_over(ConnectionLostError(f"{self.address} did not attach our links within {ATTACH_TIMEOUT:g} s"))

    def _disarm(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None

    # --- ends and refusals ----------------------------------------------------------------------------------

    def _link_closed(self, event: LinkClosed) -> None:
        if event.link.owner is None:
            return  # the broker attached it and took it away again: we have no nodes
        node = str(event.link.owner)
        error = LinkRefusedError(node, event.condition, event.description)
        match self._attachment.lose(event.link):
            case "unknown":
                self._outbox.lose(event.link, str(error))
            case "optional":
                _log.info("%s; going on without it", error)
                self._check_complete()
            case "refused" if not self.is_connected:
                self._give_up(self._refusal(node, event.condition, event.description))
            case "taken" if self._renew(event.link):
                _log.warning("a message was not sent: %s", error)
            case "refused" | "taken":
                _log.error("%s", error)
                self._start_over(error)

    def _renew(self, link: Link) -> bool:
        """A broker closes a sender for one message that we may not send: attach it again, if not too often."""
        if not link.is_sender or not self._limit.may_go_on(asyncio.get_running_loop().time()):
            return False
        sender = self._outbox.renew(link)
        if sender is None or self._pump is None:
            return False
        self._attachment.expect(sender)
        self._pump.flush_soon()
        return True

    def _session_closed(self, event: SessionClosed) -> None:
        reason = f"{event.condition} ({event.description})" if event.description else event.condition
        if self._outbox.end_side(event.session, reason):
            return
        pump = self._pump
        if pump is None or event.session.owner is not None:
            return  # an earlier one of those that others have begun
        self._disarm()
        self._attachment.end_session()
        self._outbox.end_first()
        self._intake.clear()
        hint = remedy(self._scheme.kind, event.condition)
        if hint and not self._was_complete:
            text = f"{self.address} ended our session: {reason}; {hint}"
            self._give_up(ConnectFailedError(text, address=str(self.address)))
            return
        error = ConnectionLostError(f"{self.address} ended our session: {reason}")
        if self._limit.may_go_on(asyncio.get_running_loop().time()):
            self._tell_end(error)
            self._attach(pump)
        else:
            self._start_over(error)

    def _refusal(self, node: str, condition: str, description: str) -> LinkRefusedError:
        hint = remedy(self._scheme.kind, condition)
        return LinkRefusedError(node, condition, "; ".join(part for part in (description, hint) if part))

    def _start_over(self, error: TransportError) -> None:
        """End the connection, and come back with a fresh one after a while."""
        self._disarm()
        self._is_leaving = True
        self._client.expect_end(error)
        if self._pump is not None:
            self._pump.engine.close()
            self._pump.flush_soon()

    def _give_up(self, error: TransportError) -> None:
        """The broker cannot be used as it is: end :meth:`run` with the reason."""
        self._disarm()
        self._is_leaving = True
        self._refused = error
        self._client.refuse()

    def _tell_end(self, error: TransportError) -> None:
        if self.is_connected:
            self._connected.clear()
            self._user.handle_disconnected(error)
