"""Python API for operators: connect, select objects on many hosts, call them in parallel, hear events.

The same names, blocking, are in :mod:`matahari.console.sync`.
"""

from matahari.console.client import DEFAULT_PACKAGE, Connecting, Console, Listening, connect
from matahari.console.objects import CALL_TIMEOUT, Objects
from matahari.console.values import AgentSummary, ClassName, ConsoleEvent, Host, RemoteObject, Result, Results
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
    "Objects",
    "Property",
    "PropertyType",
    "RemoteObject",
    "Result",
    "Results",
    "connect",
]
