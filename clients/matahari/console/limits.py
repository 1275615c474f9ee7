"""How long a call waits: what its caller says, else the default, or more where the method declares more. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

from matahari.console.directory import CALL_TIMEOUT
from matahari.console.values import RemoteObject

__all__ = ["ANSWER_TIME", "limit_of"]

#: Seconds that a host has for its answer, behind the time limit that the method declares.
ANSWER_TIME: Final = 1.0
#: Seconds, the longest limit that counts without anybody asking for it: what a single host publishes must not make
#: everybody wait for days.
MAX_DECLARED: Final = 3600.0


def limit_of(given: float | None, objects: Iterable[RemoteObject], method: str) -> float:
    """Seconds for each object.

    Args:
        given: what the caller says, which counts whatever is declared; None for nothing.
        objects: that are to be called; the longest limit that one of them publishes for the method counts, up to
            ``MAX_DECLARED``.
    """
    if given is not None:
        return given
    declared = max((_declared(item, method) for item in objects), default=0.0)
    return max(CALL_TIMEOUT, min(declared, MAX_DECLARED) + ANSWER_TIME) if declared else CALL_TIMEOUT


def _declared(item: RemoteObject, method: str) -> float:
    """The time limit that the object publishes; 0 for none, and for what is none."""
    methods = item.values.get("methods")
    entry = methods.get(method) if isinstance(methods, Mapping) else None
    limit = entry.get("timeout") if isinstance(entry, Mapping) else None
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not math.isfinite(limit):
        return 0.0
    return max(0.0, float(limit))
