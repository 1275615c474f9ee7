"""What a plugin writes with ``logging`` goes to the agent as records, not as lines of text."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from matahari.hostproto import Log

__all__ = ["forward_logging"]

#: Longest record, in characters; the rest is cut.
_MAX_RECORD: Final = 8 * 1024


class _Handler(logging.Handler):
    def __init__(self, send: Callable[[Log], None]) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)[:_MAX_RECORD]
        except Exception:  # noqa: BLE001  # the arguments are the plugin's objects
            self.handleError(record)
            return
        clean = [part.encode("utf-8", "backslashreplace").decode() for part in (record.name, text)]
        self._send(Log(record.levelname, clean[0][:_MAX_RECORD], clean[1]))


def forward_logging(send: Callable[[Log], None]) -> None:
    """Give the root logger of this process one handler; records from INFO upwards are sent."""
    root = logging.getLogger()
    root.addHandler(_Handler(send))
    root.setLevel(logging.INFO)
