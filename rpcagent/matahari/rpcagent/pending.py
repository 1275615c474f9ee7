"""What a plugin's table of calls works with: calls, where their outcome goes, and the commands that it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from matahari.agent import AfterState
from matahari.hostproto import Call, Cancel, Failure, Output, Partial

from .binding import Action
from .records import CallFailure, CallReport, CallResult, FailureKind, Reporter
from .tail import Tail

__all__ = [
    "MAX_VALUES",
    "Answer",
    "Command",
    "Exhausted",
    "Hung",
    "Pending",
    "Recheck",
    "SendTo",
    "failure_of",
    "full",
    "timed_out",
]


#: Yielded values of one call that are compared with what is declared, on the event loop: a method that yields wrong values
#: nearly always begins with one.
MAX_VALUES: Final = 100


class Answer(Protocol):
    """Where an outcome goes; an ``asyncio.Future`` is one."""

    def done(self) -> bool:
        """Whether nobody waits any more."""

    def set_result(self, result: CallResult, /) -> None:
        """Take the result."""

    def set_exception(self, exception: CallFailure, /) -> None:
        """Take the failure."""

    def goes_on(self) -> None:
        """The call is still in its worker, although nobody waits for it any more."""

    def has_ended(self, state: AfterState, /) -> None:
        """A call has left its worker; says something new only of one that went on."""


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


@dataclass(frozen=True, slots=True)
class Recheck:
    """Check a large call against ``action`` of another generation, beside the event loop, and say what was found.

    Attributes:
        call: its number, for ``CallTable.rechecked``.
        allowed, args, kwargs: as for ``Action.check_again``.
    """

    call: int
    action: Action
    allowed: Action | None
    args: Sequence[str]
    kwargs: Mapping[str, str]


Command: TypeAlias = SendTo | Hung | Exhausted | Recheck

#: What a worker may say of a call -> what callers hear. ``cancelled`` only follows when nobody listens.
_KINDS: Mapping[str, FailureKind] = {
    "raised": "raised",
    "bad_result": "bad_result",
    "too_large": "too_large",
    "invalid_argument": "invalid_argument",
    "unknown_action": "unknown_action",
    "busy": "busy",
}


def failure_of(message: Failure) -> CallFailure:
    """What callers hear of a failure that a worker tells."""
    kind = _KINDS.get(message.kind, "raised")
    # What the host found reads well alone; what the plugin raised needs its class.
    text = message.value if kind != "raised" else f"{message.error_type}: {message.value}".removesuffix(": ")
    return CallFailure(kind, message.error_type, message.value, traceback=message.traceback, text=text)


def full(plugin: str, waiting: int) -> CallFailure:
    """What is heard when as many calls wait as may."""
    bound = f"limits.queue in {plugin}.toml, or plugins.queue"
    text = f"{plugin} is busy: {waiting} calls are waiting, and no more may ({bound})"
    return CallFailure("busy", "Busy", text, text=text)


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
    values: int = 0
    mismatch: str = ""

    def note(self, report: CallReport) -> None:
        """Keep the end of its output, and see whether values are as declared: the first ones, until one is not."""
        if isinstance(report, Output):
            self.tail = self.tail or Tail()
            self.tail.add(report.chunk)
        elif isinstance(report, Partial):
            self.values += 1
            if not self.mismatch and self.values <= MAX_VALUES:
                self.mismatch = self.action.check_value(self.values, report.text)

    def result(self, text: str) -> CallResult:
        """What the call gave, and in what it or a value is not as declared."""
        result, said = self.action.result(text), self.mismatch
        if not said:
            return result
        if (check := result.check) is not None:
            return CallResult(text, check=lambda: "; ".join(filter(None, (said, check()))))
        return CallResult(text, "; ".join(filter(None, (said, result.mismatch))))

    def last_words(self, printed: str) -> str:
        """The end of its output for the text of a time-out; without any, what its process ``printed``."""
        if self.tail is not None and self.tail.text:
            return f"; its output so far:\n{self.tail.text}"
        return f"; its process printed last:\n{printed}" if printed else ""


def timed_out(plugin: str, call: Pending, printed: str) -> CallFailure:
    """What is heard when a running call has had its time; ``printed`` are its process's last lines."""
    text = f"{plugin}.{call.action.name} took longer than {call.limit:g} s{call.last_words(printed)}"
    return CallFailure("timeout", "Timeout", text, text=text)
