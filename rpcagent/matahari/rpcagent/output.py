"""What a worker prints becomes log lines: split, bounded, and not too many a second. Pure; time is given."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

__all__ = ["Line", "OutputLines"]

#: Longest line, in bytes; what is longer is cut into several.
MAX_LINE: Final = 4096
#: Last lines of a call and of the worker that a report of a crash shows, and lines that are kept for it: those of
#: other calls are not shown.
TAIL_LINES: Final = 20
KEPT_LINES: Final = 100
#: Characters that a report shows of one line, and in all: it is read by people, and sent to whoever called.
SHOWN_LINE: Final = 1000
SHOWN: Final = 8 * 1024
#: Lines logged at once, and then a second: a plugin in a print loop must not fill the disk.
BURST: Final = 500
RATE: Final = 100.0
#: Seconds between two lines that say how many were left out: in a flood they would be one more.
NOTE_INTERVAL: Final = 1.0
#: The first line of what Python says when it dies, and how those go on that follow it: with many threads it is long,
#: and without its first line the rest says little.
_FATAL: Final = "Fatal Python error: "
_DUMP: Final = ("Python runtime state: ", "Current thread", "Thread 0x", "Stack (", "  ", "...", "Extension modules: ")


#: What a worker writes before the text that a call prints (PROTOCOL.md section 1).
_MARK: Final = re.compile(rb"\x1e(\d{0,19})\x1e")

_BROKEN_MARK: Final = re.compile(rb"\x1e\d{0,19}\Z")


class Line(NamedTuple):
    """One line without its end, and the call that has printed it, None when that is not known."""

    text: str
    call: int | None = None


class OutputLines:
    """Takes the bytes of a worker's standard output and error, gives lines to log."""

    def __init__(self) -> None:
        self._partial = b""
        self._last: deque[Line] = deque(maxlen=KEPT_LINES)
        self._tokens = float(BURST)
        self._refilled = 0.0
        self._dropped = 0
        self._next_note = 0.0
        self._fatal = ""

    def last(self, call: int | None) -> str:
        """The last lines, for people: those of this call and of no call; other calls' are not its caller's business."""
        partial = self._lines(self._partial) if self._partial else ()
        left = {call: TAIL_LINES, None: TAIL_LINES}
        shown: list[str] = []
        room = SHOWN - (len(self._fatal) + len("\n…\n") if self._fatal else 0)
        for line in reversed((*self._last, *partial)):
            if left.get(line.call, 0):
                left[line.call] -= 1
                text = line.text if len(line.text) <= SHOWN_LINE else f"{line.text[: SHOWN_LINE - 1]}…"
                room -= len(text) + 1
                if room < 0:
                    break
                shown.append(text)
        if self._fatal and self._fatal not in shown:
            shown += ["…", self._fatal]
        return "\n".join(reversed(shown))

    def feed(self, data: bytes, now: float) -> list[Line]:
        """Take bytes; gives the lines to log, without their ends."""
        *whole, last = (self._partial + data).split(b"\n")
        lines: list[bytes] = []
        for line in whole:
            cuts, rest = _cut(line)
            lines += [*cuts, rest]
        cuts, self._partial = _cut(last)
        return self._admit([each for line in (*lines, *cuts) for each in self._lines(line)], now)

    def finish(self, now: float) -> list[Line]:
        """There will be no more bytes; gives what is left to log."""
        lines = list(self._lines(self._partial)) if self._partial else []
        self._partial = b""
        admitted = self._admit(lines, now)
        if self._dropped:
            admitted.append(Line(f"({self._dropped} more lines were not logged)"))
            self._dropped = 0
        return admitted

    def _admit(self, lines: list[Line], now: float) -> list[Line]:
        self._last.extend(lines)
        self._find_fatal(lines)
        self._tokens = min(BURST, self._tokens + max(0.0, now - self._refilled) * RATE)
        self._refilled = now
        admitted: list[Line] = []
        for line in lines:
            if self._tokens < 1.0:
                self._dropped += 1
                continue
            if self._dropped and now >= self._next_note:
                admitted.append(Line(f"({self._dropped} lines were not logged: too many a second)"))
                self._dropped = 0
                self._next_note = now + NOTE_INTERVAL
            self._tokens -= 1.0
            admitted.append(line)
        return admitted

    def _find_fatal(self, lines: list[Line]) -> None:
        for line in lines:
            if line.call is None and line.text.startswith(_FATAL):
                self._fatal = line.text[:SHOWN_LINE]
            elif self._fatal and line.call is None and line.text and not line.text.startswith(_DUMP):
                self._fatal = ""  # whoever said it was a child: the worker goes on

    def _lines(self, raw: bytes) -> Iterator[Line]:
        """The parts of one line that come from different calls; nearly always there is one."""
        first, *rest = _MARK.split(raw)
        parts: list[tuple[bytes, int | None]] = [(first, None)] if first or not rest else []
        for number, text in zip(rest[::2], rest[1::2], strict=True):
            call = int(number) if number else None
            if call is None and not text:
                continue  # only says that a call's text ends here
            if parts and parts[-1][1] == call:
                parts[-1] = (parts[-1][0] + text, call)
            else:
                parts.append((text, call))
        for text, call_or_none in parts:
            yield Line(self._text(text), call_or_none)

    @staticmethod
    def _text(line: bytes) -> str:
        text = line[:MAX_LINE].decode("utf-8", "backslashreplace").rstrip("\r")
        # Control characters would let a plugin forge the look of other lines.
        return "".join(char if char.isprintable() or char == "\t" else repr(char)[1:-1] for char in text)


def _cut(line: bytes) -> tuple[list[bytes], bytes]:
    """Cut pieces of ``MAX_LINE`` off a longer line; gives them and the rest, each with the mark of its call."""
    pieces: list[bytes] = []
    while len(line) > MAX_LINE:
        piece = line[:MAX_LINE]
        marks = list(_MARK.finditer(piece))
        broken = _BROKEN_MARK.search(piece, marks[-1].end() if marks else 1)
        if broken is not None:
            piece = piece[: broken.start()]
        pieces.append(piece)
        # The rest is of the same call.
        line = (marks[-1].group() if marks else b"") + line[len(piece) :]
    return pieces, line
