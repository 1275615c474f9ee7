"""What comes on our receivers, read and told; what cannot be read costs one counted line of the log."""

from __future__ import annotations

import logging

from matahari.amqp import Link, decode_message
from matahari.bus.attachment import Attachment
from matahari.bus.bindings import BindingList
from matahari.bus.tally import Tally
from matahari.bus.user import BusUser
from matahari.bus.wire import packet_of, unread_request_of
from matahari.errors import RemoteProtocolError
from matahari.qmf import Packet

__all__ = ["Intake"]

_log = logging.getLogger(__name__)


class Intake:
    """Reads messages for one user."""

    def __init__(self, user: BusUser, attachment: Attachment) -> None:
        self._user = user
        self._attachment = attachment
        self._bindings = BindingList()
        self._malformed = Tally(_log, "dropped a malformed message")

    @property
    def malformed(self) -> int:
        """Messages that could not be read, since the start."""
        return self._malformed.count

    def clear(self) -> None:
        """The session has ended."""
        self._bindings.clear()

    def receive(self, link: Link, data: bytes) -> None:
        """Take one delivery, and tell the user if it is for it."""
        change: tuple[str, list[str]] | None = None
        packet: Packet | None = None
        try:
            if link is self._attachment.bindings:
                change = self._bindings.read(data)
            else:
                packet = self._read(link, data)
        except RemoteProtocolError as error:
            self._malformed.add(error)
            return
        if packet is not None:
            self._user.handle_packet(packet)
        elif change is not None:
            self._user.handle_bindings(*change)

    def _read(self, link: Link, data: bytes) -> Packet | None:
        message = decode_message(data)
        if not self._attachment.accepts(link, message.subject):
            return None
        try:
            return packet_of(message)
        except RemoteProtocolError as error:
            self._malformed.add(error)
            return unread_request_of(message)
