"""Audit records: what is written of a request, and what is left out.

Values of sensitive parameters are masked. Arguments that did not pass validation are left out as a whole: a password
may stand under a wrong name there. Texts of errors are left out as well, because they often quote a value.

Source: security.md 3.5
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from .records import ActionRequest, Decision, JsonValue

__all__ = ["MASK", "encode_record", "intent_record", "outcome_record", "refusal_record"]

MASK: Final = "<hidden>"
MAX_ARGUMENTS_BYTES: Final = 4096  # so that a record stays one write and a caller cannot fill the disk with one call
MAX_TEXT: Final = 512  # of names and reasons, which a caller may choose

_encode: Final = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def intent_record(request: ActionRequest, decision: Decision) -> dict[str, JsonValue]:
    """Written before an action runs."""
    return {
        **_head("intent", request),
        "arguments": _arguments(request),
        "rule": _short(decision.rule),
        "read_only": request.read_only,
    }


def outcome_record(
    request: ActionRequest,
    status: Literal["ok", "failed", "cancelled"],
    duration: float,
    *,
    error: BaseException | None = None,
    reply_problems: int = 0,
) -> dict[str, JsonValue]:
    """Written after it. ``duration`` in seconds; of the error the class alone."""
    record: dict[str, JsonValue] = {
        **_head("outcome", request),
        "status": status,
        "duration_ms": round(duration * 1000, 3),
    }
    if error is not None:
        said = getattr(error, "error_type", "")  # of what it stands for, perhaps raised in another process
        record["error_type"] = _short(said) if isinstance(said, str) and said else type(error).__name__
        if isinstance(kind := getattr(error, "kind", None), str):
            record["kind"] = _short(kind)
    if reply_problems:
        record["reply_problems"] = reply_problems
    return record


def refusal_record(
    request: ActionRequest, stage: str, rule: str, problems: Sequence[tuple[str, str]] = ()
) -> dict[str, JsonValue]:
    """Written in place of an intent. ``problems`` are pairs of place and rule."""
    record: dict[str, JsonValue] = {**_head("refusal", request), "stage": stage, "rule": _short(rule)}
    if stage == "validate":
        record["problems"] = [{"place": _short(place), "rule": _short(broken)} for place, broken in problems[:16]]
    else:
        record["arguments"] = _arguments(request)
    return record


def encode_record(record: Mapping[str, JsonValue]) -> bytes:
    """One line of ASCII with its line end: no value can begin a line of its own or move the cursor."""
    return _encode(record).encode("ascii") + b"\n"


def _head(event: str, request: ActionRequest) -> dict[str, JsonValue]:
    caller = request.caller
    return {
        "event": event,
        "id": _short(request.id),
        "who": None if caller.user is None else _short(caller.user),
        "local": caller.is_local,
        "plugin": _short(request.plugin),
        "action": _short(request.action),
    }


def _arguments(request: ActionRequest) -> JsonValue:
    if not request.arguments:
        return {}
    try:
        shown: dict[str, JsonValue] = {
            _short(name): MASK if name in request.sensitive else _finite(value)
            for name, value in request.arguments.items()
        }
        text = _encode(shown)
    except (RecursionError, TypeError, ValueError) as error:
        return {"left_out": type(error).__name__}
    if len(text) <= MAX_ARGUMENTS_BYTES:
        return shown
    # Of the masked text: a digest of a short secret can be guessed.
    return {"left_out": "too long", "bytes": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}


def _finite(value: JsonValue) -> JsonValue:
    """JSON has no infinity and no NaN; a reader of the log must not stumble over them."""
    match value:
        case float() if not math.isfinite(value):
            return str(value)
        case list():
            return [_finite(entry) for entry in value]
        case dict():
            return {name: _finite(entry) for name, entry in value.items()}
    return value


def _short(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"
