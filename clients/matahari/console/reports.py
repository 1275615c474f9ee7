"""What a call tells while it runs, as the console hands it out: plain frozen values, the same for both faces."""

from __future__ import annotations

import builtins
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from matahari.console.values import RemoteObject, Result
from matahari.qmf import CallReported, OutputReport, PartialReport, ProgressReport

__all__ = ["Missed", "Output", "Partial", "Progress", "Report", "Told", "read"]


@dataclass(frozen=True, slots=True)
class _OfObject:
    object: RemoteObject

    @property
    def host(self) -> str:
        """Where it runs."""
        return self.object.host


@dataclass(frozen=True, slots=True)
class Progress(_OfObject):
    """How far the call is, in a unit of its own.

    Attributes:
        total: None when it is not known.
        text: a line for people.
    """

    done: float
    total: float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Output(_OfObject):
    """Text that the call shows; a piece may end anywhere in a line."""

    chunk: str


@dataclass(frozen=True, slots=True)
class Partial(_OfObject):
    """A value that the call yielded."""

    value: builtins.object


@dataclass(frozen=True, slots=True)
class Missed(_OfObject):
    """So many reports of the call were lost on the way, or came faster than they were taken here."""

    count: int


Report: TypeAlias = Progress | Output | Partial | Missed

#: What comes of a call that tells what it does: reports, and one result for each object.
Told: TypeAlias = Progress | Output | Partial | Missed | Result


def read(item: RemoteObject, event: CallReported) -> Iterator[tuple[Report, int]]:
    """The reports of one message, in order, each with the characters that it has; unreadable ones count as missed."""
    if event.missed:
        yield Missed(item, event.missed), 0
    for report in event.reports:
        match report:
            case ProgressReport():
                yield Progress(item, report.done, report.total, report.text), len(report.text)
            case OutputReport():
                yield Output(item, report.chunk), len(report.chunk)
            case PartialReport():
                yield _partial(item, report.value), len(report.value)


def _partial(item: RemoteObject, text: str) -> Partial | Missed:
    try:
        return Partial(item, json.loads(text))
    except (ValueError, RecursionError):
        return Missed(item, 1)
