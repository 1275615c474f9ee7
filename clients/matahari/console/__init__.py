"""Python API for operators: connect, select objects on many hosts, call them in parallel, hear events and changes.

The same names, blocking, are in :mod:`matahari.console.sync`.

Each name is imported when it is first used: the shell starts for one short command, which needs the least of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from matahari.qmf import Method, Property, PropertyType

if TYPE_CHECKING:
    from matahari.console.call_options import CallOptions
    from matahari.console.calls import Call
    from matahari.console.client import Console
    from matahari.console.connecting import Connecting, connect
    from matahari.console.directory import CALL_TIMEOUT, DEFAULT_PACKAGE
    from matahari.console.event_stream import EventStream
    from matahari.console.grouping import Summary, ValueGroup, group_values
    from matahari.console.host_choice import HostChoice
    from matahari.console.listening import Listening
    from matahari.console.matches import HostMatch, HostMatches
    from matahari.console.objects import Objects
    from matahari.console.plugin import Plugin
    from matahari.console.reports import Missed, Output, Partial, Progress, Report, Told
    from matahari.console.rollout import Batch, NotAsked
    from matahari.console.running import RunningCall
    from matahari.console.selection import Selection
    from matahari.console.stub_writing import write_stubs
    from matahari.console.subscription import Subscription
    from matahari.console.values import (
        AgentSummary,
        ClassName,
        ConsoleEvent,
        Host,
        ObjectChange,
        RemoteObject,
        Result,
        Results,
    )

__all__ = [
    "CALL_TIMEOUT",
    "DEFAULT_PACKAGE",
    "AgentSummary",
    "Batch",
    "Call",
    "CallOptions",
    "ClassName",
    "Connecting",
    "Console",
    "ConsoleEvent",
    "EventStream",
    "Host",
    "HostChoice",
    "HostMatch",
    "HostMatches",
    "Listening",
    "Method",
    "Missed",
    "NotAsked",
    "ObjectChange",
    "Objects",
    "Output",
    "Partial",
    "Plugin",
    "Progress",
    "Property",
    "PropertyType",
    "RemoteObject",
    "Report",
    "Result",
    "Results",
    "RunningCall",
    "Selection",
    "Subscription",
    "Summary",
    "Told",
    "ValueGroup",
    "connect",
    "group_values",
    "write_stubs",
]

#: The module of each name that is imported when it is first used.
_HOMES = {
    "CALL_TIMEOUT": "directory",
    "DEFAULT_PACKAGE": "directory",
    "AgentSummary": "values",
    "Batch": "rollout",
    "Call": "calls",
    "CallOptions": "call_options",
    "ClassName": "values",
    "Connecting": "connecting",
    "Console": "client",
    "ConsoleEvent": "values",
    "EventStream": "event_stream",
    "Host": "values",
    "HostChoice": "host_choice",
    "HostMatch": "matches",
    "HostMatches": "matches",
    "Listening": "listening",
    "Missed": "reports",
    "NotAsked": "rollout",
    "ObjectChange": "values",
    "Objects": "objects",
    "Output": "reports",
    "Partial": "reports",
    "Plugin": "plugin",
    "Progress": "reports",
    "RemoteObject": "values",
    "Report": "reports",
    "Result": "values",
    "Results": "values",
    "RunningCall": "running",
    "Selection": "selection",
    "Subscription": "subscription",
    "Summary": "grouping",
    "Told": "reports",
    "ValueGroup": "grouping",
    "connect": "connecting",
    "group_values": "grouping",
    "write_stubs": "stub_writing",
}


if not TYPE_CHECKING:  # a type checker shall know of no other names than those above

    def __getattr__(name: str) -> object:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
