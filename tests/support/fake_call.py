"""A call on the in-memory console: scripted reports before each result, and interrupts where a test wants them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from matahari.console import RemoteObject, Report, Result, Told
from matahari.errors import RemoteCancelledError

__all__ = ["FakeCall", "Tell"]

#: What a call tells of one object before its result; an exception in it is raised to whoever waits.
Tell: TypeAlias = Callable[[RemoteObject], Iterable[Report | BaseException]]


class FakeCall(Iterator[Told]):
    """Stands for :class:`matahari.console.sync.RunningCall`."""

    def __init__(self, results: Iterator[Result], tell: Tell | None) -> None:
        self._results = results
        self._tell = tell
        self._waiting: deque[Told | BaseException] = deque()
        self._is_cancelled = False

    def ready(self) -> bool:
        if not self._waiting:
            result = next(self._results, None)
            if result is None:
                return False
            if self._tell is not None:
                self._waiting += self._tell(result.object)
            self._waiting.append(result)
        return True

    def __next__(self) -> Told:
        if not self.ready():
            raise StopIteration
        told = self._waiting.popleft()
        if isinstance(told, BaseException):
            raise told
        if isinstance(told, Result) and self._is_cancelled:
            error = RemoteCancelledError("it was cancelled by its caller", kind="cancelled")
            return Result(told.object, None, error, told.duration)
        return told

    def cancel(self) -> None:
        self._is_cancelled = True

    def close(self) -> None:
        close = getattr(self._results, "close", None)
        if callable(close):
            close()
