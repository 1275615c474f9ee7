"""Plugins as agents publish them, made of schemas."""

from __future__ import annotations

import json
from collections.abc import Mapping

from matahari.console import ClassName, RemoteObject
from matahari.qmf import Method, ObjectId, Property, PropertyType, Schema, SchemaId, Value

__all__ = ["published"]

PACKAGE = "org.matahariproject.rpc.plugin"


def published(plugin: str, methods: Mapping[str, Mapping[str, object]], host: str = "web1") -> RemoteObject:
    """An object as an agent publishes it; params and results are given as schemas."""
    told: dict[str, Value] = {
        name: {key: one if key == "doc" else json.dumps(one) for key, one in entry.items()}  # type: ignore[misc]  # texts
        for name, entry in methods.items()
    }
    schema = Schema(
        SchemaId(PACKAGE, plugin), (Property("methods", PropertyType.MAP),), tuple(Method(name) for name in methods)
    )
    return RemoteObject(
        host, "a", plugin, ClassName(PACKAGE, plugin), {"methods": told}, ObjectId("a", plugin), schema
    )  # fmt: skip
