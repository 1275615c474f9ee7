"""What became of reading a property of each object, in the shape of a call's results. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from matahari.errors import AgentGoneError, MatahariError
from matahari.shell.base.ports import ObjectLike, ObjectsLike
from matahari.shell.display.labels import key_of

__all__ = ["Absent", "Reading", "is_complete", "readings"]

_Value: TypeAlias = object  # a class that has a member called "object" cannot write the type's own name


@dataclass(frozen=True, slots=True)
class Reading:
    """One object's value, or None as the error where its agent was silent."""

    object: ObjectLike
    ok: bool
    value: _Value = None
    error: MatahariError | None = None
    duration: float = 0.0
    mismatch: str = ""

    @property
    def host(self) -> str:
        """Name of the object's host."""
        return self.object.host


@dataclass(frozen=True, slots=True)
class Absent:
    """Stands for what a host would have, that is expected and not on the bus."""

    host: str
    agent: str = ""
    name: str = ""
    values: Mapping[str, object] = field(default_factory=dict)


def readings(asked: ObjectsLike, fresh: ObjectsLike, name: str) -> Iterator[Reading]:
    """One for each object that was asked, then one for each missing host.

    Args:
        asked: all of them.
        fresh: those that answered, with their values of now.
    """
    values = dict(zip(map(key_of, fresh), fresh.get(name) if len(fresh) else (), strict=True))
    for item in asked:
        key = key_of(item)
        yield Reading(item, key in values, values.get(key))
    for host in asked.missing:
        error = AgentGoneError("expected to answer, and not on the bus")
        yield Reading(Absent(host), ok=False, error=error)


def is_complete(asked: ObjectsLike, fresh: ObjectsLike) -> bool:
    """Whether all of them answered."""
    return len(set(map(key_of, fresh))) == len(asked)
