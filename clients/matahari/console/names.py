"""Names of what is on the bus: hosts, agents, classes. Plain frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["CHANGE_INTERVAL", "PLUGIN_PACKAGE", "AgentSummary", "ClassName", "Host"]

PLUGIN_PACKAGE: Final = "org.matahariproject.rpc.plugin"
"""Of the classes of plugins, each of which is named like the plugin."""
CHANGE_INTERVAL: Final = 10.0
"""Seconds between two messages of an agent about changes; as often as a broker's agent publishes."""


@dataclass(frozen=True, slots=True, order=True)
class Host:
    """A machine with at least one agent on the bus; its text is its name."""

    name: str
    uuid: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, order=True)
class AgentSummary:
    """An agent: ``vendor:product:instance``, and the name of its host (empty when it tells none)."""

    name: str
    host: str
    product: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, order=True)
class ClassName:
    """A class of objects; its text is ``package:name``."""

    package: str
    name: str

    def __str__(self) -> str:
        return f"{self.package}:{self.name}"
