"""What the RPC agent's side of a host can tell about itself and its machine: ping, facts, inventory, statistics."""

from __future__ import annotations

import difflib
import importlib.metadata
import platform
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

import psutil

from matahari.plugin import context, method

__version__ = "1.0"

#: Most suggestions in "did you mean".
_SUGGESTIONS = 3


class Pong(TypedDict):
    """Answer of ``ping``: the text as it came, and the host's clock (Unix time)."""

    text: str
    time_ns: int


class PluginFile(TypedDict):
    """One file or folder that is a plugin by its name."""

    name: str
    path: str
    is_folder: bool
    modified_ns: int


class PluginList(TypedDict):
    """Answer of ``list_plugins``."""

    directory: str
    plugins: list[PluginFile]


class ProcessStatistics(TypedDict):
    """What one process has used: processor time in seconds, resident memory in bytes."""

    pid: int
    name: str
    started_ns: int
    cpu_user: float
    cpu_system: float
    memory_bytes: int
    threads: int
    open_files: int


class Statistics(TypedDict):
    """Answer of ``statistics``; None for a process that is not there."""

    agent: ProcessStatistics | None
    warm_parent: ProcessStatistics | None
    worker: ProcessStatistics | None


class Inventory(TypedDict):
    """Answer of ``inventory``."""

    hostname: str
    version: str
    facts: dict[str, object]
    plugins: list[str]


@method(read_only=True)
def ping(text: str = "") -> Pong:
    """Answer at once, with the host's clock.

    Args:
        text: comes back unchanged, for example to tell answers apart.
    """
    return {"text": text, "time_ns": time.time_ns()}


@method(read_only=True)
def facts() -> dict[str, object]:
    """Tell what this host is: system, processor, memory, network, Python, and what the agent knows beside.

    Returns:
        Dotted names to values, such as ``os.id`` or ``network.interface.eth0.ipv4``. Where the agent
        tells a fact of the same name, its value counts.
    """
    found: dict[str, object] = {
        "hostname": platform.node(),
        "boot_time": int(psutil.boot_time()),
        "kernel.name": platform.system(),
        "kernel.release": platform.release(),
        "kernel.version": platform.version(),
        "cpu.architecture": platform.machine(),
        "cpu.count": psutil.cpu_count(logical=True),
        "memory.total_bytes": psutil.virtual_memory().total,
        "memory.swap_bytes": psutil.swap_memory().total,
        "python.version": platform.python_version(),
        "matahari.version": importlib.metadata.version("matahari"),
    }
    return dict(sorted((found | _os_release() | _network() | dict(context().facts)).items()))


@method(read_only=True)
def get_fact(name: str) -> object:
    """Give one fact, such as ``os.id``; of the beginning of names, such as ``os``, all facts below it.

    Args:
        name: as ``facts`` shows it, or its first words.

    Raises:
        LookupError: there is no such fact; names some that are alike.
    """
    return _find(facts(), name)


@method(read_only=True)
def list_plugins() -> PluginList:
    """List the plugins in the directory from which this one was loaded.

    A worker knows files, not what the agent made of them, nor any other plugin directory:
    the objects in package ``org.matahariproject.rpc.plugin`` have state, generation and error.
    """
    directory = Path(__file__).parent
    plugins: list[PluginFile] = []
    for path in sorted(directory.iterdir()):
        is_folder = (path / "__init__.py").is_file()
        name = path.name if is_folder else path.stem
        is_python = is_folder or (path.suffix == ".py" and path.is_file())
        if is_python and name.isascii() and name.isidentifier() and not name.startswith("_"):
            plugins.append(
                {"name": name, "path": str(path), "is_folder": is_folder, "modified_ns": path.stat().st_mtime_ns}
            )
    return {"directory": str(directory), "plugins": plugins}


@method(read_only=True)
def inventory() -> Inventory:
    """Tell hostname, version of matahari, facts, and names of the plugins beside this one."""
    known = facts()
    return {
        "hostname": str(known["hostname"]),
        "version": importlib.metadata.version("matahari"),
        "facts": known,
        "plugins": [plugin["name"] for plugin in list_plugins()["plugins"]],
    }


@method(read_only=True)
def statistics() -> Statistics:
    """Tell what the agent's process, the warm parent and this plugin's worker have used.

    A worker's parent is the warm parent, and that one's is the agent.
    """
    worker = psutil.Process()
    parents: list[psutil.Process | None] = [*worker.parents()[:2], None, None]
    return {"agent": _usage(parents[1]), "warm_parent": _usage(parents[0]), "worker": _usage(worker)}


def _usage(process: psutil.Process | None) -> ProcessStatistics | None:
    if process is None:
        return None
    try:
        with process.oneshot():
            cpu = process.cpu_times()
            return {
                "pid": process.pid,
                "name": process.name(),
                "started_ns": int(process.create_time() * 1e9),
                "cpu_user": cpu.user,
                "cpu_system": cpu.system,
                "memory_bytes": process.memory_info().rss,
                "threads": process.num_threads(),
                "open_files": process.num_fds(),
            }
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None  # it has ended, or belongs to another user: nothing true can be said


def _os_release() -> dict[str, object]:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return {}  # no such file: the system does not say what it is
    wanted = {
        "id": "ID",
        "name": "NAME",
        "version": "VERSION_ID",
        "codename": "VERSION_CODENAME",
        "pretty_name": "PRETTY_NAME",
    }
    return {f"os.{name}": release[field] for name, field in wanted.items() if release.get(field)}


def _network() -> dict[str, object]:
    states = psutil.net_if_stats()
    addresses = psutil.net_if_addrs()
    found: dict[str, object] = {"network.interfaces": sorted(addresses)}
    for interface, own in addresses.items():
        prefix = f"network.interface.{interface}"
        for kind, family in (("ipv4", socket.AF_INET), ("ipv6", socket.AF_INET6)):
            # The kernel adds the zone of a link-local address, which says nothing elsewhere.
            found[f"{prefix}.{kind}"] = [one.address.partition("%")[0] for one in own if one.family == family]
        for one in own:
            if one.family == psutil.AF_LINK:
                found[f"{prefix}.mac"] = one.address
        if interface in states:
            found |= {f"{prefix}.up": states[interface].isup, f"{prefix}.mtu": states[interface].mtu}
    return found


def _find(known: Mapping[str, object], name: str) -> object:
    if name in known:
        return known[name]
    below = {full.removeprefix(f"{name}."): value for full, value in known.items() if full.startswith(f"{name}.")}
    if name and below:
        return below
    alike = difflib.get_close_matches(name, known, _SUGGESTIONS)
    hint = f"did you mean {', '.join(alike)}?" if alike else "rpcutil.facts shows all of them"
    raise LookupError(f"no fact {name!r}; {hint}")
