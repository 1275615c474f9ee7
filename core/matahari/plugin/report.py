"""What a running action tells while it runs. Outside of a worker these do nothing but check their arguments."""

from __future__ import annotations

import json
import math
from typing import Final

from .calls import Reporter, current

__all__ = ["event", "output", "progress", "report_to"]

#: Severities of syslog, 0 (emergency) to 7 (debug).
_MAX_SEVERITY: Final = 7
_MAX_NAME: Final = 255

_fallback: Reporter | None = None


def report_to(reporter: Reporter | None) -> None:
    """Set who takes the events that are told outside of any call, by threads of the plugin (for the host)."""
    global _fallback
    _fallback = reporter


def progress(done: float, total: float | None = None, text: str = "") -> None:
    """Say how far this call is.

    May be called as often as wanted: a few of them a second are sent, and always the last.

    Args:
        done: what is done, in any unit.
        total: what there is to do, in the same unit; None when it is not known.
        text: a short line for people.

    Raises:
        TypeError, ValueError: not finite numbers.
    """
    _check_number("done", done)
    if total is not None:
        _check_number("total", total)
    if not isinstance(text, str):
        raise TypeError(f"text is text, not {text!r}")
    call = current()
    if call is not None and call.reporter is not None:
        call.reporter.progress(done, total, text)


def _check_number(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is a number, not {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name} is a finite number, not {value!r}")


def output(chunk: str) -> None:
    """Show text to the caller while this call runs; line ends are the action's own.

    Raises:
        TypeError: not text.
    """
    if not isinstance(chunk, str):
        raise TypeError(f"output is text, not {type(chunk).__name__}")
    call = current()
    if call is not None and call.reporter is not None:
        call.reporter.output(chunk)


def event(name: str, /, severity: int = 6, **fields: object) -> None:
    """Tell everybody who listens that something happened.

    Args:
        name: what happened, e.g. ``disk_full``; 1 to 255 bytes.
        severity: as in syslog: 0 emergency, 3 error, 4 warning, 5 notice, 6 information, 7 debug.
        fields: more about it; JSON values.

    Raises:
        TypeError, ValueError: not a name, not a severity, not JSON, or too much.
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of an event is text, not {name!r}")
    if not 0 < len(name.encode()) <= _MAX_NAME:
        raise ValueError(f"the name of an event has 1 to {_MAX_NAME} bytes")
    if isinstance(severity, bool) or not isinstance(severity, int):
        raise TypeError(f"severity is an integer, not {severity!r}")
    if not 0 <= severity <= _MAX_SEVERITY:
        raise ValueError(f"severity is 0 to {_MAX_SEVERITY}, not {severity}")
    text = json.dumps(fields, ensure_ascii=False, allow_nan=False)
    text.encode()  # a lone surrogate is told here, to the author, and not by a broken connection
    call = current()
    reporter = call.reporter if call is not None and call.reporter is not None else _fallback
    if reporter is not None:
        reporter.event(name, severity, text)
