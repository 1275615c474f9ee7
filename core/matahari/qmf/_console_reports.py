"""Reports of a console's calls: who asked for them, in which order they come, and which were lost.

Reports of one call come in order from its agent, or not at all: a broker drops what a slow console does not take, and
an agent what it cannot send. So each higher number counts, what is not above the last one is a repetition, and a gap is
told as a loss.
"""

from __future__ import annotations

from collections import deque

from matahari.errors import RemoteProtocolError
from matahari.qmf._requests import Request, RequestTable, number_in
from matahari.qmf.agent_info import is_same_agent
from matahari.qmf.console_events import CallReported, EngineEvent
from matahari.qmf.packet import Packet
from matahari.qmf.reports import Report, read_count, read_reports
from matahari.qmf.values import Value


class Reports:
    """See the module.

    Args:
        events: where what has happened is put; ``limit`` are the most that may wait there.
    """

    def __init__(self, requests: RequestTable, events: deque[EngineEvent], limit: int) -> None:
        self._requests = requests
        self._events = events
        self._limit = limit

    def receive(self, packet: Packet) -> bool:
        """Take a message of reports; False when nobody wants it, or it cannot be read."""
        request = self._requests.find(number_in(packet.correlation_id))
        if request is None or request.reports is None or not is_same_agent(request.agent, packet.agent):
            return False
        if len(self._events) >= self._limit:
            return False  # the next one shows the gap
        try:
            numbered = read_reports(packet.body)
        except RemoteProtocolError:
            return False
        reports: list[Report] = []
        missed = 0
        for number, report in numbered:
            if number <= request.reports:
                continue
            missed += number - request.reports - 1
            request.reports = number
            if report is None:
                missed += 1
            else:
                reports.append(report)
        if reports or missed:
            self._events.append(CallReported(request.number, request.agent, reports, missed))
        return True

    def finish(self, request: Request, body: Value) -> None:
        """The answer has come: tell of what was lost before it."""
        count = read_count(body)
        if request.reports is not None and count is not None and count > request.reports:
            missed = count - request.reports
            self._events.append(CallReported(request.number, request.agent, [], missed))
