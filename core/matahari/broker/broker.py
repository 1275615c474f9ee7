"""The embedded broker: AMQP 1.0 routing for one machine, in the image of Apache Qpid's (``brokers.md`` section 9).

It routes on address and subject and passes on the bytes it received; what is in a message is not its business.
Nothing is durable: everything belongs to a connection and goes with it.
"""

from __future__ import annotations

import importlib.metadata
import os
import pwd
import secrets
from dataclasses import dataclass
from pathlib import Path

from matahari.amqp import Engine, EngineOptions
from matahari.broker.access import Access, Guard
from matahari.broker.acl import Acl
from matahari.broker.nodes import Nodes
from matahari.broker.session import Session
from matahari.net import Address, Handler, Listener, Pump

__all__ = ["PRODUCT", "Broker", "BrokerStatistics"]

PRODUCT = "matahari-broker"
IDLE_TIMEOUT = 30.0  # seconds; a client that vanished without a FIN is gone after that


@dataclass(frozen=True, slots=True)
class BrokerStatistics:
    """Counts since the start, and what is there now.

    Attributes:
        waiting: messages in rings now.
        dropped: messages that gave way to newer ones in a full ring.
        expired: messages whose time to live was over before a subscriber took them.
        refused: links and messages that an access rule was against.
    """

    connections: int
    received: int
    delivered: int
    unroutable: int
    malformed: int
    refused: int
    waiting: int
    dropped: int
    expired: int


class Broker:
    """Listens, routes, ends. One event loop owns it."""

    def __init__(self, acl: Acl | None = None) -> None:
        """Prepare; nothing listens yet.

        Args:
            acl: who may do what. None: our own user, root, and whoever uses the insecure port may do everything,
                and nobody else may connect.
        """
        self._guard = Guard(acl)
        self._nodes = Nodes()
        self._sessions: set[_Connection] = set()
        self._identity = secrets.token_hex(8)
        self._count = 0
        self._listener = Listener(self._accepted, self._engine, admits=self._admits)

    async def listen_unix(self, path: Path) -> Address:
        """Serve our own user, root, and whom the access rules name on a Unix socket.

        See :meth:`matahari.net.Listener.listen_unix`. Returns its address, for agents in this event loop; they do
        without the socket.
        """
        await self._listener.listen_unix(path, others=self._guard.acl is not None)
        return Address("unix", path=str(path), near=self._listener)

    def replace_acl(self, acl: Acl) -> None:
        """Other rules from now on: for each message and each new link, also of clients that are connected."""
        self._guard.acl = acl

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
            refused=counters.refused,
            waiting=sum(one.waiting for one in self._sessions),
            dropped=counters.dropped + sum(one.dropped for one in self._sessions),
            expired=counters.expired + sum(one.expired for one in self._sessions),
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
                    "tap": "offered",
                },
                capabilities=("ANONYMOUS-RELAY",),
            )
        )

    def _accepted(self, pump: Pump, identity: str, peer: str) -> Handler:
        login = _login(identity)
        access = Access(login, self._guard, is_owner=identity in ("uid:0", f"uid:{os.geteuid()}"))
        session = _Connection(self._nodes, pump, login, peer, access, self._sessions)
        self._sessions.add(session)
        return session

    def _admits(self, uid: int) -> bool:
        """Whether another user than ourselves and root may connect."""
        acl = self._guard.acl
        return acl is not None and acl.admits(_login(f"uid:{uid}"))


class _Connection(Session):
    """A session that the broker counts until it ends."""

    def __init__(
        self, nodes: Nodes, pump: Pump, login: str, peer: str, access: Access, known: set[_Connection]
    ) -> None:
        super().__init__(nodes, pump, login, peer, access=access)
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
