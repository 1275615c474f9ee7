"""The broker's nodes and who is bound to them. Knows keys and bytes, no QMF and no sockets."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from matahari.amqp import Message, encode_message
from matahari.broker.routing import DirectTable, TopicTable

__all__ = ["BINDINGS", "DIRECT", "TOPIC", "Nodes", "Subscriber"]

TOPIC = "qmf.default.topic"
DIRECT = "qmf.default.direct"
BINDINGS = "matahari.bindings"
DYNAMIC_PREFIX = "matahari.dynamic."

SNAPSHOT_KEYS = 4000  # keys in one message: at 255 bytes each still within the 1 MiB of a message


class Subscriber(Protocol):
    """The end of a route."""

    def deliver(self, data: bytes, ttl: int | None) -> None:
        """Take one message; ``ttl`` is what its header says, in milliseconds."""


@dataclass(slots=True)
class Counters:
    """Messages since the start. ``unroutable`` had no subscriber, which is no fault (section 9.7)."""

    received: int = 0
    delivered: int = 0
    unroutable: int = 0
    malformed: int = 0


class Nodes:
    """``qmf.default.topic``, ``qmf.default.direct``, dynamic nodes, and the list of bound direct keys.

    A receiver on ``matahari.bindings`` gets the keys bound on the direct exchange (subject ``snapshot``, body map
    ``keys``: list of text, ``more``: whether another such message follows), then one message for each change (subject
    ``bound`` or ``unbound``, body map ``key``). So a console knows whom to expect, and that somebody has gone.
    """

    def __init__(self, token: Callable[[], str] = lambda: secrets.token_urlsafe(18)) -> None:
        self._token = token
        self._topic: TopicTable[Subscriber] = TopicTable()
        self._direct: DirectTable[Subscriber] = DirectTable()
        self._dynamic: dict[str, Subscriber] = {}
        self._watchers: list[Subscriber] = []
        self.counters = Counters()

    def has(self, node: str) -> bool:
        """Whether a link may be attached to ``node`` for sending."""
        return node in (TOPIC, DIRECT) or node in self._dynamic

    def bind(self, node: str, key: str, subscriber: Subscriber) -> None:
        if node == TOPIC:
            self._topic.bind(key, subscriber)
        elif node == DIRECT:
            if self._direct.bind(key, subscriber):
                self._changed("bound", key)
        elif node == BINDINGS:
            self._watchers.append(subscriber)
            self._snapshot(subscriber)
        else:
            self._dynamic[node] = subscriber

    def unbind(self, node: str, key: str, subscriber: Subscriber) -> None:
        if node == TOPIC:
            self._topic.unbind(key, subscriber)
        elif node == DIRECT:
            if self._direct.unbind(key, subscriber):
                self._changed("unbound", key)
        elif node == BINDINGS:
            self._watchers.remove(subscriber)
        else:
            self._dynamic.pop(node, None)

    def new_dynamic(self) -> str:
        """An address that nobody can guess."""
        return DYNAMIC_PREFIX + self._token()

    def publish(self, node: str, key: str, data: bytes, ttl: int | None) -> None:
        """Route one message; the bytes go out as they are."""
        self.counters.received += 1
        targets: Iterable[Subscriber]
        if node == DIRECT:
            targets = self._direct.route(key)
        elif node == TOPIC:
            targets = self._topic.route(key)
        else:
            found = self._dynamic.get(node)
            targets = () if found is None else (found,)
        count = 0
        for target in targets:
            target.deliver(data, ttl)
            count += 1
        if count:
            self.counters.delivered += count
        else:
            self.counters.unroutable += 1

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
            for watcher in list(self._watchers):
                watcher.deliver(data, None)
