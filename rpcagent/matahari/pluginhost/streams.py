"""Standard output and error of a worker: a line that a call prints says which call it was.

The agent reads one pipe for all calls. A mark before the line (PROTOCOL.md section 1) tells it whose the line is, so
that one caller does not get to see what another's call has printed. What programs print that the plugin starts, what is
written to the descriptors themselves, and a last word from the kernel have no mark.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from typing import Final

from matahari.plugin import context

from .reports import CallReporter

__all__ = ["CallStream", "end_lines", "install_streams"]

#: Stands before and after the number of the call; twice without one, where its text ends and the line does not.
MARK: Final = "\x1e"
#: Longest beginning of a line that is held back, in characters: as much as the agent keeps of one.
_MAX_BEGINNING: Final = 4096

_installed: list[CallStream] = []


class CallStream(io.TextIOWrapper):
    """Text to ``descriptor``, line by line. Lines of calls are put together per call, whichever threads they come from."""

    def __init__(self, descriptor: int) -> None:
        raw = open(descriptor, "wb", closefd=False)  # noqa: SIM115  # the wrapper owns it
        super().__init__(raw, encoding="utf-8", errors="backslashreplace", line_buffering=True)
        self._descriptor = descriptor
        # Reentrant: what ends an object, or a signal, may print in the middle of a print.
        self._lock = threading.RLock()
        self._beginnings: dict[int, str] = {}
        os.register_at_fork(after_in_child=self._renew)

    def write(self, text: str, /) -> int:
        call = _call()
        if call is None:
            return super().write(text)
        with self._lock:
            lines, end, rest = (self._beginnings.pop(call, "") + text).rpartition("\n")
            if len(rest) > _MAX_BEGINNING:
                lines, end, rest = f"{lines}{end}{rest}", "\n", ""
            if rest:
                self._beginnings[call] = rest
            if end:
                self._emit(call, lines, "\n")
        return len(text)

    def flush(self) -> None:
        """Write what is held back of the call that runs here; without one, of all."""
        super().flush()
        call = _call()
        with self._lock:
            for each in list(self._beginnings) if call is None else [call]:
                beginning = self._beginnings.pop(each, "")
                if beginning:
                    self._emit(each, beginning, "")

    def end(self, call: int) -> None:
        """The call is over: its last line is complete."""
        with self._lock:
            beginning = self._beginnings.pop(call, "")
            if beginning:
                self._emit(call, beginning, "\n")

    def _emit(self, call: int, text: str, end: str) -> None:
        super().flush()  # what was printed before by nobody's call comes first
        mark = f"{MARK}{call}{MARK}"
        lines = text.replace(MARK, "\\x1e").replace("\n", f"\n{mark}")
        data = f"{mark}{lines}{end or MARK * 2}".encode("utf-8", "backslashreplace")
        while data:
            data = data[os.write(self._descriptor, data) :]

    def _renew(self) -> None:
        """In a forked child: the thread that holds the lock does not exist here, and what it held back is not ours."""
        self._lock = threading.RLock()
        self._beginnings.clear()


def _call() -> int | None:
    try:
        reporter = context().reporter
    except RuntimeError:
        return None
    return reporter.call if isinstance(reporter, CallReporter) else None


def install_streams() -> None:
    """Make ``sys.stdout`` and ``sys.stderr`` of this process streams that mark what calls print; all three are UTF-8.

    Done once, by the warm parent: made in each worker, the objects would cost each of them a tenth of a MiB.
    """
    while (spare := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass  # whoever started us has closed it, and it must not become something else's
    os.close(spare)
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115  # __stdin__ is Final in typeshed
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = CallStream(descriptor)
        _installed.append(stream)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def end_lines(call: int) -> None:
    """Complete the last lines that a call has printed."""
    for stream in _installed:
        with contextlib.suppress(OSError, ValueError):  # the plugin has closed it
            stream.end(call)
