"""The broker's nodes and who is bound to them. Knows keys and bytes, no QMF and no sockets."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from matahari.amqp import Message, encode_message
from matahari.broker.routing import DirectTable, TopicTable
from matahari.broker.tap import Tapped

__all__ = [
    "BINDINGS",
    "DIRECT",
    "DYNAMIC_PREFIX",
    "EXCHANGES",
    "LEGACY",
    "TAP",
    "TOPIC",
    "Counters",
    "Nodes",
    "Subscriber",
]

TOPIC: Final = "qmf.default.topic"
DIRECT: Final = "qmf.default.direct"
LEGACY: Final = "amq.direct"
BINDINGS: Final = "matahari.bindings"
TAP: Final = "matahari.tap"
DYNAMIC_PREFIX: Final = "matahari.dynamic."

EXCHANGES: Final = (TOPIC, DIRECT, LEGACY)
"""Nodes with keys: links to send to, links to receive from."""

SNAPSHOT_KEYS = 4000  # keys in one message: at 255 bytes each still within the 1 MiB of a message


class Subscriber(Protocol):
    """The end of a route."""

    def deliver(self, data: bytes, ttl: int | None) -> None:
        """Take one message; ``ttl`` is what its header says, in milliseconds."""


@dataclass(slots=True)
class Counters:
    """Messages since the start.

    Attributes:
        unroutable: had no subscriber, which is no fault (``brokers.md`` 9.7).
        refused: an access rule was against them.
        dropped, expired: of subscriptions that have ended; those of living ones are with their rings.
    """

    received: int = 0
    delivered: int = 0
    unroutable: int = 0
    malformed: int = 0
    refused: int = 0
    dropped: int = 0
    expired: int = 0


class Nodes:
    """The three exchanges, dynamic nodes, the list of bound direct keys, and the tap.

    ``amq.direct`` takes the answers of QMFv1 (``qmf2.md`` 1.1): exact keys as on ``qmf.default.direct``, but its keys
    are reply addresses and not in the list of bindings.

    A receiver on ``matahari.bindings`` gets the keys bound on the direct exchange (subject ``snapshot``, body map
    ``keys``: list of text, ``more``: whether another such message follows), then one message for each change (subject
    ``bound`` or ``unbound``, body map ``key``). So a console knows whom to expect, and that somebody has gone.

    A receiver on ``matahari.tap`` gets a copy of every message that is published on any node, wrapped in one of its
    own (:class:`~matahari.broker.tap.Tapped`). While nobody taps, nothing is wrapped.
    """

    def __init__(self, token: Callable[[], str] = lambda: secrets.token_urlsafe(18)) -> None:
        self._token = token
        self._topic: TopicTable[Subscriber] = TopicTable()
        self._direct: DirectTable[Subscriber] = DirectTable()
        self._legacy: DirectTable[Subscriber] = DirectTable()
        self._dynamic: dict[str, Subscriber] = {}
        self._watchers: dict[Subscriber, None] = {}
        self._taps: dict[Subscriber, None] = {}
        self.counters = Counters()

    def has(self, node: str) -> bool:
        """Whether a link may be attached to ``node`` for sending."""
        return node in EXCHANGES or node in self._dynamic

    def bind(self, node: str, key: str, subscriber: Subscriber) -> None:
        if node == TOPIC:
            self._topic.bind(key, subscriber)
        elif node == DIRECT:
            if self._direct.bind(key, subscriber):
                self._changed("bound", key)
        elif node == LEGACY:
            self._legacy.bind(key, subscriber)
        elif node == BINDINGS:
            self._watchers[subscriber] = None
            self._snapshot(subscriber)
        elif node == TAP:
            self._taps[subscriber] = None
        else:
            self._dynamic[node] = subscriber

    def unbind(self, node: str, key: str, subscriber: Subscriber) -> None:
        if node == TOPIC:
            self._topic.unbind(key, subscriber)
        elif node == DIRECT:
            if self._direct.unbind(key, subscriber):
                self._changed("unbound", key)
        elif node == LEGACY:
            self._legacy.unbind(key, subscriber)
        elif node == BINDINGS:
            self._watchers.pop(subscriber, None)
        elif node == TAP:
            self._taps.pop(subscriber, None)
        else:
            self._dynamic.pop(node, None)

    def new_dynamic(self) -> str:
        """An address that nobody can guess."""
        return DYNAMIC_PREFIX + self._token()

    def publish(self, node: str, key: str, data: bytes, ttl: int | None, login: str = "") -> None:
        """Route one message; the bytes go out as they are.

        Args:
            login: who published it, for those who tap.
        """
        counters = self.counters
        counters.received += 1
        targets: Iterable[Subscriber]
        if node == DIRECT:
            targets = self._direct.route(key)
        elif node == TOPIC:
            targets = self._topic.route(key)
        elif node == LEGACY:
            targets = self._legacy.route(key)
        else:
            found = self._dynamic.get(node)
            targets = () if found is None else (found,)
        count = 0
        for target in targets:
            target.deliver(data, ttl)
            count += 1
        if count:
            counters.delivered += count
        else:
            counters.unroutable += 1
        if self._taps:
            copy = Tapped(node, key, login, count, data).encode()
            for tap in tuple(self._taps):
                tap.deliver(copy, None)

    def _snapshot(self, subscriber: Subscriber) -> None:
        keys = sorted(self._direct.keys())
        for start in range(0, max(len(keys), 1), SNAPSHOT_KEYS):
            part = keys[start : start + SNAPSHOT_KEYS]
            more = start + SNAPSHOT_KEYS < len(keys)
            body = Message({"keys": list(part), "more": more}, section="value", subject="snapshot")
            subscriber.deliver(encode_message(body), None)

    def _changed(self, what: str, key: str) -> None:
        if self._watchers:
            data = encode_message(Message({"key": key}, section="value", subject=what))
            for watcher in tuple(self._watchers):
                watcher.deliver(data, None)
