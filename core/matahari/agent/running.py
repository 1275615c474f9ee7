"""Calls that run: their time limit, what they report, and the caller who gives one up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Protocol, Self

from matahari.agent.objects import AfterState, Fault
from matahari.agent.reports import ReportBuffer
from matahari.hooks import Ending
from matahari.qmf import CODE_EXCEPTION, Data, Invoke, Report, UInt, Value

__all__ = ["GUARD", "CallReporter", "ReportSink", "RunningCall", "RunningCalls"]

#: Seconds beyond a call's time limit after which the skeleton ends it; objects that keep the limit themselves, as
#: plugins do with what was printed so far, answer first. Consoles that ask for reports wait longer than that; others
#: have given up by then.
GUARD: Final = 0.5


class ReportSink(Protocol):
    """Where reports go."""

    def send_reports(self, call: int, reports: Sequence[Report]) -> None:
        """Send one message."""

    @property
    def is_crowded(self) -> bool:
        """Whether the broker takes less than it is given."""


class CallReporter:
    """Takes what one call tells, on the event loop, until its answer.

    Nothing is refused for being too much at once; whoever can tell much asks for :meth:`room` and waits for it.

    Args:
        call: its number.
        interval: least seconds between two messages, as the caller wishes.
        sink: where they go.
    """

    def __init__(self, call: int, interval: float, sink: ReportSink) -> None:
        self._call = call
        self._sink = sink
        self._buffer = ReportBuffer(interval)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._room: asyncio.Future[None] | None = None
        self._is_over = False

    def progress(self, done: float, total: float | None = None, text: str = "") -> None:
        """Say how far the call is; of several at once the last is sent."""
        self._tell(lambda now: self._buffer.progress(done, total, text, now))

    def output(self, chunk: str) -> None:
        """Show text; all output of a call beyond ``MAX_OUTPUT`` is left out, and the end of it says so."""
        self._tell(lambda now: self._buffer.output(chunk, now))

    def partial(self, value: str) -> None:
        """Send the JSON text of a value.

        Raises:
            ValueError: it is longer than ``MAX_VALUE``.
        """
        self._tell(lambda now: self._buffer.partial(value, now))

    def room(self) -> asyncio.Future[None] | None:
        """None while there is room; else what is done when there is again, or when the call is over."""
        if self._is_over or not self._buffer.is_full:
            return None
        if self._room is None:
            self._room = self._loop.create_future()
        return self._room

    def finish(self) -> None:
        """Send what waits, now; nothing is taken any more. To be called before the call is answered."""
        if self._is_over:
            return
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._loop.time()
        self._buffer.finish(now)
        while reports := self._buffer.take(now):
            self._sink.send_reports(self._call, reports)
        self.give_room()

    def _tell(self, tell: Callable[[float], None]) -> None:
        if not self._is_over:
            tell(self._loop.time())
            self._arm()

    def _arm(self) -> None:
        due = self._buffer.due()
        if due is None:
            return
        if self._timer is not None:
            if due >= self._timer.when() or self._sink.is_crowded:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        now = self._loop.time()
        if self._sink.is_crowded:
            # What waits here is bounded, what waits for the broker is shared by all: look again a little later.
            self._timer = self._loop.call_at(now + self._buffer.pause, self._on_timer)
            return
        self._sink.send_reports(self._call, self._buffer.take(now))
        if not self._buffer.is_full:
            self.give_room()
        self._arm()

    def give_room(self) -> None:
        """Have whoever waits for room go on."""
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)


class RunningCall:
    """One call; as a context manager around its method it keeps the time limit, and says how the call ended early.

    Attributes:
        timeout: the caller's limit in seconds, None for none.
        reporter: takes reports; None when the caller wants none.
        has_begun: its task has run at all, which says so here; one that is cancelled before never does.

    Raises:
        Fault: on entering or leaving, with the kind ``cancelled`` or ``timeout``.
    """

    def __init__(self, command: Invoke, sink: ReportSink, calls: dict[int, RunningCall]) -> None:
        options = command.options
        self.timeout = None if options is None else options.timeout
        self.reporter: CallReporter | None = None
        if options is not None and options.stream:
            self.reporter = CallReporter(command.call, options.interval, sink)
        self._calls = calls
        self._call = command.call
        self._method = command.method
        self._limit = asyncio.timeout(None if self.timeout is None else self.timeout + GUARD)
        self._task: asyncio.Task[object] | None = None
        self._is_cancelled = False
        self._goes_on = False
        self.has_begun = False

    def ending(self) -> Ending:
        """Why the task of the call is cancelled, when it is: by the agent, if neither caller nor time did it."""
        if self._is_cancelled:
            return "cancelled"
        return "timeout" if self._limit.expired() else "stopping"

    def afterlife(self, state: AfterState) -> None:
        """Hear what becomes of what the call has begun, see :class:`CallContext`."""
        self._goes_on = state == "running"

    async def __aenter__(self) -> Self:
        if self._is_cancelled:
            raise self._cancelled()  # given up before it began
        self._task = asyncio.current_task()
        await self._limit.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        task, self._task = self._task, None
        try:
            await self._limit.__aexit__(kind, error, trace)
        except TimeoutError as late:
            raise _fault("timeout", f"{self._method} took longer than {self.timeout:g} s") from late
        finally:
            if self.reporter is not None:
                self.reporter.finish()
        if self._is_cancelled and isinstance(error, asyncio.CancelledError):
            if task is not None:
                task.uncancel()
            raise self._cancelled() from error

    def cancel(self) -> None:
        """The caller gives it up: end it where it is."""
        self._is_cancelled = True
        if self.reporter is not None:
            self.reporter.give_room()  # a call that waits with its next report could not see that it is to end
        if self._task is not None:
            self._task.cancel()

    def remove(self, _task: object = None) -> None:
        """It was answered."""
        self._calls.pop(self._call, None)

    def _cancelled(self) -> Fault:
        late = "; it has not let go yet" if self._goes_on else ""
        return _fault("cancelled", f"{self._method} was cancelled by its caller{late}")


class RunningCalls:
    """All calls that run in one agent, by number."""

    def __init__(self, sink: ReportSink) -> None:
        self._sink = sink
        self._calls: dict[int, RunningCall] = {}

    def add(self, command: Invoke) -> RunningCall:
        """A call is about to begin; it stays until it is removed."""
        running = self._calls[command.call] = RunningCall(command, self._sink, self._calls)
        return running

    def cancel(self, call: int) -> None:
        """The caller gives a call up; one that was answered is no fault."""
        if call in self._calls:
            self._calls[call].cancel()


def _fault(kind: str, text: str) -> Fault:
    values: dict[str, Value] = {"kind": kind, "error_code": UInt(CODE_EXCEPTION), "error_text": text}
    return Fault(text, code=CODE_EXCEPTION, data=Data(values))
