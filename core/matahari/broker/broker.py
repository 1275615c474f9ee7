"""The embedded broker: AMQP 1.0 routing for one machine, in the image of Apache Qpid's (``brokers.md`` section 9).

It routes on address and subject and passes on the bytes it received; what is in a message is not its business.
Nothing is durable: everything belongs to a connection and goes with it.
"""

from __future__ import annotations

import importlib.metadata
import pwd
import secrets
from dataclasses import dataclass
from pathlib import Path

from matahari.amqp import Engine, EngineOptions
from matahari.broker.nodes import Nodes
from matahari.broker.session import Session
from matahari.net import Handler, Listener, Pump

__all__ = ["PRODUCT", "Broker", "BrokerStatistics"]

PRODUCT = "matahari-broker"
IDLE_TIMEOUT = 30.0  # seconds; a client that vanished without a FIN is gone after that


@dataclass(frozen=True, slots=True)
class BrokerStatistics:
    """Counts since the start, and what is there now."""

    connections: int
    received: int
    delivered: int
    unroutable: int
    malformed: int
    waiting: int
    dropped: int


class Broker:
    """Listens, routes, ends. One event loop owns it."""

    def __init__(self) -> None:
        self._nodes = Nodes()
        self._sessions: set[_Connection] = set()
        self._identity = secrets.token_hex(8)
        self._count = 0
        self._listener = Listener(self._accepted, self._engine)

    async def listen_unix(self, path: Path) -> None:
        """Serve our own user and root on a Unix socket; see :meth:`matahari.net.Listener.listen_unix`."""
        await self._listener.listen_unix(path)

    async def listen_insecure(self, port: int) -> int:
        """Serve anybody on this machine, without authentication; returns the port (interop tests only)."""
        return await self._listener.listen_insecure(port)

    async def close(self) -> None:
        """Close every connection with a reason and stop listening."""
        await self._listener.close()

    def statistics(self) -> BrokerStatistics:
        counters = self._nodes.counters
        return BrokerStatistics(
            connections=len(self._sessions),
            received=counters.received,
            delivered=counters.delivered,
            unroutable=counters.unroutable,
            malformed=counters.malformed,
            waiting=sum(one.waiting for one in self._sessions),
            dropped=sum(one.dropped for one in self._sessions),
        )

    def _engine(self) -> Engine:
        self._count += 1
        return Engine(
            EngineOptions(
                container=f"{PRODUCT}.{self._identity}.{self._count}",
                server=True,
                idle_timeout=IDLE_TIMEOUT,
                properties={
                    "product": PRODUCT,
                    "version": importlib.metadata.version("matahari"),
                    "platform": "Linux",
                    # brokers.md 9.8: a client may believe the user-id of what it receives here
                    "user-id": "checked",
                },
                capabilities=("ANONYMOUS-RELAY",),
            )
        )

    def _accepted(self, pump: Pump, identity: str, peer: str) -> Handler:
        session = _Connection(self._nodes, pump, _login(identity), peer, self._sessions)
        self._sessions.add(session)
        return session


class _Connection(Session):
    """A session that the broker counts until it ends."""

    def __init__(self, nodes: Nodes, pump: Pump, login: str, peer: str, known: set[_Connection]) -> None:
        super().__init__(nodes, pump, login, peer)
        self._known = known

    def handle_end(self, error: Exception | None) -> None:
        self._known.discard(self)
        super().handle_end(error)


def _login(identity: str) -> str:
    """Name of the user that the kernel vouches for; ``anonymous`` stays what it is."""
    if not identity.startswith("uid:"):
        return identity
    uid = int(identity.removeprefix("uid:"))
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"
