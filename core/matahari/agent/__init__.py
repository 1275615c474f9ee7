"""The skeleton of an agent: connection, ``Agent`` object, heartbeats, objects and their calls, identity."""

from matahari.agent.agent import AGENT_SCHEMA, PACKAGE, VENDOR, Agent, AgentIdentity
from matahari.agent.objects import AgentObject, CallContext, Fault
from matahari.agent.record import next_start

__all__ = [
    "AGENT_SCHEMA",
    "PACKAGE",
    "VENDOR",
    "Agent",
    "AgentIdentity",
    "AgentObject",
    "CallContext",
    "Fault",
    "next_start",
]
