"""One line at the bottom of a terminal that is overwritten: how far a call is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO

from matahari.shell.display.columns import cut

__all__ = ["StatusLine"]

_START_OF_LINE = "\r"
_CLEAR_TO_END = "\x1b[K"


class StatusLine:
    """Writes to ``stream`` where that is a terminal that can move its cursor, and nothing elsewhere."""

    def __init__(self, stream: TextIO, environment: Mapping[str, str] = os.environ) -> None:
        self._stream = stream
        self._can = stream.isatty() and environment.get("TERM") not in (None, "", "dumb")
        self._is_shown = False

    def show(self, text: str) -> None:
        """Put ``text``, which is harmless and has no line breaks, in the place of what is shown; cut where it is long."""
        if not self._can:
            return
        import shutil  # with all its formats of archives, which most commands would load for nothing

        # Not into the last column: a line that wraps could not be cleared.
        room = shutil.get_terminal_size().columns - 1
        self._stream.write(f"{_START_OF_LINE}{cut(text, room)}{_CLEAR_TO_END}")
        self._stream.flush()
        self._is_shown = True

    def clear(self) -> None:
        """Take it away, before anything else is written."""
        if self._is_shown:
            self._is_shown = False
            self._stream.write(f"{_START_OF_LINE}{_CLEAR_TO_END}")
            self._stream.flush()
