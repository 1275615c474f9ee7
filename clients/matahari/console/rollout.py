"""Which hosts a call asks, in which order, and when it stops: canary, batches, samples, failures. Pure."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

__all__ = ["Amount", "Batch", "NotAsked", "NotAskedReason", "Plan", "Rolling", "Rollout", "plan_batches"]

Amount: TypeAlias = int | str
"""A number of hosts, or a share of them as ``10%``."""

NotAskedReason: TypeAlias = Literal[
    "limit", "refused", "failures", "canary", "timeout", "cancelled", "no_plugin", "undecided"
]

_PERCENT: Final = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,9}))?%")


@dataclass(frozen=True, slots=True)
class NotAsked:
    """A host that a call left out.

    Attributes:
        reason: ``limit``: it is not in the sample; ``refused``: its batch was not confirmed; ``failures``: too many
            hosts before it failed; ``canary``: a canary failed; ``timeout``: the time for the whole was over;
            ``cancelled``; ``no_plugin``: it was chosen and has no such plugin; ``undecided``: it was chosen by a filter
            that is not known to be true or false of it.
    """

    host: str
    reason: NotAskedReason


@dataclass(frozen=True, slots=True)
class Batch:
    """Hosts that are asked together.

    Attributes:
        number: of this one, from 1.
        count: of all batches.
        is_canary: it is tried before all others, and its failure ends the call.
    """

    number: int
    count: int
    hosts: tuple[str, ...]
    is_canary: bool = False


@dataclass(frozen=True, slots=True)
class Rolling:
    """How a call goes over its hosts.

    Attributes:
        batch: hosts at a time; None for all at once. A share is rounded up.
        pause: seconds between two batches.
        max_failures: how many hosts may fail before no further batch is begun; None for any number. A share is of all
            that are to be asked, and rounded down.
        canary: hosts that are tried first; when one of them fails the call ends.
        limit: ask only so many, taken at random. A share is rounded up.
        seed: of that choice: the same hosts, limit and seed give the same sample.

    Raises:
        ValueError: a number is out of range, or a setting has no effect without another one.
    """

    batch: Amount | None = None
    pause: float = 0.0
    max_failures: Amount | None = None
    canary: int = 0
    limit: Amount | None = None
    seed: int | str | None = None

    def __post_init__(self) -> None:
        for name, amount, least in (("batch", self.batch, 1), ("limit", self.limit, 1)):
            if amount is not None:
                _count(name, amount, 100, least)
        if self.max_failures is not None:
            _count("max_failures", self.max_failures, 100, 0)
        if self.canary is True or self.canary < 0:
            raise ValueError(f"canary is a number of hosts, not {self.canary!r}")
        if not 0 <= self.pause < math.inf:
            raise ValueError(f"pause is a number of seconds, not {self.pause!r}")
        if self.batch is None and not self.canary and (self.pause or self.max_failures is not None):
            raise ValueError("pause and max_failures need a batch or a canary: without one all hosts are asked at once")
        if self.seed is not None and self.limit is None:
            raise ValueError("a seed needs a limit")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done.

    Attributes:
        batches: in order; each host is in one of them, or left out.
        left_out: hosts that are not in the sample.
        max_failures: None for any number.
    """

    batches: tuple[Batch, ...]
    left_out: tuple[str, ...]
    max_failures: int | None


def plan_batches(hosts: Sequence[str], rolling: Rolling) -> Plan:
    """Divide hosts, each named once, into batches; they keep their order."""
    chosen = list(hosts)
    if rolling.limit is not None:
        count = min(len(chosen), _count("limit", rolling.limit, len(chosen), 1))
        # The sample is taken from the sorted names, so that it does not depend on who answered first.
        sample = set(random.Random(rolling.seed).sample(sorted(chosen), count))  # noqa: S311 - no secret
        chosen = [host for host in hosts if host in sample]
    size = len(chosen) if rolling.batch is None else _count("batch", rolling.batch, len(chosen), 1)
    first, rest = chosen[: rolling.canary], chosen[rolling.canary :]
    groups = ([first] if first else []) + [rest[at : at + size] for at in range(0, len(rest), max(1, size))]
    batches = tuple(
        Batch(number, len(groups), tuple(group), is_canary=bool(first) and number == 1)
        for number, group in enumerate(groups, 1)
    )
    kept = set(chosen)
    failures = None if rolling.max_failures is None else _count("max_failures", rolling.max_failures, len(chosen), 0)
    return Plan(batches, tuple(host for host in hosts if host not in kept), failures)


class Rollout:
    """Goes through a plan, batch by batch, until it is done or stopped."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._at = 0
        self._failed = 0
        self._stopped: NotAskedReason | None = None

    @property
    def stopped(self) -> NotAskedReason | None:
        """Why no further batch is begun; None while some may be."""
        return self._stopped

    def add(self, hosts: Sequence[str]) -> None:
        """Ask these last, in batches as large as the others: who has become known since it was planned."""
        batches = self._plan.batches
        size = max((len(one.hosts) for one in batches if not one.is_canary), default=0) or len(hosts)
        groups = [tuple(hosts[at : at + size]) for at in range(0, len(hosts), size or 1)]
        count = len(batches) + len(groups)
        added = tuple(Batch(number, count, group) for number, group in enumerate(groups, len(batches) + 1))
        self._plan = replace(self._plan, batches=batches + added)

    def next_batch(self) -> Batch | None:
        """The batch that is due; None when there is none any more. It counts as asked once :meth:`begin` is called."""
        if self._stopped is not None or self._at == len(self._plan.batches):
            return None
        return self._plan.batches[self._at]

    def begin(self) -> None:
        """The batch that is due is being asked."""
        self._at += 1

    def record(self, failed: int) -> None:
        """So many hosts of the latest batch have failed."""
        self._failed += failed
        latest = self._plan.batches[self._at - 1]
        limit = self._plan.max_failures
        if failed and latest.is_canary:
            self.stop("canary")
        elif failed and limit is not None and self._failed > limit:
            self.stop("failures")

    def stop(self, reason: NotAskedReason) -> None:
        """Begin no further batch; the first reason counts."""
        self._stopped = self._stopped or reason

    @property
    def not_asked(self) -> list[NotAsked]:
        """Hosts that were left out; those whose turn may still come are not among them."""
        found = [NotAsked(host, "limit") for host in self._plan.left_out]
        if self._stopped is not None:
            later = self._plan.batches[self._at :]
            found += [NotAsked(host, self._stopped) for batch in later for host in batch.hosts]
        return found


def _count(name: str, amount: Amount, of: int, least: int) -> int:
    """Hosts that ``amount`` means, of so many; at least ``least`` where there are any.

    Raises:
        ValueError: it is neither a number from ``least`` on nor a share from 0% to 100%.
    """
    if isinstance(amount, int) and not isinstance(amount, bool) and amount >= least:
        return amount
    found = _PERCENT.fullmatch(amount) if isinstance(amount, str) else None
    whole, part = (found[1], found[2] or "") if found else ("", "")
    share, base = int(f"0{whole}{part}"), int("100" + "0" * len(part))  # exact, unlike a float
    if found is None or share > base or (least and not share):
        raise ValueError(f'{name} is a number of hosts from {least} on, or a share as "10%", not {amount!r}')
    return max(least, -(-share * of // base)) if least else share * of // base
