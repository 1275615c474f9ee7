"""The classes Host and heartbeat.

Names, types, units and descriptions are those of 2012, byte for byte, as captured from an original
agent: the hash over them (a test compares it) lets consoles of that time recognise the class.
``facts``, ``labels``, ``classes`` and ``set_properties`` are ours; since they enter the hash, the published class has
another one.

Source: matahari-2012.md 6, vectors/qmf2/schema-qmfv1.json (response-Host, response-heartbeat)
"""

from __future__ import annotations

from collections.abc import Mapping

from matahari.agent import Effects
from matahari.qmf import Method, Property, PropertyType, Schema, SchemaId

__all__ = ["EFFECTS", "HEARTBEAT_SCHEMA", "HOST_SCHEMA", "MAX_UPDATE_INTERVAL", "PACKAGE"]

PACKAGE = "org.matahariproject"

MAX_UPDATE_INTERVAL = 86_400
"""Longest ``update_interval`` in seconds; a day without a sign of life is as good as none."""

_SEVERITY_INFORM = 6

_STRING = PropertyType.STRING
_INT = PropertyType.INT
_MAP = PropertyType.MAP
_LIST = PropertyType.LIST

_PROPERTIES = (
    Property("hostname", _STRING, index=True, description="Hostname"),
    Property("uuid", _STRING, index=True, description="Filesystem Host UUID"),
    Property("custom_uuid", _STRING, index=True, description="Custom Host UUID"),
    Property("os", _STRING, description="The installed operating system."),
    Property("arch", _STRING, description="The host's architecture"),
    Property("wordsize", _INT, unit="bit", description="The wordsize for the host"),
    Property("memory", _INT, unit="kb", description="Amount of primary memory for host"),
    Property("swap", _INT, unit="kb", description="Amount of swap for host"),
    Property("cpu_count", _INT, description="The number of logical CPUs."),
    Property("cpu_cores", _INT, description="The total number of processor cores."),
    Property("cpu_model", _STRING, description="The processor(s) model description."),
    Property("cpu_flags", _STRING, description="The processor(s) CPU flags."),
    Property(
        "update_interval",
        _INT,
        access="RW",
        unit="s",
        minimum=0,
        maximum=MAX_UPDATE_INTERVAL,
        description="The interval at which the host sends out heartbeats and refreshes statistics.",
    ),
    Property(
        "last_updated", _INT, subtype="abstime", statistic=True, description="The last time a heartbeat occurred."
    ),
    Property("sequence", _INT, statistic=True, description="The heartbeat sequence number."),
    Property("free_mem", _INT, unit="kb", statistic=True, description="Amount of available memory for host"),
    Property("free_swap", _INT, unit="kb", statistic=True, description="Amount of available swap for host"),
    Property("load", _MAP, statistic=True, description="The one/five/fifteen minute load average"),
    Property("process_statistics", _MAP, statistic=True, description="Number of processes in each possible state"),
)

_METHODS = (
    Method("identify", "Tell the host to beep its pc speaker."),
    Method("shutdown", "Shutdown node"),
    Method("reboot", "Reboot node"),
    Method(
        "get_uuid",
        "Obtain a UUID with the specified lifetime from the machine",
        (Property("lifetime", _STRING), Property("uuid", _STRING, direction="O")),
    ),
    Method(
        "set_uuid",
        "Set a UUID with the specified lifetime",
        (Property("lifetime", _STRING), Property("uuid", _STRING), Property("rc", _INT, direction="O")),
    ),
    Method(
        "set_power_profile",
        "Set power management profile",
        (Property("profile", _STRING), Property("status", _INT, direction="O")),
    ),
    Method(
        "get_power_profile",
        "Get current power management profile",
        (Property("profile", _STRING, direction="O"),),
    ),
    Method(
        "list_power_profiles",
        "List available power management profiles",
        (Property("profiles", PropertyType.LIST, direction="O"),),
    ),
)

_SET_PROPERTIES = Method(
    "set_properties",
    "Change properties that can be written; either all given ones change or none",
    (Property("values", _MAP, description="New values by property name"),),
)

SCHEMA_2012 = Schema(SchemaId(PACKAGE, "Host"), _PROPERTIES, _METHODS)

_DESCRIPTION = (
    Property("facts", _MAP, description="What the host says of itself, by dotted name"),
    Property("labels", _MAP, description="Labels that an inventory gives to the host"),
    Property("classes", _LIST, description="Classes (roles) that an inventory puts the host in"),
)

HOST_SCHEMA = Schema(
    SchemaId(PACKAGE, "Host"),
    (*_PROPERTIES, *_DESCRIPTION),
    (*_METHODS, _SET_PROPERTIES),
    description="What this machine is, how it is doing, and what may be done to it",
)

EFFECTS: Mapping[str, Effects] = {
    "get_uuid": Effects(read_only=True),
    "set_uuid": Effects(read_only=False, idempotent=True),
    "set_properties": Effects(read_only=False, idempotent=True),
    "identify": Effects(read_only=False, destructive=False),
    "shutdown": Effects(read_only=False, destructive=True, idempotent=True),
    "reboot": Effects(read_only=False, destructive=True),
}
"""What the methods do that are implemented."""

HEARTBEAT_SCHEMA = Schema(
    SchemaId(PACKAGE, "heartbeat", "_event"),
    (
        Property("timestamp", _INT, subtype="abstime"),
        Property("sequence", _INT),
        Property("hostname", _STRING),
        Property("uuid", _STRING),
    ),
    default_severity=_SEVERITY_INFORM,
)
