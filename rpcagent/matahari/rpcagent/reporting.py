"""A plugin in words: its status, and why it cannot be called. Pure."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

from .calls import CallTable
from .lifecycle import Lifecycle
from .records import CallFailure, LoadFailure, PluginStatus
from .warmparent import describe_end

__all__ = ["crash_text", "crashed", "how_ended", "not_loaded", "plugin_status"]


def plugin_status(name: str, life: Lifecycle, table: CallTable) -> PluginStatus:
    """The plugin now."""
    version, content = life.version, life.content
    return PluginStatus(
        name=name,
        path=Path(content.path if content is not None else ""),
        language=content.language if content is not None else "",
        version=version.version if version is not None else "",
        generation=version.generation if version is not None else 0,
        digest=version.digest if version is not None else (content.digest if content is not None else ""),
        state=life.state,
        last_error=_last_error(life),
        origin="local",
        methods=version.methods if version is not None else (),
        loaded_ns=version.loaded_ns if version is not None else 0,
        calls=table.calls,
        failures=table.failures,
        timeouts=table.timeouts,
        busy=table.busy,
        active=table.active,
        is_active=version.is_active if version is not None else True,
        reason=version.reason if version is not None and not version.is_active else "",
        settings=version.settings if version is not None else None,
        limits=life.limits,
        latency_mean=table.latency.mean,
        latency_p99=table.latency.p99,
    )


def _last_error(life: Lifecycle) -> LoadFailure | None:
    """What is wrong now; of a plugin in quarantine also what lifts that."""
    error = life.last_error
    if error is None or life.state != "quarantined":
        return error
    limits = life.limits
    between = f"no successful call and no {limits.stable_after:g} s of life between"
    row = f"it failed {limits.restart_limit} times in a row ({between})"
    text = f"{row} and is not started again; save the file or reload it; the last time: {error.text}"
    return replace(error, text=text)


def how_ended(status: int | None, number: int | None, reason: str | None) -> str:
    """How a worker ended, with a status or by a signal; ``reason`` is why we sent it one, None when we did not."""
    if reason is not None and number in (signal.SIGTERM, signal.SIGKILL):
        return f"{reason}, and was stopped"
    return f"the worker {describe_end(status, number)}"


def crash_text(how: str, printed: str) -> str:
    """How a worker ended, and what it printed last."""
    return f"{how}; it printed:\n{printed}" if printed else how


def crashed(name: str, how: str, printed: str) -> CallFailure:
    """The answer to a call whose worker has ended."""
    text = crash_text(how, printed)
    return CallFailure("crashed", "Crashed", text, text=f"plugin {name}: {text}")


def not_loaded(name: str, life: Lifecycle, *, is_removed: bool) -> CallFailure:
    """The answer to calls while there is nothing that could run them."""
    if is_removed:
        text = f"plugin {name} was removed"
    elif life.version is not None and not life.version.is_active:
        text = f"plugin {name} is inactive on this host: {life.version.reason or 'it gives no reason'}"
    elif (error := _last_error(life)) is not None:
        text = f"plugin {name} is {life.state}: {error}"
    else:
        text = f"plugin {name} is still being loaded"
    return CallFailure("not_loaded", "NotLoaded", text, text=text)
