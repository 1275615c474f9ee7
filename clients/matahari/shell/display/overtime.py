"""What is said of a call that took too long: its output is not repeated, and what allows more time is named. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from matahari.errors import MatahariError, RemoteTimeoutError
from matahari.shell.base.limits import DEFAULT_TIMEOUT
from matahari.shell.base.ports import ObjectLike

__all__ = ["DIRECT_REMEDY", "REMEDY", "without_output"]

REMEDY: Final = "(-t SECONDS or `timeout SECONDS` allows more)"
DIRECT_REMEDY: Final = "(-t SECONDS allows more)"

_TOO_LONG: Final = re.compile(r"(.*? took longer than (\S+) s)(; .*)?", re.DOTALL)
_OUTPUT: Final = "; its output so far:"


def without_output(
    error: MatahariError | None,
    item: ObjectLike,
    method: str,
    *,
    limit: float | None,
    is_shown: bool,
    remedy: str = REMEDY,
) -> MatahariError | None:
    """The error as people want it; any other error as it is.

    Args:
        item: on which the method was called.
        limit: seconds that somebody has given the call; None for nobody.
        is_shown: the output of the call on this object was shown as it came.
        remedy: what allows more time, where it was the caller's.
    """
    if not isinstance(error, RemoteTimeoutError) or (found := _TOO_LONG.fullmatch(str(error))) is None:
        return error
    head, seconds, rest = found[1], found[2], found[3] or ""
    if _allows_more(seconds, item, method, limit):
        head = f"{head} {remedy}"
    if is_shown and rest.startswith(_OUTPUT):
        rest = ""
    return RemoteTimeoutError(
        head + rest,
        agent=error.agent,
        action=error.action,
        status=error.status,
        remote_type=error.remote_type,
        remote_traceback=error.remote_traceback,
        kind=error.kind,
    )


def _allows_more(seconds: str, item: ObjectLike, method: str, limit: float | None) -> bool:
    """Whether the limit that was reached was the caller's and not the plugin's own."""
    try:
        reached = float(seconds)
    except ValueError:
        return False
    if limit is not None:
        return reached >= float(f"{limit:g}")  # as it is in the text
    return reached >= DEFAULT_TIMEOUT and reached != _declared(item, method)


def _declared(item: ObjectLike, method: str) -> object:
    methods = item.values.get("methods")
    entry = methods.get(method) if isinstance(methods, Mapping) else None
    return entry.get("timeout") if isinstance(entry, Mapping) else None
