"""One AMQP 1.0 connection as a sans-I/O state machine around proton's engine.

Bytes and time go in, bytes and events come out; sockets are somebody else's.  The same class serves both
ends: a client opens links, a server answers ``LinkRequested``.

Life::

    new -> opening -> open -> closing -> closed        receive_eof, a fault or a refusal lead to closed from anywhere

A message above ``MAX_MESSAGE`` ends the connection before it is buffered (proton advertises a limit and does not keep
it); a frame whose contents cannot be read ends the connection; a peer that never opens is dropped (proton's clock
starts with the first bytes).  How events of proton's become ours is in ``_core``, ``_deliveries`` and ``_endpoints``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, cast

import proton
from cproton import pn_delivery, pn_delivery_settle, pn_link_advance, pn_link_send
from proton import symbol, ulong

from matahari.amqp import _deliveries, _endpoints
from matahari.amqp._core import Drained, EngineCore, Handler
from matahari.amqp._peer import read_condition, write_capabilities, write_terminus
from matahari.amqp.events import Event, Terminus
from matahari.amqp.link import Link
from matahari.amqp.options import MAX_LEAVING, MAX_MESSAGE, OPEN_TIMEOUT, EngineOptions
from matahari.amqp.session import Session
from matahari.errors import LocalProtocolError

__all__ = ["Engine", "tls_available"]

_TYPE = proton.Event
_SETTLED = proton.Link.SND_SETTLED


class Engine(EngineCore):
    """See the module's docstring. Not thread-safe: one task owns it."""

    _handlers: ClassVar[Mapping[int, Handler]] = {
        _TYPE.DELIVERY.number: _deliveries.on_delivery,
        _TYPE.LINK_FLOW.number: _deliveries.on_flow,
        _TYPE.LINK_REMOTE_OPEN.number: _endpoints.on_link_remote_open,
        _TYPE.LINK_REMOTE_CLOSE.number: _endpoints.on_link_remote_close,
        _TYPE.LINK_REMOTE_DETACH.number: _endpoints.on_link_remote_close,
        _TYPE.SESSION_REMOTE_OPEN.number: _endpoints.on_session_remote_open,
        _TYPE.SESSION_REMOTE_CLOSE.number: _endpoints.on_session_remote_close,
        _TYPE.CONNECTION_REMOTE_OPEN.number: _endpoints.on_connection_remote_open,
        _TYPE.CONNECTION_REMOTE_CLOSE.number: _endpoints.on_connection_remote_close,
        _TYPE.TRANSPORT_ERROR.number: _endpoints.on_transport_error,
        _TYPE.TRANSPORT_CLOSED.number: _endpoints.on_transport_closed,
    }

    def __init__(self, options: EngineOptions) -> None:
        super().__init__(options)
        self._tag = 0
        self._open_by: float | None = None
        if not options.server:
            self._connection.open()
            self._session = self._new_session()

    # --- bytes and time -------------------------------------------------------------------------------------

    def receive_data(self, data: bytes, now: float) -> None:
        """Feed what the peer sent. Never raises for its contents. After the end nothing is read any more."""
        view = memoryview(data)
        transport = self._transport
        while view and not self.is_closed:
            capacity = transport.capacity()
            if capacity <= 0:
                break
            chunk = view[:capacity]
            transport.push(bytes(chunk))
            view = view[len(chunk) :]
            self._process()
        if not self._remote_open:
            self._check_login()
        self._tick(now)

    def receive_eof(self, now: float) -> None:
        """The peer will send no more. What it did wrong before was reported with its bytes."""
        if not self.is_closed:
            if self._closing:
                self._finish("", "the connection ended", by_peer=False)
            self._finish("amqp:connection:forced", "the peer cut the connection", by_peer=True)
            try:
                self._transport.close_tail()
            except proton.TransportException:
                pass  # closed already: nothing more arrives either way
            self._process()

    def data_to_send(self) -> bytes:
        """Everything that waits to be written; empty when nothing does."""
        transport = self._transport
        pending = transport.pending()
        if pending <= 0:
            return b""
        chunks = []
        while pending > 0:
            chunk = transport.peek(pending)
            if not chunk:
                break
            chunks.append(bytes(chunk))
            transport.pop(len(chunk))
            pending = transport.pending()
        self._process()
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def next_event(self) -> Event | None:
        while self._events:
            event = self._events.popleft()
            if not isinstance(event, Drained):
                return event
            if event.link.is_open:
                event.link._proton.drained()
        return None

    def next_deadline(self) -> float | None:
        """Monotonic seconds at which ``handle_timeout`` is due, None for never."""
        return self._deadline

    def handle_timeout(self, now: float) -> None:
        """Send a keep-alive frame or find the peer gone, whichever is due. The first call starts the clock."""
        self._tick(now)
        self._process()

    def _tick(self, now: float) -> None:
        deadline = self._transport.tick(now) or None
        if not self._remote_open and self._options.server:
            if self._open_by is None:
                self._open_by = now + OPEN_TIMEOUT
            elif now >= self._open_by:
                self.abort("amqp:resource-limit-exceeded", f"no open frame within {OPEN_TIMEOUT:g} s")
            deadline = self._open_by if deadline is None else min(deadline, self._open_by)
        self._deadline = None if self.is_closed else deadline

    # --- sessions and links of this end ---------------------------------------------------------------------

    def open_session(self) -> Session:
        """Begin one more session, for links whose refusal must not take the others with it (``brokers.md`` 5).

        Raises:
            LocalProtocolError: the connection is closed.
        """
        return self._new_session()

    def open_sender(self, address: str | None, name: str, *, session: Session | None = None) -> Link:
        """Attach a link to send to ``address``; None for the anonymous relay.

        Args:
            session: one of :meth:`open_session`; None for the engine's first, or a new one in its place when the peer
                has ended that.

        Raises:
            LocalProtocolError: the connection is closed, or ``session`` has ended.
        """
        sender = self._session_for(session).sender(name)
        if address is not None:
            sender.target.address = address
            sender.target.capabilities.put_object(symbol("topic"))
        sender.source.address = name
        sender.snd_settle_mode = _SETTLED
        link = self._register(sender, name, is_sender=True)
        sender.open()
        return link

    def open_receiver(
        self,
        address: str | None,
        name: str,
        *,
        filters: Mapping[str, tuple[int, str]] | None = None,
        capabilities: tuple[str, ...] = ("topic",),
        credit: int,
    ) -> Link:
        """Attach a link to receive from ``address`` (None for a dynamic node), keeping ``credit`` messages open.

        In the engine's first session; errors as of :meth:`open_sender`.
        """
        receiver = self._session_for(None).receiver(name)
        if address is None:
            receiver.source.dynamic = True
        else:
            receiver.source.address = address
        write_capabilities(receiver.source, capabilities)
        if filters:
            receiver.source.filter.put_dict(
                {symbol(key): proton.Described(ulong(code), value) for key, (code, value) in filters.items()}
            )
        receiver.target.address = name
        receiver.snd_settle_mode = _SETTLED
        link = self._register(receiver, name, is_sender=False)
        receiver.open()
        self._grant(link, credit)
        return link

    def open_pair(self, node: str, name: str, session: Session, *, credit: int) -> tuple[Link, Link]:
        """Attach a link pair for requests to ``node`` and its answers: a sender and a receiver.

        Both have one name, the property ``paired``, and ``node`` at either end (Link Pair v1.0; ``brokers.md`` 3.3).

        Raises:
            LocalProtocolError: the connection is closed, or the session has ended.
        """
        begun = self._session_for(session)
        links = []
        for is_sender in (True, False):
            raw = begun.sender(name) if is_sender else begun.receiver(name)
            raw.source.address = node
            raw.target.address = node
            raw.snd_settle_mode = _SETTLED
            raw.properties = {symbol("paired"): True}
            links.append(self._register(raw, name, is_sender=is_sender))
            raw.open()
        sender, receiver = links
        self._grant(receiver, credit)
        return sender, receiver

    def send(self, link: Link, data: bytes) -> None:
        """Send one encoded message, pre-settled where the peer allows it.

        The caller minds ``link.credit`` and ``link.backlog``.

        Raises:
            LocalProtocolError: the link is not open.
        """
        if self.is_closed or not link.is_open:
            raise LocalProtocolError(f"link {link.name} is not open")
        raw = link._proton._impl
        self._tag = (self._tag + 1) & 0xFFFFFFFF
        delivery = pn_delivery(raw, str(self._tag))
        pn_link_send(raw, data)
        pn_link_advance(raw)
        if not link._keeps:
            pn_delivery_settle(delivery)

    def detach(self, link: Link, condition: str = "", description: str = "") -> None:
        """Close one link; no event for it follows. A link that is closed already stays closed."""
        if link not in self._links:
            return
        raw = link._proton
        if condition:
            raw.condition = proton.Condition(condition, description)
        raw.close()
        self._forget(link)
        self._leaving.add(link)
        if len(self._leaving) > MAX_LEAVING:
            self.abort("amqp:resource-limit-exceeded", f"more than {MAX_LEAVING} closed links are still not detached")

    # --- answers to the peer's links ------------------------------------------------------------------------

    def accept(self, link: Link, terminus: Terminus, *, credit: int = 0) -> None:
        """Accept a requested link, confirming ``terminus`` for its node (applied filters only).

        A link that the peer has closed meanwhile stays closed; its ``LinkClosed`` is on the way.
        """
        if link not in self._links:
            return
        raw = link._proton
        node, other = (raw.source, raw.target) if link.is_sender else (raw.target, raw.source)
        write_terminus(node, terminus)
        write_terminus(other, link._other)
        if link.is_sender:
            link._keeps = raw.remote_snd_settle_mode == proton.Link.SND_UNSETTLED
            raw.snd_settle_mode = proton.Link.SND_UNSETTLED if link._keeps else _SETTLED
            raw.rcv_settle_mode = raw.remote_rcv_settle_mode
        else:
            raw.snd_settle_mode = raw.remote_snd_settle_mode
            raw.rcv_settle_mode = proton.Link.RCV_FIRST  # we settle on receipt, whatever the peer prefers
            raw.max_message_size = MAX_MESSAGE
        raw.open()
        link.is_open = True
        if credit:
            self._grant(link, credit)

    def refuse(self, link: Link, condition: str, description: str) -> None:
        """Refuse a requested link: attach with a null node, then detach with the reason."""
        if link not in self._links:
            return
        raw = link._proton
        node = raw.source if link.is_sender else raw.target
        node.type = proton.Terminus.UNSPECIFIED
        raw.open()
        self.detach(link, condition, description)

    # --- inside ---------------------------------------------------------------------------------------------

    def _session_for(self, wanted: Session | None) -> proton.Session:
        if self.is_closed or self._closing:
            raise LocalProtocolError("the connection is closed")
        if wanted is None:
            if self._session is None:
                self._session = self._new_session()
            wanted = self._session
        if not wanted.is_open:
            raise LocalProtocolError("the session has ended")
        return cast(proton.Session, wanted._proton)

    def _grant(self, link: Link, credit: int) -> None:
        link._window = credit
        if credit:
            link._proton.flow(credit)

    def _check_login(self) -> None:
        """Proton tells of a failed login with the next bytes only, which may never come."""
        if not self.is_closed and _endpoints.login_failed(self):
            _, description = read_condition(self._transport.condition)
            description = description or f"the login by {self._options.mechanism} failed"
            self._finish("amqp:unauthorized-access", description, by_peer=True, authentication=True)


def tls_available() -> bool:
    """Whether proton was built with TLS."""
    return bool(proton.SSL.present())
