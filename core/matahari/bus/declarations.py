"""The pair of links to RabbitMQ 4's management node, in a session of its own that may end without the others."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence

from matahari.amqp import (
    CreditGiven,
    Engine,
    Event,
    Link,
    LinkClosed,
    LinkOpened,
    Received,
    Session,
    SessionClosed,
    decode_message,
    encode_message,
)
from matahari.bus.management import MANAGEMENT_NODE, MAX_IN_FLIGHT, Management, Outcome
from matahari.bus.scheme import Binding
from matahari.errors import RemoteProtocolError

__all__ = ["Declarations"]

_log = logging.getLogger(__name__)


class Declarations:
    """Joins one :class:`Management` to one engine. Its owner gives it every event and asks for outcomes."""

    def __init__(self, engine: Engine, exchanges: Sequence[str]) -> None:
        self._engine = engine
        self._machine = Management(exchanges)
        self._session: Session | None = None
        self._sender: Link | None = None
        self._receiver: Link | None = None
        self._past: set[Link] = set()  # of a session that has ended; their own ends are still reported

    def declare(self, bindings: Iterable[Binding]) -> None:
        """Ask for queues and their bindings."""
        self._machine.declare(bindings)
        if self._session is None:
            self._attach()
        self._send()

    def handle(self, event: Event) -> bool:
        """Take ``event`` if it is about these links; False when it is somebody else's."""
        match event:
            case SessionClosed():
                if event.session is not self._session:
                    return False
                self._lost(event.condition, event.description)
            case LinkClosed():
                if event.link in self._past:
                    self._past.discard(event.link)
                elif event.link in (self._sender, self._receiver):
                    self._lost(event.condition, event.description)
                else:
                    return False
            case LinkOpened() | CreditGiven():
                if event.link not in (self._sender, self._receiver):
                    return False
                self._send()
            case Received():
                if event.link is not self._receiver:
                    return False
                self._receive(event.data)
                self._send()
            case _:
                return False
        return True

    def next_outcome(self) -> Outcome | None:
        return self._machine.next_outcome()

    def _attach(self) -> None:
        self._session = self._engine.open_session()
        self._session.owner = self
        name = f"management.{os.urandom(8).hex()}"
        self._sender, self._receiver = self._engine.open_pair(
            MANAGEMENT_NODE, name, self._session, credit=2 * MAX_IN_FLIGHT
        )

    def _lost(self, condition: str, description: str) -> None:
        for link in (self._sender, self._receiver):
            if link is not None:
                self._past.add(link)
                self._engine.detach(link)
        self._session = self._sender = self._receiver = None
        if self._machine.end_session(condition, description):
            _log.debug("exchanges cannot be declared, so they must be there: %s (%s)", condition, description)
            self._attach()

    def _send(self) -> None:
        sender, receiver = self._sender, self._receiver
        if sender is None or receiver is None or not (sender.is_open and receiver.is_open):
            return
        while sender.credit > 0 and (request := self._machine.next_request()) is not None:
            self._engine.send(sender, encode_message(request))

    def _receive(self, data: bytes) -> None:
        try:
            self._machine.receive(decode_message(data))
        except RemoteProtocolError as error:
            _log.warning("an answer of the broker's management cannot be read: %s", error)
