"""For the tests of plugins: a plugin runs here as on a host, in a worker of its own, but without a broker.

In a test module or the top ``conftest.py``::

    pytest_plugins = ["matahari.testing.pytest_plugin"]

The fixture is ``load_plugin`` (see :mod:`matahari.testing.pytest_plugin`). Nothing registers itself with pytest, so
that other test runs on the machine pay nothing.
"""

from __future__ import annotations

from matahari.rpcagent import NAME_RULE, CallFailure, Limits, LoadFailure, MethodSpec, PluginStatus, find_options

from .blocking import Plugin
from .harness import REQUEST_ID, PluginHarness
from .loader import PluginLoader
from .options import Settings
from .place import PluginPlace
from .reports import CallRecord, EventReport, OutputReport, PartialReport, ProgressReport, Report
from .running import RunningCall

__all__ = [
    "NAME_RULE",
    "REQUEST_ID",
    "CallFailure",
    "CallRecord",
    "EventReport",
    "Limits",
    "LoadFailure",
    "MethodSpec",
    "OutputReport",
    "PartialReport",
    "Plugin",
    "PluginHarness",
    "PluginLoader",
    "PluginPlace",
    "PluginStatus",
    "ProgressReport",
    "Report",
    "RunningCall",
    "Settings",
    "find_options",
]
