"""What a plugin's table of calls works with: calls, where their outcome goes, and the commands that it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from matahari.hostproto import Call, Cancel

from .binding import Action
from .records import CallFailure, CallResult, Reporter
from .tail import Tail

__all__ = ["Answer", "Command", "Exhausted", "Hung", "Pending", "SendTo"]


class Answer(Protocol):
    """Where an outcome goes; an ``asyncio.Future`` is one."""

    def done(self) -> bool:
        """Whether nobody waits any more."""

    def set_result(self, result: CallResult, /) -> None:
        """Take the result."""

    def set_exception(self, exception: CallFailure, /) -> None:
        """Take the failure."""


@dataclass(frozen=True, slots=True)
class SendTo:
    """Send a message to a worker."""

    worker: int
    message: Call | Cancel


@dataclass(frozen=True, slots=True)
class Hung:
    """A worker does not let go of a call of ``action`` whose time is up; ``limit`` is the time that it had, in seconds."""

    worker: int
    action: str
    call: int
    request: str
    limit: float

    @property
    def reason(self) -> str:
        """Why the worker is ended, for the other calls in it: they are told nothing of whose call it was."""
        return f"the worker had a call that did not let go when its time was up ({self.action})"


@dataclass(frozen=True, slots=True)
class Exhausted:
    """A worker could not run a call because the system gave it no thread."""

    worker: int


Command: TypeAlias = SendTo | Hung | Exhausted


@dataclass(slots=True)
class Pending:
    """One call from asking to answer; ``is_late`` when nobody waits any more, ``is_overdue`` when its time was up.

    ``allowed`` is the action as which somebody let it run, None when nobody was asked. ``limit`` is the time that it has,
    ``own_end`` when the plugin's own limit is over, which a caller's may shorten. ``is_spared``: its worker would be ended,
    were it not for other calls in there.
    """

    id: int
    action: Action
    args: Sequence[str]
    kwargs: Mapping[str, str]
    request: str
    caller: str
    started: float
    limit: float
    deadline: float
    own_end: float
    answer: Answer
    reporter: Reporter | None = None
    allowed: Action | None = None
    worker: int | None = None
    is_late: bool = False
    is_overdue: bool = False
    is_spared: bool = False
    tail: Tail | None = None
