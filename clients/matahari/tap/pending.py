"""Requests that an answer may still come for: latency, and what the answer is about. Pure; time is given."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

__all__ = ["EXPIRY", "MAX_PENDING", "Pending", "PendingTable"]

MAX_PENDING: Final = 20_000  # requests at once; of more, the oldest answer comes without a latency
EXPIRY: Final = 600.0  # seconds; slow plugin calls take minutes, and an identifier may be used again afterwards
_BROKER, _BROKER_PREFIX = "broker", "apache.org:qpidd:"


@dataclass(slots=True)
class Pending:
    """One request.

    Attributes:
        number: counts all requests, for names that belong together.
        agent: who was asked, empty for everybody or a key that nobody is known to own.
        asked: monotonic seconds at which it was seen.
        is_broadcast: many may answer, so the answers are not counted and none is the last.
        parts: messages of its answer so far.
    """

    asked: float
    agent: str = ""
    package: str = ""
    class_name: str = ""
    object_name: str = ""
    method: str = ""
    is_broadcast: bool = False
    number: int = 0
    parts: int = 0


class PendingTable:
    """Requests by reply key, correlation id, and the agent that was asked (empty: whoever answers)."""

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[str, str, str], Pending] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return len(self._open)

    def ask(self, reply_key: str, correlation: str, request: Pending, *, of_anybody: bool = False) -> None:
        """Note a request; one of the same identity is forgotten.

        Args:
            of_anybody: the answer does not tell its agent (QMFv1).
        """
        self._expire(request.asked)
        self._count += 1
        request.number = self._count
        key = (reply_key, correlation, "" if of_anybody else request.agent)
        self._open[key] = request
        self._open.move_to_end(key)
        if len(self._open) > MAX_PENDING:
            self._open.popitem(last=False)

    def find(self, reply_key: str, correlation: str, agent: str, now: float) -> Pending | None:
        """The request that a message on the way to its answer belongs to; None when none is known."""
        self._expire(now)
        return self._open.get((reply_key, correlation, agent))

    def answer(self, reply_key: str, correlation: str, agent: str, now: float, *, is_last: bool) -> Pending | None:
        """The request that a message belongs to, with the message counted; None when none is known."""
        self._expire(now)
        names = [agent]
        if agent.startswith(_BROKER_PREFIX):
            names.append(_BROKER)  # the broker's own agent answers some requests under its full name
        for name in (*names, ""):
            found = self._open.get((reply_key, correlation, name))
            if found is not None:
                if not found.is_broadcast:
                    found.parts += 1
                    if is_last:
                        del self._open[reply_key, correlation, name]
                return found
        return None

    def _expire(self, now: float) -> None:
        while self._open:
            first = next(iter(self._open))
            if self._open[first].asked + EXPIRY > now:
                return
            del self._open[first]
