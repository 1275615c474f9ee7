"""Limits that the command line shows and sessions keep; apart, so that help need not load sessions."""

from __future__ import annotations

from typing import Final

__all__ = ["DEFAULT_TIMEOUT", "MAX_TIMEOUT", "MIN_TIMEOUT"]

DEFAULT_TIMEOUT: Final = 10.0  # seconds; 2012's limit of a group call, here a default
MAX_TIMEOUT: Final = 86_400.0  # seconds; a day, more is a typing error
MIN_TIMEOUT: Final = 0.001  # seconds; no host answers as soon
