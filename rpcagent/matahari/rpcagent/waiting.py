"""The calls of one plugin that are not with a worker yet: those whose turn comes, and those that are checked first. Pure."""

from __future__ import annotations

import bisect
from collections import deque
from collections.abc import Iterator

__all__ = ["WaitingCalls"]


class WaitingCalls:
    """Numbers of calls, lowest first: the order in which they came. ``CallTable`` bounds how many.

    True while it is somebody's turn.
    """

    def __init__(self) -> None:
        self._queue: deque[int] = deque()
        self._checked: set[int] = set()

    def __len__(self) -> int:
        return len(self._queue) + len(self._checked)

    def __bool__(self) -> bool:
        return bool(self._queue)

    def __iter__(self) -> Iterator[int]:
        """All of them, those whose turn comes first."""
        return iter([*self._queue, *sorted(self._checked)])

    def append(self, call: int) -> None:
        """A call comes last."""
        self._queue.append(call)

    def popleft(self) -> int:
        """Take the call whose turn it is."""
        return self._queue.popleft()

    def check(self, call: int) -> None:
        """It is being checked; its turn does not come before :meth:`checked`."""
        self._checked.add(call)

    def checked(self, call: int) -> bool:
        """It has its place before later ones again; False when it was not being checked, or waits no longer."""
        if call not in self._checked:
            return False
        self._checked.discard(call)
        bisect.insort(self._queue, call)  # checks do not end in the order in which they began
        return True

    def remove(self, call: int) -> None:
        """It waits no longer, whichever of the two it waited for."""
        if call in self._checked:
            self._checked.discard(call)
        else:
            self._queue.remove(call)
