"""Plugins as QMF objects: class and object carry the plugin's name, every action is a method (``matahari-2012.md`` 10.3).

What the core calls a failure becomes a ``PluginException`` that also has ``error_code`` and ``error_text``, because
plain QMF consoles show only these.
"""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Awaitable, Mapping
from typing import assert_never

from matahari.agent import Action as AgentAction
from matahari.agent import Agent, AgentObject, CallContext, Fault
from matahari.errors import MatahariError
from matahari.hooks import JsonValue
from matahari.qmf import Data, Property, PropertyType, Schema, SchemaId, UInt, ULong, Value
from matahari.rpcagent.action import not_run, plugin_action
from matahari.rpcagent.binding import Action
from matahari.rpcagent.checking import ArgumentCheck, is_large, texts
from matahari.rpcagent.events import (
    EVENTS,
    PACKAGE,
    PLUGIN_CRASHED,
    PLUGIN_FAILED,
    PLUGIN_LOADED,
    PLUGIN_PACKAGE,
    PLUGIN_REMOVED,
    error_values,
    event_class,
    event_values,
    told_values,
)
from matahari.rpcagent.formats import FormatChecks, MethodFormats
from matahari.rpcagent.interface import described, method_of, schema_digest
from matahari.rpcagent.plugins_object import PluginsObject
from matahari.rpcagent.provider import PluginProvider
from matahari.rpcagent.records import (
    CallFailure,
    MethodSpec,
    Notice,
    PluginCrashed,
    PluginFailed,
    PluginLoaded,
    PluginSaid,
    PluginStatus,
)
from matahari.rpcagent.relay import relayed

__all__ = ["PACKAGE", "PLUGIN_EXCEPTION", "PLUGIN_PACKAGE", "PluginFace"]

_log = logging.getLogger(__name__)

CODE_EXCEPTION = 7  # qmf2.md 3.7: exception inside the call

# Without descriptions, so that the hash is that of 2012 (qmf2.md 4.2).
PLUGIN_EXCEPTION = Schema(
    SchemaId(PACKAGE, "PluginException"),
    properties=(
        Property("type", PropertyType.STRING),
        Property("value", PropertyType.STRING),
        Property("traceback", PropertyType.STRING),
    ),
)

_TEXT, _INT, _MAP, _FLOAT = PropertyType.STRING, PropertyType.INT, PropertyType.MAP, PropertyType.FLOAT
_PROPERTIES = (
    Property("hostname", _TEXT, index=True, description="Hostname"),
    Property("uuid", _TEXT, index=True, description="Filesystem Host UUID"),
    Property("name", _TEXT, description="Name of the plugin"),
    Property("language", _TEXT, description="Language that it is written in"),
    Property("version", _TEXT, description="What the plugin says its version is"),
    Property("generation", _INT, description="Counts the loaded versions from 1, 0 before the first"),
    Property("digest", _TEXT, description="SHA-256 of the code in service"),
    Property("state", _TEXT, description="loading, ready, inactive, degraded, failed or quarantined"),
    Property("reason", _TEXT, description="Why it is for this host or not, in its own words"),
    Property("last_error", _MAP, description="Why it is not ready: type, text, file, line, traceback"),
    Property("origin", _TEXT, description="Where it comes from: local"),
    Property("methods", _MAP, description="Name to JSON Schemas of parameters and result, and documentation"),
    Property(
        "schema_digest", _TEXT, description="SHA-256 of all schemas in methods and of what else callers depend on"
    ),
    Property("settings", _TEXT, description="JSON Schema of its settings, empty when it declares none"),
    Property("calls", _INT, statistic=True, description="Calls asked for"),
    Property("failures", _INT, statistic=True, description="Calls that ended without a result"),
    Property("timeouts", _INT, statistic=True, description="Failures by time limit"),
    Property("busy", _INT, statistic=True, description="Failures by a full queue"),
    Property("active", _INT, statistic=True, description="Calls waiting or running now"),
    Property("latency_mean", _FLOAT, statistic=True, unit="s", description="Time of a call from asking to answer"),
    Property("latency_p99", _FLOAT, statistic=True, unit="s", description="The same but for the slowest hundredth"),
    Property("worker_memory", _INT, statistic=True, unit="byte", description="Resident memory of its process"),
    Property("last_reload", _INT, statistic=True, unit="ns", description="When the code in service was loaded"),
)


class PluginObject(AgentObject):
    """One plugin on the bus. A new one takes its place whenever the plugin changes."""

    def __init__(
        self,
        status: PluginStatus,
        service: PluginProvider,
        hostname: str,
        uuid: str,
        formats: FormatChecks | None = None,
        check: ArgumentCheck | None = None,
    ) -> None:
        self.name = status.name
        self.schema = Schema(
            SchemaId(PLUGIN_PACKAGE, status.name),
            properties=_PROPERTIES,
            methods=tuple(method_of(spec) for spec in status.methods),
        )
        self._status = status
        self._service = service
        self._hostname = hostname
        self._uuid = uuid
        self._formats = formats
        self._check = check or ArgumentCheck()
        self._known_formats: dict[str, tuple[MethodSpec, MethodFormats | None]] = {}  # no more than there are methods
        self._schema_digest = schema_digest(status.methods)
        self._methods: dict[str, Value] = {spec.name: described(spec) for spec in status.methods}

    def values(self) -> Mapping[str, Value]:
        status = self._service.status(self.name) or self._status
        error = status.last_error
        return {
            "hostname": self._hostname,
            "uuid": self._uuid,
            "name": status.name,
            "language": status.language,
            "version": status.version,
            "generation": status.generation,
            "digest": status.digest,
            "state": status.state,
            "reason": status.reason,
            "last_error": {} if error is None else error_values(error) | {"traceback": error.traceback},
            "origin": status.origin,
            "methods": self._methods,
            "schema_digest": self._schema_digest,
            "settings": "" if status.settings is None else json.dumps(status.settings),
            "calls": status.calls,
            "failures": status.failures,
            "timeouts": status.timeouts,
            "busy": status.busy,
            "active": status.active,
            "latency_mean": status.latency_mean,
            "latency_p99": status.latency_p99,
            "worker_memory": ULong(self._service.memory(self.name)),
            "last_reload": ULong(status.loaded_ns),
        }

    async def invoke(self, method: str, arguments: dict[str, Value], context: CallContext) -> Mapping[str, Value]:
        beside = self.prepare_beside(method, arguments, context)
        action = self.prepare(method, arguments, context) if beside is None else await beside
        return await action.run()

    def prepare(self, method: str, arguments: dict[str, Value], context: CallContext) -> AgentAction:
        found = self._find(method)
        try:
            args, kwargs = texts(arguments)
            bound = self._check.now(found, args, kwargs)
        except CallFailure as failure:
            raise _fault(self._service.refuse(self.name, failure)) from failure
        return self._action(found, args, kwargs, bound, context)

    def prepare_beside(
        self, method: str, arguments: dict[str, Value], context: CallContext
    ) -> Awaitable[AgentAction] | None:
        return self._prepare_beside(method, arguments, context) if is_large(arguments) else None

    async def _prepare_beside(self, method: str, arguments: dict[str, Value], context: CallContext) -> AgentAction:
        found = self._find(method)
        try:
            args, kwargs = await self._check.texts(arguments)
            bound = await self._check.beside(found, args, kwargs)
        except CallFailure as failure:
            raise _fault(self._service.refuse(self.name, failure)) from failure
        return self._action(found, args, kwargs, bound, context)

    def _find(self, method: str) -> Action:
        try:
            return self._service.find(self.name, method)
        except CallFailure as failure:
            raise _fault(failure) from failure

    def _action(
        self,
        found: Action,
        args: list[str],
        kwargs: dict[str, str],
        bound: Mapping[str, JsonValue],
        context: CallContext,
    ) -> AgentAction:
        run = functools.partial(self._run, found, args, kwargs, context)
        return plugin_action(found.spec, bound, run, self._formats_of(found.spec))

    def _formats_of(self, spec: MethodSpec) -> MethodFormats | None:
        if self._formats is None:
            return None
        known, formats = self._known_formats.get(spec.name, (None, None))
        if known is not spec:
            formats = self._formats.of(spec)
            self._known_formats[spec.name] = (spec, formats)
        return formats

    def fault(self, kind: str, text: str) -> Fault:
        return _fault(self._service.refuse(self.name, not_run(kind, text)))

    async def _run(
        self, checked: Action, args: list[str], kwargs: dict[str, str], context: CallContext
    ) -> Mapping[str, Value]:
        try:
            result = await relayed(
                context.reporter,
                lambda hear: self._service.invoke(
                    self.name,
                    checked.name,
                    args,
                    kwargs,
                    timeout=context.timeout,
                    caller=context.user_id or "",
                    request_id=context.request,
                    on_progress=hear,
                    checked=checked,
                    afterlife=context.afterlife,
                ),
            )
        except CallFailure as failure:
            raise _fault(failure) from failure
        if result.mismatch:
            # Not a declared argument: the class stays that of 2012, and consoles that do not know it pass it over.
            return {"result": result.text, "mismatch": result.mismatch}
        return {"result": result.text}


class PluginFace:
    """Listener of a plugin service that keeps an agent's objects in step with it."""

    def __init__(self, agent: Agent, formats: FormatChecks | None = None) -> None:
        self._agent = agent
        self._formats = formats
        self._check = ArgumentCheck()
        self._service: PluginProvider | None = None
        self._told: dict[str, PluginStatus] = {}
        self._classes: set[str] = set()
        identity = agent.identity
        self._where: dict[str, Value] = {"hostname": identity.hostname, "uuid": identity.uuid}

    def attach(self, service: PluginProvider) -> None:
        """Say whose plugins these are, and publish what is there without any; before anything is reported."""
        self._service = service
        self._agent.add_schemas([PLUGIN_EXCEPTION, *EVENTS])
        self._agent.add_object(PluginsObject(service, self._where))

    def plugin_changed(self, status: PluginStatus) -> None:
        assert self._service is not None
        told = self._told.get(status.name)
        is_new = told is None or (told.generation, told.state) != (status.generation, status.state)
        if is_new and status.state == "inactive":
            _log.info("plugin %s: not for this host: %s", status.name, status.reason)
        elif is_new and status.state == "ready":
            _log.info(
                "plugin %s: version %d is in service, %d method%s",
                status.name,
                status.generation,
                len(status.methods),
                "" if len(status.methods) == 1 else "s",
            )
        self._told[status.name] = status
        identity = self._agent.identity
        self._agent.add_object(
            PluginObject(status, self._service, identity.hostname, identity.uuid, self._formats, self._check)
        )
        self._agent.object_changed(PluginsObject.name)

    def plugin_removed(self, name: str) -> None:
        status = self._told.pop(name, None)
        _log.info("plugin %s: removed", name)
        if status is None:
            return  # it was gone before anything was told of it
        self._agent.remove_object(name)
        self._agent.object_changed(PluginsObject.name)
        self._agent.raise_event(PLUGIN_REMOVED, told_values(status, None, self._where))
        if name in self._classes:
            self._classes.remove(name)
            self._agent.remove_schemas([event_class(name)])

    def plugin_notice(self, notice: Notice) -> None:
        match notice:
            case PluginLoaded():
                self._agent.raise_event(PLUGIN_LOADED, told_values(notice.status, None, self._where))
            case PluginFailed():
                self._agent.raise_event(PLUGIN_FAILED, told_values(notice.status, notice.failure, self._where))
            case PluginCrashed():
                self._agent.raise_event(PLUGIN_CRASHED, told_values(notice.status, notice.failure, self._where))
            case PluginSaid():
                self._raise_said(notice)
            case _:
                assert_never(notice)

    def _raise_said(self, notice: PluginSaid) -> None:
        if notice.name not in self._told:
            _log.info("plugin %s: its event %s came after its removal", notice.name, notice.event.name)
            return
        schema = event_class(notice.name)
        if notice.name not in self._classes:
            self._classes.add(notice.name)
            self._agent.add_schemas([schema])
        try:
            values = event_values(notice.name, notice.event, self._where)
            self._agent.raise_event(schema, values, notice.event.severity)
        except (ValueError, MatahariError) as error:
            _log.warning("plugin %s: its event %s cannot be sent: %s", notice.name, notice.event.name, error)


def _fault(failure: CallFailure) -> Fault:
    values: dict[str, Value] = {
        "type": failure.type,
        "value": failure.value,
        "traceback": failure.traceback,
        "kind": failure.kind,
        "error_code": UInt(CODE_EXCEPTION),
        "error_text": failure.text,
    }
    return Fault(failure.text, code=CODE_EXCEPTION, data=Data(values, schema_id=PLUGIN_EXCEPTION.id))
