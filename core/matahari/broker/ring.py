"""What waits for one slow subscriber: a ring that drops the oldest and counts what it dropped. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

__all__ = ["RING_BYTES", "RING_MESSAGES", "Ring", "Waiting"]

RING_MESSAGES = 20_000  # an hour of heartbeats of 300 agents; newer ones are worth more than older ones
RING_BYTES = 8 << 20  # so that 100 stuck consoles cost less than 1 GiB


@dataclass(frozen=True, slots=True)
class Waiting:
    """One message in a ring.

    Attributes:
        since: monotonic seconds at which it arrived.
        expires: monotonic seconds after which it is not delivered, None for never.
    """

    data: bytes
    since: float
    expires: float | None


class Ring:
    """Bounded by count and by bytes.

    Attributes:
        size: bytes that wait.
        dropped: messages that gave way to newer ones.
        expired: messages whose time to live was over when their turn came.
    """

    __slots__ = ("_limit", "_messages", "_waiting", "dropped", "expired", "size")

    def __init__(self, *, messages: int = RING_MESSAGES, size: int = RING_BYTES) -> None:
        self._waiting: deque[Waiting] = deque()
        self._messages = messages
        self._limit = size
        self.size = 0
        self.dropped = 0
        self.expired = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def push(self, message: Waiting) -> None:
        """Append, dropping the oldest as far as needed."""
        self._waiting.append(message)
        self.size += len(message.data)
        while self._waiting and (len(self._waiting) > self._messages or self.size > self._limit):
            self._take()
            self.dropped += 1

    def pop(self, now: float) -> Waiting | None:
        """The oldest message that has not expired, None when nothing waits."""
        while self._waiting:
            message = self._take()
            if message.expires is None or message.expires > now:
                return message
            self.expired += 1
        return None

    def _take(self) -> Waiting:
        message = self._waiting.popleft()
        self.size -= len(message.data)
        return message
