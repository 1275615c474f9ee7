"""The ``Plugins`` object: what the RPC agent has loaded, and reloading from afar."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from matahari.agent import AgentObject, CallContext, Effects, Fault
from matahari.errors import PluginError
from matahari.qmf import CODE_EXCEPTION, Data, Method, Property, PropertyType, Schema, SchemaId, UInt, ULong, Value

from .events import PACKAGE, error_values
from .interface import schema_digest
from .limits import MIB
from .names import RESERVED
from .provider import PluginProvider
from .records import MethodSpec, PluginStatus

__all__ = ["PLUGINS_SCHEMA", "PluginsObject", "reload_values", "status_values"]

_TEXT, _INT, _MAP, _LIST = PropertyType.STRING, PropertyType.INT, PropertyType.MAP, PropertyType.LIST


def _out(name: str, kind: PropertyType, description: str) -> Property:
    return Property(name, kind, direction="O", description=description)


_NAME = Property("name", _TEXT, direction="I", description="Name of a plugin")

PLUGINS_SCHEMA = Schema(
    SchemaId(PACKAGE, "Plugins"),
    properties=(
        Property("hostname", _TEXT, index=True, description="Hostname"),
        Property("uuid", _TEXT, index=True, description="Filesystem Host UUID"),
        Property("states", _MAP, description="Name of each plugin to its state"),
        Property("misnamed", _LIST, description="Files that would be plugins if they had other names"),
        Property("loaded", _INT, statistic=True, description="Plugins that can be called now"),
    ),
    methods=(
        Method(
            "reload",
            "Load a plugin from disk as a new generation, also one that is quarantined",
            (
                _NAME,
                _out("old_generation", _INT, "Version in service before, 0 for none"),
                _out("generation", _INT, "Version in service now; as before when the new one does not load"),
                _out("added", _LIST, "Methods that are new"),
                _out("removed", _LIST, "Methods that are gone"),
                _out("changed", _LIST, "Methods with another schema"),
                _out("state", _TEXT, "State of the plugin now"),
                _out("last_error", _MAP, "Why it is not ready: type, text, file, line"),
            ),
        ),
        Method(
            "reload_all",
            "Do so for every plugin",
            (_out("plugins", _MAP, "Name of each plugin to what reload answers for it"),),
        ),
        Method(
            "list",
            "Say what is there",
            (_out("plugins", _MAP, "Name of each plugin to generation, version, state, reason, last_error"),),
        ),
        Method(
            "status",
            "Say everything of one plugin",
            (_NAME, _out("status", _MAP, "Properties, limits and statistics of the plugin")),
        ),
    ),
    description="The plugins of this host",
)


class PluginsObject(AgentObject):
    """One on each host."""

    name = "Plugins"
    schema = PLUGINS_SCHEMA
    effects = {  # noqa: RUF012 - declared in the base class
        "reload": Effects(read_only=False, idempotent=True),
        "reload_all": Effects(read_only=False, idempotent=True),
        "list": Effects(read_only=True),
        "status": Effects(read_only=True),
    }

    def __init__(self, service: PluginProvider, where: Mapping[str, Value]) -> None:
        assert self.name in RESERVED  # no plugin takes its place on the bus
        self._service = service
        self._where = where

    def values(self) -> Mapping[str, Value]:
        statuses = self._service.statuses()
        states: dict[str, Value] = {status.name: status.state for status in statuses}
        return {
            **self._where,
            "states": states,
            "misnamed": [_path_text(path) for path in self._service.misnamed],
            "loaded": sum(status.state in ("ready", "degraded") and status.is_active for status in statuses),
        }

    async def invoke(self, method: str, arguments: dict[str, Value], context: CallContext) -> Mapping[str, Value]:
        match method:
            case "reload":
                return await self._reload(_name(arguments))
            case "reload_all":
                before = {status.name: status for status in self._service.statuses()}
                after = await self._service.reload_all()
                return {"plugins": {each.name: reload_values(before.get(each.name), each) for each in after}}
            case "list":
                return {"plugins": {status.name: _summary(status) for status in self._service.statuses()}}
            case "status":
                return {"status": self._status(_name(arguments))}
            case _:
                raise _refusal("unknown_action", "Not implemented")

    async def _reload(self, name: str) -> Mapping[str, Value]:
        before = self._service.status(name)
        try:
            return reload_values(before, await self._service.reload(name))
        except PluginError as error:
            raise _refusal("not_loaded", str(error)) from error

    def _status(self, name: str) -> dict[str, Value]:
        status = self._service.status(name)
        if status is None:
            raise _refusal("not_loaded", self._service.no_plugin(name))
        return status_values(status) | {"worker_memory": ULong(self._service.memory(name))}


def reload_values(before: PluginStatus | None, after: PluginStatus) -> dict[str, Value]:
    """What a reload did: versions, methods that differ, and what is wrong."""
    old = {} if before is None else {spec.name: _schema(spec) for spec in before.methods}
    new = {spec.name: _schema(spec) for spec in after.methods}
    return {
        "old_generation": 0 if before is None else before.generation,
        "generation": after.generation,
        "added": [name for name in new if name not in old],
        "removed": [name for name in old if name not in new],
        "changed": [name for name, schema in new.items() if old.get(name, schema) != schema],
        "state": after.state,
        "last_error": error_values(after.last_error),
    }


def status_values(status: PluginStatus) -> dict[str, Value]:
    """Everything of a plugin but its methods' schemas; limits in the units of ``NAME.toml``, so memory in MiB."""
    limits = status.limits
    error = status.last_error
    return {
        **_summary(status),
        "last_error": {} if error is None else error_values(error) | {"traceback": error.traceback},
        "path": _path_text(status.path),
        "language": status.language,
        "digest": status.digest,
        "schema_digest": schema_digest(status.methods),
        "origin": status.origin,
        "methods": [spec.name for spec in status.methods],
        "calls": status.calls,
        "failures": status.failures,
        "timeouts": status.timeouts,
        "busy": status.busy,
        "active": status.active,
        "latency_mean": status.latency_mean,
        "latency_p99": status.latency_p99,
        "last_reload": ULong(status.loaded_ns),
        "limits": {
            "concurrency": limits.concurrency,
            "queue": limits.queue,
            "queue_age": limits.queue_age,
            "call_timeout": limits.call_timeout,
            "load_timeout": limits.load_timeout,
            "drain_timeout": limits.drain_timeout,
            "memory": limits.memory // MIB,
            "open_files": limits.open_files,
            "processes": limits.processes,
            "nice": limits.nice,
            "user": limits.user,
        },
    }


def _summary(status: PluginStatus) -> dict[str, Value]:
    return {
        "name": status.name,
        "generation": status.generation,
        "version": status.version,
        "state": status.state,
        "is_active": status.is_active,
        "reason": status.reason,
        "last_error": error_values(status.last_error),
    }


def _path_text(path: Path) -> str:
    """A path for the bus, which takes UTF-8 only; a name on disk may be any bytes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _schema(spec: MethodSpec) -> object:
    """What a caller depends on: everything but the text."""
    return spec.params, spec.result, dict(spec.effects), spec.timeout, spec.sensitive, spec.streams


def _name(arguments: Mapping[str, Value]) -> str:
    name = arguments.get("name")
    if not isinstance(name, str) or not name:
        raise _refusal("missing_argument", "Invalid Arguments: name: the name of a plugin is needed")
    return name


def _refusal(kind: str, text: str) -> Fault:
    values: dict[str, Value] = {"kind": kind, "error_code": UInt(CODE_EXCEPTION), "error_text": text}
    return Fault(text, code=CODE_EXCEPTION, data=Data(values))
