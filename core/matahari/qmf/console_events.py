"""What a console engine reports to its owner: agents come and go, requests end, agents raise events and tell changes.

Each request ends with exactly one of ``QueryCompleted``, ``CallCompleted``, ``SchemaFetched``, ``ClassesListed``,
``RequestFailed``, ``RequestExpired`` and ``RequestAborted``, unless it is cancelled. ``request`` is the number that
``query``, ``call``, ``fetch_schema`` or ``list_classes`` returned. A call with reports gives ``CallReported`` before.

A subscription gives ``SubscriptionFailed``; or ``SubscriptionStarted``, ``SubscriptionData`` any number of times, and
``SubscriptionEnded`` unless it is cancelled. ``subscription`` is the number that ``subscribe`` returned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from matahari.qmf.agent_info import AgentInfo
from matahari.qmf.data import Data
from matahari.qmf.reports import Report
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
class CallReported:
    """A call that is still open tells something.

    Attributes:
        reports: in order.
        missed: how many were lost before the last of them, or before the answer that follows.
    """

    request: int
    agent: str
    reports: list[Report]
    missed: int = 0


@dataclass(frozen=True, slots=True)
class CallCompleted:
    """A method returned; ``arguments`` are its output arguments as received."""

    request: int
    agent: str
    arguments: dict[str, Value]


@dataclass(frozen=True, slots=True)
class SchemaFetched:
    """The schema that was asked for, now remembered too."""

    request: int
    agent: str
    schema: Schema


@dataclass(frozen=True, slots=True)
class ClassesListed:
    """Ids of all classes that an agent publishes, of objects and of events."""

    request: int
    agent: str
    classes: list[SchemaId]


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
    """An agent, not necessarily a known one, published objects unasked, as the broker's own agent does.

    ``items`` hold all that is known of each object; one with ``delete_ns`` above 0 is no more.
    """

    agent: str
    items: list[Data]


@dataclass(frozen=True, slots=True)
class SubscriptionStarted:
    """An agent accepted a subscription.

    Attributes:
        interval: seconds between two messages, as the agent grants it.
        lifetime: seconds that the agent keeps it without a refresh; refreshing is done here.
    """

    subscription: int
    agent: str
    interval: float
    lifetime: float


@dataclass(frozen=True, slots=True)
class SubscriptionFailed:
    """A subscription was refused, or nothing was heard in time: the agent is silent or has no subscriptions."""

    subscription: int
    agent: str
    error: Data


@dataclass(frozen=True, slots=True)
class SubscriptionData:
    """Objects of a subscription; ``items`` as in ``DataIndicated``."""

    subscription: int
    agent: str
    items: list[Data]


@dataclass(frozen=True, slots=True)
class SubscriptionEnded:
    """A subscription that had started is no more.

    ``gone``: the agent left or restarted; ``refused``: it did not refresh; ``expired``: no refresh was answered.
    """

    subscription: int
    agent: str
    reason: Literal["gone", "refused", "expired"]


EngineEvent: TypeAlias = (
    AgentAdded
    | AgentUpdated
    | AgentRestarted
    | AgentRemoved
    | QueryCompleted
    | CallReported
    | CallCompleted
    | SchemaFetched
    | ClassesListed
    | RequestFailed
    | RequestExpired
    | RequestAborted
    | EventRaised
    | DataIndicated
    | SubscriptionStarted
    | SubscriptionFailed
    | SubscriptionData
    | SubscriptionEnded
)
