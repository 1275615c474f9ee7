"""What a running call tells its caller: records, and their maps on the wire.

A message of reports (``METHOD_INDICATION``) has a list of maps. Each has ``seq``, which counts the reports of one call
from 1 so that a console notices a gap, and ``kind``:

=========  ==============================================================================================
kind       further members
=========  ==============================================================================================
progress   ``done`` (number), ``total`` (number or null), ``text``
output     ``chunk``: text to be shown, with the line ends that the method gave it
partial    ``value``: JSON text of a value that the method yielded
=========  ==============================================================================================

The answer to a call with reports says under ``OPTIONS_KEY`` how many there were, so that a loss at the end shows too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, TypeAlias

from matahari.errors import RemoteProtocolError
from matahari.qmf.call_options import OPTIONS_KEY
from matahari.qmf.values import Value, text

#: Most reports in one message; agents of ours send fewer, since they bound the bytes of a message.
MAX_REPORTS: Final = 4096
#: Most bytes of the text of a progress: a line for people.
MAX_PROGRESS_TEXT: Final = 4096
#: Highest number of a report; it travels as an integer that every AMQP type of ours can hold.
MAX_SEQUENCE: Final = 2**53


@dataclass(frozen=True, slots=True)
class ProgressReport:
    """How far a call is, in a unit of its own; ``total`` is None when it is not known."""

    done: float
    total: float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class OutputReport:
    """Text that a call shows; a piece may end anywhere in a line."""

    chunk: str


@dataclass(frozen=True, slots=True)
class PartialReport:
    """A value that a call yielded, as a JSON text."""

    value: str


Report: TypeAlias = ProgressReport | OutputReport | PartialReport


def report_map(report: Report, sequence: int) -> dict[str, Value]:
    """Return the map on the wire."""
    match report:
        case ProgressReport():
            return {
                "seq": sequence, "kind": "progress",
                "done": report.done, "total": report.total, "text": report.text,
            }  # fmt: skip
        case OutputReport():
            return {"seq": sequence, "kind": "output", "chunk": report.chunk}
        case PartialReport():
            return {"seq": sequence, "kind": "partial", "value": report.value}


def read_reports(body: Value) -> list[tuple[int, Report | None]]:
    """Read a message of reports.

    Returns:
        Number and report of each, in order; None for a report of a kind that is not known here.

    Raises:
        RemoteProtocolError: anything is not as in the table above, or there are more than ``MAX_REPORTS``.
    """
    if not isinstance(body, list):
        raise RemoteProtocolError("not a list", path="reports")
    if len(body) > MAX_REPORTS:
        raise RemoteProtocolError(f"more than {MAX_REPORTS} items", path="reports")
    return [_read(item, f"[{at}]") for at, item in enumerate(body)]


def read_count(body: Value) -> int | None:
    """Return how many reports there were, as the answer to a call says; None when it does not, or not sensibly."""
    said = body.get(OPTIONS_KEY) if isinstance(body, dict) else None
    count = said.get("reports") if isinstance(said, dict) else None
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= MAX_SEQUENCE:
        return None
    return int(count)


def _read(item: Value, path: str) -> tuple[int, Report | None]:
    if not isinstance(item, dict):
        raise RemoteProtocolError("not a map", path=path)
    sequence = item.get("seq")
    if isinstance(sequence, bool) or not isinstance(sequence, int) or not 1 <= sequence <= MAX_SEQUENCE:
        raise RemoteProtocolError("not a number of a report", path=f"{path}.seq")
    report: Report | None = None
    match text(item.get("kind")):
        case "progress":
            done = _number(item.get("done"), f"{path}.done")
            total = None if item.get("total") is None else _number(item.get("total"), f"{path}.total")
            said = _text(item.get("text", ""), f"{path}.text")
            if len(said.encode("utf-8", "surrogatepass")) > MAX_PROGRESS_TEXT:
                raise RemoteProtocolError(f"more than {MAX_PROGRESS_TEXT} bytes", path=f"{path}.text")
            report = ProgressReport(done, total, said)
        case "output":
            report = OutputReport(_text(item.get("chunk"), f"{path}.chunk"))
        case "partial":
            report = PartialReport(_text(item.get("value"), f"{path}.value"))
        case None:
            raise RemoteProtocolError("not a text", path=f"{path}.kind")
        case _:
            pass  # a later version's: what it is about is lost, that it was there is not
    return int(sequence), report


def _number(value: Value, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RemoteProtocolError("not a finite number", path=path)
    return value


def _text(value: Value, path: str) -> str:
    found = text(value)
    if found is None:
        raise RemoteProtocolError("not a text", path=path)
    return found
