"""One call that runs in a harness."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping

from matahari.rpcagent import CallFailure

from .reports import CallRecord, Report

__all__ = ["RunningCall"]


class RunningCall:
    """A call that was begun: iterate for what it tells, await for its result. Used on one event loop.

    ::

        call = plugin.begin("copy", ["a", "b"])
        async for report in call:
            ...
        assert await call == 2

    Attributes:
        reports: what it has told so far, in order.
        arguments: as logs show them.

    Args:
        run: makes the call; is given the list that it is to add reports to through :meth:`add`.
        arguments: see the attribute.
    """

    def __init__(self, run: Callable[[RunningCall], Awaitable[object]], arguments: Mapping[str, object]) -> None:
        self.reports: list[Report] = []
        self.arguments = arguments
        self._news = asyncio.Event()
        self._task: asyncio.Future[object] = asyncio.ensure_future(run(self))
        self._task.add_done_callback(self._over)

    def __await__(self) -> Generator[object, None, object]:
        """The result; may be awaited more than once.

        Raises:
            CallFailure: there is no result.
            asyncio.CancelledError: it was cancelled.
        """
        return asyncio.shield(self._task).__await__()

    async def __aiter__(self) -> AsyncIterator[Report]:
        """Give each report from the first on, those that are yet to come as they come, until the call is over."""
        at = 0
        while True:
            while at < len(self.reports):
                yield self.reports[at]
                at += 1
            if self._task.done():
                return
            self._news.clear()
            await self._news.wait()

    @property
    def is_over(self) -> bool:
        """Whether the outcome is there."""
        return self._task.done()

    def cancel(self) -> None:
        """Stop waiting and tell the method so: its ``context().is_cancelled`` is true, its coroutine is cancelled.

        The method may run on until it looks. What it tells from now on is lost, except for events.
        """
        self._task.cancel()

    async def record(self) -> CallRecord:
        """Wait for the end, and give all of it; failures are part of the record."""
        try:
            value, failure = await self, None
        except CallFailure as error:
            value, failure = None, error
        return CallRecord(value, failure, tuple(self.reports), self.arguments)

    def add(self, report: Report) -> None:
        """Take a report (for the harness)."""
        self.reports.append(report)
        self._news.set()

    def _over(self, task: asyncio.Future[object]) -> None:
        self._news.set()
        if not task.cancelled():
            task.exception()  # whoever awaits hears of it; nobody has to
