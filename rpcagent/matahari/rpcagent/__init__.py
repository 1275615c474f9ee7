"""The RPC agent: plugins of some directories, loaded, kept alive, called.

``PluginService`` is the core, which knows nothing of the bus; ``RpcAgent`` puts it there.
"""

from __future__ import annotations

from .agent import RpcAgent
from .limits import Limits
from .records import (
    CallFailure,
    CallReport,
    CallResult,
    FailureKind,
    LoadFailure,
    MethodSpec,
    Notice,
    PluginCrashed,
    PluginFailed,
    PluginListener,
    PluginLoaded,
    PluginSaid,
    PluginStatus,
    Reporter,
    State,
)
from .service import PluginService

__all__ = [
    "CallFailure",
    "CallReport",
    "CallResult",
    "FailureKind",
    "Limits",
    "LoadFailure",
    "MethodSpec",
    "Notice",
    "PluginCrashed",
    "PluginFailed",
    "PluginListener",
    "PluginLoaded",
    "PluginSaid",
    "PluginService",
    "PluginStatus",
    "Reporter",
    "RpcAgent",
    "State",
]
