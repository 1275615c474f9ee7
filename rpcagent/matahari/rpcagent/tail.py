"""The last words of a call that runs: what a time-out can show of its output. Pure."""

from __future__ import annotations

from typing import Final

__all__ = ["MAX_TAIL", "Tail"]

#: Characters that are kept: some lines for people, and 256 waiting calls still cost little.
MAX_TAIL: Final = 2048


class Tail:
    """The end of a growing text."""

    def __init__(self) -> None:
        self._text = ""
        self._is_cut = False

    def add(self, chunk: str) -> None:
        """Take one more piece."""
        whole = self._text + chunk[-MAX_TAIL - 1 :]
        self._is_cut = self._is_cut or len(whole) > MAX_TAIL or len(chunk) > MAX_TAIL
        self._text = whole[-MAX_TAIL:]

    @property
    def text(self) -> str:
        """What is left of it, without the line that was cut off at its front."""
        kept = self._text
        if self._is_cut and "\n" in kept[:-1]:
            kept = kept.partition("\n")[2]
        return kept.rstrip("\n")
