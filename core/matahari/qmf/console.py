"""The console's side of QMFv2 as a state machine: packets, requests of the caller and time in; packets and events out.

An agent is *known* from its first heartbeat or locate answer until it is silent for three intervals or its leaving is
told from outside. A request is *open* until exactly one of these ends it:

====================  =======================================================================================
what happens          how it ends
====================  =======================================================================================
last part, response   ``QueryCompleted`` or ``CallCompleted``; parts before it are collected
exception             ``RequestFailed``, also for an answer that cannot be read or is too large
time is over          ``RequestExpired``
agent leaves          ``RequestAborted``, also when the agent comes back with another epoch
``cancel``            nothing is reported
====================  =======================================================================================

An answer counts only for an open request and only from the agent that was asked; all else is counted and ignored,
which covers late and doubled answers. Not here: schemas of the QMFv1 kind, encoding, addresses and links (the bus).

Source: qmf2.md 3, 6.5 and 6.6
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal

from matahari.errors import LocalProtocolError, RemoteProtocolError
from matahari.qmf._deadlines import Deadlines
from matahari.qmf._requests import MAX_PENDING_REQUESTS, RequestTable
from matahari.qmf.agent_info import AgentInfo, is_same_agent, read_announcement
from matahari.qmf.console_events import (
    AgentAdded,
    AgentRemoved,
    AgentRestarted,
    AgentUpdated,
    CallCompleted,
    DataIndicated,
    EngineEvent,
    EventRaised,
    QueryCompleted,
    RequestAborted,
    RequestExpired,
    RequestFailed,
)
from matahari.qmf.data import Data, ObjectId
from matahari.qmf.packet import (
    AGENT_HEARTBEAT_INDICATION,
    AGENT_LOCATE_REQUEST,
    AGENT_LOCATE_RESPONSE,
    CODE_EXCEPTION,
    CONTENT_EVENT,
    DATA_INDICATION,
    EXCEPTION,
    LOCATE_KEY,
    METHOD_REQUEST,
    METHOD_RESPONSE,
    QUERY_REQUEST,
    QUERY_RESPONSE,
    Direct,
    Packet,
    Publish,
)
from matahari.qmf.query import Query
from matahari.qmf.values import UInt, Value

#: Most agents known at once: twice the largest fleet. When it is full, further ones are ignored until others age, so
#: that a flood of invented names cannot drive out agents that are known.
MAX_AGENTS: Final = 20_000
#: Most events not yet fetched. The owner fetches after each step, so only a stuck owner gets here; then indications
#: and announcements are dropped and counted, ends of requests never (requests are limited themselves).
MAX_QUEUED_EVENTS: Final = 20_000
#: Most commands not yet fetched: a caller may open all its requests before it lets anything be sent.
MAX_QUEUED_COMMANDS: Final = MAX_PENDING_REQUESTS
#: Correlation id of locate requests: decimal, as some peers insist, and never the number of a request.
LOCATE_CORRELATION: Final = "0"


class ConsoleEngine:
    """One console on the bus. Not thread-safe; fetch ``next_command`` and ``next_event`` until None after every call.

    Args:
        reply_to: address of the console's own queue or key, ``exchange/key``; agents answer there.
        first_request: number of the first request, at least 1.
    """

    def __init__(self, *, reply_to: str, first_request: int = 1) -> None:
        if first_request < 1:
            raise ValueError("requests are numbered from 1")
        self._reply_to = reply_to
        self._commands: deque[Publish | Direct] = deque()
        self._events: deque[EngineEvent] = deque()
        self._requests = RequestTable(first_request)
        self._agents: dict[str, AgentInfo] = {}
        self._last_seen: dict[str, float] = {}
        self._ageing: Deadlines[str] = Deadlines()
        self._ignored = 0
        self._dropped = 0

    # -- the caller's side ---------------------------------------------------------------------------------------

    @property
    def agents(self) -> Mapping[str, AgentInfo]:
        """The known agents by name; a live view."""
        return MappingProxyType(self._agents)

    def locate(self, now: float, predicate: Sequence[Value] = ()) -> None:
        """Ask all agents, or those whose attributes match ``predicate``, to announce themselves."""
        self._check_commands()
        packet = self._request_packet(AGENT_LOCATE_REQUEST, list(predicate), LOCATE_CORRELATION)
        self._commands.append(Publish(LOCATE_KEY, packet))

    def query(self, agent: str, query: Query, now: float, timeout: float) -> int:
        """Ask one agent and return the request's number.

        Args:
            agent: name of an agent, known or not; ``broker`` is the broker's own.
            timeout: seconds from ``now``, for the whole answer.

        Raises:
            LocalProtocolError: too many requests under way, or too many packets not fetched.
        """
        self._check_commands()
        request = self._requests.open(agent, query.what, now + timeout)
        self._send(agent, self._request_packet(QUERY_REQUEST, query.to_map(), str(request)))
        return request

    def call(
        self,
        agent: str,
        object_id: ObjectId,
        method: str,
        arguments: Mapping[str, Value],
        now: float,
        timeout: float,
        subtypes: Mapping[str, str] | None = None,
    ) -> int:
        """Call a method of an object and return the request's number; other arguments and errors as ``query``.

        Args:
            arguments: input arguments by name, already of the types in the schema (libqmf2 agents are strict).
            subtypes: refined types of arguments, by name.
        """
        self._check_commands()
        request = self._requests.open(agent, None, now + timeout)
        body: dict[str, Value] = {
            "_object_id": object_id.to_map(),
            "_method_name": method,
            "_arguments": dict(arguments),
        }
        if subtypes:
            body["_subtypes"] = dict(subtypes)
        self._send(agent, self._request_packet(METHOD_REQUEST, body, str(request)))
        return request

    def cancel(self, request: int) -> bool:
        """Forget a request: nothing will be reported. False when it has ended already."""
        return self._requests.close(request) is not None

    def agent_gone(self, name: str, now: float) -> None:
        """Take an agent's leaving as told from outside: it is removed and requests to it are aborted."""
        self._remove(name, "gone")

    def statistics(self) -> dict[str, int]:
        """Count agents, open requests, packets ignored (late, foreign, unreadable) and indications dropped."""
        return {
            "agents": len(self._agents),
            "pending": len(self._requests),
            "ignored": self._ignored,
            "dropped": self._dropped,
        }

    # -- the bus's side ------------------------------------------------------------------------------------------

    def receive(self, packet: Packet, now: float) -> None:
        """Take a packet from any of the console's addresses. Never raises for what it contains."""
        opcode = packet.opcode
        if packet.agent in self._last_seen:
            self._last_seen[packet.agent] = now
        if opcode in (METHOD_RESPONSE, QUERY_RESPONSE, EXCEPTION):
            self._receive_answer(packet)
        elif opcode in (AGENT_HEARTBEAT_INDICATION, AGENT_LOCATE_RESPONSE):
            self._receive_announcement(packet, now)
        elif opcode == DATA_INDICATION:
            self._receive_indication(packet)
        else:
            self._ignored += 1

    def next_deadline(self) -> float | None:
        """Return when ``handle_timeout`` is due, in the clock of ``now``."""
        expiry, ageing = self._requests.next_deadline(), self._ageing.earliest()
        if expiry is None or ageing is None:
            return ageing if expiry is None else expiry
        return min(expiry, ageing)

    def handle_timeout(self, now: float) -> None:
        """End requests whose time is over and remove agents that were silent for too long."""
        while (request := self._requests.close_expired(now)) is not None:
            self._events.append(RequestExpired(request.number, request.agent))
        while (name := self._ageing.pop_due(now)) is not None:
            due = self._last_seen[name] + self._agents[name].ageing_time
            if due > now:  # heard of since; moving the deadline here instead of at each message keeps those cheap
                self._ageing.put(name, due)
            else:
                self._remove(name, "aged")

    def next_command(self) -> Publish | Direct | None:
        """Return what is to be sent next, in order, or None."""
        return self._commands.popleft() if self._commands else None

    def next_event(self) -> EngineEvent | None:
        """Return what happened next, in order, or None."""
        return self._events.popleft() if self._events else None

    # -- answers -------------------------------------------------------------------------------------------------

    def _receive_answer(self, packet: Packet) -> None:
        request = self._requests.find(packet.correlation_id)
        if request is None or not is_same_agent(request.agent, packet.agent):
            self._ignored += 1
            return
        if packet.opcode == EXCEPTION:
            self._fail(request.number, request.agent, packet.body)
        elif packet.opcode == METHOD_RESPONSE and request.what is None:
            body = packet.body
            arguments = body.get("_arguments") if isinstance(body, dict) else None
            if arguments is not None and not isinstance(arguments, dict):
                self._fail_unreadable(request.number, request.agent, "_arguments: not a map")
                return
            self._requests.close(request.number)
            self._events.append(CallCompleted(request.number, request.agent, arguments or {}))
        elif packet.opcode == QUERY_RESPONSE and request.what is not None:
            try:
                request.take_part(packet.body)
            except RemoteProtocolError as error:
                self._fail_unreadable(request.number, request.agent, str(error))
                return
            if not packet.partial:
                self._requests.close(request.number)
                self._events.append(QueryCompleted(request.number, request.agent, request.items))
        else:
            self._ignored += 1

    def _fail(self, request: int, agent: str, body: Value) -> None:
        try:
            error = Data.from_map(body)
        except RemoteProtocolError as fault:
            self._fail_unreadable(request, agent, str(fault))
            return
        self._requests.close(request)
        self._events.append(RequestFailed(request, agent, error))

    def _fail_unreadable(self, request: int, agent: str, reason: str) -> None:
        self._requests.close(request)
        error = Data({"error_code": UInt(CODE_EXCEPTION), "error_text": f"the answer cannot be read: {reason}"})
        self._events.append(RequestFailed(request, agent, error))

    # -- agents and indications ----------------------------------------------------------------------------------

    def _receive_announcement(self, packet: Packet, now: float) -> None:
        try:
            info = read_announcement(packet, now)
        except RemoteProtocolError:
            self._ignored += 1
            return
        known = self._agents.get(info.name)
        if len(self._events) >= MAX_QUEUED_EVENTS or (known is None and len(self._agents) >= MAX_AGENTS):
            self._dropped += 1
            return
        self._agents[info.name] = info
        self._last_seen[info.name] = now
        if known is None:
            self._ageing.put(info.name, now + info.ageing_time)
            self._events.append(AgentAdded(info))
            return
        if info.ageing_time < known.ageing_time:
            self._ageing.put(info.name, now + info.ageing_time)
        if info.epoch != known.epoch and info.epoch and known.epoch:
            self._events.append(AgentRestarted(info))
            self._abort(info.name)
        elif info.schema_updated != known.schema_updated:
            self._events.append(AgentUpdated(info, schema_changed=True))
        elif info.differs_from(known):
            self._events.append(AgentUpdated(info, schema_changed=False))

    def _receive_indication(self, packet: Packet) -> None:
        agent, body = packet.agent, packet.body
        if not agent or not isinstance(body, list):
            self._ignored += 1
            return
        items: list[Data] = []
        for item in body:
            try:
                items.append(Data.from_map(item).at(agent))
            except RemoteProtocolError:
                self._ignored += 1
        room = MAX_QUEUED_EVENTS - len(self._events)
        if packet.content != CONTENT_EVENT:
            if room > 0:
                self._events.append(DataIndicated(agent, items))
            else:
                self._dropped += 1
            return
        self._events.extend(EventRaised(agent, data) for data in items[: max(room, 0)])
        self._dropped += max(len(items) - max(room, 0), 0)

    def _remove(self, name: str, reason: Literal["aged", "gone"]) -> None:
        if self._agents.pop(name, None) is not None:
            del self._last_seen[name]
            self._ageing.drop(name)
            self._events.append(AgentRemoved(name, reason))
        self._abort(name)

    def _abort(self, name: str) -> None:
        self._events.extend(RequestAborted(item.number, item.agent) for item in self._requests.close_all_of(name))

    # -- requests ------------------------------------------------------------------------------------------------

    def _check_commands(self) -> None:
        if len(self._commands) >= MAX_QUEUED_COMMANDS:
            raise LocalProtocolError("the commands of this engine are not being fetched")

    def _request_packet(self, opcode: str, body: Value, correlation_id: str) -> Packet:
        return Packet(opcode, body, correlation_id=correlation_id, reply_to=self._reply_to, method="request")

    def _send(self, agent: str, packet: Packet) -> None:
        info = self._agents.get(agent)
        if info is not None and info.direct_subject is not None:
            self._commands.append(Publish(info.direct_subject, packet))
        else:
            self._commands.append(Direct(agent, packet))
