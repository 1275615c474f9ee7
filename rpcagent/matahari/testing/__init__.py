"""For the tests of plugins: a plugin runs here as on a host, in a worker of its own, but without a broker.

In a test module or the top ``conftest.py``::

    pytest_plugins = ["matahari.testing.pytest_plugin"]

The fixture is ``load_plugin`` (see :mod:`matahari.testing.pytest_plugin`). Nothing registers itself with pytest, so
that other test runs on the machine pay nothing.
"""

from __future__ import annotations

from matahari.rpcagent import CallFailure, Limits, LoadFailure, MethodSpec, PluginStatus

from .blocking import Plugin
from .harness import PluginHarness
from .loader import PluginLoader
from .place import PluginPlace

__all__ = [
    "CallFailure",
    "Limits",
    "LoadFailure",
    "MethodSpec",
    "Plugin",
    "PluginHarness",
    "PluginLoader",
    "PluginPlace",
    "PluginStatus",
]
