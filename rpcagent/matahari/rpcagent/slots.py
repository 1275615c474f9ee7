"""How many workers load at once, over all plugins: 500 plugins that appear together must not starve the agent."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

__all__ = ["LOADS_AT_ONCE", "LoadSlots"]

#: Loads are mostly CPU time of the workers; more at once than this only makes all of them slow, and fewer would
#: let a few hanging imports hold up the rest until they are stopped.
LOADS_AT_ONCE: Final = 16


class LoadSlots:
    """Hands out turns, in order. A user has at most one at a time."""

    def __init__(self, size: int = LOADS_AT_ONCE) -> None:
        self._size = size
        self._taken: dict[object, int] = {}  # user -> worker
        self._waiting: deque[tuple[object, int, Callable[[], None]]] = deque()

    def take(self, user: object, worker: int, start: Callable[[], None]) -> None:
        """Run ``start`` now or when there is room. An earlier turn of this user is given back."""
        self.keep(user, None)
        if len(self._taken) < self._size:
            self._taken[user] = worker
            start()
        else:
            self._waiting.append((user, worker, start))

    def keep(self, user: object, worker: int | None) -> None:
        """Give back the user's turn, taken or awaited, unless it is for ``worker``."""
        if user in self._taken:
            if self._taken[user] == worker:
                return
            del self._taken[user]
        elif self._waiting:
            self._waiting = deque(entry for entry in self._waiting if entry[0] != user or entry[1] == worker)
        while self._waiting and len(self._taken) < self._size:
            next_user, next_worker, start = self._waiting.popleft()
            self._taken[next_user] = next_worker
            start()
