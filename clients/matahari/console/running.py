"""A call that runs on several objects: what it tells, its results, and giving it up.

Plain callbacks instead of a task for each object: on a thousand hosts tasks would cost more than the calls.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from matahari.console.arguments import mismatch_of, result_of
from matahari.console.checking import Prepared
from matahari.console.reports import Missed, Report, Told, read
from matahari.console.values import RemoteObject, Result, Results
from matahari.errors import CancelledRequestError, MatahariError
from matahari.qmf import MAX_CALL_TIMEOUT, MAX_REPORT_INTERVAL, CallOptions, CallReported, is_broker

if TYPE_CHECKING:
    from matahari.console.extending import ConsoleExtensions
    from matahari.console.outcomes import Outcome
    from matahari.console.station import Station

__all__ = ["RunningCall"]

#: Calls between two writes: the first hosts work while those for the last are still being encoded, 60 us each.
FLUSH_EVERY: Final = 100
#: Messages of reports a second over all objects, as far as we ask for: what one console reads and still does other work.
MESSAGE_RATE: Final = 2000.0
#: Reports, and their characters, that wait for whoever takes them; then output and values are counted as missed.
MAX_WAITING: Final = 10_000
MAX_WAITING_SIZE: Final = 64 << 20
#: Seconds, and at most a tenth of the time, that an agent is given less than we wait: so that its answer, with the output
#: so far, is here in time, and an agent that is gone delays nobody beyond the limit.
MOST_HEADSTART: Final = 0.5
_OWN_AGENTS: Final = "matahariproject.org:"


class RunningCall(AsyncIterator[Told]):
    """Iterate over it: reports as they come, if they were asked for, and one :class:`Result` for each object.

    Also a context manager: leaving it ends the call where it still runs. One event loop owns it.

    Args:
        objects: on which it runs.
        prepare: gives the arguments for each of them, or why it cannot be called; asked once, before anything is sent.
        timeout: seconds for each object.
        has_reports: ask for reports.
        extensions: for the results.

    Raises:
        ValueError: the timeout is longer than agents keep one (``MAX_CALL_TIMEOUT``), and reports are asked for.
    """

    def __init__(
        self,
        station: Station,
        method: str,
        objects: Sequence[RemoteObject],
        prepare: Callable[[], Awaitable[Sequence[Prepared]]],
        *,
        timeout: float,
        has_reports: bool,
        extensions: ConsoleExtensions | None = None,
    ) -> None:
        if has_reports and timeout > MAX_CALL_TIMEOUT:
            raise ValueError(f"the timeout of a call with reports is {MAX_CALL_TIMEOUT:g} s at most, not {timeout:g}")
        self._station = station
        self._method = method
        self._objects = tuple(objects)
        self._prepare = prepare
        self._timeout = timeout
        self._has_reports = has_reports
        self._extensions = extensions
        self._is_begun = self._is_cancelled = False
        self._told: deque[tuple[Told, int]] = deque()
        self._size = 0
        self._missed: Counter[int] = Counter()
        self._open: dict[int, RemoteObject] = {}
        self._results: dict[int, Result] = {}
        self._left = len(self._objects)
        self._waiter: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Self:
        await self.begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Told:
        while True:
            if not self._is_begun:
                await self.begin()
            if self._told:
                return self._pop()
            if not self._left:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    @property
    def running(self) -> list[RemoteObject]:
        """Objects on which the call has not ended."""
        return list(self._open.values())

    @property
    def results(self) -> Results:
        """Results that are in, in the order of the objects."""
        found = (self._results.get(id(item)) for item in self._objects)
        return Results((one for one in found if one is not None), self._extensions)

    async def begin(self) -> None:
        """Send the call, unless that was done; entering and iterating do so too, and again when it could not begin.

        Raises:
            NoAgentsError: there are no objects.
            UnknownActionError, InvalidArgumentError, MissingArgumentError, SchemaError: no object would take the call;
                nothing was sent.
        """
        if self._is_begun:
            return
        self._is_begun = True
        try:
            prepared = await self._prepare()
        except BaseException:
            self._is_begun = False  # whoever goes on begins anew, instead of waiting for what never comes
            self._wake()
            raise
        if not self._left:
            return  # closed meanwhile
        for count, (item, arguments) in enumerate(zip(self._objects, prepared, strict=True), 1):
            if self._is_cancelled:
                self._ended(0, item, CancelledRequestError("the call was given up before it was sent"), 0.0)
            else:
                self._call(item, arguments)
            if count % FLUSH_EVERY == 0:
                self._station.flush()
        if len(self._objects) == 1:
            self._station.flush()

    async def wait(self, on_report: Callable[[Report], None] | None = None) -> Results:
        """Go on to the end; all results, in the order of the objects.

        Args:
            on_report: is called with each report; what it raises is raised here.
        """
        async for told in self:
            if on_report is not None and not isinstance(told, Result):
                on_report(told)
        return self.results

    def cancel(self) -> None:
        """Have the call ended where it still runs, or not begun where it was not; the results of those come soon.

        They have a :class:`RemoteCancelledError`, unless the call was done by then; where an agent does not answer to
        that, as those of others do not, a :class:`CancelledRequestError`.
        """
        self._is_cancelled = True
        for request, item in list(self._open.items()):
            if is_broker(item.agent):
                self._station.forget(request)
                self._ended(request, item, CancelledRequestError("the call was given up"), 0.0)
            else:
                self._station.cancel_call(request)

    async def close(self) -> None:
        """Have the call ended where it still runs, and forget about it."""
        for request, item in list(self._open.items()):
            if not is_broker(item.agent):
                self._station.cancel_call(request)
            self._station.forget(request)
        self._open.clear()
        self._told.clear()
        self._left = 0
        self._wake()

    # --- inside ---------------------------------------------------------------------------------------------

    def _call(self, item: RemoteObject, arguments: Prepared) -> None:
        start = asyncio.get_running_loop().time()
        request = 0

        def done(outcome: Outcome) -> None:
            self._ended(request, item, outcome, asyncio.get_running_loop().time() - start)

        if isinstance(arguments, MatahariError):
            done(arguments)
            return
        try:
            request = self._station.begin_call(
                item.agent,
                item.object_id,
                self._method,
                arguments,
                self._timeout,
                done,
                options=self._options_for(item.agent),
                told=lambda event: self._reported(item, event),
            )
        except MatahariError as error:
            done(error)
        else:
            if id(item) not in self._results:  # it has ended already when it could not be sent
                self._open[request] = item

    def _options_for(self, agent: str) -> CallOptions | None:
        """What the agent is asked for; those of others are asked for nothing that only ours know, unless for reports."""
        if self._has_reports and not is_broker(agent):
            interval = min(MAX_REPORT_INTERVAL, len(self._objects) / MESSAGE_RATE)
            return CallOptions(True, self._timeout, interval)
        if agent.startswith(_OWN_AGENTS) and 0 < self._timeout <= MAX_CALL_TIMEOUT:
            return CallOptions(False, self._timeout - min(self._timeout / 10, MOST_HEADSTART))
        return None

    def _ended(self, request: int, item: RemoteObject, outcome: Outcome, duration: float) -> None:
        self._open.pop(request, None)
        missed = self._missed.pop(id(item), 0)
        if missed:
            self._put(Missed(item, missed), 0)
        result = self._results[id(item)] = _result(item, outcome, duration)
        self._put(result, 0)

    def _reported(self, item: RemoteObject, event: CallReported) -> None:
        for report, size in read(item, event):
            if len(self._told) >= MAX_WAITING or self._size + size > MAX_WAITING_SIZE:
                self._missed[id(item)] += report.count if isinstance(report, Missed) else 1
                continue
            missed = self._missed.pop(id(item), 0)
            if missed:
                self._put(Missed(item, missed), 0)
            self._put(report, size)

    def _take_waiting(self) -> list[Told]:
        """All that can be had without waiting, for the blocking face."""
        return [self._pop() for _ in range(len(self._told))]

    def _pop(self) -> Told:
        told, size = self._told.popleft()
        self._size -= size
        if isinstance(told, Result):
            self._left -= 1
        return told

    def _put(self, told: Told, size: int) -> None:
        self._told.append((told, size))
        self._size += size
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _result(item: RemoteObject, outcome: Outcome, duration: float) -> Result:
    if isinstance(outcome, MatahariError):
        return Result(item, None, outcome, duration)
    assert isinstance(outcome, Mapping)
    try:
        return Result(item, result_of(item.schema, outcome), None, duration, mismatch_of(item.schema, outcome))
    except MatahariError as error:
        return Result(item, None, error, duration)
