"""Results by equal value: who says the same, and who is the odd one out. Pure."""

from __future__ import annotations

import builtins
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import overload

__all__ = ["Summary", "ValueGroup", "group_values"]

MAX_SHOWN = 5  # hosts of a group that a line names


@dataclass(frozen=True, slots=True)
class ValueGroup:
    """Hosts with the same value; of failures the value is the error's text."""

    value: builtins.object
    hosts: tuple[str, ...]

    @property
    def count(self) -> int:
        return len(self.hosts)

    def __str__(self) -> str:
        more = f" and {self.count - MAX_SHOWN} more" if self.count > MAX_SHOWN else ""
        hosts = "1 host" if self.count == 1 else f"{self.count} hosts"
        return f"{hosts}: {self.value} ({', '.join(self.hosts[:MAX_SHOWN])}{more})"


class Summary(Sequence[ValueGroup]):
    """Groups of equal values, the largest first; as text one line for each, failures last.

    Attributes:
        errors: the same for failures.
    """

    def __init__(self, groups: Iterable[ValueGroup], errors: Iterable[ValueGroup] = ()) -> None:
        self._groups = tuple(groups)
        self.errors = tuple(errors)

    @overload
    def __getitem__(self, index: int) -> ValueGroup: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[ValueGroup]: ...

    def __getitem__(self, index: int | slice) -> ValueGroup | Sequence[ValueGroup]:
        return self._groups[index]

    def __len__(self) -> int:
        return len(self._groups)

    def __str__(self) -> str:
        return "\n".join([*map(str, self._groups), *(f"failed: {one}" for one in self.errors)])

    def __repr__(self) -> str:
        return f"<Summary: {len(self)} values, {len(self.errors)} errors>"

    @property
    def odd(self) -> list[ValueGroup]:
        """Values that fewer hosts have than the most common one."""
        return [one for one in self._groups if one.count < self._groups[0].count]


def group_values(values: Iterable[tuple[str, builtins.object]]) -> list[ValueGroup]:
    """Group ``(host, value)`` pairs: the largest group first, then by the order in which the values came."""
    groups: dict[str, tuple[builtins.object, list[str]]] = {}
    for host, value in values:
        groups.setdefault(_key(value), (value, []))[1].append(host)
    made = [ValueGroup(value, tuple(hosts)) for value, hosts in groups.values()]
    return sorted(made, key=lambda one: -one.count)


def _key(value: builtins.object) -> str:
    """The same text for equal values only: 1, 1.0, true and "1" are four."""
    return json.dumps(value, sort_keys=True, default=lambda other: {"": [type(other).__name__, repr(other)]})
