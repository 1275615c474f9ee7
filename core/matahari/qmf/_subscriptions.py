"""Subscriptions of consoles to objects: each is told of what is new, different or gone, at its own interval.

A subscription lives from its request until it is cancelled, its time is over without a refresh, or the agent stops.
What the console was last sent is kept as one digest for each object, so an interval without changes costs no message.
Subscriptions are served on whole seconds, so that those which are due together share one look at the objects.

Field names, defaults and ranges are those of Apache's Java tools; no other peer has subscriptions.

Source: qmf2.md 3.10
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from matahari.errors import RemoteProtocolError, SchemaError
from matahari.qmf._answers import Refused, answer
from matahari.qmf._deadlines import Deadlines
from matahari.qmf._observation import Observation
from matahari.qmf._parts import split_parts
from matahari.qmf.packet import (
    CODE_EXCEPTION,
    CODE_INVALID_PARAMETER,
    CODE_UNKNOWN_OBJECT,
    CONTENT_DATA,
    DATA_INDICATION,
    Packet,
    Reply,
)
from matahari.qmf.predicate import Predicate, compile_predicate
from matahari.qmf.query import Query, QueryTarget
from matahari.qmf.schema import SchemaId
from matahari.qmf.values import Value, text

#: Most subscriptions of one agent, libqmf2's default for its never finished ones: each costs work every interval.
MAX_SUBSCRIPTIONS: Final = 64
#: Most for one reply address, so that one console cannot take all.
MAX_SUBSCRIPTIONS_PER_ADDRESS: Final = 16
#: Seconds that a subscription lives without a refresh: what is taken by default, and the range.
DEFAULT_DURATION: Final = 300
MIN_DURATION: Final = 10
MAX_DURATION: Final = 3600
#: Seconds between looks at the objects: what is taken by default, and the range.
DEFAULT_INTERVAL: Final = 30
MIN_INTERVAL: Final = 1
MAX_INTERVAL: Final = 3600


@dataclass(slots=True)
class _Subscription:
    """One console's interest; ``sent`` has class and digest of each object as the console knows it, by name."""

    request: Packet
    query: Query
    predicate: Predicate
    interval: int
    duration: int
    expires_at: float
    next_at: float
    sent: dict[str, tuple[SchemaId, bytes]] = field(default_factory=dict)


class SubscriptionTable:
    """The subscriptions of one agent by id.

    Args:
        make_id: gives an id that nobody can guess, because whoever knows it can cancel.
    """

    def __init__(self, agent: str, make_id: Callable[[], str]) -> None:
        self._agent = agent
        self._make_id = make_id
        self._table: dict[str, _Subscription] = {}
        self._deadlines: Deadlines[str] = Deadlines()

    def __len__(self) -> int:
        return len(self._table)

    def subscribe(self, request: Packet, now: float) -> Value:
        """Begin a subscription and return the body of the answer; the objects follow at once.

        Raises:
            Refused: the query is not for objects, malformed, or there are too many subscriptions.
        """
        body = request.body
        if not isinstance(body, dict):
            raise Refused("A subscription must be a map", CODE_INVALID_PARAMETER)
        try:
            query = Query.from_map(body.get("_query"))
            predicate = compile_predicate(query.where)
        except (RemoteProtocolError, SchemaError) as error:
            raise Refused(f"Invalid query: {error}", CODE_INVALID_PARAMETER) from error
        if query.what is not QueryTarget.OBJECT or (query.object_id is None and query.schema_id is None):
            text = "Only objects by id or class can be subscribed to"
            raise Refused(text, CODE_INVALID_PARAMETER)
        self._make_room(request.reply_to, now)
        duration = _clamp(body.get("_duration"), 1, DEFAULT_DURATION, MIN_DURATION, MAX_DURATION)
        interval = _clamp(body.get("_interval"), 1000, DEFAULT_INTERVAL, MIN_INTERVAL, MAX_INTERVAL)
        # Only what the answers need is kept.
        address = Packet("", correlation_id=request.correlation_id, reply_to=request.reply_to, form_a=request.form_a)
        identifier = self._make_id()
        found = _Subscription(address, query, predicate, interval, duration, now + duration, now)
        self._table[identifier] = found
        self._schedule(identifier, found)
        return _granted(identifier, found)

    def refresh(self, body: Value, now: float) -> Value:
        """Let a subscription live for another duration, the same or a given one, and return the body of the answer.

        Raises:
            Refused: there is no such subscription, or no more.
        """
        identifier, found = self._find(body)
        if found is None or now >= found.expires_at:
            raise Refused("There is no such subscription", CODE_UNKNOWN_OBJECT)
        assert isinstance(body, dict)  # it named a subscription
        found.duration = _clamp(body.get("_duration"), 1, found.duration, MIN_DURATION, MAX_DURATION)
        found.expires_at = now + found.duration
        self._schedule(identifier, found)
        return _granted(identifier, found)

    def cancel(self, body: Value) -> bool:
        """End a subscription; False when there is none of that id."""
        identifier, found = self._find(body)
        if found is None:
            return False
        self._drop(identifier)
        return True

    def repeat(self, now: float) -> None:
        """Tell all again what there is: the connection was lost, and with it what was under way."""
        for identifier, found in self._table.items():
            found.sent = {name: (schema_id, b"") for name, (schema_id, _) in found.sent.items()}
            found.next_at = now
            self._schedule(identifier, found)

    def clear(self) -> None:
        """End all subscriptions."""
        for identifier in list(self._table):
            self._drop(identifier)

    def deadline(self) -> float | None:
        """Return when :meth:`publish` is due, None without subscriptions."""
        return self._deadlines.earliest()

    def publish(self, now: float, observation: Observation) -> Iterator[Reply]:
        """Return what is due to be told; those whose time is over end."""
        while (identifier := self._deadlines.pop_due(now)) is not None:
            found = self._table[identifier]
            if now >= found.expires_at:
                self._drop(identifier)
                continue
            found.next_at = math.floor(now) + found.interval
            self._schedule(identifier, found)
            news = _news(found, observation)
            if news:
                for part in split_parts(news):
                    yield answer(
                        found.request, self._agent, DATA_INDICATION, part, content=CONTENT_DATA, method="indication"
                    )

    def _make_room(self, reply_to: str | None, now: float) -> None:
        """Raise Refused when no further subscription fits, those that are over not counted."""
        for identifier in [name for name, one in self._table.items() if now >= one.expires_at]:
            self._drop(identifier)
        if len(self._table) >= MAX_SUBSCRIPTIONS:
            raise Refused(f"An agent has at most {MAX_SUBSCRIPTIONS} subscriptions", CODE_EXCEPTION)
        if sum(one.request.reply_to == reply_to for one in self._table.values()) >= MAX_SUBSCRIPTIONS_PER_ADDRESS:
            text = f"A console has at most {MAX_SUBSCRIPTIONS_PER_ADDRESS} subscriptions to an agent"
            raise Refused(text, CODE_EXCEPTION)

    def _find(self, body: Value) -> tuple[str, _Subscription | None]:
        identifier = text(body.get("_subscription_id")) if isinstance(body, dict) else None
        return identifier or "", self._table.get(identifier or "")

    def _schedule(self, identifier: str, found: _Subscription) -> None:
        self._deadlines.put(identifier, min(found.next_at, found.expires_at))

    def _drop(self, identifier: str) -> None:
        del self._table[identifier]
        self._deadlines.drop(identifier)


def _news(found: _Subscription, observation: Observation) -> list[Value]:
    """Return what has changed for a subscription since it was last told, and remember it as told."""
    news: list[Value] = []
    known, found.sent = found.sent, {}
    for seen in observation.matching(found.query, found.predicate):
        told = (seen.schema_id, seen.digest)
        if known.pop(seen.name, None) != told:
            news.append(seen.body)
        found.sent[seen.name] = told
    for name, (schema_id, digest) in known.items():
        now_seen = observation.find(name)
        if now_seen is not None and found.query.object_id is None and _still_means(found.query, now_seen.schema_id):
            # It does not match the predicate any more, which its present values tell; it is not gone.
            news.append(now_seen.body)
        elif now_seen is None and observation.has(name):
            found.sent[name] = (schema_id, digest)  # its values cannot be had now; nothing is known to be different
        else:
            news.append(observation.deleted(name, schema_id))
    return news


def _still_means(query: Query, schema_id: SchemaId) -> bool:
    return query.schema_id is not None and schema_id.matches(query.schema_id)


def _granted(identifier: str, found: _Subscription) -> Value:
    return {"_subscription_id": identifier, "_duration": found.duration, "_interval": 1000 * found.interval}


def _clamp(value: Value, unit: int, default: int, least: int, most: int) -> int:
    """Return whole seconds, rounded up, of a number of which ``unit`` make a second; what is no number above 0 is the default."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        return default
    return least if value <= least * unit else most if value >= most * unit else math.ceil(value / unit)
