"""The skeleton of an agent: connection, ``Agent`` object, heartbeats, objects and their calls, identity."""

from matahari.agent.action import Action, Effects, json_values
from matahari.agent.agent import VENDOR, Agent
from matahari.agent.allowance import Allowance
from matahari.agent.gate import Gate
from matahari.agent.objects import Afterlife, AfterState, AgentObject, CallContext, Fault
from matahari.agent.published import AGENT_SCHEMA, PACKAGE, AgentIdentity
from matahari.agent.record import next_start
from matahari.agent.running import CallReporter

__all__ = [
    "AGENT_SCHEMA",
    "PACKAGE",
    "VENDOR",
    "Action",
    "AfterState",
    "Afterlife",
    "Agent",
    "AgentIdentity",
    "AgentObject",
    "Allowance",
    "CallContext",
    "CallReporter",
    "Effects",
    "Fault",
    "Gate",
    "json_values",
    "next_start",
]
