"""The RPC agent: plugins of some directories, loaded, kept alive, called.

``PluginService`` is the core, which knows nothing of the bus; ``RpcAgent`` puts it there.
"""

from __future__ import annotations

from .agent import RpcAgent
from .binding import Action, unknown_action
from .face import PluginFace
from .limits import Limits
from .names import NAME_RULE, is_plugin_name, name_fault
from .options import find_options, read_options
from .provider import PluginProvider
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
from .scan import plugin_faults
from .service import PluginService

__all__ = [
    "NAME_RULE",
    "Action",
    "CallFailure",
    "CallReport",
    "CallResult",
    "FailureKind",
    "Limits",
    "LoadFailure",
    "MethodSpec",
    "Notice",
    "PluginCrashed",
    "PluginFace",
    "PluginFailed",
    "PluginListener",
    "PluginLoaded",
    "PluginProvider",
    "PluginSaid",
    "PluginService",
    "PluginStatus",
    "Reporter",
    "RpcAgent",
    "State",
    "find_options",
    "is_plugin_name",
    "name_fault",
    "plugin_faults",
    "read_options",
    "unknown_action",
]
