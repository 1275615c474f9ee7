"""A console's subscriptions to objects of agents: started, kept alive by refreshes in time, given back.

=========  =======================================  ==========================================================
state      what happens                             what follows
=========  =======================================  ==========================================================
asked      response with a subscription id          *running*, ``SubscriptionStarted``
asked      exception, or response without id        ``SubscriptionFailed``
asked      time is over, or the agent leaves        ``SubscriptionFailed``
asked      cancel                                   *cancelled*
running    half of the lifetime is over             refresh, and again each ``timeout`` until it is answered
running    response                                 the lifetime begins anew
running    exception, or response with an error     ``SubscriptionEnded`` (refused)
running    the lifetime is over, the agent leaves   ``SubscriptionEnded`` (expired, gone)
running    cancel                                   a cancel indication
cancelled  response with a subscription id          a cancel indication
cancelled  time is over                             nothing
=========  =======================================  ==========================================================

libqmf2 and the broker's agent never answer a subscription, so silence until the time is over is the usual "no".

Source: qmf2.md 3.10
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from matahari.errors import LocalProtocolError, RemoteProtocolError
from matahari.qmf._deadlines import Deadlines
from matahari.qmf.console_events import EngineEvent, SubscriptionEnded, SubscriptionFailed, SubscriptionStarted
from matahari.qmf.data import Data
from matahari.qmf.packet import (
    CODE_EXCEPTION,
    EXCEPTION,
    SUBSCRIBE_CANCEL_INDICATION,
    SUBSCRIBE_REFRESH_INDICATION,
    SUBSCRIBE_REQUEST,
    Packet,
)
from matahari.qmf.query import Query
from matahari.qmf.values import UInt, Value, integer, text

#: Most subscriptions at once: one to each agent that may be known. More is a mistake of the caller.
MAX_SUBSCRIPTIONS: Final = 20_000
#: Bounds of a lifetime in seconds, as Apache's Java agents have them: below we would do little but refresh, above an
#: agent would work for a console that died for too long.
MIN_LIFETIME: Final = 10
MAX_LIFETIME: Final = 3600
#: Longest subscription id that is sent back. Java's are uuids.
MAX_ID_LENGTH: Final = 1024


@dataclass(slots=True)
class _Subscription:
    """One subscription; ``remote_id`` is what the agent calls it, empty while it was not accepted."""

    number: int
    agent: str
    interval: float
    lifetime: float
    timeout: float
    sent_at: float  # of the latest request or refresh: the agent's own clock starts later, never earlier
    ends_at: float
    remote_id: str = ""
    is_cancelled: bool = False


class SubscriptionTable:
    """See the module.

    Args:
        send: takes agent, opcode, body and number of a request.
        report: takes what has happened.
    """

    def __init__(
        self, send: Callable[[str, str, dict[str, Value], int], None], report: Callable[[EngineEvent], None]
    ) -> None:
        self._send = send
        self._report = report
        self._items: dict[int, _Subscription] = {}
        self._by_agent: dict[str, set[int]] = {}
        self._deadlines: Deadlines[int] = Deadlines()

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, number: object) -> bool:
        return number in self._items

    def agent_of(self, number: int | None) -> str | None:
        """Return the agent of a subscription, or None when there is no such subscription."""
        found = None if number is None else self._items.get(number)
        return None if found is None else found.agent

    def is_live(self, number: int) -> bool:
        """Tell whether data of a subscription is still wanted."""
        return not self._items[number].is_cancelled

    def check_room(self) -> None:
        """Raise LocalProtocolError when there are too many."""
        if len(self._items) >= MAX_SUBSCRIPTIONS:
            raise LocalProtocolError(f"more than {MAX_SUBSCRIPTIONS} subscriptions")

    def open(
        self, number: int, agent: str, query: Query, now: float, timeout: float, interval: float, lifetime: float
    ) -> None:
        """Ask an agent for a subscription; times in seconds."""
        lifetime = min(max(lifetime, MIN_LIFETIME), MAX_LIFETIME)
        body: dict[str, Value] = {
            "_query": query.to_map(),
            "_interval": UInt(round(interval * 1000)),
            "_duration": UInt(round(lifetime)),
        }
        self._send(agent, SUBSCRIBE_REQUEST, body, number)
        self._items[number] = _Subscription(number, agent, interval, lifetime, timeout, now, now + timeout)
        self._by_agent.setdefault(agent, set()).add(number)
        self._deadlines.put(number, now + timeout)

    def cancel(self, number: int) -> bool:
        """Give a subscription back; nothing more is reported of it. False when it has ended already."""
        item = self._items.get(number)
        if item is None or item.is_cancelled:
            return False
        if item.remote_id:
            self._give_back(item)
        else:
            item.is_cancelled = True
        return True

    def receive(self, number: int, packet: Packet, now: float) -> None:
        """Take an answer about a subscription: a subscribe response or an exception."""
        item, body = self._items[number], packet.body
        values: dict[str, Value] = body if isinstance(body, dict) else {}
        remote_id = text(values.get("_subscription_id")) or item.remote_id
        if packet.opcode == EXCEPTION or "_values" in values or not remote_id or len(remote_id) > MAX_ID_LENGTH:
            self._refused(item, body)
            return
        has_started = not item.remote_id
        item.remote_id = remote_id
        if item.is_cancelled:
            self._give_back(item)
            return
        item.lifetime = float(
            min(max(integer(values.get("_duration"), int(item.lifetime)), MIN_LIFETIME), MAX_LIFETIME)
        )
        item.ends_at = item.sent_at + item.lifetime
        self._deadlines.put(number, item.sent_at + item.lifetime / 2)
        if has_started:
            said = integer(values.get("_interval"), -1)
            if said >= 0:
                item.interval = min(said, MAX_LIFETIME * 1000) / 1000
            self._report(SubscriptionStarted(number, item.agent, item.interval, item.lifetime))

    def close_all_of(self, agent: str) -> None:
        """End all subscriptions to an agent that has gone or begun anew."""
        for number in sorted(self._by_agent.get(agent, ())):
            item = self._items[number]
            self._drop(item)
            if item.remote_id:
                self._report(SubscriptionEnded(number, agent, "gone"))
            elif not item.is_cancelled:
                self._fail(item, "the agent left before it answered")

    def next_deadline(self) -> float | None:
        """Return when ``handle_timeout`` is due."""
        return self._deadlines.earliest()

    def handle_timeout(self, now: float) -> None:
        """Refresh what is to be refreshed and end what was not answered in time."""
        while (number := self._deadlines.pop_due(now)) is not None:
            item = self._items[number]
            if now < item.ends_at:
                item.sent_at = now
                body: dict[str, Value] = {"_subscription_id": item.remote_id, "_duration": UInt(round(item.lifetime))}
                self._send(item.agent, SUBSCRIBE_REFRESH_INDICATION, body, number)
                self._deadlines.put(number, min(now + max(item.timeout, 1.0), item.ends_at))
                continue
            self._drop(item)
            if item.remote_id:
                self._report(SubscriptionEnded(number, item.agent, "expired"))
            elif not item.is_cancelled:
                self._fail(item, f"no answer within {item.timeout:g} s: the agent has no subscriptions, or is silent")

    def _refused(self, item: _Subscription, body: Value) -> None:
        self._drop(item)
        if item.is_cancelled:
            return
        if item.remote_id:
            self._report(SubscriptionEnded(item.number, item.agent, "refused"))
            return
        try:
            self._report(SubscriptionFailed(item.number, item.agent, Data.from_map(body)))
        except RemoteProtocolError as error:
            self._fail(item, f"the answer cannot be read: {error}")

    def _fail(self, item: _Subscription, reason: str) -> None:
        error = Data({"error_code": UInt(CODE_EXCEPTION), "error_text": reason})
        self._report(SubscriptionFailed(item.number, item.agent, error))

    def _give_back(self, item: _Subscription) -> None:
        self._drop(item)
        body: dict[str, Value] = {"_subscription_id": item.remote_id}
        self._send(item.agent, SUBSCRIBE_CANCEL_INDICATION, body, item.number)

    def _drop(self, item: _Subscription) -> None:
        del self._items[item.number]
        self._deadlines.drop(item.number)
        mine = self._by_agent[item.agent]
        mine.discard(item.number)
        if not mine:
            del self._by_agent[item.agent]
