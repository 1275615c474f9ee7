"""What a plugin's lifecycle wants to be told, as the owner of the plugin takes it; a status with an error is logged too."""

from __future__ import annotations

import logging
from typing import assert_never

from .orders import Crashed, Failed, InService, StatusChanged
from .owner import RuntimeOwner
from .pending import Hung
from .records import PluginCrashed, PluginFailed, PluginLoaded, PluginStatus

__all__ = ["log_hung", "tell"]

_log = logging.getLogger(__name__)


def log_hung(plugin: str, command: Hung, pid: int | None) -> None:
    """Log for the operator why a worker, whose process id is ``pid``, is about to be replaced."""
    request = f" [{command.request}]" if command.request else ""
    # Not "plugin NAME: ...", which is how lines begin that the plugin itself has printed.
    _log.warning(
        "call %d of %s.%s%s did not let go when its limit of %g s was over: worker process %s is replaced",
        command.call,
        plugin,
        command.action,
        request,
        command.limit,
        pid,
    )


def tell(owner: RuntimeOwner, command: StatusChanged | InService | Failed | Crashed, status: PluginStatus) -> None:
    """Tell ``owner`` what happened to a plugin that has now this status."""
    match command:
        case StatusChanged():
            if status.last_error is not None:
                _log.warning("plugin %s is %s: %s", status.name, status.state, status.last_error)
            owner.plugin_changed(status)
        case InService():
            owner.plugin_notice(PluginLoaded(status))
        case Failed():
            owner.plugin_notice(PluginFailed(status, command.failure))
        case Crashed():
            owner.plugin_notice(PluginCrashed(status, command.failure))
        case _:
            assert_never(command)
