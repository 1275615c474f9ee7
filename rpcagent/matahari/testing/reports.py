"""What a call tells before its answer, as records with values of Python."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from matahari.hooks import MASK
from matahari.hostproto import Output, Partial, PluginEvent, Progress
from matahari.rpcagent import CallFailure, MethodSpec

__all__ = [
    "CallRecord",
    "EventReport",
    "OutputReport",
    "PartialReport",
    "ProgressReport",
    "Report",
    "masked",
    "read_report",
]


@dataclass(frozen=True, slots=True)
class ProgressReport:
    """How far the call is; ``total`` is None when it is not known."""

    done: float
    total: float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class OutputReport:
    """Text to show; a piece may end anywhere in a line."""

    chunk: str


@dataclass(frozen=True, slots=True)
class PartialReport:
    """A value that the call yielded."""

    value: object


@dataclass(frozen=True, slots=True)
class EventReport:
    """An event of the plugin; ``severity`` as in syslog."""

    name: str
    severity: int
    fields: Mapping[str, object]


Report: TypeAlias = ProgressReport | OutputReport | PartialReport | EventReport


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A call that is over.

    Attributes:
        value: its result, None when it failed.
        failure: why there is no result, None when there is one.
        reports: what it told, in order.
        arguments: what it was called with, as logs show it: values of sensitive parameters are masked.
    """

    value: object
    failure: CallFailure | None
    reports: Sequence[Report]
    arguments: Mapping[str, object]

    @property
    def progress(self) -> list[ProgressReport]:
        """How far it was."""
        return [report for report in self.reports if isinstance(report, ProgressReport)]

    @property
    def output(self) -> str:
        """All that it showed."""
        return "".join(report.chunk for report in self.reports if isinstance(report, OutputReport))

    @property
    def partials(self) -> list[object]:
        """The values that it yielded."""
        return [report.value for report in self.reports if isinstance(report, PartialReport)]

    @property
    def events(self) -> list[EventReport]:
        """The events that it told."""
        return [report for report in self.reports if isinstance(report, EventReport)]


def read_report(told: Progress | Output | Partial | PluginEvent) -> Report:
    """Turn a message of a worker into a record."""
    match told:
        case Progress():
            return ProgressReport(told.done, told.total, told.text)
        case Output():
            return OutputReport(told.chunk)
        case Partial():
            return PartialReport(json.loads(told.text))
        case PluginEvent():
            return EventReport(told.name, told.severity, json.loads(told.fields))


def masked(spec: MethodSpec | None, args: Sequence[object], kwargs: Mapping[str, object]) -> dict[str, object]:
    """Give arguments by name as logs show them; further positional ones are called by their position, from 1.

    Args:
        spec: of the method; None when there is none of that name, and then every value is masked.
        args, kwargs: as in the call.
    """
    positional = spec.params.get("x-positional") if spec is not None else []
    names = [str(name) for name in positional] if isinstance(positional, list) else []
    properties = spec.params.get("properties") if spec is not None else {}
    known = properties if isinstance(properties, dict) else {}
    secret = set(spec.sensitive) if spec is not None else set()
    # *args and **kwargs have no name of their own in the schema: one that is sensitive hides all that they take.
    hides_rest = spec is None or not secret <= set(known)
    given = {names[at] if at < len(names) else str(at + 1): value for at, value in enumerate(args)} | dict(kwargs)
    return {
        name: MASK if name in secret or (hides_rest and name not in known) else value for name, value in given.items()
    }
