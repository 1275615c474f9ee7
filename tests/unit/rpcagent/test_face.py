"""What plugins are on the bus: objects and classes that come and go with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from matahari.agent import Agent, AgentObject
from matahari.hostproto import PluginEvent
from matahari.qmf import Schema, Value
from matahari.rpcagent import PluginSaid, PluginService, PluginStatus
from matahari.rpcagent.face import PluginFace


class FakeAgent:
    """Remembers classes, objects and events."""

    identity = SimpleNamespace(hostname="box", uuid="f00d")

    def __init__(self) -> None:
        self.classes: list[str] = []
        self.objects: list[str] = []
        self.events: list[str] = []

    def add_schemas(self, schemas: Iterable[Schema]) -> None:
        self.classes += [schema.id.name for schema in schemas]

    def remove_schemas(self, schemas: Iterable[Schema]) -> None:
        for schema in schemas:
            self.classes.remove(schema.id.name)

    def add_object(self, item: AgentObject) -> None:
        self.objects.append(item.name)

    def remove_object(self, name: str) -> None:
        self.objects.remove(name)

    def object_changed(self, name: str) -> None:
        """Nothing to remember."""

    def raise_event(self, schema: Schema, values: Mapping[str, Value], severity: int | None = None) -> None:
        what = values.get("event", values.get("name"))
        assert isinstance(what, str)
        self.events.append(f"{schema.id.name} {what}")


def status(name: str) -> PluginStatus:
    return PluginStatus(name, Path(f"/p/{name}.py"), "python", "", 1, "d", "ready", None, "local", (), 5)


def test_the_class_of_a_plugins_events_comes_with_the_first_and_goes_with_the_plugin() -> None:
    agent = FakeAgent()
    face = PluginFace(cast(Agent, agent))
    face.attach(PluginService([], listener=face))
    face.plugin_changed(status("disks"))
    before = list(agent.classes)
    said = PluginSaid("disks", PluginEvent(None, "full", "{}"))
    for _ in range(2):
        face.plugin_notice(said)
    assert agent.classes == [*before, "disks_event"]
    face.plugin_removed("disks")
    assert agent.classes == before
    assert agent.events == ["disks_event full", "disks_event full", "plugin_removed disks"]
    # What its last worker still says comes too late, and brings nothing back.
    face.plugin_notice(said)
    assert (agent.classes, agent.events[3:]) == (before, [])
    face.plugin_changed(status("disks"))
    face.plugin_notice(said)
    assert agent.classes == [*before, "disks_event"]


def test_a_plugin_without_events_takes_no_class_along() -> None:
    agent = FakeAgent()
    face = PluginFace(cast(Agent, agent))
    face.attach(PluginService([], listener=face))
    before = list(agent.classes)
    face.plugin_changed(status("disks"))
    face.plugin_removed("disks")
    assert agent.classes == before
    assert "disks" not in agent.objects
