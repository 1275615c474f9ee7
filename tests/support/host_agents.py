"""Agents of a fleet for the bus in memory: the host agent and the RPC agent of a host, which may fall silent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from matahari.qmf import (
    AgentEngine,
    Direct,
    ManagedObject,
    Packet,
    Property,
    PropertyType,
    Publish,
    Schema,
    SchemaId,
    Value,
)
from tests.support.fake_bus import OurAgent

__all__ = ["HostAgent", "PluginAgent", "SilentAgent"]

CORE = "org.matahariproject"
PLUGINS = "org.matahariproject.rpc.plugin"


class _Agent(OurAgent):
    """One agent of a host."""

    def __init__(self, product: str, hostname: str) -> None:
        self.engine = AgentEngine(
            vendor="matahariproject.org", product=product, instance=hostname,
            attributes={"hostname": hostname, "uuid": f"uuid-of-{hostname}"},
        )  # fmt: skip
        self.name = self.engine.name
        self.is_here = True
        self.asked: list[str] = []
        self.engine.start(0.0, 1)
        self._timer: asyncio.TimerHandle | None = None
        self._tell: Callable[[Packet], None] | None = None

    def receive(self, command: Publish | Direct, tell: Callable[[Packet], None]) -> None:
        body = command.packet.body
        if command.key in (self.engine.direct_subject, self.name) and isinstance(body, dict):
            wanted = body.get("_schema_id")
            name = wanted.get("_class_name", "") if isinstance(wanted, dict) else ""
            self.asked.append(f"{body.get('_what')!s} {name!s}".strip())
        super().receive(command, tell)

    def _publish(self, schema: Schema, name: str, values: Mapping[str, Value]) -> None:
        self.engine.add_schema(schema, 1)
        self.engine.add_object(ManagedObject(name, schema, lambda: dict(values)), 1)


class HostAgent(_Agent):
    """Publishes one object of class ``Host``, with what it is given of facts, labels, classes and other properties."""

    def __init__(self, hostname: str, **values: Value) -> None:
        super().__init__("host", hostname)
        properties = (
            Property("hostname", PropertyType.STRING),
            Property("free_mem", PropertyType.INT, unit="kb"),
            Property("facts", PropertyType.MAP),
            Property("labels", PropertyType.MAP),
            Property("classes", PropertyType.LIST),
        )
        self._publish(Schema(SchemaId(CORE, "Host"), properties), "Host", {"hostname": hostname, **values})


class PluginAgent(_Agent):
    """Publishes a plugin object for each name, with the version that is given."""

    def __init__(self, hostname: str, **versions: str) -> None:
        super().__init__("rpc", hostname)
        properties = (Property("version", PropertyType.STRING), Property("state", PropertyType.STRING))
        for name, version in versions.items():
            values: dict[str, Value] = {"version": version, "state": "ready"}
            self._publish(Schema(SchemaId(PLUGINS, name), properties), name, values)


class SilentAgent(_Agent):
    """Announces itself and answers nothing else."""

    def receive(self, command: Publish | Direct, tell: Callable[[Packet], None]) -> None:
        if command.key == "console.request.agent_locate":
            super().receive(command, tell)
        elif command.key in (self.engine.direct_subject, self.name):
            self.asked.append("something")
