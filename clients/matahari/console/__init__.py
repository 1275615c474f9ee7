"""Python API for operators: connect, select objects on many hosts, call them in parallel, hear events and changes.

The same names, blocking, are in :mod:`matahari.console.sync`.
"""

from matahari.console.call_options import CallOptions
from matahari.console.calls import Call
from matahari.console.client import Console
from matahari.console.connecting import Connecting, connect
from matahari.console.directory import CALL_TIMEOUT, DEFAULT_PACKAGE
from matahari.console.event_stream import EventStream
from matahari.console.grouping import Summary, ValueGroup, group_values
from matahari.console.listening import Listening
from matahari.console.matches import HostMatch, HostMatches
from matahari.console.objects import Objects
from matahari.console.plugin import HostChoice, Plugin
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
from matahari.qmf import Method, Property, PropertyType

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
