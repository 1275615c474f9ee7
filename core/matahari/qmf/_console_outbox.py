"""What a console has to send, and where each agent takes requests."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from matahari.errors import LocalProtocolError, SchemaError
from matahari.qmf._console_agents import AgentTable
from matahari.qmf._requests import MAX_PENDING_REQUESTS
from matahari.qmf.agent_info import BROKER_ALIAS, is_broker
from matahari.qmf.codec import encode_map
from matahari.qmf.packet import AGENT_LOCATE_REQUEST, LOCATE_KEY, METHOD_CANCEL_INDICATION, Direct, Packet, Publish
from matahari.qmf.values import Value

#: Most commands not yet fetched: a caller may open all its requests before it lets anything be sent.
MAX_QUEUED_COMMANDS: Final = MAX_PENDING_REQUESTS
#: Most bytes of a request to the broker's own agent, which drops larger ones without a word (quirk 12).
MAX_BROKER_REQUEST_BYTES: Final = 65_536
#: Correlation id of locate requests: decimal, as some peers insist, and never the number of a request.
LOCATE_CORRELATION: Final = "0"


class Outbox:
    """See the module.

    Args:
        reply_to: where answers are to go, ``exchange/key``.
    """

    def __init__(self, reply_to: str, agents: AgentTable) -> None:
        self._reply_to = reply_to
        self._agents = agents
        self._commands: deque[Publish | Direct] = deque()

    def take(self) -> Publish | Direct | None:
        """Return what is to be sent next, or None."""
        return self._commands.popleft() if self._commands else None

    def check(self, agent: str = "", body: dict[str, Value] | None = None) -> None:
        """Raise when a request cannot be sent: before it is opened, so that nothing has to be taken back.

        Raises:
            LocalProtocolError: the owner does not fetch what is to be sent.
            SchemaError: the broker's agent would not take a body of that size.
        """
        if len(self._commands) >= MAX_QUEUED_COMMANDS:
            raise LocalProtocolError("the commands of this engine are not being fetched")
        if body is not None and is_broker(agent) and len(encode_map(body)) > MAX_BROKER_REQUEST_BYTES:
            raise SchemaError(f"the broker's agent takes requests of {MAX_BROKER_REQUEST_BYTES} bytes at most")

    def locate(self, predicate: Sequence[Value]) -> None:
        """Ask all agents to announce themselves."""
        packet = self._packet(AGENT_LOCATE_REQUEST, list(predicate), LOCATE_CORRELATION)
        self._commands.append(Publish(LOCATE_KEY, packet))

    def request(self, agent: str, opcode: str, body: dict[str, Value], number: int) -> None:
        """Send a QMFv2 request to an agent."""
        self._send(agent, self._packet(opcode, body, str(number)))

    def cancel(self, agent: str, number: int) -> None:
        """Ask an agent to end a call. Sent even when the owner is late: each call is cancelled few times."""
        self._send(agent, replace(self._packet(METHOD_CANCEL_INDICATION, {}, str(number)), method="indication"))

    def frame(self, agent: str, frame: bytes) -> None:
        """Send a QMFv1 frame to an agent; to the broker's under its alias, where it is known to take frames."""
        self._send(BROKER_ALIAS if is_broker(agent) else agent, Packet("", frame, reply_to=self._reply_to))

    def _packet(self, opcode: str, body: Value, correlation_id: str) -> Packet:
        return Packet(opcode, body, correlation_id=correlation_id, reply_to=self._reply_to, method="request")

    def _send(self, agent: str, packet: Packet) -> None:
        info = self._agents.find(agent)
        if info is not None and info.direct_subject is not None:
            self._commands.append(Publish(info.direct_subject, packet))
        else:
            self._commands.append(Direct(agent, packet))
