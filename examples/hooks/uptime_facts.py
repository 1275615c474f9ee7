"""Facts: whether the machine has been up for more than a month, and so runs an old kernel perhaps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matahari.hooks import JsonValue, hookimpl

MONTH = 30 * 86400


@hookimpl
def facts() -> Mapping[str, JsonValue]:
    seconds = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
    return {"uptime": {"is_long": seconds > MONTH}}
