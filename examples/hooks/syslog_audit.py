"""Audit: a copy of each audit record goes to syslog, facility AUTHPRIV."""

from __future__ import annotations

import json
import syslog
from collections.abc import Mapping

from matahari.hooks import JsonValue, hookimpl


@hookimpl
def audit(record: Mapping[str, JsonValue]) -> None:
    level = syslog.LOG_WARNING if record["event"] == "refusal" else syslog.LOG_INFO
    syslog.syslog(syslog.LOG_AUTHPRIV | level, "matahari " + json.dumps(record))
