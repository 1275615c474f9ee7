"""What a plugin's call reports, passed on to its caller; a worker that reports faster than that can be is made to wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from matahari.agent import CallReporter
from matahari.hostproto import Output, Partial, Progress

from .records import CallFailure, CallReport, CallResult, Reporter

__all__ = ["relayed"]


async def relayed(
    reporter: CallReporter | None, invoke: Callable[[Reporter | None], Awaitable[CallResult]]
) -> CallResult:
    """Run a call, and pass on what it reports.

    Args:
        reporter: takes reports; None when the caller does not want any.
        invoke: runs the call with what is to hear it.

    Raises:
        CallFailure: as ``invoke``; also when the call yields a value that cannot be sent, for a gap would be worse.
    """
    if reporter is None:
        return await invoke(None)
    relay = _Relay(reporter)
    try:
        async with relay.end:
            return await invoke(relay.take)
    except TimeoutError:
        if relay.failure is None:
            raise
        raise relay.failure from None


class _Relay:
    """One call.

    Attributes:
        end: ends the call when there is a failure.
        failure: why it is ended, None while it is not.
    """

    def __init__(self, reporter: CallReporter) -> None:
        self.end = asyncio.timeout(None)
        self.failure: CallFailure | None = None
        self._reporter = reporter

    def take(self, report: CallReport) -> asyncio.Future[None] | None:
        """Take one report; gives what to wait for before the worker is read again, None to go on."""
        match report:
            case Progress():
                self._reporter.progress(report.done, report.total, report.text)
            case Output():
                self._reporter.output(report.chunk)
            case Partial():
                self._partial(report.text)
        return self._reporter.room()

    def _partial(self, value: str) -> None:
        try:
            self._reporter.partial(value)
        except ValueError as error:
            if self.failure is None:
                self.failure = CallFailure("too_large", "TooLarge", str(error), text=str(error))
                self.end.reschedule(asyncio.get_running_loop().time())
