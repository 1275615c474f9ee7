"""A call that tells what it does, for programs without an event loop of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from matahari.console.background import Background
from matahari.console.reports import Report, Told
from matahari.console.running import RunningCall as AsyncRunningCall
from matahari.console.values import RemoteObject, Result, Results

__all__ = ["RunningCall"]


class RunningCall(Iterator[Told]):
    """See :class:`matahari.console.RunningCall`; a context manager, and an iterator that blocks.

    An interrupt (Ctrl-C) while it waits loses nothing: :meth:`cancel` may follow, and iterating goes on with what comes.
    One thread at a time may iterate.
    """

    def __init__(self, call: AsyncRunningCall, loop: Background) -> None:
        self._call = call
        self._loop = loop
        self._next: Future[list[Told]] | None = None
        self._told: deque[Told] = deque()  # no more than may wait in the call itself

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __next__(self) -> Told:
        if not self.ready():
            raise StopIteration
        return self._told.popleft()

    def ready(self) -> bool:
        """Wait until something can be taken without waiting; False at the end. It takes nothing.

        An interrupt that comes when ``next`` is about to return loses what it would have returned. Who cannot afford
        that lets interrupts in only here.
        """
        if not self._told:
            if self._next is None:
                self._next = self._loop.begin(self._take())
            told = self._next.result()
            self._next = None
            self._told.extend(told)
        return bool(self._told)

    @property
    def running(self) -> list[RemoteObject]:
        return self._call.running

    @property
    def results(self) -> Results:
        return self._call.results

    def begin(self) -> None:
        self._loop.run(self._call.begin())

    def wait(self, on_report: Callable[[Report], None] | None = None) -> Results:
        for told in self:
            if on_report is not None and not isinstance(told, Result):
                on_report(told)
        return self.results

    def cancel(self) -> None:
        async def cancel() -> None:
            self._call.cancel()

        self._loop.run(cancel())

    def close(self) -> None:
        self._told.clear()
        self._loop.end(self._call.close())

    async def _take(self) -> list[Told]:
        """What comes next and all that waits behind it; each way between the threads costs more than a report does."""
        first = await anext(self._call, None)
        return [] if first is None else [first, *self._call._take_waiting()]
