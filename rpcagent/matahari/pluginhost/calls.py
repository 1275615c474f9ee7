"""Running the calls of a loaded plugin: decode, run in a thread or on the event loop, answer.

Every call that is taken gets exactly one answer, sent by whichever thread finished it.
"""

from __future__ import annotations

import contextvars
import inspect
import math
import threading
import time
from collections.abc import AsyncGenerator, Callable, Collection, Generator, Mapping
from types import AsyncGeneratorType, GeneratorType, MappingProxyType
from typing import TYPE_CHECKING, Final

from matahari.hostproto import NO_THREAD, Call, Failure, Json, Result
from matahari.plugin import Context, running

from .forms import PLAIN, BadArgument, Conversion, Form
from .outcomes import call_failure, call_outcome
from .pool import NoThread, Pool
from .reports import CallReporter, EventBudget, Report, TooMuch

if TYPE_CHECKING:
    from .eventloop import EventLoop

__all__ = ["Runner"]

_NOTHING: Final[Mapping[str, Json]] = MappingProxyType({})


class _Ended(Exception):
    """The call is over before its action is: ``failure`` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.value)
        self.failure = failure


class _Running:
    """One call that has been taken."""

    def __init__(
        self, call: Call, action: Callable[..., object], form: Form, context: Context, reporter: CallReporter
    ) -> None:
        self.call = call
        self.action = action
        self.form = form
        self.context = context
        self.reporter = reporter


def _discard(_report: Report) -> None:
    """Nobody listens."""


class Runner:
    """Runs calls. ``start`` and ``cancel`` belong to the thread that reads the socket.

    Args:
        plugin: the plugin's name.
        actions: name -> callable.
        files: paths of the plugin's own files, for tracebacks.
        concurrency: most calls at once.
        result_limit: most bytes of the JSON text of a result, and of a yielded value.
        answer: called with each answer, from any thread.
        idle: called, from any thread, when the last call has been answered.
        ended: told, from any thread, the number of each call that is over, before its answer is sent.
        forms: name -> how arguments are read and results written; an action without one gets and gives plain JSON.
        report: called with what running calls report, from any thread; may block.
        events: how many events the plugin may send.
        facts, settings: for the contexts of the calls.
    """

    def __init__(
        self,
        plugin: str,
        actions: Mapping[str, Callable[..., object]],
        *,
        files: Collection[str],
        concurrency: int,
        result_limit: int,
        answer: Callable[[Result | Failure], None],
        idle: Callable[[], None],
        ended: Callable[[int], None] = lambda call: None,
        forms: Mapping[str, Form] | None = None,
        report: Callable[[Report], None] = _discard,
        events: EventBudget | None = None,
        facts: Mapping[str, Json] = _NOTHING,
        settings: Mapping[str, object] = _NOTHING,
    ) -> None:
        self._plugin = plugin
        self._actions = actions
        self._forms = forms or {}
        self._is_async = {
            name
            for name, action in actions.items()
            if inspect.iscoroutinefunction(action) or inspect.isasyncgenfunction(action)
        }
        self._files = files
        self._concurrency = concurrency
        self._result_limit = result_limit
        self._answer = answer
        self._idle = idle
        self._ended = ended
        self._report = report
        self._events = events or EventBudget()
        self._facts = facts
        self._settings = settings
        self._pool = Pool(concurrency)
        self._loop: EventLoop | None = None
        self._lock = threading.Lock()
        self._running: dict[int, _Running] = {}
        self._unanswered = 0

    @property
    def unanswered(self) -> int:
        """Calls whose answer has not been sent yet."""
        return self._unanswered

    def start(self, call: Call) -> None:
        """Take a call; its answer comes later."""
        action = self._actions.get(call.method)
        if action is None:
            text = f"{self._plugin} has no method {call.method!r}"
            self._answer(Failure(call.id, "unknown_action", "LookupError", text))
            return
        taken = self._take(call, action)
        with self._lock:
            active = len(self._running) + 1
            if active <= self._concurrency and call.id not in self._running:
                self._running[call.id] = taken
                self._unanswered += 1
            else:
                active = 0
        if not active:
            self._answer(Failure(call.id, "busy", "RuntimeError", f"{self._concurrency} calls are running"))
        else:
            try:
                if call.method in self._is_async:
                    self._start_async(taken, action)
                else:
                    self._pool.run(lambda: self._run(taken), active=active)
            except NoThread as error:
                self._finish(Failure(call.id, "busy", NO_THREAD, str(error)))

    def cancel(self, call_id: int) -> None:
        """Tell a call that nobody waits for it."""
        taken = self._running.get(call_id)
        if taken is not None:
            taken.context.cancel()
            if self._loop is not None:
                self._loop.cancel(call_id)

    def renew_locks(self) -> None:
        """In a forked process: whoever held a lock does not exist here."""
        for taken in list(self._running.values()):
            taken.reporter.renew_lock()

    def _take(self, call: Call, action: Callable[..., object]) -> _Running:
        deadline = math.inf if call.left is None else time.monotonic() + call.left
        reporter = CallReporter(call.id, self._plugin, self._report, self._events)
        context = Context(
            self._plugin, call.request, call.caller, deadline, self._facts, self._settings, reporter=reporter
        )
        return _Running(call, action, self._forms.get(call.method, PLAIN), context, reporter)

    def _finish(self, answer: Result | Failure) -> None:
        # Room first: the agent may send the next call the moment it has the answer.
        with self._lock:
            taken = self._running.pop(answer.id)
        taken.reporter.close()
        self._ended(answer.id)
        self._answer(answer)
        # Only now: a worker that counted as idle before might end with the answer unsent.
        with self._lock:
            self._unanswered -= 1
            is_idle = not self._unanswered
        if is_idle:
            self._idle()

    def _run(self, taken: _Running) -> None:
        try:
            with running(taken.context):
                args, kwargs = taken.form.read(taken.call.args, taken.call.kwargs)
                value = taken.action(*args, **kwargs)
                if isinstance(value, GeneratorType):
                    answer = self._stream(taken, value)
                elif inspect.isawaitable(value) or isinstance(value, AsyncGeneratorType):
                    self._start_async(taken, lambda: value)
                    return
                else:
                    answer = self._outcome(taken, value, taken.form.result)
        except BaseException as error:  # noqa: BLE001  # the plugin's code; SystemExit must not end the worker
            answer = self._failure(taken, error)
        self._finish(answer)

    def _stream(self, taken: _Running, generator: Generator[object, None, object]) -> Result | Failure:
        """Send what a generator yields; its answer is what it returns, or else the number of values."""
        count = 0
        try:
            while True:
                try:
                    value = next(generator)
                except StopIteration as end:
                    return self._outcome_of_stream(taken, end.value, count)
                self._yielded(taken, value)
                count += 1
                if taken.context.is_cancelled:
                    raise _Ended(_cancelled(taken, "cancelled"))
        finally:
            generator.close()

    def _start_async(self, taken: _Running, action: Callable[..., object]) -> None:
        if self._loop is None:
            with self._lock:
                if self._loop is None:
                    from .eventloop import EventLoop  # asyncio costs memory and time; few need it

                    self._loop = EventLoop()
        variables = contextvars.copy_context()

        async def run() -> None:
            with running(taken.context):
                await self._await(taken, action)

        self._loop.start(taken.call.id, run, variables)

    async def _await(self, taken: _Running, action: Callable[..., object]) -> None:
        try:
            # What a blocking action has made is awaited as it is; its arguments were used up.
            if taken.call.method in self._is_async:
                args, kwargs = taken.form.read(taken.call.args, taken.call.kwargs)
                value = action(*args, **kwargs)
            else:
                value = action()
            if inspect.isawaitable(value):
                value = await value
            if isinstance(value, AsyncGeneratorType):
                answer = await self._stream_async(taken, value)
            elif isinstance(value, GeneratorType):
                answer = self._stream(taken, value)
            else:
                answer = self._outcome(taken, value, taken.form.result)
        except BaseException as error:  # noqa: BLE001  # the plugin's code, and cancellation by us
            is_ours = taken.context.is_cancelled and not isinstance(error, _Ended)
            answer = _cancelled(taken, type(error).__name__) if is_ours else self._failure(taken, error)
        self._finish(answer)

    async def _stream_async(self, taken: _Running, generator: AsyncGenerator[object, None]) -> Result | Failure:
        count = 0
        try:
            async for value in generator:
                self._yielded(taken, value)
                count += 1
        finally:
            await generator.aclose()
        return self._outcome_of_stream(taken, None, count)

    def _yielded(self, taken: _Running, value: object) -> None:
        outcome = self._outcome(taken, value, taken.form.yielded)
        if isinstance(outcome, Failure):
            raise _Ended(outcome)
        try:
            taken.reporter.partial(outcome.text)
        except TooMuch as error:
            text = f"{self._plugin}.{taken.call.method} {error}"
            raise _Ended(Failure(taken.call.id, "too_large", "TooLarge", text)) from error

    def _outcome_of_stream(self, taken: _Running, returned: object, count: int) -> Result | Failure:
        if returned is None:
            return self._outcome(taken, count, None)
        return self._outcome(taken, returned, taken.form.result)

    def _outcome(self, taken: _Running, value: object, conversion: Conversion | None) -> Result | Failure:
        name = f"{self._plugin}.{taken.call.method}"
        if conversion is not None:
            try:
                value = conversion.dump(value)
            except Exception as error:  # noqa: BLE001  # types may be the plugin's, with methods of their own
                text = f"{name} returned what is not JSON: {error}"
                return Failure(taken.call.id, "bad_result", type(error).__name__, _printable(text))
        return call_outcome(taken.call.id, name, value, self._result_limit)

    def _failure(self, taken: _Running, error: BaseException) -> Failure:
        if isinstance(error, BadArgument):
            text = f"{self._plugin}.{taken.call.method}, {error}"
            return Failure(taken.call.id, "invalid_argument", "ValueError", _printable(text))
        if isinstance(error, _Ended):
            return error.failure
        if isinstance(error, NoThread):
            return Failure(taken.call.id, "busy", NO_THREAD, str(error))
        return call_failure(taken.call.id, error, self._files)


def _cancelled(taken: _Running, error_type: str) -> Failure:
    return Failure(taken.call.id, "cancelled", error_type, "cancelled by the caller")


#: Longest text of a failure of ours, in characters.
_MAX_TEXT: Final = 16 * 1024


def _printable(text: str) -> str:
    return text[:_MAX_TEXT].encode("utf-8", "backslashreplace").decode()
