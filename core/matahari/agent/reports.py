"""What a running call tells its caller, gathered into few messages. Pure; time is given.

Output and yielded values keep their order. Of several progresses that wait, only the last is sent, at its own place.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

from matahari.qmf import MAX_PROGRESS_TEXT, OutputReport, PartialReport, ProgressReport, Report

__all__ = [
    "BATCH_BYTES",
    "GATHER",
    "LONGEST_HOLD",
    "MAX_OUTPUT",
    "MAX_VALUE",
    "REPORT_INTERVAL",
    "WAITING_BYTES",
    "ReportBuffer",
]

#: Least seconds between two messages of one call, so 20 a second: people read no faster, and a console hears many hosts.
REPORT_INTERVAL: Final = 0.05
#: Seconds that a first report waits for others to share its message.
GATHER: Final = 0.005
#: Bytes after which a message is full; one report alone may be larger. No answer waits long behind it.
BATCH_BYTES: Final = 256 * 1024
#: Bytes that wait when whoever reports is to pause: as much as the next message takes.
WAITING_BYTES: Final = 256 * 1024
#: Longest pause after a message, in seconds, while whoever reports waits, whatever the caller wishes: a plugin's other
#: calls, of other callers, wait with it.
LONGEST_HOLD: Final = 1.0
#: Output of one call in all, in bytes: 1 MiB, as workers let through, and room for what they say of the rest.
MAX_OUTPUT: Final = 1024 * 1024 + 4096
#: Bytes of one yielded value (JSON text), so that it fits into a message of 1 MiB with all that goes around it.
MAX_VALUE: Final = 1024 * 1024 - 16 * 1024
#: Bytes that each report is taken to cost besides its text, so that many empty ones count too.
_OVERHEAD: Final = 64
#: Bytes of one piece of output; smaller ones that follow each other are joined.
_PIECE: Final = 64 * 1024


@dataclass(slots=True)
class _Waiting:
    kind: Literal["progress", "output", "partial", "replaced"]
    size: int
    texts: list[str]
    done: float = 0.0
    total: float | None = None

    def report(self) -> Report:
        text = "".join(self.texts)
        if self.kind == "progress":
            return ProgressReport(self.done, self.total, text)
        return OutputReport(text) if self.kind == "output" else PartialReport(text)


class ReportBuffer:
    """The reports of one call that have not been sent.

    Args:
        interval: least seconds between two messages, as the caller wishes; never below ``REPORT_INTERVAL``.

    Attributes:
        size: bytes that wait.
    """

    def __init__(self, interval: float = 0.0) -> None:
        self._interval = max(REPORT_INTERVAL, interval)
        self._waiting: deque[_Waiting] = deque()
        self._progress: _Waiting | None = None
        self._output = 0
        self._left_out = 0
        self._sent = -math.inf
        self._since = math.inf
        self.size = 0

    @property
    def is_full(self) -> bool:
        """Whether whoever reports is to pause until something was taken."""
        return self.size >= WAITING_BYTES

    @property
    def pause(self) -> float:
        """Least seconds between the last message and the next one."""
        return min(self._interval, LONGEST_HOLD) if self.is_full else self._interval

    def progress(self, done: float, total: float | None, text: str, now: float) -> None:
        """Take how far the call is; a text that is longer than a line may be is cut."""
        text = text.encode("utf-8", "replace")[:MAX_PROGRESS_TEXT].decode("utf-8", "ignore")
        if self._progress is not None:
            self._drop(self._progress)
        self._progress = _Waiting("progress", _OVERHEAD + len(text), [text], done, total)
        self._put(self._progress, now)

    def output(self, chunk: str, now: float) -> None:
        """Take text to show; what is beyond ``MAX_OUTPUT`` is counted and left out."""
        size = len(chunk)
        if not chunk.isascii():
            encoded = chunk.encode("utf-8", "backslashreplace")  # a lone surrogate has no form on the bus
            chunk, size = encoded.decode(), len(encoded)
        if self._left_out or self._output + size > MAX_OUTPUT:
            self._left_out += size
            return
        self._output += size
        last = self._waiting[-1] if self._waiting else None
        if last is not None and last.kind == "output" and last.size + size <= _PIECE:
            last.texts.append(chunk)
            last.size += size
            self.size += size
        else:
            self._put(_Waiting("output", _OVERHEAD + size, [chunk]), now)

    def partial(self, value: str, now: float) -> None:
        """Take the JSON text of a yielded value.

        Raises:
            ValueError: it is longer than ``MAX_VALUE``, or has lone surrogates.
        """
        size = len(value) if value.isascii() else len(value.encode())
        if size > MAX_VALUE:
            raise ValueError(f"a yielded value has {size} bytes of JSON, at most {MAX_VALUE} are allowed")
        self._put(_Waiting("partial", _OVERHEAD + size, [value]), now)

    def finish(self, now: float) -> None:
        """Nothing will follow: say how much output was left out."""
        if self._left_out:
            text = f"\n… {self._left_out} bytes of output were left out: a call may have {MAX_OUTPUT} …\n"
            self._left_out = 0
            self._put(_Waiting("output", _OVERHEAD + len(text), [text]), now)

    def due(self) -> float | None:
        """When a message may be sent; None when nothing waits."""
        if not self._waiting:
            return None
        return max(self._since + GATHER, self._sent + self.pause)

    def take(self, now: float) -> list[Report]:
        """The reports of one message, in order; empty when nothing waits."""
        batch: list[Report] = []
        size = 0
        while self._waiting and (size == 0 or size + self._waiting[0].size <= BATCH_BYTES):
            first = self._waiting.popleft()
            self.size -= first.size
            if first.kind == "replaced":
                continue
            if first is self._progress:
                self._progress = None
            size += first.size
            batch.append(first.report())
        if batch:
            self._sent = now
        self._since = now
        return batch

    def _put(self, report: _Waiting, now: float) -> None:
        if not self._waiting:
            self._since = now
        self._waiting.append(report)
        self.size += report.size

    def _drop(self, report: _Waiting) -> None:
        """Something newer takes its place; what stays until it is its turn is next to nothing."""
        self.size -= report.size
        if self._waiting[-1] is report:
            self._waiting.pop()
        else:
            report.kind = "replaced"
            report.texts, report.size = [], _OVERHEAD
            self.size += report.size
