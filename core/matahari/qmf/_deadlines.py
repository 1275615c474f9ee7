"""Which of many things is due first."""

from __future__ import annotations

import heapq
from typing import Generic, TypeVar

_Key = TypeVar("_Key", int, str)

#: Outdated heap entries tolerated beyond one for each live one, before the heap is made anew.
_SLACK = 64


class Deadlines(Generic[_Key]):
    """One moment for each key, with the earliest at hand.

    Dropping or moving a key leaves its old entry in the heap until it comes to the top or such entries outnumber the
    live ones; so all operations are cheap and the size stays within twice the number of keys.
    """

    def __init__(self) -> None:
        self._moments: dict[_Key, float] = {}
        self._heap: list[tuple[float, _Key]] = []

    def __len__(self) -> int:
        return len(self._moments)

    def put(self, key: _Key, moment: float) -> None:
        """Set or move the moment of ``key``."""
        self._moments[key] = moment
        heap = self._heap
        if len(heap) > 2 * len(self._moments) + _SLACK:
            heap[:] = [(moment, key) for key, moment in self._moments.items()]
            heapq.heapify(heap)
        else:
            heapq.heappush(heap, (moment, key))

    def drop(self, key: _Key) -> None:
        """Forget ``key``, if it is there."""
        self._moments.pop(key, None)

    def of(self, key: _Key) -> float | None:
        """Return the moment of ``key``, or None."""
        return self._moments.get(key)

    def earliest(self) -> float | None:
        """Return the earliest moment, or None."""
        heap, moments = self._heap, self._moments
        while heap:
            moment, key = heap[0]
            if moments.get(key) == moment:
                return moment
            heapq.heappop(heap)
        return None

    def pop_due(self, now: float) -> _Key | None:
        """Forget and return a key whose moment has come, earliest first, or None."""
        moment = self.earliest()
        if moment is None or moment > now:
            return None
        _, key = heapq.heappop(self._heap)
        del self._moments[key]
        return key
