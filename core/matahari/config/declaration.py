"""The table of all settings: key in a file, variable, option, kind, and what it is for.

Adding a setting means one entry here and one field in :class:`~matahari.config.settings.Settings`;
files, environment, command line, ``--help`` and ``describe`` follow from the entry.
Defaults that depend on the user (paths) are in :mod:`matahari.config.defaults`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from matahari.config.extending import EXTENDING
from matahari.config.kinds import Bound, Choice, Flag, Kind, Number, PathList, PathValue, Seconds, Text
from matahari.config.setting import Program, Setting

__all__ = ["LOG_LEVELS", "PLUGIN_LIMITS", "TABLE", "Program", "Setting"]

LOG_LEVELS = ("error", "warning", "info", "debug")
"""From quiet to talkative; each ``-v`` goes one step to the right."""

_NODE: tuple[Program, ...] = ("up", "broker", "agent", "doctor")
_PLUGINS: tuple[Program, ...] = ("up", "agent", "doctor")
_CLIENTS: tuple[Program, ...] = ("agent", "console", "doctor")
_DAY = 86_400
_MAX_MEMORY = 1 << 24
"""MiB; more than any machine has, and its number of bytes is one for the kernel."""

_MIN_MEMORY = 64
"""MiB; with less the worker of a plugin has no room for threads, and every call fails."""

BROKER_KINDS = ("auto", "qpid", "rabbitmq3", "rabbitmq4", "artemis", "router")
"""What a broker can be taken for, whatever it says of itself."""

_INSECURE = (
    "is accepted from the command line only, so that no file or environment left behind can switch authentication off;"
    " remove it and give --insecure-anonymous to the one program that needs it"
)


TABLE: tuple[Setting, ...] = (
    Setting(
        "broker",
        "broker",
        # The address parser has the rules; here only the type is checked.
        Text(re.compile(r".+"), "an address: unix:PATH, HOST[:PORT], amqp://… or amqps://…"),
        "broker to connect to: unix:PATH, HOST[:PORT], amqp://HOST[:PORT] or amqps://HOST[:PORT]",
        variable="MATAHARI_BROKER",
        flags=("-b", "--broker"),
        programs=_CLIENTS,
        metavar="ADDRESS",
    ),
    Setting(
        "port",
        "port",
        Number(1, 65535),
        "port of the broker where its address names none; without an address, of localhost",
        variable="MATAHARI_PORT",
        flags=("-p", "--port"),
        programs=_CLIENTS,
        metavar="PORT",
    ),
    Setting(
        "broker_kind",
        "broker_kind",
        Choice(BROKER_KINDS),
        f"how the broker is addressed: {', '.join(BROKER_KINDS)}; auto goes by what it says of itself",
        variable="MATAHARI_BROKER_KIND",
        flags=("--broker-kind",),
        programs=_CLIENTS,
        metavar="KIND",
        default="auto",
    ),
    Setting(
        "virtual_host",
        "virtual_host",
        # As long as a host name may be; brokers' own names for virtual hosts are shorter.
        Text(re.compile(r"[^\s\x00-\x1f\x7f]{1,255}"), "a name without blanks"),
        "virtual host to ask the broker for, on RabbitMQ with vhost: before its name (vhost:qmf)",
        variable="MATAHARI_VIRTUAL_HOST",
        flags=("--virtual-host",),
        programs=_CLIENTS,
        metavar="NAME",
    ),
    Setting(
        "socket",
        "socket",
        PathValue(),
        "Unix socket of the local broker",
        variable="MATAHARI_SOCKET",
        flags=("--socket",),
        programs=_NODE,
        metavar="PATH",
    ),
    Setting(
        "acl_file",
        # Not below a table "broker": that key is an address, and TOML takes only one of the two.
        "acl_file",
        PathValue(),
        "file of access rules for the broker; without one it serves its own user and root alone",
        variable="MATAHARI_ACL",
        flags=("--acl",),
        programs=("up", "broker"),
        metavar="FILE",
    ),
    Setting(
        "state",
        "state",
        PathValue(),
        "directory for what must survive a restart; one node each",
        variable="MATAHARI_STATE",
        flags=("--state",),
        programs=_NODE,
        metavar="DIR",
    ),
    Setting(
        "hostname",
        "hostname",
        Text(re.compile(r"[^\s\x00-\x1f]{1,63}(\.[^\s.\x00-\x1f]{1,63})*"), "a host name without blanks"),
        "name under which this host appears, instead of the system's host name",
        variable="MATAHARI_HOSTNAME",
        flags=("--hostname",),
        programs=("up", "agent", "facts"),
        metavar="NAME",
    ),
    Setting(
        "reconnect",
        "reconnect",
        Flag(),
        "connect again when the connection to the broker is lost",
        variable="MATAHARI_RECONNECT",
        flags=("-r", "--reconnect"),
        programs=("agent",),
        metavar="yes|no",
        default=True,
    ),
    Setting(
        "log_level",
        "log",
        Choice(LOG_LEVELS),
        f"how much to log: {', '.join(LOG_LEVELS)}",
        variable="MATAHARI_LOG",
        flags=("--log",),
        programs=("up", "broker", "agent", "console", "doctor"),
        metavar="LEVEL",
        default="info",
    ),
    Setting(
        "insecure_anonymous",
        "insecure_anonymous",
        Flag(),
        "allow plain TCP without authentication, to loopback only; for interoperability tests",
        variable="MATAHARI_INSECURE_ANONYMOUS",
        flags=("--insecure-anonymous",),
        programs=_CLIENTS,
        default=False,
        only_command_line=_INSECURE,
    ),
    Setting(
        "insecure_port",
        "insecure_port",
        Number(0, 65535),
        "also listen on this loopback TCP port without authentication (0 picks a free one); for interoperability tests",
        variable="MATAHARI_INSECURE_PORT",
        flags=("--insecure-anonymous",),
        programs=("broker",),
        metavar="PORT",
        only_command_line=_INSECURE,
    ),
    Setting(
        "heartbeat_interval",
        "agent.heartbeat_interval",
        # Consoles drop an agent after three missed beats, so an hour already means three hours of ghosts.
        Number(1, 3600),
        "seconds between two QMF heartbeats of an agent",
        default=60,
    ),
    Setting(
        "update_interval",
        "host.update_interval",
        Number(0, _DAY),
        "seconds between two heartbeat events of the Host object; 0 stops them",
        default=5,
    ),
    Setting(
        "allow_shutdown",
        "host.allow_shutdown",
        Flag(),
        "let callers switch this machine off by Host.shutdown",
        default=False,
    ),
    Setting(
        "allow_reboot", "host.allow_reboot", Flag(), "let callers restart this machine by Host.reboot", default=False
    ),
    Setting(
        "allow_identify",
        "host.allow_identify",
        Flag(),
        "let callers sound this machine's bell by Host.identify",
        default=False,
    ),
    Setting("custom_uuid_file", "host.custom_uuid_file", PathValue(), "file that holds the UUID of lifetime Custom"),
    Setting(
        "plugins",
        "plugins.directories",
        PathList(),
        "directory with plugins; may be given several times, the first one wins",
        variable="MATAHARI_PLUGINS",
        flags=("--plugins",),
        programs=_PLUGINS,
        metavar="DIR",
        is_repeatable=True,
    ),
    Setting(
        "plugin_concurrency",
        "plugins.concurrency",
        Number(1, 256),
        "calls that one plugin runs at the same time",
        default=8,
    ),
    Setting(
        "plugin_queue",
        "plugins.queue",
        Number(0, 10_000),
        "calls that wait for one plugin before further ones are answered busy",
        default=256,
    ),
    Setting(
        "plugin_call_timeout",
        "plugins.call_timeout",
        Seconds(0.05, _DAY),
        "seconds that one call of a plugin may take, when its method declares none",
        default=60.0,
    ),
    Setting(
        "plugin_load_timeout",
        "plugins.load_timeout",
        Seconds(0.1, 600),
        "seconds within which a plugin must have loaded",
        default=10.0,
    ),
    Setting(
        "plugin_drain_timeout",
        "plugins.drain_timeout",
        Seconds(0, _DAY),
        "seconds that a replaced plugin's running calls have to finish",
        default=60.0,
    ),
    Setting(
        "plugin_queue_age",
        "plugins.queue_age",
        Seconds(0.05, _DAY),
        "seconds that a call waits for its turn before it is answered busy",
        default=30.0,
    ),
    Setting(
        "plugin_memory",
        "plugins.memory",
        Bound(_MIN_MEMORY, _MAX_MEMORY, "MiB", "a worker cannot run in less"),
        "MiB of address space that each process of a plugin may have, at least 64; 0 for no bound",
        default=4096,
    ),
    Setting(
        "plugin_open_files",
        "plugins.open_files",
        Number(0, 1 << 20),
        "files and sockets that each process of a plugin may have open; 0 for no bound",
        default=1024,
    ),
    Setting(
        "plugin_processes",
        "plugins.processes",
        Number(0, 1 << 22),
        # A default would stop plugins of a user who has many processes of another kind, and not bind root at all.
        "processes and threads that the plugin's user may have, all of them counted; 0 for no bound",
        default=0,
    ),
    Setting(
        "plugin_nice",
        "plugins.nice",
        Number(0, 19),
        "how much a plugin gives way to others, as of nice(1)",
        default=0,
    ),
    Setting(
        "plugin_activate_interval",
        "plugins.activate_interval",
        Seconds(1, _DAY),
        "seconds between two times that a plugin is asked whether it is for this host",
        default=60.0,
    ),
    *EXTENDING,
)

_LIMITS = (
    "concurrency",
    "queue",
    "queue_age",
    "call_timeout",
    "load_timeout",
    "drain_timeout",
    "memory",
    "open_files",
    "processes",
    "nice",
)

PLUGIN_LIMITS: Mapping[str, Kind] = {
    name: setting.kind for name in _LIMITS for setting in TABLE if setting.key == f"plugins.{name}"
} | {"user": Text(re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}"), "the name of a user")}
"""What the table ``[limits]`` beside a plugin may hold, by the names of the settings that are its defaults."""
