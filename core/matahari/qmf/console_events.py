"""What a console engine reports to its owner: agents come and go, requests end, agents raise events.

Each request ends with exactly one of ``QueryCompleted``, ``CallCompleted``, ``RequestFailed``, ``RequestExpired`` and
``RequestAborted``, unless it is cancelled. ``request`` is the number that ``query`` or ``call`` returned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from matahari.qmf.agent_info import AgentInfo
from matahari.qmf.data import Data
from matahari.qmf.schema import Schema, SchemaId
from matahari.qmf.values import Value


@dataclass(frozen=True, slots=True)
class AgentAdded:
    """An agent was heard for the first time."""

    info: AgentInfo


@dataclass(frozen=True, slots=True)
class AgentUpdated:
    """An agent's attributes changed; with ``schema_changed`` its classes did."""

    info: AgentInfo
    schema_changed: bool


@dataclass(frozen=True, slots=True)
class AgentRestarted:
    """An agent came back with another epoch, perhaps with other classes; requests to its earlier life were aborted."""

    info: AgentInfo


@dataclass(frozen=True, slots=True)
class AgentRemoved:
    """An agent was silent for too long (``aged``) or its leaving was told from outside (``gone``)."""

    name: str
    reason: Literal["aged", "gone"]


@dataclass(frozen=True, slots=True)
class QueryCompleted:
    """The whole answer to a query, its parts joined in order; which type the items have follows from the query."""

    request: int
    agent: str
    items: list[Data] | list[SchemaId] | list[Schema]


@dataclass(frozen=True, slots=True)
class CallCompleted:
    """A method returned; ``arguments`` are its output arguments as received."""

    request: int
    agent: str
    arguments: dict[str, Value]


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """The agent answered with an exception, or with something unreadable (then ``error`` is made here)."""

    request: int
    agent: str
    error: Data


@dataclass(frozen=True, slots=True)
class RequestExpired:
    """No complete answer came in time; a later one is ignored."""

    request: int
    agent: str


@dataclass(frozen=True, slots=True)
class RequestAborted:
    """The agent left, or restarted, before it answered."""

    request: int
    agent: str


@dataclass(frozen=True, slots=True)
class EventRaised:
    """An agent, not necessarily a known one, raised an event."""

    agent: str
    data: Data


@dataclass(frozen=True, slots=True)
class DataIndicated:
    """An agent published objects unasked, as the broker's own agent does."""

    agent: str
    items: list[Data]


EngineEvent: TypeAlias = (
    AgentAdded
    | AgentUpdated
    | AgentRestarted
    | AgentRemoved
    | QueryCompleted
    | CallCompleted
    | RequestFailed
    | RequestExpired
    | RequestAborted
    | EventRaised
    | DataIndicated
)
