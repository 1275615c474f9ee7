"""What the parts of an engine share: its connection, sessions and links, the queue of events, and how it ends."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import proton
from cproton import isnull, pn_collector_peek, pn_collector_pop, pn_event_type
from proton import symbol

from matahari.amqp.events import Closed, Event
from matahari.amqp.link import Link
from matahari.amqp.options import INCOMING_WINDOW, MAX_FRAME, EngineOptions
from matahari.amqp.session import Session
from matahari.errors import LocalProtocolError

__all__ = ["Drained", "EngineCore", "Handler"]

_log = logging.getLogger(__name__)

Handler = Callable[["EngineCore", object], None]
"""Takes one event of proton's, in its C form."""


@dataclass(frozen=True, slots=True)
class Drained:
    """The peer wants unused credit back, once the events before this one were handled."""

    link: Link


class EngineCore:
    """State of one engine. :class:`~matahari.amqp.engine.Engine` is its face; the handlers of events work on it.

    Proton's Python events wrap four objects each, most of them for events that nobody handles; ``_process`` looks at
    the event's number first, through proton's own C names, and wraps only what a handler needs (half the cost of a
    message).
    """

    _handlers: ClassVar[Mapping[int, Handler]] = {}

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
        self._events: deque[Event | Drained] = deque()
        self._session: Session | None = None  # our first one, where links go unless another is named
        self._own: list[Session] = []
        self._sessions = 0  # begun by the peer; not left to proton's channel-max, which fails without a word
        self._links: set[Link] = set()  # not by name: a peer may use one name in two sessions
        self._leaving: set[Link] = set()
        self._by_pointer: dict[object, Link] = {}
        self._deadline: float | None = None
        self._remote_open = False
        self._processing = False
        self._closing = False
        self.is_closed = False

    # --- ending ---------------------------------------------------------------------------------------------

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

    def _finish(self, condition: str, description: str, *, by_peer: bool, authentication: bool = False) -> None:
        if self.is_closed:
            return
        self.is_closed = True
        self._deadline = None
        for link in (*self._links, *self._leaving):
            link.is_open = False
            self._by_pointer.pop(link._proton._impl, None)
            link._release()
        self._links.clear()
        self._leaving.clear()
        for session in self._own:
            session._release()
        self._own.clear()
        self._events.append(Closed(condition, description, by_peer, authentication))

    # --- sessions and links ---------------------------------------------------------------------------------

    def _new_session(self) -> Session:
        if self.is_closed or self._closing:
            raise LocalProtocolError("the connection is closed")
        raw = self._connection.session()
        raw.incoming_capacity = INCOMING_WINDOW
        raw.open()
        session = Session(raw)
        self._own.append(session)
        return session

    def _register(self, raw: proton.Link, name: str, *, is_sender: bool) -> Link:
        link = Link(raw, name, is_sender)
        self._links.add(link)
        raw.matahari = link
        self._by_pointer[raw._impl] = link
        return link

    def _forget(self, link: Link) -> None:
        link.is_open = False
        self._links.discard(link)

    # --- proton's events ------------------------------------------------------------------------------------

    def _process(self) -> None:
        if self._processing:
            return  # a handler closes the connection; the loop below goes on with what that caused
        self._processing = True
        collector = self._collector._impl
        handlers = self._handlers
        while not isnull(event := pn_collector_peek(collector)):
            handler = handlers.get(pn_event_type(event))
            if handler is not None:
                try:
                    handler(self, event)
                except Exception as error:  # noqa: BLE001  # proton's readers raise anything for malformed contents
                    _log.debug("unreadable frame", exc_info=True)
                    self.abort("amqp:decode-error", f"a frame's contents cannot be read: {error}")
            pn_collector_pop(collector)
        self._processing = False
