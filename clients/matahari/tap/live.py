"""The tap on a connection that comes back: what it receives from, and what it does when that is refused."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable

from matahari.amqp import CreditGiven, Event, Link, LinkClosed, LinkOpened, Opened, Received, SessionClosed
from matahari.bus import Scheme, detect, encode_packet, remedy
from matahari.errors import (
    ConnectionLostError,
    LinkRefusedError,
    LocalProtocolError,
    RemoteProtocolError,
    TransportError,
)
from matahari.net import Client, Pump
from matahari.qmf import AGENT_LOCATE_REQUEST, LOCATE_KEY, Packet, text
from matahari.tap.amqp10 import fields, read_sections
from matahari.tap.nodes import plain
from matahari.tap.receivers import Receivers
from matahari.tap.sighting import Delivery, Sighting
from matahari.tap.watching import KeyWatch, Watch, blind_spots, first_watches

__all__ = ["LiveTap", "unwrap"]


class LiveTap:
    """User of a :class:`matahari.net.Client`; all calls come from the event loop.

    Attributes:
        own_key: the reply key of its locate request.
        refused: why the broker cannot be used, once it has refused us.
        client: whose user this is; set right after both are made.
        is_closing: the end of the connection is our own.
    """

    def __init__(
        self, address: str, *, kind: str, see: Callable[[Delivery], Sighting], remark: Callable[[str], None]
    ) -> None:
        """Prepare.

        Args:
            kind: of the broker, ``auto`` to detect it.
            see: takes each message.
            remark: tells the user something in one line.
        """
        self.own_key = f"direct-console.{uuid.UUID(bytes=secrets.token_bytes(16), version=4)}"
        self.refused: TransportError | None = None
        self.client: Client | None = None
        self.is_closing = False
        self._address = address
        self._kind = kind
        self._see = see
        self._remark = remark
        self._pump: Pump | None = None
        self._scheme: Scheme | None = None
        self._receivers: Receivers | None = None
        self._keys: KeyWatch | None = None
        self._locate: Link | None = None
        self._has_asked = False
        self._tap_refused = False
        self._only_topics = False
        self._reservation = ""
        self._product = ""
        self._is_announced = False
        self._told: set[str] = set()

    # --- the client's calls ---------------------------------------------------------------------------------

    def handle_open(self, pump: Pump, opened: Opened) -> None:
        try:
            self._scheme = detect(opened, self._address, self._kind)
        except TransportError as error:
            self._give_up(error)
            return
        self._pump = pump
        self._product = f"{opened.properties.get('product', '')} {opened.properties.get('version', '')}".strip()
        self._is_announced = False
        self._begin(pump, self._scheme)

    def handle_event(self, event: Event) -> None:
        receivers = self._receivers
        if receivers is None:
            return
        if receivers.handle(event):
            for watch, failed in receivers.declared():
                self._refusal(watch, failed.binding.exchange, failed.condition, failed.description)
            return
        match event:
            case Received():
                self._received(receivers, event)
            case LinkOpened():
                receivers.confirm(event.link)
                self._announce()
            case CreditGiven():
                if event.link is self._locate:
                    self._send_locate(event.link)
            case LinkClosed():
                self._link_closed(receivers, event)
            case SessionClosed():
                self._session_closed(receivers, event)
            case _:
                pass  # links that a broker attaches get no answer: we have no nodes

    def handle_writable(self) -> None:
        pass  # nothing of ours waits

    def handle_lost(self, error: TransportError) -> None:
        if not self.is_closing:
            if self._scheme is not None and self._scheme.ends_sessions and self._may_do_without():
                self._do_without_direct(str(error))  # RabbitMQ 3 cuts the connection where a login may not read a key
            self._remark(f"{error}; reconnecting")
        self._pump = None
        self._receivers = None
        self._locate = None

    # --- receivers ------------------------------------------------------------------------------------------

    def _begin(self, pump: Pump, scheme: Scheme) -> None:
        self._keys = None if self._only_topics else KeyWatch(scheme, self.own_key)
        self._receivers = Receivers(pump, scheme)
        watches = first_watches(scheme, self.own_key, tap_refused=self._tap_refused)
        self._receivers.begin(watch for watch in watches if watch.is_essential or not self._only_topics)
        self._ask(pump, scheme)

    def _announce(self) -> None:
        """Once every receiver is attached or known to be refused: from now on nothing is missed."""
        if self._is_announced or self._receivers is None or not self._receivers.is_complete or self._scheme is None:
            return
        self._is_announced = True
        self._remark(f"watching {self._address} ({self._product or 'a broker without a name'})")
        self._tell_once(self._reservation or blind_spots(self._scheme, tap_refused=self._tap_refused))

    def _link_closed(self, receivers: Receivers, event: LinkClosed) -> None:
        if event.link is self._locate:
            self._locate = None
            self._tell_once(f"agents cannot be asked to announce themselves: {event.condition} {event.description}")
        watch, was_attached = receivers.lose(event.link)
        if watch is None:
            return
        if was_attached and watch.is_essential:
            self._start_over(LinkRefusedError(str(event.link.owner), event.condition, event.description))
        else:
            self._refusal(watch, str(event.link.owner), event.condition, event.description)

    def _refusal(self, watch: Watch, node: str, condition: str, description: str) -> None:
        """The broker does not let us receive there."""
        scheme, pump = self._scheme, self._pump
        if scheme is None or pump is None:
            return
        if watch.role == "tap":
            self._tap_refused = True
            self._begin(pump, scheme)
        elif watch.is_essential:
            hint = remedy(scheme.kind, condition)
            self._give_up(LinkRefusedError(node, condition, "; ".join(part for part in (description, hint) if part)))
        else:
            self._tell_once(f"direct messages to some keys are not seen: {condition} {description}")
            self._announce()

    def _session_closed(self, receivers: Receivers, event: SessionClosed) -> None:
        """Some brokers end a session for the refusal of one link: do without what is not essential, or give up."""
        refused, may_do_without = receivers.waiting, self._may_do_without()
        self._receivers = None
        self._locate = None
        if self._scheme is None or self._pump is None:
            return
        if may_do_without:
            self._do_without_direct(f"{event.condition} {event.description}")
            self._begin(self._pump, self._scheme)
        elif refused:
            self._refusal(refused[0], str(refused[0].wanted.address), event.condition, event.description)
        else:
            self._start_over(ConnectionLostError(f"{self._address} ended our session: {event.condition}"))

    def _may_do_without(self) -> bool:
        """Whether a receiver that is not essential may have been the reason of an end."""
        receivers = self._receivers
        waiting = [] if receivers is None else receivers.waiting
        return not self._only_topics and any(not watch.is_essential for watch in waiting)

    def _do_without_direct(self, reason: str) -> None:
        self._only_topics = True
        self._reservation = f"direct messages are not seen: {reason}"

    def _start_over(self, error: TransportError) -> None:
        """What worked was taken away: come back with a fresh connection."""
        if self.client is not None and self._pump is not None:
            self.client.expect_end(error)
            self._pump.engine.close()
            self._pump.flush_soon()

    def _give_up(self, error: TransportError) -> None:
        self.refused = error
        self.is_closing = True
        if self.client is not None:
            self.client.refuse()

    def _tell_once(self, remark: str) -> None:
        if remark and remark not in self._told:
            self._told.add(remark)
            self._remark(remark)

    # --- the question to all agents -------------------------------------------------------------------------

    def _ask(self, pump: Pump, scheme: Scheme) -> None:
        """One locate request, so that names are known before the next heartbeats.

        Not again after a reconnect: the names are known, and on some brokers a login that may not publish it would lose
        its session each time.
        """
        if self._has_asked:
            return
        try:
            self._locate = pump.engine.open_sender(scheme.publish(LOCATE_KEY).link, f"tap.{secrets.token_hex(8)}")
        except LocalProtocolError:
            return
        pump.flush_soon()

    def _send_locate(self, link: Link) -> None:
        pump, scheme = self._pump, self._scheme
        self._locate = None
        if pump is None or scheme is None or not link.is_open:
            return
        self._has_asked = True
        out = scheme.publish(LOCATE_KEY)
        packet = Packet(
            AGENT_LOCATE_REQUEST, [], correlation_id="1", reply_to=scheme.reply_to(self.own_key), method="request"
        )
        pump.engine.send(link, encode_packet(packet, out, lists_as_sequence=scheme.lists_as_sequence))
        pump.engine.detach(link)
        pump.flush_soon()

    # --- messages -------------------------------------------------------------------------------------------

    def _received(self, receivers: Receivers, event: Received) -> None:
        watch = receivers.find(event.link, lambda: _subject(event.data))
        if watch is None:
            return
        if watch.role == "tap":
            try:
                delivery = unwrap(event.data)
            except RemoteProtocolError as error:
                self._tell_once(f"the broker's tap sent what cannot be read: {error}")
                return
        else:
            key = "" if watch.binding == "#" else watch.binding
            delivery = Delivery(event.data, watch.node, key, watch.binding)
        self._learn(receivers, self._see(delivery))

    def _learn(self, receivers: Receivers, seen: Sighting) -> None:
        """Watch the keys that ``seen`` tells of."""
        if self._keys is None:
            return
        added, removed = self._keys.learn(seen)
        for node, key in removed:
            receivers.detach(node, key)
        for watch in added:
            receivers.attach(watch)
        if self._keys.left_out:
            self._tell_once("there are more agents than keys that may be watched: not all calls are seen")


def unwrap(data: bytes) -> Delivery:
    """The message within one of the node ``matahari.tap``.

    Raises:
        RemoteProtocolError: it is not of the agreed form.
    """
    headers: dict[str, object] = {}
    body: bytes | None = None
    for section in read_sections(data):
        if section.name == "application-properties":
            value = plain(section.content)
            headers = dict(value) if isinstance(value, dict) else {}
        elif section.name == "data" and isinstance(section.content.value, bytes):
            body = section.content.value
    node, key = text(headers.get("node")), text(headers.get("key"))
    left_out, delivered = headers.get("left-out"), headers.get("delivered")
    if node is None or key is None or (body is None and not isinstance(left_out, int)):
        raise RemoteProtocolError("not a message of matahari.tap", path="application-properties")
    return Delivery(
        body or b"",
        node,
        key,
        "#" if node.endswith(".topic") else key,
        text(headers.get("login")) or "",
        delivered if isinstance(delivered, int) else None,
        left_out if body is None and isinstance(left_out, int) else 0,
    )


def _subject(data: bytes) -> str:
    """The routing key in a message, empty when there is none or the message cannot be read."""
    try:
        for section in read_sections(data):
            if section.name == "properties":
                subject = fields(section).get("subject")
                return text(subject.value) or "" if subject else ""
    except RemoteProtocolError:
        pass  # it will be shown as malformed
    return ""
