"""What the RPC agent tells the bus of plugins: classes of its events, and their values. Pure.

An event that a plugin raises itself has the class ``NAME_event`` in the package of the plugins, with the event's own
name in ``event`` and its fields in ``fields``: one class for each plugin, however many names it makes up.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from matahari.errors import RemoteProtocolError
from matahari.hostproto import PluginEvent
from matahari.qmf import Property, PropertyType, Schema, SchemaId, Value

from .records import LoadFailure, PluginStatus

__all__ = [
    "EVENTS",
    "PLUGIN_CRASHED",
    "PLUGIN_FAILED",
    "PLUGIN_LOADED",
    "PLUGIN_REMOVED",
    "error_values",
    "event_class",
    "event_values",
    "told_values",
]

PACKAGE = "org.matahariproject.rpc"
PLUGIN_PACKAGE = "org.matahariproject.rpc.plugin"

_WARNING, _INFORM = 4, 6
_TEXT, _INT, _MAP = PropertyType.STRING, PropertyType.INT, PropertyType.MAP
_WHERE = (
    Property("hostname", _TEXT, description="Hostname"),
    Property("uuid", _TEXT, description="Filesystem Host UUID"),
)
_WHAT = (
    *_WHERE,
    Property("name", _TEXT, description="Name of the plugin"),
    Property("generation", _INT, description="Version in service, 0 when there is none"),
    Property("version", _TEXT, description="What the plugin says its version is"),
    Property("state", _TEXT, description="State of the plugin after the event"),
    Property("error", _MAP, description="What went wrong: type, text, file, line"),
)


def _event(name: str, severity: int, description: str) -> Schema:
    schema_id = SchemaId(PACKAGE, name, "_event")
    return Schema(schema_id, properties=_WHAT, description=description, default_severity=severity)


PLUGIN_LOADED = _event("plugin_loaded", _INFORM, "A version of a plugin is in service, or is again after a crash")
PLUGIN_FAILED = _event("plugin_failed", _WARNING, "A version of a plugin, or the file with its limits, does not load")
PLUGIN_REMOVED = _event("plugin_removed", _INFORM, "A plugin is gone")
PLUGIN_CRASHED = _event("plugin_crashed", _WARNING, "The process of a plugin has died")

#: All classes of events of the agent itself.
EVENTS = (PLUGIN_LOADED, PLUGIN_FAILED, PLUGIN_REMOVED, PLUGIN_CRASHED)


def error_values(error: LoadFailure | None) -> dict[str, Value]:
    """An error without its traceback; empty when there is none."""
    if error is None:
        return {}
    return {"type": error.type, "text": error.text, "file": error.file, "line": error.line}


def told_values(status: PluginStatus, error: LoadFailure | None, where: Mapping[str, Value]) -> dict[str, Value]:
    """Values of an event of the agent; ``where`` are hostname and uuid."""
    return {
        **where,
        "name": status.name,
        "generation": status.generation,
        "version": status.version,
        "state": status.state,
        "error": error_values(error),
    }


def event_class(plugin: str) -> Schema:
    """The class of the events that a plugin raises itself."""
    return Schema(
        SchemaId(PLUGIN_PACKAGE, f"{plugin}_event", "_event"),
        properties=(
            *_WHERE,
            Property("plugin", _TEXT, description="Name of the plugin"),
            Property("event", _TEXT, description="What the plugin calls it"),
            Property("fields", _MAP, description="What the plugin says of it"),
        ),
        description=f"What the plugin {plugin} tells",
        default_severity=_INFORM,
    )


def event_values(plugin: str, event: PluginEvent, where: Mapping[str, Value]) -> dict[str, Value]:
    """Values of an event of a plugin.

    Raises:
        ValueError: its fields are not JSON.
        RemoteProtocolError: they are not an object.
    """
    fields = json.loads(event.fields)
    if not isinstance(fields, dict):
        raise RemoteProtocolError("the fields of an event must be an object", path="fields")
    return {**where, "plugin": plugin, "event": event.name, "fields": fields}
