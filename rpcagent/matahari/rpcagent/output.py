"""What a worker prints becomes log lines: split, bounded, and not too many a second. Pure; time is given."""

from __future__ import annotations

from collections import deque
from typing import Final

__all__ = ["OutputLines"]

#: Longest line, in bytes; what is longer is cut into several.
MAX_LINE: Final = 4096
#: Last lines that are kept for the report of a crash.
TAIL_LINES: Final = 20
#: Lines logged at once, and then a second: a plugin in a print loop must not fill the disk.
BURST: Final = 500
RATE: Final = 100.0


class OutputLines:
    """Takes the bytes of a worker's standard output and error, gives lines to log."""

    def __init__(self) -> None:
        self._partial = b""
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._tokens = float(BURST)
        self._refilled = 0.0
        self._dropped = 0

    @property
    def tail(self) -> str:
        """The last lines, for people."""
        partial = [self._text(self._partial)] if self._partial else []
        return "\n".join([*self._tail, *partial])

    def feed(self, data: bytes, now: float) -> list[str]:
        """Take bytes; gives the lines to log, without their ends."""
        *lines, self._partial = (self._partial + data).split(b"\n")
        while len(self._partial) > MAX_LINE:
            lines.append(self._partial[:MAX_LINE])
            self._partial = self._partial[MAX_LINE:]
        return self._admit([self._text(line) for line in lines], now)

    def finish(self, now: float) -> list[str]:
        """There will be no more bytes; gives what is left to log."""
        lines = [self._text(self._partial)] if self._partial else []
        self._partial = b""
        admitted = self._admit(lines, now)
        if self._dropped:
            admitted.append(f"({self._dropped} more lines were not logged)")
            self._dropped = 0
        return admitted

    def _admit(self, lines: list[str], now: float) -> list[str]:
        self._tail.extend(lines)
        self._tokens = min(BURST, self._tokens + max(0.0, now - self._refilled) * RATE)
        self._refilled = now
        admitted: list[str] = []
        for line in lines:
            if self._tokens < 1.0:
                self._dropped += 1
                continue
            if self._dropped:
                admitted.append(f"({self._dropped} lines were not logged: too many a second)")
                self._dropped = 0
            self._tokens -= 1.0
            admitted.append(line)
        return admitted

    @staticmethod
    def _text(line: bytes) -> str:
        text = line[:MAX_LINE].decode("utf-8", "backslashreplace").rstrip("\r")
        # Control characters would let a plugin forge the look of other lines.
        return "".join(char if char.isprintable() or char == "\t" else repr(char)[1:-1] for char in text)
