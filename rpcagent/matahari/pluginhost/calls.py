"""Running the calls of a loaded plugin: decode, run in a thread or on the event loop, answer.

Every call that is taken gets exactly one answer, sent by whichever thread finished it.
"""

from __future__ import annotations

import contextvars
import inspect
import json
import math
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TYPE_CHECKING, NoReturn

from matahari.hostproto import Call, Failure, Result
from matahari.plugin import Context, running

from .outcomes import call_failure, call_outcome
from .pool import Pool

if TYPE_CHECKING:
    from .eventloop import EventLoop

__all__ = ["Runner"]


class _BadArgument(Exception):
    """The text of an argument is not JSON."""


class Runner:
    """Runs calls. ``start`` and ``cancel`` belong to the thread that reads the socket.

    Args:
        plugin: the plugin's name.
        actions: name -> callable.
        files: paths of the plugin's own files, for tracebacks.
        concurrency: most calls at once.
        result_limit: most bytes of a result's JSON text.
        answer: called with each answer, from any thread.
        idle: called, from any thread, when the last call has been answered.
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
    ) -> None:
        self._plugin = plugin
        self._actions = actions
        self._is_async = {name for name, action in actions.items() if inspect.iscoroutinefunction(action)}
        self._files = files
        self._concurrency = concurrency
        self._result_limit = result_limit
        self._answer = answer
        self._idle = idle
        self._pool = Pool(concurrency)
        self._loop: EventLoop | None = None
        self._lock = threading.Lock()
        self._contexts: dict[int, Context] = {}
        self._unanswered = 0

    @property
    def unanswered(self) -> int:
        """Calls whose answer has not been sent yet."""
        return self._unanswered

    def start(self, call: Call) -> None:
        """Take a call; its answer comes later."""
        action = self._actions.get(call.method)
        if action is None:
            text = f"{self._plugin} has no action {call.method!r}"
            self._answer(Failure(call.id, "unknown_action", "LookupError", text))
            return
        deadline = math.inf if call.left is None else time.monotonic() + call.left
        context = Context(self._plugin, call.request, call.caller, deadline)
        with self._lock:
            active = len(self._contexts) + 1
            if active <= self._concurrency and call.id not in self._contexts:
                self._contexts[call.id] = context
                self._unanswered += 1
            else:
                active = 0
        if not active:
            self._answer(Failure(call.id, "busy", "RuntimeError", f"{self._concurrency} calls are running"))
        elif call.method in self._is_async:
            self._start_async(call, action, context)
        else:
            try:
                self._pool.run(lambda: self._run(call, action, context), active=active)
            except RuntimeError as error:
                self._finish(call_failure(call.id, error, ()))

    def cancel(self, call_id: int) -> None:
        """Tell a call that nobody waits for it."""
        context = self._contexts.get(call_id)
        if context is not None:
            context.cancel()
            if self._loop is not None:
                self._loop.cancel(call_id)

    def _finish(self, answer: Result | Failure) -> None:
        # Room first: the agent may send the next call the moment it has the answer.
        with self._lock:
            del self._contexts[answer.id]
        self._answer(answer)
        # Only now: a worker that counted as idle before might end with the answer unsent.
        with self._lock:
            self._unanswered -= 1
            is_idle = not self._unanswered
        if is_idle:
            self._idle()

    def _run(self, call: Call, action: Callable[..., object], context: Context) -> None:
        try:
            args, kwargs = _decode(call)
            with running(context):
                value = action(*args, **kwargs)
            if inspect.isawaitable(value):
                self._start_async(call, lambda: value, context)
                return
        except _BadArgument as error:
            self._finish(Failure(call.id, "invalid_argument", "ValueError", str(error)))
        except BaseException as error:  # noqa: BLE001  # the plugin's code; SystemExit must not end the worker
            self._finish(call_failure(call.id, error, self._files))
        else:
            self._finish(call_outcome(call.id, f"{self._plugin}.{call.method}", value, self._result_limit))

    def _start_async(self, call: Call, action: Callable[..., object], context: Context) -> None:
        if self._loop is None:
            with self._lock:
                if self._loop is None:
                    from .eventloop import EventLoop  # asyncio costs memory and time; few need it

                    self._loop = EventLoop()
        variables = contextvars.copy_context()

        async def run() -> None:
            with running(context):
                await self._await(call, action, context)

        self._loop.start(call.id, run, variables)

    async def _await(self, call: Call, action: Callable[..., object], context: Context) -> None:
        # A coroutine that was made by a blocking action is awaited as it is; its arguments were used up.
        try:
            args, kwargs = _decode(call) if call.method in self._is_async else ([], {})
            value = action(*args, **kwargs)
            if isinstance(value, Awaitable):
                value = await value
        except _BadArgument as error:
            self._finish(Failure(call.id, "invalid_argument", "ValueError", str(error)))
        except BaseException as error:  # noqa: BLE001  # the plugin's code, and cancellation by us
            if context.is_cancelled:
                self._finish(Failure(call.id, "cancelled", type(error).__name__, "cancelled by the caller"))
            else:
                self._finish(call_failure(call.id, error, self._files))
        else:
            self._finish(call_outcome(call.id, f"{self._plugin}.{call.method}", value, self._result_limit))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_parse = json.JSONDecoder(parse_constant=_refuse_constant).decode


def _decode(call: Call) -> tuple[list[object], dict[str, object]]:
    args = [_decode_one(text, f"argument {index + 1}") for index, text in enumerate(call.args)]
    return args, {name: _decode_one(text, f"argument {name!r}") for name, text in call.kwargs.items()}


def _decode_one(text: str, name: str) -> object:
    try:
        value: object = _parse(text)
    except (ValueError, RecursionError) as error:
        raise _BadArgument(f"{name} is not JSON: {error}") from error
    return value
