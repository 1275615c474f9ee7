"""Audit records: what is written of a request, and what is left out.

Values of sensitive parameters are masked, and of what is named like a secret. Arguments that did not pass validation are
left out as a whole: a password may stand under a wrong name there. Texts of errors are left out as well, because they
often quote a value.

Source: security.md 3.5
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

from .arguments import MASK, short, written_arguments
from .records import ActionRequest, Decision, JsonValue

__all__ = [
    "MASK",
    "Ending",
    "Status",
    "encode_record",
    "end_record",
    "intent_record",
    "outcome_record",
    "refusal_record",
    "told",
]

_encode: Final = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode

#: Why a call is ended from outside: its caller gave it up, the caller's time is over, or the agent stops.
Ending: TypeAlias = Literal["cancelled", "timeout", "stopping"]
Status: TypeAlias = Literal["ok", "failed", "cancelled", "timeout", "stopping"]


def intent_record(request: ActionRequest, decision: Decision, *, arguments: JsonValue = None) -> dict[str, JsonValue]:
    """Written before an action runs; ``arguments`` as they are written, when that is known already."""
    return {
        **_head("intent", request),
        "arguments": written_arguments(request) if arguments is None else arguments,
        "rule": short(decision.rule),
        "read_only": request.read_only,
    }


def outcome_record(
    request: ActionRequest,
    status: Status,
    duration: float,
    *,
    error: BaseException | None = None,
    reply_problems: int = 0,
    goes_on: bool = False,
) -> dict[str, JsonValue]:
    """Written after it. ``duration`` in seconds; of the error the class alone; an ``end`` follows when it ``goes_on``."""
    record: dict[str, JsonValue] = {
        **_head("outcome", request),
        "status": status,
        "duration_ms": round(duration * 1000, 3),
    }
    if error is not None:
        # Of what it stands for, perhaps raised in another process.
        record["error_type"] = short(told(error, "error_type") or type(error).__name__)
        if (kind := told(error, "kind")) is not None:
            record["kind"] = short(kind)
    if reply_problems:
        record["reply_problems"] = reply_problems
    if goes_on:
        record["running"] = True
    return record


def end_record(request: ActionRequest, status: str, late: float) -> dict[str, JsonValue]:
    """Written when what went on after its outcome has ended, ``late`` seconds after that, by itself or stopped."""
    return {**_head("end", request), "status": status, "late_ms": round(max(0.0, late) * 1000, 3)}


def refusal_record(
    request: ActionRequest,
    stage: str,
    rule: str,
    problems: Sequence[tuple[str, str]] = (),
    *,
    arguments: JsonValue = None,
) -> dict[str, JsonValue]:
    """Written in place of an intent. ``problems`` are pairs of place and rule; ``arguments`` as for an intent."""
    record: dict[str, JsonValue] = {**_head("refusal", request), "stage": stage, "rule": short(rule)}
    if stage == "validate":
        record["problems"] = [{"place": short(place), "rule": short(broken)} for place, broken in problems[:16]]
    else:
        record["arguments"] = written_arguments(request) if arguments is None else arguments
    return record


def told(error: BaseException, name: str) -> str | None:
    """What an error has under ``name``; None when that is no text, or cannot be had."""
    try:
        found = getattr(error, name, None)
    # its class is foreign code: whatever it does, there is a record
    except Exception:  # noqa: BLE001 - see above
        return None
    return found if isinstance(found, str) else None


def encode_record(record: Mapping[str, JsonValue]) -> bytes:
    """One line of ASCII with its line end: no value can begin a line of its own or move the cursor."""
    return _encode(record).encode("ascii") + b"\n"


def _head(event: str, request: ActionRequest) -> dict[str, JsonValue]:
    caller = request.caller
    return {
        "event": event,
        "id": short(request.id),
        "who": None if caller.user is None else short(caller.user),
        "local": caller.is_local,
        "plugin": short(request.plugin),
        "action": short(request.action),
    }
