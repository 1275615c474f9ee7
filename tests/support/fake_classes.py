"""The classes of the in-memory console's hosts: Host, some plugins, and one with several objects on a host."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from matahari.console import (
    ClassName,
)
from matahari.errors import AbortedError
from matahari.qmf import Method, Property, PropertyType, Schema, SchemaId, Value

PLUGINS = "org.matahariproject.rpc.plugin"
CORE = "org.matahariproject"
HOSTS = ("db1", "web1", "web2")

Behaviour = Callable[[str, Sequence[object], Mapping[str, object]], object]


@dataclass
class FakeClass:
    """A class with one object (or some) per host.

    Attributes:
        values: host -> object name -> property values.
        behaviours: method -> function of host, positional and named arguments; a raised error of ours is the result.
    """

    name: ClassName
    product: str
    properties: list[Property]
    methods: list[Method]
    values: dict[str, dict[str, dict[str, Value]]]
    behaviours: dict[str, Behaviour] = field(default_factory=dict)

    @property
    def schema(self) -> Schema:
        schema_id = SchemaId(self.name.package, self.name.name)
        return Schema(schema_id, tuple(self.properties), tuple(self.methods))


def host_class() -> FakeClass:
    properties = [
        Property("hostname", PropertyType.STRING, index=True, description="Hostname"),
        Property(
            "update_interval", PropertyType.INT, "RW", unit="s", minimum=0, maximum=86400, description="Heartbeat"
        ),
        Property("load", PropertyType.MAP, statistic=True, description="Load averages"),
        Property("identity", PropertyType.UUID, description="Machine id"),
        Property("last_updated", PropertyType.INT, subtype="abstime", statistic=True),
    ]
    lifetime = Property("lifetime", PropertyType.STRING, description="Custom, Hardware or Filesystem")
    methods = [
        Method("identify", "Beep."),
        Method("get_uuid", "Read a UUID.", (lifetime, Property("uuid", PropertyType.STRING, direction="O"))),
        Method(
            "set_uuid",
            "Write a UUID.",
            (
                lifetime,
                Property("uuid", PropertyType.STRING, optional=True, max_length=36),
                Property("rc", PropertyType.INT, direction="O"),
            ),
        ),
    ]
    values: dict[str, dict[str, dict[str, Value]]] = {
        host: {
            "Host": {
                "hostname": host,
                "update_interval": 5,
                "load": {"1": 0.5 + at, "5": 0.25, "15": 0.125},
                "last_updated": 0,
            }
        }
        for at, host in enumerate(HOSTS)
    }
    behaviours: dict[str, Behaviour] = {
        "identify": lambda host, args, kwargs: None,
        "get_uuid": lambda host, args, kwargs: f"{args[0]}-of-{host}",
        "set_uuid": lambda host, args, kwargs: 0,
    }
    return FakeClass(ClassName(CORE, "Host"), "host", properties, methods, values, behaviours)


def volume_class() -> FakeClass:
    """Two objects on one host, one on another."""
    values: dict[str, dict[str, dict[str, Value]]] = {
        "db1": {"data": {"size": 2}, "log": {"size": 1}},
        "web1": {"root": {"size": 3}},
    }
    return FakeClass(ClassName(CORE, "Volume"), "volume", [Property("size", PropertyType.INT)], [], values)


def _plugin(name: str, methods: dict[str, dict[str, Value]], behaviours: dict[str, Behaviour]) -> FakeClass:
    arguments = (
        Property("args", PropertyType.LIST),
        Property("kwargs", PropertyType.MAP),
        Property("result", PropertyType.STRING, direction="O"),
    )
    published: dict[str, Value] = {method: dict(entry) for method, entry in methods.items() if entry}
    return FakeClass(
        ClassName(PLUGINS, name),
        "rpc",
        [Property("state", PropertyType.STRING), Property("methods", PropertyType.MAP)],
        [Method(method, "", arguments) for method in behaviours],
        {host: {name: {"state": "ready", "methods": published}} for host in HOSTS},
        behaviours,
    )


def _params(properties: dict[str, dict[str, object]], required: list[str], **extra: object) -> dict[str, Value]:
    schema = {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
        "x-positional": list(properties),
        "x-positional-only": [],
        "x-varargs": False,
        "x-varkw": False,
        **extra,
    }
    return {"params": json.dumps(schema)}


def asterisk_plugin() -> FakeClass:
    text = "0 active channels\n0 active calls\n0 calls processed\n"
    entry = _params({}, []) | {"doc": "Ask Asterisk for its channels."}
    return _plugin("asterisk", {"num_calls": entry}, {"num_calls": lambda host, args, kwargs: text})


def calc_plugin() -> FakeClass:
    def boom(host: str, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        if host == "db1":
            return 1
        raise AbortedError("ValueError: boom", remote_type="ValueError", remote_traceback="File calc.py, line 3")

    def echo(host: str, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        return [list(args), dict(kwargs)]

    integer: dict[str, object] = {"type": "integer"}
    text: dict[str, object] = {"type": "string"}
    methods = {
        "add": _params({"x": integer, "y": integer}, ["x", "y"]) | {"doc": "Add two numbers."},
        "greet": _params({"name": text, "greeting": {"type": "string", "default": "Hello"}}, ["name"]),
        "pair": _params({"first": {}, "second": {}}, ["first", "second"]),
        "show": _params({}, [], **{"x-varargs": True, "x-varkw": True, "additionalProperties": True}),
        "boom": _params({}, []),
        "wait": _params({"timeout": integer}, ["timeout"]),
    }
    return _plugin("calc", methods, {name: boom if name == "boom" else echo for name in methods})


def old_plugin() -> FakeClass:
    return _plugin("old", {}, {"show": lambda host, args, kwargs: [list(args), dict(kwargs)]})
