"""How a console's requests go on and end: answers, exceptions and QMFv1 frames in, ends of requests out.

Source: qmf2.md 3.4, 3.6, 3.7 and 3.12
"""

from __future__ import annotations

from collections.abc import Callable

from matahari.errors import RemoteProtocolError
from matahari.qmf import v1
from matahari.qmf._console_agents import AgentTable
from matahari.qmf._console_outbox import Outbox
from matahari.qmf._console_reports import Reports
from matahari.qmf._requests import Goal, Request, RequestTable, number_in
from matahari.qmf._schema_cache import SchemaCache
from matahari.qmf._schema_requests import failure, finish_query, first_frame, may_fall_back, receive_frame
from matahari.qmf.agent_info import is_same_agent
from matahari.qmf.console_events import CallCompleted, EngineEvent, QueryCompleted, RequestFailed
from matahari.qmf.data import Data
from matahari.qmf.packet import EXCEPTION, METHOD_RESPONSE, QUERY_RESPONSE, Packet
from matahari.qmf.values import Value


class Answers:
    """See the module.

    Args:
        report: takes what has happened.
    """

    def __init__(
        self,
        requests: RequestTable,
        agents: AgentTable,
        schemas: SchemaCache,
        outbox: Outbox,
        reports: Reports,
        report: Callable[[EngineEvent], None],
    ) -> None:
        self._requests = requests
        self._agents = agents
        self._schemas = schemas
        self._outbox = outbox
        self._reports = reports
        self._report = report

    def receive(self, packet: Packet) -> bool:
        """Take a response or exception; False when nobody waits for it."""
        request = self._requests.find(number_in(packet.correlation_id))
        if request is None or not is_same_agent(request.agent, packet.agent):
            return False
        if packet.opcode == EXCEPTION:
            self._receive_exception(request, packet.body)
        elif packet.opcode == METHOD_RESPONSE and request.what is None:
            self._receive_result(request, packet.body)
        elif packet.opcode == QUERY_RESPONSE and request.what is not None and not request.incomplete:
            self._receive_part(request, packet)
        else:
            return False
        return True

    def receive_frames(self, agent: str | None, body: bytes) -> bool:
        """Take QMFv1 frames; False when nobody waits for any of them.

        Args:
            agent: who sends them; the broker's agent does not say.
        """
        try:
            frames = v1.decode_frames(body)
        except RemoteProtocolError:
            return False
        used = False
        for frame in frames:
            request = self._requests.find(frame.sequence)
            if request is not None and request.incomplete and (not agent or is_same_agent(request.agent, agent)):
                used = True
                self._receive_frame(request, frame)
        return used

    def _receive_result(self, request: Request, body: Value) -> None:
        arguments = body.get("_arguments") if isinstance(body, dict) else None
        if arguments is not None and not isinstance(arguments, dict):
            self._end_unreadable(request, "_arguments: not a map")
            return
        self._reports.finish(request, body)
        self._end(request, CallCompleted(request.number, request.agent, arguments or {}))

    def _receive_part(self, request: Request, packet: Packet) -> None:
        try:
            request.take_part(packet.body)
        except RemoteProtocolError as error:
            self._end_unreadable(request, str(error))
            return
        if packet.partial:
            return
        if request.goal is Goal.ITEMS:
            self._end(request, QueryCompleted(request.number, request.agent, request.items))
        else:
            self._end(request, finish_query(request, self._schemas))

    def _receive_exception(self, request: Request, body: Value) -> None:
        if may_fall_back(request, self._agents.find(request.agent)):
            self._outbox.frame(request.agent, first_frame(request))
            return
        try:
            error = Data.from_map(body)
        except RemoteProtocolError as fault:
            self._end_unreadable(request, str(fault))
            return
        self._reports.finish(request, body)
        self._end(request, RequestFailed(request.number, request.agent, error))

    def _receive_frame(self, request: Request, frame: v1.Frame) -> None:
        def send(data: bytes) -> None:
            self._outbox.frame(request.agent, data)

        try:
            end = receive_frame(request, frame, self._schemas, send)
        except RemoteProtocolError as error:
            self._end_unreadable(request, str(error))
            return
        if end is not None:
            self._end(request, end)

    def _end(self, request: Request, event: EngineEvent) -> None:
        self._requests.close(request.number)
        self._report(event)

    def _end_unreadable(self, request: Request, reason: str) -> None:
        self._end(request, failure(request, f"the answer cannot be read: {reason}"))
