"""QMFv2 without I/O: values, schemas, objects, queries, the body codec, and the state machines of agent and console.

What only an agent needs is imported when it is first used, so that a console starts sooner.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from matahari.qmf import v1
from matahari.qmf._console_agents import MAX_AGENTS
from matahari.qmf.agent_info import AgentInfo, is_broker
from matahari.qmf.call_options import MAX_CALL_TIMEOUT, MAX_REPORT_INTERVAL, OPTIONS_KEY, CallOptions
from matahari.qmf.codec import MAX_ITEMS, decode_list, decode_map, encode_list, encode_map
from matahari.qmf.console import ConsoleEngine
from matahari.qmf.console_events import (
    AgentAdded,
    AgentRemoved,
    AgentRestarted,
    AgentUpdated,
    CallCompleted,
    CallReported,
    ClassesListed,
    DataIndicated,
    EngineEvent,
    EventRaised,
    QueryCompleted,
    RequestAborted,
    RequestExpired,
    RequestFailed,
    SchemaFetched,
    SubscriptionData,
    SubscriptionEnded,
    SubscriptionFailed,
    SubscriptionStarted,
)
from matahari.qmf.data import DEFAULT_SEVERITY, Data, ObjectId, failure_code, failure_text
from matahari.qmf.packet import (
    AGENT_HEARTBEAT_INDICATION,
    AGENT_LOCATE_REQUEST,
    AGENT_LOCATE_RESPONSE,
    CODE_EXCEPTION,
    CODE_INVALID_PARAMETER,
    CODE_NOT_IMPLEMENTED,
    CODE_UNKNOWN_OBJECT,
    CONTENT_DATA,
    CONTENT_EVENT,
    CONTENT_SCHEMA,
    CONTENT_SCHEMA_ID,
    DATA_INDICATION,
    EXCEPTION,
    LOCATE_KEY,
    METHOD_CANCEL_INDICATION,
    METHOD_INDICATION,
    METHOD_REQUEST,
    METHOD_RESPONSE,
    QUERY_REQUEST,
    QUERY_RESPONSE,
    SUBSCRIBE_CANCEL_INDICATION,
    SUBSCRIBE_REFRESH_INDICATION,
    SUBSCRIBE_REQUEST,
    SUBSCRIBE_RESPONSE,
    CallRefused,
    CancelCall,
    Command,
    Direct,
    Invoke,
    Packet,
    Publish,
    Reply,
    as_exception,
)
from matahari.qmf.property import Access, Direction, Property, PropertyType
from matahari.qmf.query import Query, QueryTarget
from matahari.qmf.reports import (
    MAX_PROGRESS_TEXT,
    MAX_REPORTS,
    OutputReport,
    PartialReport,
    ProgressReport,
    Report,
    read_reports,
)
from matahari.qmf.schema import Kind, Method, Schema, SchemaId, schema_hash
from matahari.qmf.values import MAX_DEPTH, UInt, ULong, Value, decode_text, estimate_size, integer, text

if TYPE_CHECKING:
    from matahari.qmf._announcement import MAX_AGENT_NAME_BYTES
    from matahari.qmf._calls import MAX_PENDING_CALLS
    from matahari.qmf._objects import ManagedObject
    from matahari.qmf._parts import OBJECTS_PER_PART, PART_BYTES
    from matahari.qmf.agent import ANNOUNCE_GAP, AgentEngine
    from matahari.qmf.predicate import Predicate, compile_predicate

__all__ = [
    "AGENT_HEARTBEAT_INDICATION",
    "AGENT_LOCATE_REQUEST",
    "AGENT_LOCATE_RESPONSE",
    "ANNOUNCE_GAP",
    "CODE_EXCEPTION",
    "CODE_INVALID_PARAMETER",
    "CODE_NOT_IMPLEMENTED",
    "CODE_UNKNOWN_OBJECT",
    "CONTENT_DATA",
    "CONTENT_EVENT",
    "CONTENT_SCHEMA",
    "CONTENT_SCHEMA_ID",
    "DATA_INDICATION",
    "DEFAULT_SEVERITY",
    "EXCEPTION",
    "LOCATE_KEY",
    "MAX_AGENTS",
    "MAX_AGENT_NAME_BYTES",
    "MAX_CALL_TIMEOUT",
    "MAX_DEPTH",
    "MAX_ITEMS",
    "MAX_PENDING_CALLS",
    "MAX_PROGRESS_TEXT",
    "MAX_REPORTS",
    "MAX_REPORT_INTERVAL",
    "METHOD_CANCEL_INDICATION",
    "METHOD_INDICATION",
    "METHOD_REQUEST",
    "METHOD_RESPONSE",
    "OBJECTS_PER_PART",
    "OPTIONS_KEY",
    "PART_BYTES",
    "QUERY_REQUEST",
    "QUERY_RESPONSE",
    "SUBSCRIBE_CANCEL_INDICATION",
    "SUBSCRIBE_REFRESH_INDICATION",
    "SUBSCRIBE_REQUEST",
    "SUBSCRIBE_RESPONSE",
    "Access",
    "AgentAdded",
    "AgentEngine",
    "AgentInfo",
    "AgentRemoved",
    "AgentRestarted",
    "AgentUpdated",
    "CallCompleted",
    "CallOptions",
    "CallRefused",
    "CallReported",
    "CancelCall",
    "ClassesListed",
    "Command",
    "ConsoleEngine",
    "Data",
    "DataIndicated",
    "Direct",
    "Direction",
    "EngineEvent",
    "EventRaised",
    "Invoke",
    "Kind",
    "ManagedObject",
    "Method",
    "ObjectId",
    "OutputReport",
    "Packet",
    "PartialReport",
    "Predicate",
    "ProgressReport",
    "Property",
    "PropertyType",
    "Publish",
    "Query",
    "QueryCompleted",
    "QueryTarget",
    "Reply",
    "Report",
    "RequestAborted",
    "RequestExpired",
    "RequestFailed",
    "Schema",
    "SchemaFetched",
    "SchemaId",
    "SubscriptionData",
    "SubscriptionEnded",
    "SubscriptionFailed",
    "SubscriptionStarted",
    "UInt",
    "ULong",
    "Value",
    "as_exception",
    "compile_predicate",
    "decode_list",
    "decode_map",
    "decode_text",
    "encode_list",
    "encode_map",
    "estimate_size",
    "failure_code",
    "failure_text",
    "integer",
    "is_broker",
    "read_reports",
    "schema_hash",
    "text",
    "v1",
]

#: The module of each name that is imported when it is first used.
_HOMES = {
    "ANNOUNCE_GAP": "agent",
    "MAX_AGENT_NAME_BYTES": "_announcement",
    "MAX_PENDING_CALLS": "_calls",
    "OBJECTS_PER_PART": "_parts",
    "PART_BYTES": "_parts",
    "AgentEngine": "agent",
    "ManagedObject": "_objects",
    "Predicate": "predicate",
    "compile_predicate": "predicate",
}


if not TYPE_CHECKING:  # a type checker shall know of no other names than those above

    def __getattr__(name: str) -> object:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
