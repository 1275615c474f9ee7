"""The requests of a console that are not answered yet: by number, by agent, and by when they expire."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from matahari.errors import LocalProtocolError, RemoteProtocolError
from matahari.qmf._deadlines import Deadlines
from matahari.qmf.data import Data
from matahari.qmf.packet import CorrelationId
from matahari.qmf.query import QueryTarget
from matahari.qmf.schema import Schema, SchemaId
from matahari.qmf.values import Value, estimate_size, text

#: Most requests under way: ten to each of 10,000 agents, the largest fleet. More is a mistake of the caller.
MAX_PENDING_REQUESTS: Final = 100_000
#: Most items, and bytes as estimated, of one answer over all its parts: an agent that never ends its answer must not
#: fill our memory. The largest real answer is a broker's list of queues, some 10,000 of 1 KiB.
MAX_ANSWER_ITEMS: Final = 100_000
MAX_ANSWER_BYTES: Final = 32 * 1024 * 1024
#: Numbers are uint32: libqmf2 reads correlation ids so, and the sequence of a QMFv1 frame has no more.
MAX_NUMBER: Final = 0xFFFFFFFF


class Goal(Enum):
    """What a request is to bring."""

    RESULT = auto()  # of a method call
    ITEMS = auto()  # of a query, as they come
    SCHEMA = auto()  # the one that was wanted
    CLASSES = auto()  # ids of all classes


@dataclass(slots=True)
class Request:
    """One request under way.

    Attributes:
        what: of a query; None for a method call.
        wanted: id of the schema to be fetched.
        incomplete: QMFv1 frames sent whose answers are not complete; 0 while the request is a QMFv2 one.
        packages: those whose classes were asked for, in a QMFv1 list of classes.
        room: bytes, as estimated, that the answer may still have.
        reports: number of the last report of a call; None when none are expected.
    """

    number: int
    agent: str
    what: QueryTarget | None
    goal: Goal = Goal.ITEMS
    wanted: SchemaId | None = None
    incomplete: int = 0
    packages: set[str] = field(default_factory=set)
    data: list[Data] = field(default_factory=list)
    schema_ids: list[SchemaId] = field(default_factory=list)
    schemas: list[Schema] = field(default_factory=list)
    room: int = MAX_ANSWER_BYTES
    reports: int | None = None

    def take_part(self, body: Value) -> None:
        """Add one part of an answer.

        Raises:
            RemoteProtocolError: no list, a malformed item, or an answer above the limits.
        """
        if body is None:
            return
        if not isinstance(body, list):
            raise RemoteProtocolError("not a list", path="answer")
        self.take_room(len(body), estimate_size(body, self.room))
        if self.what is QueryTarget.SCHEMA_ID:
            self.schema_ids.extend(SchemaId.from_map(item, f"[{n}]") for n, item in enumerate(body))
        elif self.what is QueryTarget.SCHEMA:
            self.schemas.extend(Schema.from_map(item, f"[{n}]") for n, item in enumerate(body))
        else:
            self.data.extend(Data.from_map(item, f"[{n}]").at(self.agent) for n, item in enumerate(body))

    def take_room(self, items: int, size: int) -> None:
        """Count what comes; RemoteProtocolError above the limits."""
        if len(self.items) + items > MAX_ANSWER_ITEMS:
            raise RemoteProtocolError(f"more than {MAX_ANSWER_ITEMS} items", path="answer")
        self.room -= size
        if self.room < 0:
            raise RemoteProtocolError(f"more than {MAX_ANSWER_BYTES} bytes", path="answer")

    @property
    def size(self) -> int:
        """Bytes of the answer so far, as estimated."""
        return MAX_ANSWER_BYTES - self.room

    @property
    def items(self) -> list[Data] | list[SchemaId] | list[Schema]:
        """What came so far, of the type that was asked for."""
        if self.what is QueryTarget.SCHEMA_ID:
            return self.schema_ids
        if self.what is QueryTarget.SCHEMA:
            return self.schemas
        return self.data


def number_in(correlation_id: CorrelationId | None) -> int | None:
    """Return the number of ours that a correlation id may be, else None; ours are text, peers may change the type."""
    if isinstance(correlation_id, int):
        return correlation_id
    written = text(correlation_id) if isinstance(correlation_id, str | bytes) else None
    # Numbers of ours are short; int() of thousands of digits would be slow, or refused by Python.
    if written is None or len(written) > 20 or not written.isascii():
        return None
    return int(written) if written.isdigit() else None


class RequestTable:
    """All requests under way.

    Args:
        first_number: of the first request, 1 to ``MAX_NUMBER``.
        taken: numbers that something else than a request goes by.
    """

    def __init__(self, first_number: int, taken: Container[int] = ()) -> None:
        self._next = first_number
        self._taken = taken
        self._requests: dict[int, Request] = {}
        self._by_agent: dict[str, set[int]] = {}
        self._deadlines: Deadlines[int] = Deadlines()

    def __len__(self) -> int:
        return len(self._requests)

    def new_number(self) -> int:
        """Return the next number that is free; after the highest they begin anew."""
        while True:
            number = self._next
            self._next = number + 1 if number < MAX_NUMBER else 1
            if number not in self._requests and number not in self._taken:
                return number

    def open(
        self,
        agent: str,
        what: QueryTarget | None,
        deadline: float,
        goal: Goal = Goal.ITEMS,
        wanted: SchemaId | None = None,
    ) -> int:
        """Begin a request and return its number; LocalProtocolError when there are too many."""
        if len(self._requests) >= MAX_PENDING_REQUESTS:
            raise LocalProtocolError(f"more than {MAX_PENDING_REQUESTS} requests under way")
        number = self.new_number()
        self._requests[number] = Request(number, agent, what, goal, wanted)
        mine = self._by_agent.get(agent)
        if mine is None:
            self._by_agent[agent] = {number}
        else:
            mine.add(number)
        self._deadlines.put(number, deadline)
        return number

    def find(self, number: int | None) -> Request | None:
        """Return the request of that number, if it is still under way."""
        return None if number is None else self._requests.get(number)

    def expect_reports(self, number: int) -> None:
        """What an open request's agent reports is to be taken."""
        self._requests[number].reports = 0

    def hurry(self, number: int, deadline: float) -> None:
        """Leave an open request no more time than that."""
        earlier = self._deadlines.of(number)
        if earlier is not None and deadline < earlier:
            self._deadlines.put(number, deadline)

    def close(self, number: int) -> Request | None:
        """End a request; None when it has ended already."""
        request = self._requests.pop(number, None)
        if request is not None:
            mine = self._by_agent[request.agent]
            mine.discard(number)
            if not mine:
                del self._by_agent[request.agent]
            self._deadlines.drop(number)
        return request

    def close_all_of(self, agent: str) -> list[Request]:
        """End all requests to an agent, in order of their numbers."""
        closed = (self.close(number) for number in sorted(self._by_agent.get(agent, ())))
        return [request for request in closed if request is not None]

    def close_expired(self, now: float) -> Request | None:
        """End a request whose time is over, the earliest first, or return None."""
        number = self._deadlines.pop_due(now)
        return None if number is None else self.close(number)

    def next_deadline(self) -> float | None:
        """Return when the next request expires."""
        return self._deadlines.earliest()
