"""How many answers of a call are in, as a bar on the status line."""

from __future__ import annotations

from typing import Final

from matahari.shell.display.statusline import StatusLine

__all__ = ["ProgressBar", "bar_text"]

BAR_LENGTH: Final = 10  # with the counts of 10,000 hosts it still fits into 80 columns


class ProgressBar:
    """Counts answers and shows the count.

    Args:
        expected: how many answers there will be, at least 1.
    """

    def __init__(self, status: StatusLine, expected: int) -> None:
        self._status = status
        self._expected = expected
        self._answered = 0
        self._failed = 0

    def add(self, *, is_ok: bool) -> None:
        """One more is in."""
        if is_ok:
            self._answered += 1
        else:
            self._failed += 1
        self.show()

    def show(self) -> None:
        """Show it, also again after something else was written."""
        self._status.show(bar_text(self._answered, self._failed, self._expected))


def bar_text(answered: int, failed: int, expected: int) -> str:
    """``[####......] 431/1000 answered 420, failed 11, waiting 569``; the last ``#`` stands for the last answer."""
    done = answered + failed
    filled = BAR_LENGTH * done // expected
    bar = "#" * filled + "." * (BAR_LENGTH - filled)
    return f"[{bar}] {done}/{expected} answered {answered}, failed {failed}, waiting {expected - done}"
