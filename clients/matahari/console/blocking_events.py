"""Events as a stream, for programs without an event loop of their own."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Self

from matahari.console.background import Background
from matahari.console.event_stream import EventStream as AsyncEventStream
from matahari.console.values import ConsoleEvent

__all__ = ["EventStream"]


class EventStream(Iterator[ConsoleEvent]):
    """See :class:`matahari.console.EventStream`; a context manager, and an iterator that blocks."""

    def __init__(self, stream: AsyncEventStream, loop: Background) -> None:
        self._stream = stream
        self._loop = loop

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __next__(self) -> ConsoleEvent:
        event = self.next()
        if event is None:
            raise StopIteration
        return event

    @property
    def dropped(self) -> int:
        return self._stream.dropped

    def begin(self) -> None:
        self._loop.run(self._stream.begin())

    def next(self, timeout: float | None = None) -> ConsoleEvent | None:
        return self._loop.run(self._stream.next(timeout))

    def close(self) -> None:
        self._loop.end(self._stream.close())
