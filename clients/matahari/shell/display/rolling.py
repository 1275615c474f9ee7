"""Rolling calls: batch by batch, a canary first, on a sample of the hosts.

The console is imported when something is called.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.base.ports import ObjectsLike
from matahari.shell.display.labels import key_of
from matahari.shell.display.render import object_record, printable

if TYPE_CHECKING:
    from matahari.console import Batch, NotAsked, Result, Told
    from matahari.shell.display.output import Output
    from matahari.shell.display.results import Shell

__all__ = ["Amount", "RollingCallLike", "RollingObjects", "Steps", "amount_from", "sampled", "show_rolling_call"]

Amount: TypeAlias = int | str
"""A number of hosts, or a share of them as ``10%``."""

_AMOUNT = re.compile(r"[0-9]{1,9}|[0-9]{1,3}(\.[0-9]{1,9})?%")

MAX_NAMED = 8  # hosts that a line names; of more, their number tells
_REASONS = {
    "failures": "too many hosts failed before",
    "canary": "a canary failed",
    "cancelled": "the call was cancelled",
}


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

    def ready(self) -> bool:
        """Wait until there is one, and take nothing; False at the end."""

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


@dataclass(frozen=True, slots=True)
class Steps:
    """How a call goes over its hosts.

    Attributes:
        batch, pause, max_failures, canary: as :class:`matahari.console.CallOptions` has them.
    """

    batch: Amount | None = None
    pause: float = 0.0
    max_failures: Amount | None = None
    canary: int = 0


def amount_from(text: str, least: int) -> Amount:
    """A number of hosts from ``least`` on, or a share above or from 0 %.

    Raises:
        ValueError: it is neither.
    """
    if _AMOUNT.fullmatch(text):
        number = float(text.removesuffix("%"))
        if not text.endswith("%") and number >= least:
            return int(text)
        if text.endswith("%") and number <= 100 and (number > 0 or not least):
            return text
    raise ValueError(f"{text!r} is neither a number of hosts from {least} on nor a share as 10%")


def show_rolling_call(
    shell: Shell,
    objects: ObjectsLike,
    method: str,
    args: Sequence[object],
    kwargs: dict[str, object],
    steps: Steps,
    *,
    shows_ok: bool = False,
) -> ExitStatus:
    """Call batch by batch, and show what it tells and gives; an interrupt ends the call.

    Raises:
        CommandError: a step has no effect without another one.
    """
    from matahari.shell.display.calls import ShownCall
    from matahari.shell.display.results import ResultsView  # the console is there by now

    # Objects of the batch that runs of which no result is in; of the last batch none, nobody can spare any by then.
    waiting: set[tuple[str, str]] = set()

    def begin(batch: Batch) -> bool:
        if batch.number < batch.count:
            hosts = set(batch.hosts)
            waiting.update(key_of(one) for one in objects if (one.host or one.agent) in hosts)
        _announce(shell.output, batch)
        return True

    call = _begun(
        objects,
        method,
        args,
        kwargs,
        host_timeout=shell.limit,
        reports=True,
        batch=steps.batch,
        pause=steps.pause,
        max_failures=steps.max_failures,
        canary=steps.canary,
        confirm=begin,
    )
    view = ResultsView(shell, objects, name=method, shows_ok=shows_ok)
    shown = ShownCall(_Streamed(call), objects, shell.output, name=method, bar=view.bar)
    view.has_shown = shown.has_shown

    def end() -> None:
        shown.close()
        view.leave_out({one.host for one in call.results.not_asked})

    is_read = True
    try:
        return view.show(_Batches(shown, waiting, view.show_failures), end=end)
    except BrokenPipeError:
        is_read = False
        raise
    finally:
        if is_read:
            _tell_not_asked(shell.output, objects, method, call.results.not_asked)


def sampled(objects: ObjectsLike, limit: Amount, seed: str | None = None) -> tuple[str, ...]:
    """So many of the hosts that have these objects, taken at random.

    Args:
        limit: a number, or a share that is rounded up.
        seed: the same hosts, limit and seed give the same sample.

    Raises:
        CommandError: the limit is no such thing.
    """
    return tuple(_begun(objects, "", (), {}, limit=limit, seed=seed).hosts)  # nothing is called


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


def _announce(output: Output, batch: Batch) -> None:
    """Say which hosts are asked next."""
    if batch.count > 1:
        canary = " (canary)" if batch.is_canary else ""
        output.remark(f"batch {batch.number} of {batch.count}{canary}: {_named(batch.hosts)}")


def _tell_not_asked(output: Output, objects: ObjectsLike, method: str, left_out: Sequence[NotAsked]) -> None:
    if output.as_json:
        for one in left_out:
            record = {**object_record(objects), "host": one.host, "name": method, "not_asked": one.reason}
            output.row((), record)
        return
    for reason in dict.fromkeys(one.reason for one in left_out):
        hosts = [one.host for one in left_out if one.reason == reason]
        more = f" and {len(hosts) - MAX_NAMED} more" if len(hosts) > MAX_NAMED else ""
        output.remark(f"not asked: {_named(hosts[:MAX_NAMED])}{more} ({_REASONS.get(reason, reason)})")


class _Batches(Iterator["Result"]):
    """The results of a rolling call, with a word after each batch but the last: somebody may want to stop it.

    Args:
        waiting: objects of the batch that runs, of which no result is in; each is taken out when its result is given.
        tell: is called when a batch has ended, before its pause.
    """

    def __init__(self, results: Iterator[Result], waiting: set[tuple[str, str]], tell: Callable[[], None]) -> None:
        self._results = results
        self._waiting = waiting
        self._tell = tell
        self._has_ended = False

    def __next__(self) -> Result:
        if self._has_ended:
            self._has_ended = False
            self._tell()
        result = next(self._results)
        if key_of(result.object) in self._waiting:
            self._waiting.discard(key_of(result.object))
            self._has_ended = not self._waiting
        return result


class _Streamed:
    """A rolling call as the shell takes calls."""

    def __init__(self, call: RollingCallLike) -> None:
        self._call = call

    def __next__(self) -> Told:
        return next(self._call.stream())

    def ready(self) -> bool:
        return self._call.ready()

    def cancel(self) -> None:
        self._call.cancel()

    def close(self) -> None:
        self._call.close()
