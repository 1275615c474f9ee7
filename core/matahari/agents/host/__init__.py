"""The Host agent: what this machine is and does, and the few things that may be done to it."""

from matahari.agents.host.agent import HostObject
from matahari.agents.host.heartbeat import HeartbeatSchedule, heartbeats
from matahari.agents.host.schema import HEARTBEAT_SCHEMA, HOST_SCHEMA
from matahari.agents.host.service import HostAgent
from matahari.agents.host.system import System

__all__ = ["HEARTBEAT_SCHEMA", "HOST_SCHEMA", "HeartbeatSchedule", "HostAgent", "HostObject", "System", "heartbeats"]
