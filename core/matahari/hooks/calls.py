"""Calling hooks: results and failures apart, so that one broken extension neither hides nor stops the others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from matahari.errors import HookError

from .extensions import Extensions, Implementation
from .specifications import Hook
from .threads import Threads

__all__ = ["HOOK_TIMEOUT", "Outcome", "Result", "call_all", "call_all_within", "call_first", "run_guarded"]

T = TypeVar("T")

HOOK_TIMEOUT: Final = 5.0
"""Seconds one implementation has; a caller waits for an answer meanwhile."""


@dataclass(frozen=True, slots=True)
class Result(Generic[T]):
    """What one extension answered."""

    provider: str
    value: T


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What a hook gave: answers in the order in which they were asked for, and the failures, each named."""

    results: tuple[Result[T], ...]
    failures: tuple[HookError, ...]


def run_guarded(hook: str, provider: str, function: Callable[[], T]) -> T:
    """Run foreign code, e.g. the ``check`` of a validator.

    Raises:
        HookError: it raised; names hook and provider, with what was raised as the cause.
    """
    try:
        return function()
    # Ctrl-C reaches the main thread alone. All else is the foreign code's own, a cancellation of its own tasks too,
    # which must not be taken for one of ours.
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
            raise
        raise HookError(str(error), hook=hook, provider=provider, error_type=type(error).__name__) from error


def call_all(extensions: Extensions, hook: Hook[T], **arguments: object) -> Outcome[T]:
    """Ask every implementation of ``hook``, here and now. It may block: not for an event loop."""
    results: list[Result[T]] = []
    failures: list[HookError] = []
    for one in extensions.implementations(hook.name):
        try:
            result = _ask(hook, one, arguments)
        except HookError as error:
            failures.append(error)
        else:
            if result is not None:
                results.append(result)
    return Outcome(tuple(results), tuple(failures))


def call_first(extensions: Extensions, hook: Hook[T], **arguments: object) -> Outcome[T]:
    """Ask until one has an answer: at most one result, and the failures on the way to it. It may block."""
    failures: list[HookError] = []
    for one in extensions.implementations(hook.name):
        try:
            result = _ask(hook, one, arguments)
        except HookError as error:
            failures.append(error)
        else:
            if result is not None:
                return Outcome((result,), tuple(failures))
    return Outcome((), tuple(failures))


async def call_all_within(
    extensions: Extensions, hook: Hook[T], threads: Threads, *, timeout: float = HOOK_TIMEOUT, **arguments: object
) -> Outcome[T]:
    """Ask every implementation at once, each in a thread of its own; one that takes too long is a failure."""

    async def ask(one: Implementation) -> Result[T] | HookError | None:
        try:
            return await threads.run(lambda: _ask(hook, one, arguments), timeout=timeout)
        except HookError as error:
            return error
        except TimeoutError as error:
            made = HookError(str(error), hook=hook.name, provider=one.provider, error_type="TimeoutError")
            made.__cause__ = error
            return made

    answers = await asyncio.gather(*(ask(one) for one in extensions.implementations(hook.name)))
    return Outcome(
        tuple(answer for answer in answers if isinstance(answer, Result)),
        tuple(answer for answer in answers if isinstance(answer, HookError)),
    )


def _ask(hook: Hook[T], one: Implementation, arguments: dict[str, object]) -> Result[T] | None:
    def ask() -> Result[T] | None:
        value = one.function(**{name: arguments[name] for name in one.parameters})
        return None if value is None else Result(one.provider, hook.read(value))

    return run_guarded(hook.name, one.provider, ask)
