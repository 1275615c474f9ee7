"""What a bus tells whoever uses it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from matahari.errors import TransportError
from matahari.qmf import Packet

__all__ = ["BusUser"]


class BusUser(Protocol):
    """Who uses a :class:`~matahari.bus.Bus`; all calls come from the event loop."""

    def handle_connected(self) -> None:
        """Every link is attached: announce yourself, ask again what matters."""

    def handle_packet(self, packet: Packet) -> None: ...

    def handle_disconnected(self, error: TransportError) -> None:
        """The connection or our session is gone: told once after each ``handle_connected``, which may follow again."""

    def handle_bindings(self, change: str, keys: Iterable[str]) -> None:
        """Who owns direct keys, on brokers that tell: ``change`` is ``snapshot``, ``bound`` or ``unbound``."""
