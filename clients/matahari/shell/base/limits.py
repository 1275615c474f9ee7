"""Limits that the command line shows and sessions keep; apart, so that help need not load sessions."""

from __future__ import annotations

from typing import Final

__all__ = ["DEFAULT_TIMEOUT"]

DEFAULT_TIMEOUT: Final = 10.0  # seconds; 2012's limit of a group call, here a default
