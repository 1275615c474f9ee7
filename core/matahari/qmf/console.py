"""The console's side of QMFv2 as a state machine: packets, requests of the caller and time in; packets and events out.

An agent is *known* from its first heartbeat or locate answer until it is silent for three intervals or its leaving is
told from outside. A request is *open* until exactly one of these ends it:

====================  =======================================================================================
what happens          how it ends
====================  =======================================================================================
last part, response   ``QueryCompleted``, ``CallCompleted``, ``SchemaFetched`` or ``ClassesListed``; parts
                      before it are collected
exception             ``RequestFailed``, also for an answer that cannot be read or is too large
time is over          ``RequestExpired``
agent leaves          ``RequestAborted``, also when the agent comes back with another epoch
``cancel``            nothing is reported
====================  =======================================================================================

Before it ends, a call that asked for reports gives ``CallReported`` any number of times; ``cancel_call`` hurries its end.
An answer counts only for an open request and only from the agent that was asked; all else is counted and ignored,
which covers late and doubled answers. How schemas and classes are asked for is said in ``_schema_requests``, the life
of a subscription in ``_console_subscriptions``. Not here: encoding, addresses and links (the bus).

Source: qmf2.md 3, 6.5 and 6.6
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

from matahari.errors import RemoteProtocolError, SchemaError
from matahari.qmf._console_agents import AgentTable
from matahari.qmf._console_answers import Answers
from matahari.qmf._console_indications import DataIndications
from matahari.qmf._console_outbox import Outbox
from matahari.qmf._console_reports import Reports
from matahari.qmf._console_subscriptions import SubscriptionTable
from matahari.qmf._object_states import ObjectStates
from matahari.qmf._requests import MAX_NUMBER, Goal, RequestTable, number_in
from matahari.qmf._schema_cache import SchemaCache
from matahari.qmf._schema_requests import first_frame, query_of, speaks_v1
from matahari.qmf.agent_info import AgentInfo, is_same_agent, read_announcement
from matahari.qmf.call_options import OPTIONS_KEY, CallOptions
from matahari.qmf.console_events import (
    AgentAdded,
    AgentRemoved,
    AgentRestarted,
    AgentUpdated,
    EngineEvent,
    RequestAborted,
    RequestExpired,
    SchemaFetched,
)
from matahari.qmf.data import Data, ObjectId
from matahari.qmf.packet import (
    AGENT_HEARTBEAT_INDICATION,
    AGENT_LOCATE_RESPONSE,
    DATA_INDICATION,
    EXCEPTION,
    METHOD_INDICATION,
    METHOD_REQUEST,
    METHOD_RESPONSE,
    QUERY_REQUEST,
    QUERY_RESPONSE,
    SUBSCRIBE_RESPONSE,
    Direct,
    Packet,
    Publish,
)
from matahari.qmf.query import Query, QueryTarget
from matahari.qmf.schema import Schema, SchemaId
from matahari.qmf.values import Value

#: Most events not yet fetched. The owner fetches after each step, so only a stuck owner gets here; then indications
#: and announcements are dropped and counted, ends of requests never (requests are limited themselves).
MAX_QUEUED_EVENTS: Final = 20_000


class ConsoleEngine:
    """One console on the bus. Not thread-safe; fetch ``next_command`` and ``next_event`` until None after every call.

    Args:
        reply_to: address of the console's own queue or key, ``exchange/key``; agents answer there. The broker's own
            agent answers some requests on the exchange ``amq.direct`` under the same key.
        first_request: number of the first request, at least 1.
    """

    def __init__(self, *, reply_to: str, first_request: int = 1) -> None:
        if not 1 <= first_request <= MAX_NUMBER:
            raise ValueError(f"requests are numbered from 1 to {MAX_NUMBER}")
        self._events: deque[EngineEvent] = deque()
        self._agents = AgentTable()
        self._outbox = Outbox(reply_to, self._agents)
        self._schemas = SchemaCache()
        self._states = ObjectStates()
        self._subscriptions = SubscriptionTable(self._outbox.request, self._events.append)
        self._requests = RequestTable(first_request, taken=self._subscriptions)
        self._indications = DataIndications(
            self._states, self._schemas, self._subscriptions, self._events, MAX_QUEUED_EVENTS
        )
        self._reports = Reports(self._requests, self._events, MAX_QUEUED_EVENTS)
        self._answers = Answers(
            self._requests, self._agents, self._schemas, self._outbox, self._reports, self._events.append
        )
        self._ignored = 0
        self._dropped = 0

    # -- the caller's side ---------------------------------------------------------------------------------------

    @property
    def agents(self) -> Mapping[str, AgentInfo]:
        """The known agents by name; a live view."""
        return self._agents.infos

    def find_schema(self, schema_id: SchemaId) -> Schema | None:
        """Return a schema that was fetched before, from whatever agent."""
        return self._schemas.find(schema_id)

    def note_objects(self, agent: str, items: Iterable[Data]) -> None:
        """Take objects, as a query gave them, for the state to which later indications add their parts."""
        for item in items:
            self._states.merge(agent, item)

    def locate(self, now: float, predicate: Sequence[Value] = ()) -> None:
        """Ask all agents, or those whose attributes match ``predicate``, to announce themselves."""
        self._outbox.check()
        self._outbox.locate(predicate)

    def query(self, agent: str, query: Query, now: float, timeout: float) -> int:
        """Ask one agent and return the request's number.

        Args:
            agent: name of an agent, known or not; ``broker`` is the broker's own.
            timeout: seconds from ``now``, for the whole answer.

        Raises:
            LocalProtocolError: too many requests under way, or too many packets not fetched.
            SchemaError: the request is larger than the broker's agent takes.
        """
        return self._open(agent, QUERY_REQUEST, query.to_map(), query.what, now + timeout)

    def call(
        self,
        agent: str,
        object_id: ObjectId,
        method: str,
        arguments: Mapping[str, Value],
        now: float,
        timeout: float,
        subtypes: Mapping[str, str] | None = None,
        options: CallOptions | None = None,
    ) -> int:
        """Call a method of an object and return the request's number; other arguments and errors as ``query``.

        Args:
            arguments: input arguments by name, already of the types in the schema (libqmf2 agents are strict).
            subtypes: refined types of arguments, by name.
            options: what agents of ours are asked for besides; others pass it over. With reports, each message of
                them gives a ``CallReported``.
        """
        body: dict[str, Value] = {
            "_object_id": object_id.to_map(),
            "_method_name": method,
            "_arguments": dict(arguments),
        }
        if subtypes:
            body["_subtypes"] = dict(subtypes)
        if options is not None:
            body[OPTIONS_KEY] = options.to_map()
        number = self._open(agent, METHOD_REQUEST, body, None, now + timeout)
        if options is not None and options.stream:
            self._requests.expect_reports(number)
        return number

    def fetch_schema(self, agent: str, schema_id: SchemaId, now: float, timeout: float) -> int:
        """Get a schema from an agent, or from what was fetched before, and return the request's number.

        Args:
            schema_id: with the hash, which agents insist on.

        Raises:
            ValueError: there is no hash.
            LocalProtocolError, SchemaError: as ``query``; also for a name that QMFv1 cannot carry.
        """
        if schema_id.hash is None:
            raise ValueError("a schema is fetched by its hash")
        self._outbox.check()
        known = self._schemas.find(schema_id)
        if known is not None:
            number = self._requests.new_number()
            self._events.append(SchemaFetched(number, agent, known))
            return number
        return self._begin(agent, QueryTarget.SCHEMA, now + timeout, Goal.SCHEMA, schema_id)

    def list_classes(self, agent: str, now: float, timeout: float) -> int:
        """Ask an agent for the ids of all its classes and return the request's number; errors as ``query``."""
        self._outbox.check()
        return self._begin(agent, QueryTarget.SCHEMA_ID, now + timeout, Goal.CLASSES, None)

    def subscribe(
        self, agent: str, query: Query, now: float, timeout: float, interval: float = 30.0, lifetime: float = 300.0
    ) -> int:
        """Ask an agent to send the objects of a query whenever they change; return the subscription's number.

        It is refreshed in time until ``unsubscribe``. Agents of libqmf2 and brokers do not know subscriptions.

        Args:
            query: for objects.
            timeout: seconds that the agent has to answer this and each refresh.
            interval: seconds between two messages, above 0; the agent may have a minimum.
            lifetime: seconds after which the agent forgets us when we die; brought into 10 to 3600.

        Raises:
            ValueError: the interval is out of range.
            LocalProtocolError: too many subscriptions, or too many packets not fetched.
        """
        if not 0 < interval <= MAX_NUMBER / 1000:
            raise ValueError("an interval is above 0 s and below 50 days")
        self._outbox.check()
        self._subscriptions.check_room()
        number = self._requests.new_number()
        self._subscriptions.open(number, agent, query, now, timeout, interval, lifetime)
        return number

    def unsubscribe(self, subscription: int) -> bool:
        """Give a subscription back: nothing more will be reported of it. False when it has ended already."""
        return self._subscriptions.cancel(subscription)

    def cancel(self, request: int) -> bool:
        """Forget a request: nothing will be reported. False when it has ended already."""
        return self._requests.close(request) is not None

    def cancel_call(self, request: int, now: float, timeout: float) -> bool:
        """Ask the agent to end a call; the request goes on until its answer, for ``timeout`` seconds at most.

        Agents that know no cancelling pass it over. False when the request has ended, or is no call.
        """
        found = self._requests.find(request)
        if found is None or found.goal is not Goal.RESULT:
            return False
        self._requests.hurry(request, now + timeout)
        self._outbox.cancel(found.agent, request)
        return True

    def agent_gone(self, name: str, now: float) -> None:
        """Take an agent's leaving as told from outside: it is removed and requests to it are aborted."""
        self._remove(name, "gone")

    def statistics(self) -> dict[str, int]:
        """Count what is kept, packets ignored (late, foreign, unreadable) and indications dropped."""
        return {
            "agents": len(self._agents.infos),
            "pending": len(self._requests),
            "subscriptions": len(self._subscriptions),
            "schemas": len(self._schemas),
            "objects": len(self._states),
            "ignored": self._ignored + self._indications.ignored,
            "dropped": self._dropped + self._indications.dropped,
        }

    # -- the bus's side ------------------------------------------------------------------------------------------

    def receive(self, packet: Packet, now: float) -> None:
        """Take a packet from any of the console's addresses. Never raises for what it contains."""
        opcode = packet.opcode
        self._agents.heard(packet.agent, now)
        if opcode in (METHOD_RESPONSE, QUERY_RESPONSE, EXCEPTION, SUBSCRIBE_RESPONSE):
            taken = self._receive_of_subscription(packet, now) or self._answers.receive(packet)
        elif opcode in (AGENT_HEARTBEAT_INDICATION, AGENT_LOCATE_RESPONSE):
            taken = self._receive_announcement(packet, now)
        elif opcode == DATA_INDICATION:
            taken = self._indications.receive(packet)
        elif opcode == METHOD_INDICATION:
            taken = self._reports.receive(packet)
        else:
            body = packet.body
            taken = not opcode and isinstance(body, bytes) and self._answers.receive_frames(packet.agent, body)
        if not taken:
            self._ignored += 1

    def next_deadline(self) -> float | None:
        """Return when ``handle_timeout`` is due, in the clock of ``now``."""
        tables = (self._requests, self._agents, self._subscriptions)
        return min((due for table in tables if (due := table.next_deadline()) is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        """End requests whose time is over, refresh subscriptions, remove agents that were silent for too long."""
        while (request := self._requests.close_expired(now)) is not None:
            self._events.append(RequestExpired(request.number, request.agent))
        self._subscriptions.handle_timeout(now)
        while (name := self._agents.pop_silent(now)) is not None:
            self._removed(name, "aged")

    def next_command(self) -> Publish | Direct | None:
        """Return what is to be sent next, in order, or None."""
        return self._outbox.take()

    def next_event(self) -> EngineEvent | None:
        """Return what happened next, in order, or None."""
        return self._events.popleft() if self._events else None

    # -- agents and indications ----------------------------------------------------------------------------------

    def _receive_announcement(self, packet: Packet, now: float) -> bool:
        try:
            info = read_announcement(packet, now)
        except RemoteProtocolError:
            return False
        is_new = self._agents.find(info.name) is None
        giving_way = self._agents.oldest_ageless() if is_new and self._agents.is_full() else None
        if len(self._events) >= MAX_QUEUED_EVENTS or (is_new and self._agents.is_full() and giving_way is None):
            self._dropped += 1
            return True
        if giving_way is not None:
            self._remove(giving_way, "aged")
        known = self._agents.put(info, now)
        if known is None:
            self._events.append(AgentAdded(info))
        elif info.epoch != known.epoch and info.epoch and known.epoch:
            self._events.append(AgentRestarted(info))
            self._abort(info.name)
        elif info.schema_updated != known.schema_updated:
            self._events.append(AgentUpdated(info, schema_changed=True))
        elif info.differs_from(known):
            self._events.append(AgentUpdated(info, schema_changed=False))
        return True

    def _receive_of_subscription(self, packet: Packet, now: float) -> bool:
        number = number_in(packet.correlation_id)
        agent = self._subscriptions.agent_of(number)
        if number is None or agent is None or not is_same_agent(agent, packet.agent):
            return False
        if packet.opcode not in (SUBSCRIBE_RESPONSE, EXCEPTION):
            return False
        self._subscriptions.receive(number, packet, now)
        return True

    def _remove(self, name: str, reason: Literal["aged", "gone"]) -> None:
        if self._agents.remove(name):
            self._removed(name, reason)
        else:
            self._abort(name)

    def _removed(self, name: str, reason: Literal["aged", "gone"]) -> None:
        self._events.append(AgentRemoved(name, reason))
        self._abort(name)

    def _abort(self, name: str) -> None:
        self._events.extend(RequestAborted(item.number, item.agent) for item in self._requests.close_all_of(name))
        self._subscriptions.close_all_of(name)
        self._states.forget(name)

    # -- requests ------------------------------------------------------------------------------------------------

    def _open(self, agent: str, opcode: str, body: dict[str, Value], what: QueryTarget | None, deadline: float) -> int:
        self._outbox.check(agent, body)
        number = self._requests.open(agent, what, deadline, Goal.RESULT if what is None else Goal.ITEMS)
        self._outbox.request(agent, opcode, body, number)
        return number

    def _begin(self, agent: str, what: QueryTarget, deadline: float, goal: Goal, wanted: SchemaId | None) -> int:
        number = self._requests.open(agent, what, deadline, goal, wanted)
        request = self._requests.find(number)
        assert request is not None  # opened right now
        if not speaks_v1(goal, agent, self._agents.find(agent)):
            self._outbox.request(agent, QUERY_REQUEST, query_of(request).to_map(), number)
            return number
        try:
            self._outbox.frame(agent, first_frame(request))
        except SchemaError:
            self._requests.close(number)
            raise
        return number
