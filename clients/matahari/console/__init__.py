"""Python API for operators: connect, select objects on many hosts, call them in parallel, hear events and changes.

The same names, blocking, are in :mod:`matahari.console.sync`.
"""

from matahari.console.client import Connecting, Console, connect
from matahari.console.directory import CALL_TIMEOUT, DEFAULT_PACKAGE
from matahari.console.listening import Listening
from matahari.console.matches import HostMatch, HostMatches
from matahari.console.objects import Objects
from matahari.console.reports import Missed, Output, Partial, Progress, Report, Told
from matahari.console.running import RunningCall
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
    "ClassName",
    "Connecting",
    "Console",
    "ConsoleEvent",
    "Host",
    "HostMatch",
    "HostMatches",
    "Listening",
    "Method",
    "Missed",
    "ObjectChange",
    "Objects",
    "Output",
    "Partial",
    "Progress",
    "Property",
    "PropertyType",
    "RemoteObject",
    "Report",
    "Result",
    "Results",
    "RunningCall",
    "Subscription",
    "Told",
    "connect",
]
