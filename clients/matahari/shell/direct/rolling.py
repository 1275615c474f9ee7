"""Rolling calls of direct commands: batch by batch, a canary first, on a sample of the hosts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.base.ports import ObjectsLike
from matahari.shell.display.render import object_record, printable
from matahari.shell.session import Session

if TYPE_CHECKING:
    from matahari.console import Batch, NotAsked, Told

__all__ = ["Amount", "RollingCallLike", "RollingObjects", "RollingSession", "sample"]

Amount: TypeAlias = int | str
"""A number of hosts, or a share of them as ``10%``."""

MAX_NAMED = 8  # hosts that a line names; of more, their number tells
_REASONS = {"failures": "too many hosts failed before", "cancelled": "the call was cancelled"}


class RollingCallLike(Protocol):
    """A call with all options of calls."""

    @property
    def hosts(self) -> Sequence[str]:
        """Hosts that it is to ask, in order."""

    @property
    def results(self) -> ResultsLike:
        """Results that are in."""

    def stream(self) -> Iterator[Told]:
        """Reports and results as they come; what was interrupted is taken up by another one."""

    def cancel(self) -> None:
        """Have it ended where it still runs, and ask no further hosts."""

    def close(self) -> None:
        """Have it ended where it still runs, and forget about it."""


class ResultsLike(Protocol):
    """Results of a call."""

    @property
    def not_asked(self) -> Sequence[NotAsked]:
        """Hosts that it left out."""


@runtime_checkable
class RollingObjects(Protocol):
    """Objects that can be called batch by batch: the console's are."""

    def rolling_with(
        self, method: str, args: Sequence[object], kwargs: dict[str, object], **options: object
    ) -> RollingCallLike:
        """A call with all options of calls; nothing is sent before somebody takes what it tells."""


@dataclass(slots=True)
class RollingSession(Session):
    """A session whose calls go batch by batch.

    Attributes:
        batch, pause, max_failures, canary: as :class:`matahari.console.CallOptions` has them.
    """

    batch: Amount | None = None
    pause: float = 0.0
    max_failures: Amount | None = None
    canary: int = 0

    def _call(
        self,
        objects: ObjectsLike,
        method: str,
        args: Sequence[object],
        kwargs: dict[str, object],
        *,
        shows_ok: bool = False,
    ) -> ExitStatus:
        from matahari.shell.display.calls import ShownCall
        from matahari.shell.display.results import ResultsView  # as in the session: the console is there by now

        call = _begun(
            objects,
            method,
            args,
            kwargs,
            host_timeout=self.timeout,
            reports=True,
            batch=self.batch,
            pause=self.pause,
            max_failures=self.max_failures,
            canary=self.canary,
            confirm=self._announce,
        )
        view = ResultsView(self, objects, name=method, shows_ok=shows_ok)
        shown = ShownCall(_Streamed(call), objects, self.output, name=method, bar=view.bar)

        def end() -> None:
            shown.close()
            view.leave_out({one.host for one in call.results.not_asked})

        try:
            return view.show(shown, end=end)
        finally:
            self._tell_not_asked(objects, method, call.results.not_asked)

    def _announce(self, batch: Batch) -> bool:
        """Say which hosts are asked next; always true."""
        if batch.count > 1:
            canary = " (canary)" if batch.is_canary else ""
            self.output.remark(f"batch {batch.number} of {batch.count}{canary}: {_named(batch.hosts)}")
        return True

    def _tell_not_asked(self, objects: ObjectsLike, method: str, left_out: Sequence[NotAsked]) -> None:
        if self.output.as_json:
            for one in left_out:
                record = {**object_record(objects), "host": one.host, "name": method, "not_asked": one.reason}
                self.output.row((), record)
            return
        for reason in dict.fromkeys(one.reason for one in left_out):
            hosts = [one.host for one in left_out if one.reason == reason]
            self.output.remark(f"not asked: {_named(hosts)} ({_REASONS.get(reason, reason)})")


class _Streamed:
    """A rolling call as the shell takes calls."""

    def __init__(self, call: RollingCallLike) -> None:
        self._call = call

    def __next__(self) -> Told:
        return next(self._call.stream())

    def cancel(self) -> None:
        self._call.cancel()

    def close(self) -> None:
        self._call.close()


def sample(session: Session, method: str, limit: Amount, seed: str | None) -> None:
    """Restrict the selection to so many of the hosts that have the selected objects, taken at random.

    Args:
        method: is not called.
        limit: a number, or a share that is rounded up.
        seed: the same hosts, limit and seed give the same sample.

    Raises:
        CommandError: the limit is no such thing.
    """
    objects = session.objects
    assert objects is not None  # the caller has selected some
    hosts = _begun(objects, method, (), {}, limit=limit, seed=seed).hosts
    total = len({one.host for one in objects})
    session.select(replace(session.selection, hosts=tuple(hosts)))
    session.output.remark(f"{len(hosts)} of {total} hosts, taken at random")


def _begun(
    objects: ObjectsLike, method: str, args: Sequence[object], kwargs: dict[str, object], **options: object
) -> RollingCallLike:
    assert isinstance(objects, RollingObjects)  # the console's are
    try:
        return objects.rolling_with(method, args, kwargs, **options)
    except ValueError as error:
        raise CommandError(str(error)) from error


def _named(hosts: Collection[str]) -> str:
    if len(hosts) > MAX_NAMED:
        return f"{len(hosts)} hosts"
    return ", ".join(map(printable, hosts))
