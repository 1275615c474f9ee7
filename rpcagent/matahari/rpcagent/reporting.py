"""A plugin in words: its status, and why it cannot be called. Pure."""

from __future__ import annotations

from pathlib import Path

from .calls import CallTable
from .lifecycle import Lifecycle
from .records import CallFailure, PluginStatus

__all__ = ["not_loaded", "plugin_status"]


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
        last_error=life.last_error,
        origin="local",
        methods=version.methods if version is not None else (),
        loaded_ns=version.loaded_ns if version is not None else 0,
        calls=table.calls,
        failures=table.failures,
        timeouts=table.timeouts,
        busy=table.busy,
        active=table.active,
        is_active=version.is_active if version is not None else True,
        reason=version.reason if version is not None else "",
        limits=life.limits,
        latency_mean=table.latency.mean,
        latency_p99=table.latency.p99,
    )


def not_loaded(name: str, life: Lifecycle, *, is_removed: bool) -> CallFailure:
    """The answer to calls while there is nothing that could run them."""
    if is_removed:
        text = f"plugin {name} was removed"
    elif life.version is not None and not life.version.is_active:
        text = f"plugin {name} is inactive on this host: {life.version.reason or 'it gives no reason'}"
    elif life.last_error is not None:
        text = f"plugin {name} is {life.state}: {life.last_error}"
    else:
        text = f"plugin {name} is still being loaded"
    return CallFailure("not_loaded", "NotLoaded", text, text=text)
