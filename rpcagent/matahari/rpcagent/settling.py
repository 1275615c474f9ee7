"""Is a file that was just seen to change complete, or still being written? Pure; time is given.

A save is several steps: truncate, write, close; or write beside and rename. Loading between two of them would
put half a file into service.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["PATIENCE_NS", "QUIET_NS", "Debounce", "Stamp", "is_settled", "is_trusted"]

#: A file must not have changed for this long before it is read, in nanoseconds; more than the kernel's clock
#: granularity for file times (4 ms at worst), so that a write at this moment is seen as one.
QUIET_NS: Final = 8_000_000
#: An open or empty file is taken as it is after this long, in nanoseconds.
PATIENCE_NS: Final = 250_000_000
#: A file read sooner than this after its last change is read again the next time, in nanoseconds: another
#: write may have left the same times and size.
RACY_NS: Final = 50_000_000
#: Wait after the last event before looking, in seconds: after one that ends a save, and after any other.
AFTER_END: Final = 0.010
AFTER_OTHER: Final = 0.025
#: Longest wait while events keep coming, in seconds.
LONGEST: Final = 0.25


@dataclass(frozen=True, slots=True)
class Stamp:
    """What ``stat`` says of a file, as far as it changes when the file does. Times in ns since the epoch."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int


def is_settled(stamp: Stamp, *, is_open: bool, now_ns: int) -> bool:
    """Whether the file may be read.

    Args:
        stamp: of the file.
        is_open: it was written to, and has not been closed since.
        now_ns: time of day.
    """
    age = now_ns - stamp.changed_ns
    if age < 0:  # a clock was set back, or the file lies on another machine: nothing is known
        return True
    if is_open or stamp.size == 0:
        return age >= PATIENCE_NS
    return age >= QUIET_NS


def is_trusted(stamp: Stamp, *, read_ns: int) -> bool:
    """Whether an unchanged stamp proves that the content is what was read at ``read_ns``."""
    return read_ns - stamp.changed_ns >= RACY_NS


class Debounce:
    """Turns many events into few looks, and knows which files are being written. ``now`` is monotonic."""

    def __init__(self) -> None:
        self._first: float | None = None
        self._due: float | None = None
        self._open: dict[str, float] = {}

    def note(self, path: str, kind: str, now: float) -> None:
        """Take an event: ``modified``, ``created``, ``closed``, ``moved`` or ``deleted``."""
        if kind == "modified":
            self._open[path] = now
        elif kind != "created":
            self._open.pop(path, None)
        if self._first is None:
            self._first = now
        wait = AFTER_END if kind in ("closed", "moved") and not self._open else AFTER_OTHER
        self._due = min(now + wait, self._first + LONGEST)

    def ask(self, when: float) -> None:
        """Look at ``when`` at the latest."""
        self._due = when if self._due is None else min(self._due, when)

    def next_deadline(self) -> float | None:
        """When to look, or None."""
        return self._due

    def look(self, now: float) -> frozenset[str]:
        """Begin a look: gives the paths that are open for writing."""
        self._first = self._due = None
        limit = now - PATIENCE_NS / 1e9
        self._open = {path: when for path, when in self._open.items() if when > limit}
        return frozenset(self._open)
