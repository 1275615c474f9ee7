"""From Python functions to a simulated plugin: what is published of it, and how it is called.

Signatures and docstrings are read as in a real plugin host, so that what consoles see is the same.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final

from matahari.errors import PluginLoadError
from matahari.pluginhost import DeclarationError, ExportError, describe, exported
from matahari.rpcagent import NAME_RULE, Action, PluginStatus, is_plugin_name

from .plan import HostPlan

__all__ = ["PluginCode", "code_of", "load_code", "running_on", "simulated_host"]

_NAMESPACE: Final = "matahari_simulated"
_HOST: ContextVar[HostPlan] = ContextVar("simulated host")


def simulated_host() -> HostPlan:
    """The host on which the function that asks is running: ``name``, ``number``, ``facts``.

    Raises:
        LookupError: it is not called by a fleet.
    """
    return _HOST.get()


def running_on(host: HostPlan) -> None:
    """From here on this task runs on that host."""
    _HOST.set(host)


@dataclass(frozen=True, slots=True)
class PluginCode:
    """A plugin, the same on all hosts of a process.

    Attributes:
        status: as a host publishes it, before its first call.
        actions: what checks calls, by name of the method.
        functions: what answers them.
    """

    status: PluginStatus
    actions: Mapping[str, Action]
    functions: Mapping[str, Callable[..., object]]


def code_of(
    name: str, functions: Mapping[str, Callable[..., object]], *, path: str = "", version: str = ""
) -> PluginCode:
    """A plugin made of functions.

    Args:
        path: where they come from.
        version: what the plugin says its version is.

    Raises:
        PluginLoadError: the name is none for a plugin, or a function cannot be offered.
    """
    if not is_plugin_name(name):
        raise PluginLoadError(f"{name!r} is no name for a plugin: {NAME_RULE}", plugin=name)
    try:
        specs = tuple(describe(method, functions[method]) for method in sorted(functions))
    except DeclarationError as error:
        raise PluginLoadError(f"plugin {name}: {error}", plugin=name) from error
    status = PluginStatus(
        name=name,
        path=Path(path or f"{name}.py"),
        language="python",
        version=version,
        generation=1,
        digest=hashlib.sha256(repr(specs).encode()).hexdigest(),
        state="ready",
        last_error=None,
        origin="local",
        methods=specs,
        loaded_ns=time.time_ns(),
    )
    return PluginCode(status, {spec.name: Action(name, spec) for spec in specs}, dict(functions))


def load_code(name: str, path: Path) -> PluginCode:
    """A plugin from a Python file, run in this process: its functions, as a real plugin host would offer them.

    Raises:
        PluginLoadError: the file cannot be read or run, or offers what cannot be offered.
    """
    try:
        source = path.read_bytes()
        module = _run(f"{_NAMESPACE}.{name}", path)
        functions = exported(module, source)
    except (OSError, ExportError) as error:
        raise PluginLoadError(f"plugin {name}: {error}", plugin=name, file=str(path)) from error
    except Exception as error:  # the file is its author's code, which may raise anything
        text = f"plugin {name}: {path} cannot be run: {type(error).__name__}: {error}"
        raise PluginLoadError(text, plugin=name, file=str(path), error_type=type(error).__name__) from error
    return code_of(name, functions, path=str(path), version=str(getattr(module, "__version__", "")))


def _run(fullname: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(fullname, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[fullname] = module  # annotations are looked up there
    spec.loader.exec_module(module)
    return module
