"""How a call is made: time limits, batches, and what it tells. The same for both faces."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypedDict, cast

from matahari.console.checking import require_timeout
from matahari.console.rollout import Amount, Batch, Rolling
from matahari.validation import did_you_mean

__all__ = ["CallOptions", "CallSettings"]

_NONE: Final[Mapping[str, object]] = MappingProxyType({})


class CallOptions(TypedDict, total=False):
    """Options of calls; each may be left out.

    Attributes:
        timeout: seconds for the whole, batches and pauses included, without the time that ``confirm`` takes.
        host_timeout: seconds for each host; where it is not given ``timeout``, else 10, or more where the method declares
            a longer time limit.
        reports: ask for progress, output and values that the method yields; the time limit then holds on the host too.
        batch: hosts at a time, or a share as ``10%``.
        pause: seconds between two batches.
        max_failures: hosts, or a share, that may fail before no further batch is begun.
        canary: hosts that are tried first; when one of them fails the call ends.
        limit: ask only so many hosts, or a share, taken at random.
        seed: of that choice, to take the same hosts again.
        confirm: is asked before each batch; the call ends when it says no. In the asynchronous face it may be a
            coroutine function, in the blocking one it runs in the thread that iterates.
    """

    timeout: float | None
    host_timeout: float | None
    reports: bool
    batch: Amount | None
    pause: float
    max_failures: Amount | None
    canary: int
    limit: Amount | None
    seed: int | str | None
    confirm: Callable[[Batch], bool | Awaitable[bool]] | None


@dataclass(frozen=True, slots=True)
class CallSettings:
    """Options that have been looked at.

    Raises:
        TypeError: there is no such option.
        ValueError: a number is out of range, or an option has no effect without another one.
    """

    options: Mapping[str, object] = field(default_factory=lambda: _NONE)
    rolling: Rolling = field(init=False)

    def __post_init__(self) -> None:
        known = CallOptions.__annotations__
        for name in self.options:
            if name not in known:
                raise TypeError(f"there is no option {name!r}{did_you_mean(name, known)}")
        given = cast(CallOptions, self.options)
        for limit in (given.get("timeout"), given.get("host_timeout")):
            if limit is not None:
                require_timeout(limit)
        rolling = Rolling(
            given.get("batch"),
            given.get("pause", 0.0),
            given.get("max_failures"),
            given.get("canary", 0),
            given.get("limit"),
            given.get("seed"),
        )
        object.__setattr__(self, "rolling", rolling)

    def changed(self, options: CallOptions) -> CallSettings:
        """These, with some of them changed."""
        return CallSettings({**self.options, **options})

    @property
    def timeout(self) -> float | None:
        """Seconds for the whole; None for what the hosts and pauses take."""
        return self._given.get("timeout")

    @property
    def host_timeout(self) -> float | None:
        """Seconds for each host; None when nothing was said about it."""
        return self._given.get("host_timeout") or self.timeout

    @property
    def reports(self) -> bool:
        """Ask for reports."""
        return self._given.get("reports", False)

    @property
    def confirm(self) -> Callable[[Batch], bool | Awaitable[bool]] | None:
        """Is asked before each batch."""
        return self._given.get("confirm")

    @property
    def is_rolling(self) -> bool:
        """Somebody has to see it through, batch by batch."""
        return self.rolling.batch is not None or self.rolling.canary > 0 or self.confirm is not None

    @property
    def _given(self) -> CallOptions:
        return cast(CallOptions, self.options)
