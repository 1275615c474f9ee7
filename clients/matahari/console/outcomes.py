"""Requests under way, and how each ends: with the value or the error that its caller gets. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeAlias, assert_never

from matahari.console.failures import error_of
from matahari.errors import AgentGoneError, CancelledRequestError, MatahariError, RequestTimeoutError
from matahari.qmf import (
    CallCompleted,
    CallReported,
    ClassesListed,
    Data,
    QueryCompleted,
    RequestAborted,
    RequestExpired,
    RequestFailed,
    Schema,
    SchemaFetched,
    SchemaId,
    Value,
)

__all__ = ["Items", "OpenRequests", "Outcome", "RequestEnd", "outcome_of"]

Items: TypeAlias = list[Data] | list[SchemaId] | list[Schema]
Outcome: TypeAlias = Mapping[str, Value] | Items | Schema | MatahariError
RequestEnd: TypeAlias = (
    CallCompleted | QueryCompleted | ClassesListed | SchemaFetched | RequestFailed | RequestExpired | RequestAborted
)


class _Open(NamedTuple):
    """A request under way: who is told its outcome, and what for the texts of failures."""

    done: Callable[[Outcome], None]
    action: str
    timeout: float
    told: Callable[[CallReported], None] | None = None
    is_cancelled: bool = False


class OpenRequests:
    """Who waits for which request; each is told once, unless it gives up."""

    def __init__(self) -> None:
        self._open: dict[int, _Open] = {}

    def __iter__(self) -> Iterator[int]:
        return iter(list(self._open))

    def add(
        self,
        request: int,
        done: Callable[[Outcome], None],
        action: str,
        timeout: float,
        told: Callable[[CallReported], None] | None = None,
    ) -> None:
        """Note that ``done`` waits for a request, and ``told`` hears reports; for the rest see :func:`outcome_of`."""
        self._open[request] = _Open(done, action, timeout, told)

    def cancelled(self, request: int) -> None:
        """The agent was asked to end a call."""
        waiting = self._open.get(request)
        if waiting is not None:
            self._open[request] = waiting._replace(is_cancelled=True)

    def report(self, event: CallReported) -> None:
        """Tell who waits what a call reports."""
        waiting = self._open.get(event.request)
        if waiting is not None and waiting.told is not None:
            waiting.told(event)

    def drop(self, request: int) -> None:
        """Nobody waits any more; one that has ended is no fault."""
        self._open.pop(request, None)

    def end(self, request: int, outcome: Outcome) -> None:
        """Tell who waits, if anybody does."""
        waiting = self._open.pop(request, None)
        if waiting is not None:
            waiting.done(outcome)

    def take(self, event: RequestEnd) -> None:
        """Tell who waits how the request ended."""
        waiting = self._open.get(event.request)
        if waiting is None:
            return
        if waiting.is_cancelled and isinstance(event, RequestExpired):
            text = f"{waiting.action} was cancelled; the agent has not confirmed it"
            self.end(event.request, CancelledRequestError(text))
        else:
            self.end(event.request, outcome_of(event, waiting.action, waiting.timeout))


def outcome_of(event: RequestEnd, action: str, timeout: float) -> Outcome:
    """Output arguments of a call, items of a query, ids of classes, a schema, or the error.

    Args:
        action: what was asked for, for the texts of failures.
        timeout: seconds that there were.
    """
    match event:
        case CallCompleted():
            return event.arguments
        case QueryCompleted():
            return event.items
        case ClassesListed():
            return event.classes
        case SchemaFetched():
            return event.schema
        case RequestFailed():
            return error_of(event.error, agent=event.agent, action=action)
        case RequestExpired():
            return RequestTimeoutError(f"no answer within {timeout:g} s", timeout=timeout)
        case RequestAborted():
            return AgentGoneError("the agent left before it answered", agent=event.agent)
        case _:
            assert_never(event)
