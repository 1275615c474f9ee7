"""How many answered, failed and were silent: the closing line of a call, and its exit status. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
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

__all__ = ["Tally", "absent_lines", "is_silent", "unanswered_lines"]

_HUNG = "% Connected, but silent since this shell began: find the agent that hangs, and restart it"
MAX_NAMED = 10  # missing hosts in the closing line, which should stay one; agents with a line each


@dataclass(slots=True)
class Tally:
    """Counts the results of one call: ``expected`` objects on ``hosts`` hosts, the ``missing`` ones included.

    Attributes:
        not_asked: objects that were left out, as too many hosts failed before.
        unheard: hosts besides, of which no object is known: their agents did not answer when they were asked for it.
        absent: hosts besides, that were selected and have left the bus since.
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
    unheard: int = 0
    absent: Sequence[str] = ()

    @classmethod
    def of(cls, objects: ObjectsLike, unanswered: Iterable[AgentLike] = (), absent: Sequence[str] = ()) -> Tally:
        """A count that expects an answer from each of these objects.

        Args:
            unanswered: agents that may have more, and did not answer.
            absent: hosts that have left.
        """
        missing = objects.missing
        hosts = {found.host for found in objects}
        more = list(unanswered)
        return cls(
            hosts=len(hosts) + len(missing),
            expected=len(objects) + len(missing),
            missing=missing,
            unheard=len({one.host for one in more if one.host} - hosts) + _unknown_hosts(more),
            absent=absent,
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
        """Objects that did not answer (yet), and hosts whose objects are not known."""
        asked = max(0, self.expected - self.answered - self.failed - self.cancelled - self.not_asked)
        return asked + self._more

    @property
    def _more(self) -> int:
        return self.unheard + len(self.absent)

    @property
    def all_hosts(self) -> int:
        """Hosts, those included of which nothing is known."""
        return self.hosts + self._more

    @property
    def status(self) -> ExitStatus:
        """The exit status of the call."""
        if not self.expected:
            return ExitStatus.NOTHING_MATCHED
        if self.answered == self.expected:
            return ExitStatus.SOME_FAILED if self._more else ExitStatus.OK
        return ExitStatus.SOME_FAILED if self.answered or self.failed or self.cancelled else ExitStatus.NONE_ANSWERED

    def __str__(self) -> str:
        """The closing line."""
        hosts, objects = self.all_hosts, self.expected + self._more
        scope = f"{hosts} host{'' if hosts == 1 else 's'}"
        if objects != hosts:
            scope += f", {objects} object{'' if objects == 1 else 's'}"
        cancelled = f", {self.cancelled} cancelled" if self.cancelled else ""
        left_out = f", {self.not_asked} not asked" if self.not_asked else ""
        took = "" if self.seconds is None else f", {self.seconds:.2f} s"
        counts = (
            f"{scope}: {self.answered} answered, {self.failed} failed{cancelled}, {self.silent} silent{left_out}{took}"
        )
        gone = [*self.missing, *self.absent]
        return f"{counts} (not on the bus: {_named(gone)})" if gone else counts


def is_silent(error: MatahariError | None) -> bool:
    """Whether a failure means that there was no answer; None is one of which nothing more is known.

    A call that was given up is no silence; it is counted before this is asked.
    """
    return error is None or isinstance(error, RequestError | TransportError)


def unanswered_lines(agents: Sequence[AgentLike], meaning: str = "") -> list[str]:
    """Who did not answer: a line for each agent, of many one for all, and one for all that never said where they are.

    Args:
        meaning: what this makes of their hosts, e.g. ``not selected``.
    """
    silent = f"did not answer; {meaning}" if meaning else "did not answer"
    known, lost = [one for one in agents if one.host], [one.name for one in agents if not one.host]
    lines = [f"% {printable(one.host)} {silent}: {printable(one.name)}" for one in known]
    if len(known) > MAX_NAMED:
        lines = [f"% {len(known)} agents {silent}: {_named([one.host for one in known])}"]
    if lost:
        count = _unknown_hosts(agents)
        who = "a host" if count == 1 else f"{count} hosts"
        lines += [f"% {who} of unknown name {silent}: {_named(lost)}", _HUNG]
    return lines


def absent_lines(hosts: Sequence[str]) -> list[str]:
    """Who has left the bus: a line for each, of many one for all."""
    if len(hosts) <= MAX_NAMED:
        return [f"% {printable(host)} is not on the bus" for host in hosts]
    return [f"% {len(hosts)} hosts are not on the bus: {_named(hosts)}"]


def _unknown_hosts(agents: Iterable[AgentLike]) -> int:
    """How many hosts agents without one are on, at least: a host has one agent of each product."""
    return max(Counter(one.product for one in agents if not one.host).values(), default=0)


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return f"{', '.join(map(printable, names[:MAX_NAMED]))}{more}"
