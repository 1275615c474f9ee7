"""One AMQP 1.0 connection as a sans-I/O state machine around proton's engine.

Bytes and time go in, bytes and events come out; sockets are somebody else's.  The same class serves both
ends: a client opens links, a server answers ``LinkRequested``.

Life::

    new -> opening -> open -> closing -> closed        receive_eof, a fault or a refusal lead to closed from anywhere

Proton's Python events wrap four objects each, most of them for events that nobody handles; ``_process`` looks at
the event's number first, through proton's own C names, and wraps only what a handler needs (half the cost of a
message).  Some of proton's habits are put right here: a message above ``MAX_MESSAGE`` ends the connection before it is
buffered (proton advertises a limit and does not keep it); a session that the peer ends reports every link in it as
closed; a frame whose contents cannot be read ends the connection; a peer that never opens is dropped (proton's clock
starts with the first bytes); and links and sessions that both ends have closed are given back, which proton leaves to us.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import proton
from cproton import (
    PN_ACCEPTED,
    isnull,
    pn_collector_peek,
    pn_collector_pop,
    pn_delivery,
    pn_delivery_aborted,
    pn_delivery_link,
    pn_delivery_partial,
    pn_delivery_pending,
    pn_delivery_readable,
    pn_delivery_settle,
    pn_delivery_settled,
    pn_delivery_update,
    pn_delivery_updated,
    pn_event_delivery,
    pn_event_link,
    pn_event_session,
    pn_event_type,
    pn_link_advance,
    pn_link_credit,
    pn_link_flow,
    pn_link_get_drain,
    pn_link_recv,
    pn_link_send,
)
from proton import Endpoint, symbol, ulong

from matahari.amqp._peer import read_condition, read_opened, read_terminus, write_terminus
from matahari.amqp.events import (
    Closed,
    CreditGiven,
    Event,
    LinkClosed,
    LinkOpened,
    LinkRequested,
    Received,
    Terminus,
)
from matahari.amqp.link import Link
from matahari.amqp.options import (
    INCOMING_WINDOW,
    MAX_FRAME,
    MAX_LEAVING,
    MAX_MESSAGE,
    MAX_SESSIONS,
    OPEN_TIMEOUT,
    EngineOptions,
)
from matahari.errors import LocalProtocolError

__all__ = ["Engine", "tls_available"]

_log = logging.getLogger(__name__)

_TYPE = proton.Event
_SETTLED = proton.Link.SND_SETTLED


@dataclass(frozen=True, slots=True)
class _Drained:
    """The peer wants unused credit back, once the events before this one were handled."""

    link: Link


class Engine:
    """See the module's docstring. Not thread-safe: one task owns it."""

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self._transport = proton.Transport(proton.Transport.SERVER if options.server else proton.Transport.CLIENT)
        self._connection = proton.Connection()
        self._collector = proton.Collector()
        self._connection.collect(self._collector)
        sasl = self._transport.sasl()
        sasl.allowed_mechs(options.mechanism)
        if options.server:
            self._transport.require_auth(True)
        self._transport.max_frame_size = MAX_FRAME
        if options.idle_timeout > 0:
            self._transport.idle_timeout = options.idle_timeout
        self._connection.container = options.container
        if options.hostname:
            self._connection.hostname = options.hostname
        if options.properties:
            self._connection.properties = {symbol(k): v for k, v in options.properties.items()}
        if options.capabilities:
            self._connection.offered_capabilities = [symbol(c) for c in options.capabilities]
        self._transport.bind(self._connection)
        self._session: proton.Session | None = None
        self._events: deque[Event | _Drained] = deque()
        self._links: set[Link] = set()  # not by name: a peer may use one name in two sessions
        self._leaving: set[Link] = set()
        self._sessions = 0  # begun by the peer; not left to proton's channel-max, which fails without a word
        self._by_pointer: dict[object, Link] = {}
        self._tag = 0
        self._deadline: float | None = None
        self._open_by: float | None = None
        self._remote_open = False
        self._processing = False
        self._closing = False
        self.is_closed = False
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
            if not isinstance(event, _Drained):
                return event
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

    # --- what this end does ---------------------------------------------------------------------------------

    def open_sender(self, address: str | None, name: str) -> Link:
        """Attach a link to send to ``address``; None for the anonymous relay."""
        sender = self._own_session().sender(name)
        if address is not None:
            sender.target.address = address
            sender.target.capabilities.put_object(symbol("topic"))
        sender.source.address = name
        sender.snd_settle_mode = _SETTLED
        link = self._register(sender, name, is_sender=True)
        sender.open()
        return link

    def open_receiver(
        self, address: str | None, name: str, *, filters: Mapping[str, tuple[int, str]] | None = None, credit: int
    ) -> Link:
        """Attach a link to receive from ``address`` (None for a dynamic node), keeping ``credit`` messages open."""
        receiver = self._own_session().receiver(name)
        if address is None:
            receiver.source.dynamic = True
        else:
            receiver.source.address = address
        if filters:
            receiver.source.capabilities.put_object(symbol("topic"))
            receiver.source.filter.put_dict(
                {symbol(key): proton.Described(ulong(code), value) for key, (code, value) in filters.items()}
            )
        receiver.target.address = name
        receiver.snd_settle_mode = _SETTLED
        link = self._register(receiver, name, is_sender=False)
        receiver.open()
        self._grant(link, credit)
        return link

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

    def close(self, condition: str = "", description: str = "") -> None:
        """Begin an orderly close, with a reason for the peer when there is one."""
        if self._closing or self.is_closed:
            return
        self._closing = True
        if condition:
            self._connection.condition = proton.Condition(condition, description)
        self._connection.open()
        self._connection.close()
        self._process()

    def abort(self, condition: str, description: str) -> None:
        """Close and read nothing more of what the peer may still send."""
        self.close(condition, description)
        self._finish(condition, description, by_peer=False)

    # --- inside ---------------------------------------------------------------------------------------------

    def _new_session(self) -> proton.Session:
        session = self._connection.session()
        session.incoming_capacity = INCOMING_WINDOW
        session.open()
        return session

    def _own_session(self) -> proton.Session:
        if self.is_closed or self._closing:
            raise LocalProtocolError("the connection is closed")
        if self._session is None:
            self._session = self._new_session()
        return self._session

    def _register(self, raw: proton.Link, name: str, *, is_sender: bool) -> Link:
        link = Link(raw, name, is_sender)
        self._links.add(link)
        raw.matahari = link
        self._by_pointer[raw._impl] = link
        return link

    def _forget(self, link: Link) -> None:
        link.is_open = False
        self._links.discard(link)

    def _grant(self, link: Link, credit: int) -> None:
        link._window = credit
        if credit:
            link._proton.flow(credit)

    def _process(self) -> None:
        if self._processing:
            return  # a handler closes the connection; the loop below goes on with what that caused
        self._processing = True
        collector = self._collector._impl
        while not isnull(event := pn_collector_peek(collector)):
            handler = _HANDLERS.get(pn_event_type(event))
            if handler is not None:
                try:
                    handler(self, event)
                except Exception as error:  # noqa: BLE001  # proton's readers raise anything for malformed contents
                    _log.debug("unreadable frame", exc_info=True)
                    self.abort("amqp:decode-error", f"a frame's contents cannot be read: {error}")
            pn_collector_pop(collector)
        self._processing = False

    def _on_delivery(self, event: object) -> None:
        # In proton's C names throughout: its Python objects would cost more here than all the rest of a message.
        delivery = pn_event_delivery(event)
        raw = pn_delivery_link(delivery)
        link = self._by_pointer.get(raw)
        if link is None or link.is_sender:
            if pn_delivery_updated(delivery):
                pn_delivery_settle(delivery)
                if link is not None and link._keeps and link.is_open:
                    self._events.append(CreditGiven(link))
            return
        pending = pn_delivery_pending(delivery)
        if pending > MAX_MESSAGE:
            self.abort("amqp:link:message-size-exceeded", f"a message may have {MAX_MESSAGE} bytes at most")
            return
        if pn_delivery_partial(delivery) or not pn_delivery_readable(delivery):
            return
        # proton shows a message that was given up half way as one byte, and fails when it is read
        is_aborted = pending == 1 and pn_delivery_aborted(delivery)
        data = pn_link_recv(raw, pending)[1] if pending and not is_aborted else b""
        pn_link_advance(raw)
        if not is_aborted and not pn_delivery_settled(delivery):
            pn_delivery_update(delivery, PN_ACCEPTED)
        pn_delivery_settle(delivery)
        if link.is_open and not self.is_closed:
            # Credit is given in halves of the window, so that one flow frame serves many messages.
            missing = link._window - pn_link_credit(raw)
            if missing * 2 >= link._window > 0:
                pn_link_flow(raw, missing)
            if not is_aborted:
                self._events.append(Received(link, bytes(data)))

    def _on_flow(self, event: object) -> None:
        raw = pn_event_link(event)
        link = self._by_pointer.get(raw)
        if link is None or not link.is_sender or not link.is_open:
            return
        if pn_link_credit(raw) > 0:
            self._events.append(CreditGiven(link))
            if pn_link_get_drain(raw):
                self._events.append(_Drained(link))  # what waits may use the credit first

    def _on_link_remote_open(self, event: object) -> None:
        if self.is_closed:
            return
        raw = _link(event)
        known = getattr(raw, "matahari", None)
        if known is None:
            source, target = read_terminus(raw.remote_source), read_terminus(raw.remote_target)
            node, other = (source, target) if raw.is_sender else (target, source)
            link = self._register(raw, str(raw.name), is_sender=raw.is_sender)
            link._other = replace(other, filters={})
            settled = raw.remote_snd_settle_mode != proton.Link.SND_UNSETTLED
            self._events.append(LinkRequested(link, node, settled))
            return
        if known not in self._links:
            return  # we have closed it meanwhile
        node = raw.remote_target if raw.is_sender else raw.remote_source
        if node.type == proton.Terminus.UNSPECIFIED:
            return  # a refusal: the detach with its reason follows
        terminus = read_terminus(node)
        known.is_open = True
        self._events.append(LinkOpened(known, terminus))
        if raw.is_sender and raw.credit > 0:
            self._events.append(CreditGiven(known))

    def _on_link_remote_close(self, event: object) -> None:
        raw = _link(event)
        link = getattr(raw, "matahari", None)
        if raw.state & Endpoint.LOCAL_UNINIT:
            raw.open()
        if raw.state & Endpoint.LOCAL_ACTIVE:
            raw.close()
        if link is None:
            return
        if link in self._links:
            self._forget(link)
            condition, description = read_condition(raw.remote_condition)
            self._events.append(LinkClosed(link, condition or "amqp:detached", description))
        self._leaving.discard(link)
        self._by_pointer.pop(raw._impl, None)
        link._release()
        raw.free()

    def _on_session_remote_open(self, event: object) -> None:
        session = _session(event)
        if session.state & Endpoint.LOCAL_UNINIT:
            self._sessions += 1
            if self._sessions > MAX_SESSIONS:
                self.abort("amqp:resource-limit-exceeded", f"a connection may have {MAX_SESSIONS} sessions")
                return
            session.incoming_capacity = INCOMING_WINDOW
            session.open()

    def _on_session_remote_close(self, event: object) -> None:
        session = _session(event)
        condition, description = read_condition(session.remote_condition)
        for link in [one for one in (*self._links, *self._leaving) if one._session == session]:
            if link in self._links:
                self._forget(link)
                self._events.append(LinkClosed(link, condition or "amqp:session:ended", description))
            self._leaving.discard(link)
            self._by_pointer.pop(link._proton._impl, None)
            link._release()
        if self._session is not None and session == self._session:
            self._session = None
        else:
            self._sessions -= 1
        if session.state & Endpoint.LOCAL_ACTIVE:
            session.close()
        session.free()

    def _on_connection_remote_open(self, event: object) -> None:
        connection = self._connection
        if connection.state & Endpoint.LOCAL_UNINIT:
            connection.open()
        if self._remote_open:
            return
        self._remote_open = True
        self._events.append(read_opened(connection))

    def _on_connection_remote_close(self, event: object) -> None:
        condition, description = read_condition(self._connection.remote_condition)
        if self._connection.state & Endpoint.LOCAL_ACTIVE:
            self._connection.close()
        by_peer, self._closing = not self._closing, True
        self._finish(condition, description, by_peer=by_peer)

    def _on_transport_error(self, event: object) -> None:
        condition, description = read_condition(self._transport.condition)
        failed = self._login_failed() or condition == "amqp:unauthorized-access"
        self._finish(condition or "amqp:internal-error", description, by_peer=True, authentication=failed)

    def _login_failed(self) -> bool:
        return self._transport.sasl().outcome not in (None, proton.SASL.OK)

    def _check_login(self) -> None:
        """Proton tells of a failed login with the next bytes only, which may never come."""
        if not self.is_closed and self._login_failed():
            _, description = read_condition(self._transport.condition)
            description = description or f"the login by {self._options.mechanism} failed"
            self._finish("amqp:unauthorized-access", description, by_peer=True, authentication=True)

    def _on_transport_closed(self, event: object) -> None:
        self._finish(
            "" if self._closing else "amqp:connection:forced", "the connection ended", by_peer=not self._closing
        )

    def _finish(self, condition: str, description: str, *, by_peer: bool, authentication: bool = False) -> None:
        if self.is_closed:
            return
        self.is_closed = True
        self._deadline = None
        for link in (*self._links, *self._leaving):
            link.is_open = False
            link._release()
        self._links.clear()
        self._leaving.clear()
        self._events.append(Closed(condition, description, by_peer, authentication))


def tls_available() -> bool:
    """Whether proton was built with TLS."""
    return bool(proton.SSL.present())


def _link(event: object) -> Any:
    """A sender or receiver; proton keeps what we attach as ``.matahari`` in the C object's own record."""
    return proton.Link.wrap(pn_event_link(event))


def _session(event: object) -> proton.Session:
    return cast(proton.Session, proton.Session.wrap(pn_event_session(event)))


_HANDLERS = {
    _TYPE.DELIVERY.number: Engine._on_delivery,
    _TYPE.LINK_FLOW.number: Engine._on_flow,
    _TYPE.LINK_REMOTE_OPEN.number: Engine._on_link_remote_open,
    _TYPE.LINK_REMOTE_CLOSE.number: Engine._on_link_remote_close,
    _TYPE.LINK_REMOTE_DETACH.number: Engine._on_link_remote_close,
    _TYPE.SESSION_REMOTE_OPEN.number: Engine._on_session_remote_open,
    _TYPE.SESSION_REMOTE_CLOSE.number: Engine._on_session_remote_close,
    _TYPE.CONNECTION_REMOTE_OPEN.number: Engine._on_connection_remote_open,
    _TYPE.CONNECTION_REMOTE_CLOSE.number: Engine._on_connection_remote_close,
    _TYPE.TRANSPORT_ERROR.number: Engine._on_transport_error,
    _TYPE.TRANSPORT_CLOSED.number: Engine._on_transport_closed,
}
