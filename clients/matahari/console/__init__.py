"""Python API for operators: connect, select objects on many hosts, call them in parallel, hear events and changes.

The same names, blocking, are in :mod:`matahari.console.sync`.
"""

from matahari.console.client import Connecting, Console, Listening, connect
from matahari.console.directory import CALL_TIMEOUT, DEFAULT_PACKAGE
from matahari.console.objects import Objects
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
    "Listening",
    "Method",
    "ObjectChange",
    "Objects",
    "Property",
    "PropertyType",
    "RemoteObject",
    "Result",
    "Results",
    "Subscription",
    "connect",
]
