"""Counts what a peer gets wrong, over and over if it likes, in one line of the log."""

from __future__ import annotations

import logging

__all__ = ["Tally"]


class Tally:
    """The first of its kind is a warning; the others are for who debugs.

    Attributes:
        count: how many there were.
    """

    def __init__(self, logger: logging.Logger, what: str) -> None:
        self._logger = logger
        self._what = what
        self.count = 0

    def add(self, reason: object) -> None:
        self.count += 1
        level = logging.WARNING if self.count == 1 else logging.DEBUG
        self._logger.log(level, "%s (%d so far): %s", self._what, self.count, reason)
