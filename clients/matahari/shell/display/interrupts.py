"""Ctrl-C while a call is shown: it interrupts waiting, not the showing of what is in, of which no line may be lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Interrupts"]


class Interrupts:
    """Between :meth:`hold` and :meth:`release` the first Ctrl-C is kept until somebody waits; a second one is not.

    Only in the main thread, and where Ctrl-C has Python's own meaning; elsewhere nothing changes.
    """

    def __init__(self) -> None:
        self._is_held = self._is_waiting = self._is_pending = False

    def hold(self) -> None:
        """Begin; when it has begun this does nothing."""
        is_usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if not self._is_held and is_usual and threading.current_thread() is threading.main_thread():
            self._is_held = True
            signal.signal(signal.SIGINT, self._on_signal)

    def release(self) -> None:
        """End.

        Raises:
            KeyboardInterrupt: one was kept, and nobody has waited since.
        """
        if self._is_held:
            self._is_held = False
            signal.signal(signal.SIGINT, signal.default_int_handler)
        self._raise_kept()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Here Ctrl-C interrupts at once. Nothing may be taken here that would be lost by it.

        Raises:
            KeyboardInterrupt: one was kept.
        """
        try:
            self._is_waiting = True
            self._raise_kept()
            yield
        finally:
            self._is_waiting = False

    def _raise_kept(self) -> None:
        if self._is_pending:
            self._is_pending = False
            raise KeyboardInterrupt

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._is_waiting or self._is_pending:
            self._is_pending = False
            raise KeyboardInterrupt
        self._is_pending = True
