"""What the peer does with the connection, its sessions and links, and how the transport fails.

Some of proton's habits are put right here: a session that the peer ends reports every link in it as closed, and links
and sessions that both ends have closed are given back, which proton leaves to us.
"""

from __future__ import annotations

from typing import Any, cast

import proton
from cproton import pn_event_link, pn_event_session
from proton import Endpoint

from matahari.amqp._core import EngineCore
from matahari.amqp._peer import read_condition, read_opened, read_terminus
from matahari.amqp.events import CreditGiven, LinkClosed, LinkOpened, LinkRequested, SessionClosed
from matahari.amqp.options import INCOMING_WINDOW, MAX_SESSIONS

__all__ = [
    "login_failed",
    "on_connection_remote_close",
    "on_connection_remote_open",
    "on_link_remote_close",
    "on_link_remote_open",
    "on_session_remote_close",
    "on_session_remote_open",
    "on_transport_closed",
    "on_transport_error",
]


def on_link_remote_open(engine: EngineCore, event: object) -> None:
    """The peer attaches a link, or answers an attach of ours."""
    if engine.is_closed:
        return
    raw = _link(event)
    known = getattr(raw, "matahari", None)
    if known is None:
        source, target = read_terminus(raw.remote_source), read_terminus(raw.remote_target)
        node, other = (source, target) if raw.is_sender else (target, source)
        link = engine._register(raw, str(raw.name), is_sender=raw.is_sender)
        link._other = other._replace(filters={})
        settled = raw.remote_snd_settle_mode != proton.Link.SND_UNSETTLED
        engine._events.append(LinkRequested(link, node, settled))
        return
    if known not in engine._links:
        return  # we have closed it meanwhile
    node = raw.remote_target if raw.is_sender else raw.remote_source
    if node.type == proton.Terminus.UNSPECIFIED:
        return  # a refusal: the detach with its reason follows
    terminus = read_terminus(node)
    known.is_open = True
    engine._events.append(LinkOpened(known, terminus))
    if raw.is_sender and raw.credit > 0:
        engine._events.append(CreditGiven(known))


def on_link_remote_close(engine: EngineCore, event: object) -> None:
    """The peer detaches a link, whatever kind of detach it is."""
    raw = _link(event)
    link = getattr(raw, "matahari", None)
    if raw.state & Endpoint.LOCAL_UNINIT:
        raw.open()
    if raw.state & Endpoint.LOCAL_ACTIVE:
        raw.close()
    if link is None:
        return
    if link in engine._links:
        engine._forget(link)
        condition, description = read_condition(raw.remote_condition)
        engine._events.append(LinkClosed(link, condition or "amqp:detached", description))
    engine._leaving.discard(link)
    engine._by_pointer.pop(raw._impl, None)
    link._release()
    raw.free()


def on_session_remote_open(engine: EngineCore, event: object) -> None:
    """The peer begins a session, or answers a begin of ours."""
    session = _session(event)
    if session.state & Endpoint.LOCAL_UNINIT:
        engine._sessions += 1
        if engine._sessions > MAX_SESSIONS:
            engine.abort("amqp:resource-limit-exceeded", f"a connection may have {MAX_SESSIONS} sessions")
            return
        session.incoming_capacity = INCOMING_WINDOW
        session.open()


def on_session_remote_close(engine: EngineCore, event: object) -> None:
    """The peer ends a session with all its links; of a session of ours it is told first, then of its links."""
    raw = _session(event)
    condition, description = read_condition(raw.remote_condition)
    own = next((one for one in engine._own if one._proton == raw), None)
    if own is not None:
        own.is_open = False
        engine._own.remove(own)
        if engine._session is own:
            engine._session = None
        engine._events.append(SessionClosed(own, condition or "amqp:session:ended", description))
    else:
        engine._sessions -= 1
    for link in [one for one in (*engine._links, *engine._leaving) if one._session == raw]:
        if link in engine._links:
            engine._forget(link)
            engine._events.append(LinkClosed(link, condition or "amqp:session:ended", description))
        engine._leaving.discard(link)
        engine._by_pointer.pop(link._proton._impl, None)
        link._release()
    if own is not None:
        own._release()
    if raw.state & Endpoint.LOCAL_ACTIVE:
        raw.close()
    raw.free()


def on_connection_remote_open(engine: EngineCore, event: object) -> None:
    """The peer's open frame."""
    connection = engine._connection
    if connection.state & Endpoint.LOCAL_UNINIT:
        connection.open()
    if engine._remote_open:
        return
    engine._remote_open = True
    engine._events.append(read_opened(connection))


def on_connection_remote_close(engine: EngineCore, event: object) -> None:
    """The peer's close frame."""
    condition, description = read_condition(engine._connection.remote_condition)
    if engine._connection.state & Endpoint.LOCAL_ACTIVE:
        engine._connection.close()
    by_peer, engine._closing = not engine._closing, True
    engine._finish(condition, description, by_peer=by_peer)


def on_transport_error(engine: EngineCore, event: object) -> None:
    """Bytes that are no AMQP, a failed login, a silent peer."""
    condition, description = read_condition(engine._transport.condition)
    failed = login_failed(engine) or condition == "amqp:unauthorized-access"
    engine._finish(condition or "amqp:internal-error", description, by_peer=True, authentication=failed)


def on_transport_closed(engine: EngineCore, event: object) -> None:
    """Nothing more comes and nothing more goes."""
    closing = engine._closing
    engine._finish("" if closing else "amqp:connection:forced", "the connection ended", by_peer=not closing)


def login_failed(engine: EngineCore) -> bool:
    """Whether the SASL exchange has ended badly."""
    return engine._transport.sasl().outcome not in (None, proton.SASL.OK)


def _link(event: object) -> Any:
    """A sender or receiver; proton keeps what we attach as ``.matahari`` in the C object's own record."""
    return proton.Link.wrap(pn_event_link(event))


def _session(event: object) -> proton.Session:
    return cast(proton.Session, proton.Session.wrap(pn_event_session(event)))
