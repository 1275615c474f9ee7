"""Events as a stream: those of one class and of some hosts, as they come, in the order in which they came."""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Final, Self

from matahari.console.listening import Listening
from matahari.console.values import ClassName, ConsoleEvent

__all__ = ["EventStream"]

#: Events that wait for a program that does not take them; of ten agents that raise one a second, a quarter of an hour.
MAX_WAITING: Final = 10_000


class EventStream(AsyncIterator[ConsoleEvent]):
    """``async for event in console.events(…)``; ``async with`` hears from then on, and ends when it is left.

    Without it events are heard from the first iteration on, until the stream is closed or forgotten.

    Args:
        listen: registers a callback.
        find_hosts: gives the names of the hosts that are meant; None for all.
        name: of the class; None for all events, and agents that come and go.

    Attributes:
        dropped: events that came while too many waited; they are lost.
    """

    def __init__(
        self,
        listen: Callable[[Callable[[ConsoleEvent], None]], Listening],
        find_hosts: Callable[[], Awaitable[frozenset[str] | None]],
        name: ClassName | None,
    ) -> None:
        self._listen = listen
        self._find_hosts = find_hosts
        self._name = name
        self._hosts: frozenset[str] | None = None
        self._listening: Listening | None = None
        self._waiting: deque[ConsoleEvent] = deque()
        self._changed = asyncio.Event()
        self._is_closed = False
        self.dropped = 0

    async def __aenter__(self) -> Self:
        await self.begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ConsoleEvent:
        event = await self.next()
        if event is None:
            raise StopAsyncIteration
        return event

    async def begin(self) -> None:
        """Hear events from now on, unless that was done; entering and iterating do so too.

        Raises:
            FilterSyntaxError, RequestTimeoutError, ConnectionLostError: as ``hosts``, when hosts are chosen by a filter.
            NoAgentsError: a named host is not known.
            RequestError: too many listeners.
        """
        if self._listening is None and not self._is_closed:
            self._hosts = await self._find_hosts()
            me = weakref.ref(self)

            def hear(event: ConsoleEvent) -> None:
                if (stream := me()) is not None:
                    stream._hear(event)

            self._listening = self._listen(hear)
            weakref.finalize(self, self._listening.close)

    async def next(self, timeout: float | None = None) -> ConsoleEvent | None:
        """The next event; None when there is none within ``timeout`` seconds, or the stream or console is closed."""
        await self.begin()
        try:
            async with asyncio.timeout(timeout):
                while not self._waiting and not self._is_closed:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return None
        return self._waiting.popleft() if self._waiting else None

    async def close(self) -> None:
        """Hear no more; who waits for an event is told that there is none. A second call does nothing."""
        self._end()
        self._waiting.clear()

    # --- inside ---------------------------------------------------------------------------------------------

    def _end(self) -> None:
        """Hear no more; what waits can still be taken."""
        self._is_closed = True
        if self._listening is not None:
            self._listening.close()
        self._changed.set()

    def _hear(self, event: ConsoleEvent) -> None:
        if self._name is not None and (event.kind, event.package, event.name) != (
            "event", self._name.package, self._name.name,
        ):  # fmt: skip
            return
        if self._hosts is not None and event.host not in self._hosts:
            return
        if len(self._waiting) >= MAX_WAITING:
            self.dropped += 1  # what came first is kept: it tells how it began
            return
        self._waiting.append(event)
        self._changed.set()
