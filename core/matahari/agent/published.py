"""What every agent publishes of itself: who it is, and the class ``Agent``."""

from __future__ import annotations

from dataclasses import dataclass

from matahari.qmf import Property, PropertyType, Schema, SchemaId

__all__ = ["AGENT_SCHEMA", "PACKAGE", "AgentIdentity"]

PACKAGE = "org.matahariproject"

# Names, order, access and descriptions as in 2012: they make the hash (qmf2.md 4.2).
AGENT_SCHEMA = Schema(
    SchemaId(PACKAGE, "Agent"),
    properties=(
        Property("hostname", PropertyType.STRING, index=True, description="Hostname"),
        Property("uuid", PropertyType.STRING, index=True, description="Filesystem Host UUID"),
    ),
)


@dataclass(frozen=True, slots=True)
class AgentIdentity:
    """Who an agent says it is.

    Attributes:
        hostname, uuid: of the host (``matahari-2012.md`` 4.2 and 4.3).
        instance: last part of the agent's name; kept across restarts.
        epoch: counts the starts, so that consoles notice a restart.
    """

    hostname: str
    uuid: str
    instance: str
    epoch: int = 1
