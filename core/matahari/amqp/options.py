"""How an engine presents itself, and the limits that it keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = [
    "INCOMING_WINDOW",
    "MAX_FRAME",
    "MAX_LEAVING",
    "MAX_MESSAGE",
    "MAX_SESSIONS",
    "OPEN_TIMEOUT",
    "EngineOptions",
]

MAX_MESSAGE = (1 << 20) + (64 << 10)  # design section 5: 1 MiB of body, and room for its envelope
MAX_FRAME = 1 << 16  # large enough for nearly every QMF message in one frame
INCOMING_WINDOW = 4 * MAX_MESSAGE  # bytes proton may hold for one session before we have read them
MAX_SESSIONS = 16  # of one connection; a client needs one or two, and each may hold an INCOMING_WINDOW
MAX_LEAVING = 256  # links that we have closed and the peer has not: proton keeps each until the peer's detach
OPEN_TIMEOUT = 10.0  # seconds for a server's peer from connecting to its open frame


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How this end presents itself.

    Attributes:
        container: unique per connection (``brokers.md`` 3).
        hostname: virtual host asked for in the open frame, empty for none.
        idle_timeout: seconds without a frame after which the peer counts as gone; 0 never.
        mechanism: the one SASL mechanism that is used or accepted.
    """

    container: str
    server: bool = False
    hostname: str = ""
    idle_timeout: float = 30.0
    mechanism: str = "ANONYMOUS"
    properties: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
