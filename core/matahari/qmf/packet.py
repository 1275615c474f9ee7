"""One QMF message apart from how a broker is addressed, and the commands by which an engine asks for one to be sent.

Mapping a packet to an AMQP message (headers, content type, reply address) is not done here.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from matahari.qmf.call_options import CallOptions
from matahari.qmf.values import UInt, Value

AGENT_LOCATE_REQUEST: Final = "_agent_locate_request"
AGENT_LOCATE_RESPONSE: Final = "_agent_locate_response"
AGENT_HEARTBEAT_INDICATION: Final = "_agent_heartbeat_indication"
QUERY_REQUEST: Final = "_query_request"
QUERY_RESPONSE: Final = "_query_response"
METHOD_REQUEST: Final = "_method_request"
METHOD_RESPONSE: Final = "_method_response"
# Between consoles and agents of ours alone: reports of a running call, and a caller that gives it up.
METHOD_INDICATION: Final = "_method_indication"
METHOD_CANCEL_INDICATION: Final = "_method_cancel_indication"
EXCEPTION: Final = "_exception"
DATA_INDICATION: Final = "_data_indication"
SUBSCRIBE_REQUEST: Final = "_subscribe_request"
SUBSCRIBE_RESPONSE: Final = "_subscribe_response"
SUBSCRIBE_REFRESH_INDICATION: Final = "_subscribe_refresh_indication"
SUBSCRIBE_CANCEL_INDICATION: Final = "_subscribe_cancel_indication"

CONTENT_DATA: Final = "_data"
CONTENT_EVENT: Final = "_event"
CONTENT_SCHEMA: Final = "_schema"
CONTENT_SCHEMA_ID: Final = "_schema_id"

#: Key on the topic exchange that every agent listens to.
LOCATE_KEY: Final = "console.request.agent_locate"

#: ``error_code`` values of an exception (qmf2.md 3.7).
CODE_UNKNOWN_OBJECT: Final = 1
CODE_NOT_IMPLEMENTED: Final = 3
CODE_INVALID_PARAMETER: Final = 4
CODE_EXCEPTION: Final = 7


#: What a native AMQP 1.0 peer may number its requests with; from AMQP 0-10 it is always text.
CorrelationId: TypeAlias = str | int | uuid.UUID | bytes


@dataclass(frozen=True, slots=True)
class Packet:
    """A QMF message.

    Attributes:
        opcode: ``qmf.opcode``; empty for a QMFv1 frame, whose ``body`` is then bytes.
        body: map, list, None (no body) or the bytes of a QMFv1 frame.
        content: ``qmf.content``, what a list holds.
        agent: ``qmf.agent``, name of the sending agent.
        correlation_id: as received or to be sent; decimal text in all requests of ours, and what came in an answer.
        reply_to: where the answer goes, ``exchange/key`` or a queue.
        subject: key under which a received message came; empty in what engines send (the command has the key).
        partial: more parts of this answer follow (by presence on the wire).
        method: ``request``, ``response`` or ``indication``; None when the sender left it out.
        user_id: the sender's identity as stamped by the broker, None when there is none.
        ttl: seconds after which the broker may forget the message.
        form_a: came as an amqp-value body without content type; an answer may have the same form (qmf2.md 1.6).
    """

    opcode: str
    body: Value = None
    content: str | None = None
    agent: str | None = None
    correlation_id: CorrelationId | None = None
    reply_to: str | None = None
    subject: str = ""
    partial: bool = False
    method: str | None = None
    user_id: str | None = None
    ttl: float | None = None
    form_a: bool = False


@dataclass(frozen=True, slots=True)
class Publish:
    """Send ``packet`` to the topic exchange under ``key``."""

    key: str
    packet: Packet


@dataclass(frozen=True, slots=True)
class Direct:
    """Send ``packet`` to the direct exchange under ``key``."""

    key: str
    packet: Packet


@dataclass(frozen=True, slots=True)
class Reply:
    """Send ``packet`` to the reply address of a request, as it was given there."""

    reply_to: str
    packet: Packet


@dataclass(frozen=True, slots=True)
class Invoke:
    """Run a method and answer with ``AgentEngine.complete`` or ``fail`` under the number ``call``.

    Attributes:
        object_name: None when the request names no object (a method of the agent itself).
        arguments: by name; text of arguments that the schema calls strings is decoded, all else is as received.
        user_id: the caller as stamped by the broker; only an authenticating broker makes it trustworthy.
        options: what the caller wants beside the answer; None when it did not say.
    """

    call: int
    object_name: str | None
    method: str
    arguments: dict[str, Value]
    user_id: str | None
    options: CallOptions | None = None


@dataclass(frozen=True, slots=True)
class CancelCall:
    """The caller has given a call up: end it soon, and answer it with an exception of the kind ``cancelled``."""

    call: int


@dataclass(frozen=True, slots=True)
class CallRefused:
    """A method request that was no call for the application, which it may want to write down; it is answered already.

    Attributes:
        object_name, method: as far as they can be read, and their beginnings alone; else empty.
        user_id: as of :class:`Invoke`.
        kind: why, as a word: ``malformed``, ``invalid_argument``, ``unknown_object``, ``busy``, ``stopping``, or
            ``no_reply_to`` when there is none and so no answer.
    """

    object_name: str
    method: str
    user_id: str | None
    kind: str


Command: TypeAlias = Publish | Direct | Reply | Invoke | CancelCall


def as_exception(packet: Packet, text: str, *, code: int = CODE_EXCEPTION) -> Packet:
    """Make of an answer that cannot be sent (too large, a value without encoding) the exception to send instead."""
    body: Value = {"_values": {"error_code": UInt(code), "error_text": text}}
    return replace(packet, opcode=EXCEPTION, body=body, content=CONTENT_DATA, partial=False)
