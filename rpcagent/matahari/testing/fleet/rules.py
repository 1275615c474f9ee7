"""Rules of how simulated hosts behave when they are called. Pure: who is meant, and for how long, follows from names.

Nothing is drawn by chance: what a rule does to a host follows from the rule and the host's name, so that a run can be
repeated, and a test knows beforehand which hosts it will hit.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from typing import Final, Literal, TypeAlias, get_args

__all__ = ["Outcome", "Rule", "find_rule", "parse_rule"]

#: ``answer`` with what the function gives; ``fail`` as if it had raised; ``silent``: nothing is ever answered, whatever
#: the caller's limit; ``crash``: the host's connections are cut without a goodbye.
Outcome: TypeAlias = Literal["answer", "fail", "silent", "crash"]

_OUTCOMES: Final = get_args(Outcome)


@dataclass(frozen=True, slots=True)
class Rule:
    """What some hosts do when some of their methods are called; the first rule that applies counts.

    Attributes:
        hosts, plugin, method: patterns (``*``, ``?``, ``[…]``) of names. ``plugin`` is the name of the object, so
            ``Host`` too; of that, only ``silent`` and ``crash`` are simulated.
        share: of the hosts that fit, this share is meant, from 0 to 1.
        delay: seconds before the outcome.
        spread: seconds by which that may be longer; evenly spread over the hosts.
        outcome: see :data:`Outcome`.
        text: of a failure.

    Raises:
        ValueError: a number or the outcome is out of range.
    """

    hosts: str = "*"
    plugin: str = "*"
    method: str = "*"
    share: float = 1.0
    delay: float = 0.0
    spread: float = 0.0
    outcome: Outcome = "answer"
    text: str = "simulated failure"

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"share is from 0 to 1, not {self.share:g}")
        for name, value in (("delay", self.delay), ("spread", self.spread)):
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} is a number of seconds, not {value:g}")
        if self.outcome not in _OUTCOMES:
            raise ValueError(f"outcome is one of {', '.join(_OUTCOMES)}, not {self.outcome!r}")

    def applies(self, host: str, plugin: str, method: str) -> bool:
        """Whether it is about this method of this host."""
        return (
            fnmatchcase(host, self.hosts)
            and fnmatchcase(plugin, self.plugin)
            and fnmatchcase(method, self.method)
            and (self.share == 1 or self._draw("share", host) < self.share)
        )

    def wait(self, host: str) -> float:
        """Seconds before the outcome on this host."""
        return self.delay + (self.spread * self._draw("spread", host) if self.spread else 0.0)

    def _draw(self, what: str, host: str) -> float:
        """A number from 0 to below 1 that is always the same for the rule and the host."""
        # All of the rule is in it: of two rules for 5 % each, the second means other hosts than the first.
        digest = hashlib.blake2b(f"{what}\0{host}\0{asdict(self)}".encode(), digest_size=8).digest()
        return int.from_bytes(digest) / 2**64


def find_rule(rules: Iterable[Rule], host: str, plugin: str, method: str) -> Rule | None:
    """The first rule that applies."""
    return next((rule for rule in rules if rule.applies(host, plugin, method)), None)


def parse_rule(text: str) -> Rule:
    """Read ``hosts=web*,method=slow,delay=0.2,outcome=fail``: the attributes of a rule in any order.

    Raises:
        ValueError: an unknown attribute, or a value that does not fit; the message names it.
    """
    known = {one.name: one for one in fields(Rule)}
    given: dict[str, str | float] = {}
    for part in text.split(","):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not equals or name not in known:
            raise ValueError(f"{part.strip()!r} is not one of {', '.join(f'{one}=…' for one in known)}")
        if name in given:
            raise ValueError(f"{name} is given twice")
        try:
            given[name] = float(value) if isinstance(known[name].default, float) else value
        except ValueError:
            raise ValueError(f"{name} is a number, not {value!r}") from None
    return read_rule(given)


def read_rule(values: Mapping[str, object]) -> Rule:
    """A rule from its attributes by name.

    Raises:
        ValueError: a value does not fit.
    """
    numbers = {name: float(str(values[name])) for name in ("share", "delay", "spread") if name in values}
    texts = {name: str(values[name]) for name in ("hosts", "plugin", "method", "text") if name in values}
    outcome = next((one for one in _OUTCOMES if one == values.get("outcome", "answer")), None)
    if outcome is None:
        raise ValueError(f"outcome is one of {', '.join(_OUTCOMES)}, not {values.get('outcome')!r}")
    return Rule(**numbers, **texts, outcome=outcome)  # type: ignore[arg-type] # names and types are those above
