"""Events as text and as JSON records. Pure, but for the time zone.

Imported when events are shown.
"""

from __future__ import annotations

import time
from typing import Final

from matahari.shell.display.output import Output
from matahari.shell.display.render import printable, value_lines
from matahari.shell.events.log import Heard

__all__ = ["clock_text", "event_record", "event_text", "show_event"]

#: By severity, 0 to 7, the words that QMF has in its addresses.
SEVERITIES: Final = ("emerg", "alert", "crit", "error", "warn", "note", "info", "debug")
ERROR = 3  # this and below are shown as failures

_NS = 1_000_000_000


def show_event(output: Output, heard: Heard) -> None:
    """One event as a row."""
    output.row([event_text(heard)], event_record(heard), failed=heard.event.severity <= ERROR)


def event_text(heard: Heard) -> str:
    """``TIME HOST PACKAGE:CLASS SEVERITY VALUES`` on one line, of agents that come and go with the agent's name."""
    event = heard.event
    if event.kind != "event":
        said = _flat(event.agent)
    elif event.values:
        said = value_lines("", event.values)[0].removeprefix(": ")
    else:
        said = ""
    severity = _severity(event.severity)
    return (
        f"{clock_text(heard.time_ns)}  {_flat(event.host or event.agent)}  {_class(heard)}  {severity}  {said}".rstrip()
    )


def event_record(heard: Heard) -> dict[str, object]:
    """``host``, ``agent``, ``time`` (ISO 8601, UTC), ``kind``, ``package``, ``class``, ``severity`` (0 to 7), ``values``."""
    event = heard.event
    seconds, rest = divmod(heard.time_ns, _NS)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return {
        "host": event.host,
        "agent": event.agent,
        "time": f"{stamp}.{rest // 1_000_000:03d}Z",
        "kind": event.kind,
        "package": event.package,
        "class": event.name,
        "severity": event.severity,
        "values": event.values,
    }


def clock_text(moment_ns: int) -> str:
    """A moment, in nanoseconds since 1970, as local date and time to the second."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment_ns // _NS))


def _class(heard: Heard) -> str:
    event = heard.event
    return _flat(f"{event.package}:{event.name}") if event.kind == "event" else event.kind


def _severity(severity: int) -> str:
    return f"{SEVERITIES[severity] if 0 <= severity < len(SEVERITIES) else severity:<5}"


def _flat(text: str) -> str:
    """Harmless and on one line: names come from the bus."""
    return " ".join(printable(text).split())
