"""What an :class:`~matahari.amqp.engine.Engine` reports. Values; the union lists them all.

Named tuples, as there is one for each message at least: frozen, and made and loaded in a fraction of a dataclass's time.
No two kinds with as many fields have the same types of them, so that none equals one of another kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from matahari.amqp.link import Link
    from matahari.amqp.session import Session

__all__ = [
    "Closed",
    "CreditGiven",
    "Event",
    "LinkClosed",
    "LinkOpened",
    "LinkRequested",
    "Opened",
    "Received",
    "SessionClosed",
    "Terminus",
]


class Terminus(NamedTuple):
    """Source or target as the peer described it.

    Attributes:
        address: node name; None for a null terminus (anonymous relay) or a dynamic one not yet named.
        filters: name -> (descriptor code or symbol, value).
    """

    address: str | None
    dynamic: bool
    capabilities: tuple[str, ...]
    filters: Mapping[str, tuple[int | str, object]]
    present: bool = True


class Opened(NamedTuple):
    """The peer's open frame has arrived."""

    container: str
    hostname: str
    properties: Mapping[str, str]
    capabilities: tuple[str, ...]


class Closed(NamedTuple):
    """The connection has ended; always the last event.

    Attributes:
        condition: AMQP error condition, empty after an orderly close.
        by_peer: the peer said so or cut the connection, as opposed to our own close.
        authentication: the SASL exchange failed.
    """

    condition: str
    description: str
    by_peer: bool
    authentication: bool = False


class LinkRequested(NamedTuple):
    """The peer attaches a link; answer with ``accept`` or ``refuse``.

    Attributes:
        link: its ``is_sender`` is ours: True when the peer wants to receive.
        terminus: the node's side, i.e. the source when we send and the target when we receive.
        settled: the peer asked for pre-settled deliveries (or left it open).
    """

    link: Link
    terminus: Terminus
    settled: bool


class LinkOpened(NamedTuple):
    """The peer accepted our link; ``terminus`` is the node's side as it confirmed it."""

    link: Link
    terminus: Terminus


class LinkClosed(NamedTuple):
    """The link is gone, by the peer's detach, its session's end or a refusal."""

    link: Link
    condition: str
    description: str


class SessionClosed(NamedTuple):
    """The peer has ended a session of ours; ``LinkClosed`` follows for each link that was in it.

    Several brokers do so for the fault of one link: an unknown node, a missing right, a forged user-id
    (``brokers.md`` 5).
    """

    session: Session
    condition: str
    description: str


class Received(NamedTuple):
    """One whole message."""

    link: Link
    data: bytes


class CreditGiven(NamedTuple):
    """The peer will take more on this sending link."""

    link: Link


Event = Opened | Closed | SessionClosed | LinkRequested | LinkOpened | LinkClosed | Received | CreditGiven
