"""What is in effect after all sources were read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from matahari.config.declaration import TABLE

if TYPE_CHECKING:
    from matahari.net import Address

__all__ = ["Settings", "describe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of the suite, checked and complete. :func:`matahari.config.load` makes it.

    Attributes:
        broker: where to connect; the local socket when nobody said otherwise.
        broker_kind: what the broker is taken for, one of ``auto``, ``qpid``, ``rabbitmq3``, ``rabbitmq4``, ``artemis``,
            ``router``.
        virtual_host: what to ask the broker for, None for nothing.
        socket: Unix socket of the local broker (absolute).
        acl_file: access rules of the broker (absolute), None for its own user and root alone.
        state: directory for what survives a restart (absolute).
        plugins: plugin directories, the first one wins (absolute, at least one).
        hostname: name to appear under, None for the system's.
        reconnect: whether to connect again after a lost connection.
        log_level: one of ``error``, ``warning``, ``info``, ``debug``.
        insecure_anonymous: whether plain TCP without authentication is allowed (client side).
        insecure_port: loopback TCP port for anonymous clients (broker side); 0 picks one, None for none.
        heartbeat_interval: seconds between QMF heartbeats.
        update_interval: seconds between Host heartbeat events, 0 for none.
        allow_shutdown: whether ``Host.shutdown`` works; likewise ``allow_reboot`` and ``allow_identify``.
        custom_uuid_file: file of the UUID with lifetime Custom (absolute).
        plugin_concurrency: calls that one plugin runs at the same time.
        plugin_queue: calls that wait for one plugin; further ones are answered busy.
        plugin_call_timeout: seconds for one call; likewise ``plugin_load_timeout`` and ``plugin_drain_timeout``.
        plugin_queue_age: seconds that a call waits for its turn.
        plugin_memory: address space of a plugin's processes in MiB; 0 for no bound.
        plugin_open_files, plugin_processes, plugin_nice: further bounds of a plugin's processes.
        plugin_activate_interval: seconds between two times that a plugin is asked whether it is for this host.
        authorisation: who may call where extensions are silent, ``broker`` or ``owner``.
        audit: ``required``, ``on`` or ``off``.
        hooks: directory of extensions (absolute).
        facts: ``facts.d`` directories (absolute, at least one).
        facts_interval: seconds between two collections of the facts.
        sources: field name -> where its value comes from, for humans (``default``, a file's path,
            ``environment MATAHARI_LOG``, ``command line --log``).
    """

    broker: Address
    broker_kind: str
    virtual_host: str | None
    socket: Path
    acl_file: Path | None
    state: Path
    plugins: tuple[Path, ...]
    hostname: str | None
    reconnect: bool
    log_level: str
    insecure_anonymous: bool
    insecure_port: int | None
    heartbeat_interval: int
    update_interval: int
    allow_shutdown: bool
    allow_reboot: bool
    allow_identify: bool
    custom_uuid_file: Path
    plugin_concurrency: int
    plugin_queue: int
    plugin_call_timeout: float
    plugin_load_timeout: float
    plugin_drain_timeout: float
    plugin_queue_age: float
    plugin_memory: int
    plugin_open_files: int
    plugin_processes: int
    plugin_nice: int
    plugin_activate_interval: float
    authorisation: str
    audit: str
    hooks: Path
    facts: tuple[Path, ...]
    facts_interval: float
    sources: Mapping[str, str]


def describe(settings: Settings) -> str:
    """What is in effect and where it comes from, one line a setting, ready to print.

    The left part of a line is what a configuration file would hold.
    """
    lines = []
    for setting in TABLE:
        if setting.field == "port":
            continue  # part of the broker's address by now
        value: object = getattr(settings, setting.field)
        shown = "(not set)" if value is None else _format(value)
        lines.append(f"{setting.key} = {shown}  # {settings.sources[setting.field]}")
    return "\n".join(lines)


def _format(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(_format(entry) for entry in value) + "]"
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
