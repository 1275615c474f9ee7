"""How many answered, failed and were silent: the closing line of a call, and its exit status. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matahari.errors import (
    CancelledRequestError,
    MatahariError,
    RemoteCancelledError,
    RequestError,
    TransportError,
)
from matahari.shell.base.outcome import ExitStatus
from matahari.shell.base.ports import AgentLike, ObjectsLike, ResultLike
from matahari.shell.display.render import printable

__all__ = ["Tally", "is_silent", "unanswered_lines"]

MAX_NAMED = 10  # missing hosts in the closing line, which should stay one; agents with a line each


@dataclass(slots=True)
class Tally:
    """Counts the results of one call: ``expected`` objects on ``hosts`` hosts, the ``missing`` ones included.

    Attributes:
        not_asked: objects that were left out, as too many hosts failed before.
        seconds: how long it took, None while it runs.
    """

    hosts: int
    expected: int
    answered: int = 0
    failed: int = 0
    cancelled: int = 0
    missing: Sequence[str] = ()
    not_asked: int = 0
    seconds: float | None = None

    @classmethod
    def of(cls, objects: ObjectsLike) -> Tally:
        """A count that expects an answer from each of these objects."""
        missing = objects.missing
        return cls(
            hosts=len({found.host for found in objects}) + len(missing),
            expected=len(objects) + len(missing),
            missing=missing,
        )

    def add(self, result: ResultLike) -> None:
        """Count one result; one without any answer stays silent."""
        if result.ok:
            self.answered += 1
        elif isinstance(result.error, RemoteCancelledError | CancelledRequestError):
            self.cancelled += 1
        elif not is_silent(result.error):
            self.failed += 1

    @property
    def silent(self) -> int:
        """Objects that did not answer (yet)."""
        return max(0, self.expected - self.answered - self.failed - self.cancelled - self.not_asked)

    @property
    def status(self) -> ExitStatus:
        """The exit status of the call."""
        if not self.expected:
            return ExitStatus.NOTHING_MATCHED
        if self.answered == self.expected:
            return ExitStatus.OK
        return ExitStatus.SOME_FAILED if self.answered or self.failed or self.cancelled else ExitStatus.NONE_ANSWERED

    def __str__(self) -> str:
        """The closing line."""
        scope = f"{self.hosts} host{'' if self.hosts == 1 else 's'}"
        if self.expected != self.hosts:
            scope += f", {self.expected} object{'' if self.expected == 1 else 's'}"
        cancelled = f", {self.cancelled} cancelled" if self.cancelled else ""
        left_out = f", {self.not_asked} not asked" if self.not_asked else ""
        took = "" if self.seconds is None else f", {self.seconds:.2f} s"
        counts = (
            f"{scope}: {self.answered} answered, {self.failed} failed{cancelled}, {self.silent} silent{left_out}{took}"
        )
        if not self.missing:
            return counts
        more = f" and {len(self.missing) - MAX_NAMED} more" if len(self.missing) > MAX_NAMED else ""
        return f"{counts} (not on the bus: {', '.join(map(printable, self.missing[:MAX_NAMED]))}{more})"


def is_silent(error: MatahariError | None) -> bool:
    """Whether a failure means that there was no answer; None is one of which nothing more is known.

    A call that was given up is no silence; it is counted before this is asked.
    """
    return error is None or isinstance(error, RequestError | TransportError)


def unanswered_lines(agents: Sequence[AgentLike], meaning: str = "") -> list[str]:
    """Who did not answer: a line for each agent, of many one for all.

    Args:
        meaning: what this makes of their hosts, e.g. ``not selected``.
    """
    silent = f"did not answer; {meaning}" if meaning else "did not answer"
    if len(agents) <= MAX_NAMED:
        return [f"% {printable(one.host or 'a host')} {silent}: {printable(one.name)}" for one in agents]
    named = ", ".join(printable(one.host or one.name) for one in agents[:MAX_NAMED])
    return [f"% {len(agents)} agents {silent}: {named} and {len(agents) - MAX_NAMED} more"]
