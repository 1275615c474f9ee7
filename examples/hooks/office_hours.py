"""Authorisation: what may lose something runs from 9 to 17 o'clock only. Everything else is left to others."""

from __future__ import annotations

from datetime import datetime

from matahari.hooks import ActionRequest, Decision, hookimpl


def hour() -> int:
    return datetime.now().astimezone().hour


@hookimpl
def authorise(request: ActionRequest) -> Decision | None:
    if request.destructive and not 9 <= hour() < 17:
        return Decision(False, f"{request.action} is for office hours", "office-hours")
    return None
