"""What an agent's exception means here: one table from its kind to our errors. Remote failures are data."""

from __future__ import annotations

from typing import Final

from matahari.errors import (
    AbortedError,
    BusyError,
    CrashedError,
    InvalidArgumentError,
    MissingArgumentError,
    RefusedError,
    RemoteCancelledError,
    RemoteError,
    RemoteTimeoutError,
    UnexpectedError,
    UnknownActionError,
)
from matahari.qmf import Data, failure_code, failure_text, text

__all__ = ["error_of"]

_BY_KIND: Final[dict[str, type[RemoteError]]] = {
    "raised": AbortedError,
    "timeout": RemoteTimeoutError,
    "cancelled": RemoteCancelledError,
    "crashed": CrashedError,
    "busy": BusyError,
    "refused": RefusedError,
    "invalid_argument": InvalidArgumentError,
    "missing_argument": MissingArgumentError,
    "unknown_action": UnknownActionError,
    "bad_result": UnexpectedError,
    "too_large": UnexpectedError,
    "not_loaded": UnexpectedError,
}
# The fixed texts of the agents of 2012, which send no kind (matahari-2012.md section 5).
_BY_TEXT: Final[dict[str, type[RemoteError]]] = {
    "Not implemented": UnknownActionError,
    "Invalid Arguments": InvalidArgumentError,
    "You are not authorized for specified action": RefusedError,
}
# Statuses of the broker's own agent (qmf2.md 3.7), where neither kind nor text says more. 7 is what everybody sends.
_BY_CODE: Final[dict[int, type[RemoteError]]] = {
    2: UnknownActionError,
    4: InvalidArgumentError,
    6: RefusedError,
}


def error_of(data: Data, *, agent: str, action: str) -> RemoteError:
    """The error for an exception that ``agent`` sent in answer to ``action``; unknown kinds give ``RemoteError``."""
    kind = text(data.values.get("kind")) or ""
    message = failure_text(data)
    cls = _BY_KIND.get(kind)
    if cls is None:
        cls = InvalidArgumentError if message.startswith("Invalid argument: ") else _BY_TEXT.get(message)
    if cls is None:
        cls = _BY_CODE.get(failure_code(data), RemoteError)
    return cls(
        message,
        agent=agent,
        action=action,
        status=failure_code(data),
        remote_type=text(data.values.get("type")) or "",
        remote_traceback=text(data.values.get("traceback")) or "",
        kind=kind,
    )
