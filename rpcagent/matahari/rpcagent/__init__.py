"""The RPC agent: plugins of some directories, loaded, kept alive, called.

``PluginService`` is the core, which knows nothing of the bus; ``RpcAgent`` puts it there.
"""

from __future__ import annotations

from .agent import RpcAgent
from .records import CallFailure, FailureKind, Limits, LoadFailure, MethodSpec, PluginListener, PluginStatus, State
from .service import PluginService

__all__ = [
    "CallFailure",
    "FailureKind",
    "Limits",
    "LoadFailure",
    "MethodSpec",
    "PluginListener",
    "PluginService",
    "PluginStatus",
    "RpcAgent",
    "State",
]
