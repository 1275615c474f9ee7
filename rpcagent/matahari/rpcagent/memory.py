"""How much memory a process has now."""

from __future__ import annotations

import psutil

__all__ = ["resident_memory"]


def resident_memory(pid: int | None) -> int:
    """Resident memory in bytes; 0 when there is no such process (any more)."""
    if pid is None:
        return 0
    try:
        return psutil.Process(pid).memory_info().rss
    except psutil.Error:
        return 0  # it ended just now
