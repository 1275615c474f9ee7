"""Messages and credit as they come in: the engine's hot path.

In proton's C names throughout: its Python objects would cost more here than all the rest of a message.
"""

from __future__ import annotations

from cproton import (
    PN_ACCEPTED,
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
    pn_link_advance,
    pn_link_credit,
    pn_link_flow,
    pn_link_get_drain,
    pn_link_recv,
)

from matahari.amqp._core import Drained, EngineCore
from matahari.amqp.events import CreditGiven, Received
from matahari.amqp.options import MAX_MESSAGE

__all__ = ["on_delivery", "on_flow"]


def on_delivery(engine: EngineCore, event: object) -> None:
    """A message, a part of one, or what became of one of ours."""
    delivery = pn_event_delivery(event)
    raw = pn_delivery_link(delivery)
    link = engine._by_pointer.get(raw)
    if link is None or link.is_sender:
        if pn_delivery_updated(delivery):
            pn_delivery_settle(delivery)
            if link is not None and link._keeps and link.is_open:
                engine._events.append(CreditGiven(link))
        return
    pending = pn_delivery_pending(delivery)
    if pending > MAX_MESSAGE:
        engine.abort("amqp:link:message-size-exceeded", f"a message may have {MAX_MESSAGE} bytes at most")
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
    if link.is_open and not engine.is_closed:
        # Credit is given in halves of the window, so that one flow frame serves many messages.
        missing = link._window - pn_link_credit(raw)
        if missing * 2 >= link._window > 0:
            pn_link_flow(raw, missing)
        if not is_aborted:
            engine._events.append(Received(link, bytes(data)))


def on_flow(engine: EngineCore, event: object) -> None:
    """Credit for one of our senders, or a wish to have it back."""
    raw = pn_event_link(event)
    link = engine._by_pointer.get(raw)
    if link is None or not link.is_sender or not link.is_open:
        return
    if pn_link_credit(raw) > 0:
        engine._events.append(CreditGiven(link))
        if pn_link_get_drain(raw):
            engine._events.append(Drained(link))  # what waits may use the credit first
