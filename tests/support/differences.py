"""What kind of message and whose a recorded one is, and in what ours are meant to differ from it.

The table is complete: a difference that is not in it is a fault, and one in it that does not occur any more is too.
"""

from __future__ import annotations

from tests.support.recorded import Recorded
from tests.support.shapes import ABSENT, Allowed

__all__ = ["ALLOWED", "KINDS", "SENDERS", "kind_of", "sender_of"]

# Kinds of messages: those of consoles and those of agents.
ASKED = ("locate request", "query", "call", "frame request")
ANSWERED = ("locate answer", "objects", "schema ids", "schema", "result", "exception", "frame answer")
TOLD = ("heartbeat", "event", "object indication")
KINDS = (*ASKED, *ANSWERED, *TOLD)

LIBQMF2, NATIVE, PYTHON, BROKER = "libqmf2 on 0-10", "libqmf2 on 1.0", "Python console", "broker"
VALUE, DATA = "Proton console, value", "Proton console, data"
SENDERS = (LIBQMF2, NATIVE, PYTHON, BROKER, VALUE, DATA)

_OPCODES = {
    "_agent_locate_request": "locate request",
    "_agent_locate_response": "locate answer",
    "_agent_heartbeat_indication": "heartbeat",
    "_query_request": "query",
    "_method_request": "call",
    "_method_response": "result",
    "_exception": "exception",
}
_CONTENTS = {
    ("_query_response", "_data"): "objects",
    ("_query_response", "_schema_id"): "schema ids",
    ("_query_response", "_schema"): "schema",
    ("_data_indication", "_event"): "event",
    ("_data_indication", "_data"): "object indication",
}


def kind_of(item: Recorded) -> str:
    """Return one of ``KINDS``."""
    if item.stated.frames:
        return "frame request" if str(item.stated.frames[0]["opcode"]).isupper() else "frame answer"
    opcode, content = item.said("qmf.opcode") or "", item.said("qmf.content") or ""
    return _OPCODES.get(opcode) or _CONTENTS[opcode, content]


def sender_of(item: Recorded) -> str:
    """Return one of ``SENDERS``."""
    agent, reply_to = item.said("qmf.agent") or "", item.property("reply-to") or ""
    if agent == "broker" or agent.startswith("apache.org:qpidd:"):
        return BROKER
    if reply_to.startswith(("qmf.default.direct/qmfc-v2-", "amq.direct/reply-")):
        return PYTHON
    if item.stated.header["priority"].value == 4:
        return DATA if item.native else VALUE
    return NATIVE if item.native else LIBQMF2


_V2 = tuple(kind for kind in KINDS if not kind.startswith("frame"))
_TEXTUAL = ("query", "call", "locate answer", "objects", "schema ids", "schema", "result", "exception")
_AGENTS = (LIBQMF2, NATIVE)
_INTEGER = "byte|short|int|ubyte|ushort|uint|ulong"
_OF_LIBQMF2 = tuple(kind for kind in KINDS if kind not in ("frame request", "object indication"))

ALLOWED: tuple[Allowed, ...] = (
    # -- what qpidd adds on the way, and what it cannot carry
    Allowed("header/durable", "boolean", ABSENT, KINDS, SENDERS, "the header is the broker's (README)"),
    Allowed("header/priority", "ubyte", ABSENT, KINDS, SENDERS, "the header is the broker's (README)"),
    Allowed("header/first-acquirer", "boolean", ABSENT, KINDS, SENDERS, "the header is the broker's (README)"),
    Allowed(
        "properties/to", "string", ABSENT, KINDS, (LIBQMF2, PYTHON, BROKER), "the exchange, set by translation (1.5)"
    ),
    Allowed("section", "amqp-value", "data", _V2, (LIBQMF2, PYTHON, BROKER, VALUE), "form B, which all can read (1.6)"),
    Allowed(
        "application/x-amqp-0-10.app-id", ABSENT, "string", (*_V2[:3], *TOLD), (PYTHON, BROKER),
        "0-10's own field is lost in translation; without it libqmf2 drops what it gets (1.5)",
    ),
    # -- what libqmf2 sends and others need not
    Allowed("application/qpid.subject", "string", ABSENT, _OF_LIBQMF2, (LIBQMF2,), "made by libqpidmessaging (1.5)"),
    Allowed("application/*", "binary", "string", _OF_LIBQMF2, (LIBQMF2,), "text is sent as text (1.7)"),
    Allowed("properties/user-id", "binary", ABSENT, _OF_LIBQMF2, _AGENTS, "left unset it is always accepted (1.8)"),
    # -- what we send more
    Allowed("application/method", ABSENT, "string", _V2[:3], (PYTHON,), "recommended, no reader needs it (1.5, 6.2.7)"),
    Allowed("properties/content-type", ABSENT, "symbol", _V2[:3], (VALUE,), "libqmf2 agents need it (1.5, 3.1)"),
    Allowed(
        "properties/correlation-id", ABSENT, "string", ("locate answer",), _AGENTS,
        "what came is echoed; libqmf2 returns none for locate (3.1)",
    ),
    Allowed(
        "properties/correlation-id", "='*'", "='0'", ("locate request",), (LIBQMF2, NATIVE, VALUE, DATA),
        "decimal for all peers, and never the number of a request (1.8)",
    ),
    Allowed(
        "properties/correlation-id", ABSENT, "string", ("locate request",), (PYTHON,), "as before (1.8)"
    ),
    Allowed("header/ttl", ABSENT, "uint", ("heartbeat",), _AGENTS, "twice the interval, as from the broker (3.2)"),
    Allowed("header/ttl", "=19998", "=20000", ("heartbeat",), (BROKER,), "what remained at delivery (1.5)"),
    Allowed(
        "body/_schema_id/_type", ABSENT, "string", ("query",), (PYTHON, VALUE), "libqmf2 needs it initialised (2.3)"
    ),
    # -- exceptions
    Allowed(
        "body/_values/error_code", ABSENT, "uint", ("exception",), _AGENTS, "Python consoles show only this (3.7)"
    ),
    Allowed(
        "body/_values/error_code", ABSENT, "long", ("exception",), (LIBQMF2,), "the same in an answer in form A (1.7)"
    ),
    Allowed("body/_values/error_code", "uint", "long", ("exception",), (LIBQMF2,), "in an answer in form A (1.7)"),
    Allowed("body/_values/error_text", ABSENT, "string", ("exception",), _AGENTS, "and this (3.7)"),
    Allowed("body/_values/kind", ABSENT, "string", ("exception",), (LIBQMF2,), "a word for our own consoles (3.7)"),
    # -- types in bodies
    Allowed("body/*", "binary", "string", (*_TEXTUAL, *TOLD), (LIBQMF2, NATIVE, BROKER), "text is sent as text (1.7)"),
    Allowed(
        "body/*/_values/*", _INTEGER, "long", ("objects", "event", "object indication"), (LIBQMF2, NATIVE, BROKER),
        "integers in the plainest type, compared by value (1.7, 5)",
    ),
    Allowed(
        "body/_values/*", "uint", "long", ("locate answer", "heartbeat"), _AGENTS, "attributes of the application (1.7)"
    ),
    Allowed("body/_arguments/*", _INTEGER, "long", ("call", "result"), _AGENTS, "integers in the plainest type (1.7, 5)"),
    Allowed(
        "body/*", "float", "double", ("objects", "call", "result"), _AGENTS, "fractions in the widest type (1.7, 5)"
    ),
    Allowed("body/*/_severity", "int|ubyte", "long", ("event",), (LIBQMF2, NATIVE, BROKER), "any width is read (1.7)"),
    Allowed(
        "body/_object_id/_agent_epoch", "long", "uint", ("call",), (PYTHON, VALUE, DATA), "as libqmf2 has it (1.7, 2.2)"
    ),
    Allowed(
        "body/*/_object_id/_agent_epoch", "uint", "long", ("objects",), (LIBQMF2,), "in an answer in form A (1.7)"
    ),
    Allowed("body/*/_agent_epoch", "ulong", "uint", ("object indication",), (BROKER,), "as libqmf2 has it (1.7, 2.2)"),
    # -- what the broker's agent lacks
    Allowed(
        "body/*/_object_id/_agent_name", ABSENT, "string", ("object indication",), (BROKER,), "omitted there (2.2)"
    ),
    Allowed("body/_values/_epoch", "ushort", "uint", ("heartbeat",), (BROKER,), "as libqmf2 has it (1.7, 2.1)"),
    Allowed(
        "body/_values/_heartbeat_interval", "ushort", "uint", ("heartbeat",), (BROKER,), "as libqmf2 has it (1.7, 2.1)"
    ),
    Allowed("body/_values/_direct_subject", ABSENT, "string", ("heartbeat",), (BROKER,), "it has none (2.1)"),
    Allowed("body/_values/_schema_updated", ABSENT, "ulong", ("heartbeat",), (BROKER,), "it has none (2.1, 3.11)"),
    Allowed("body/_values/qmf.agent_capability", ABSENT, "uint", ("heartbeat",), (BROKER,), "it has none (2.1)"),
    # -- subjects
    Allowed(
        "properties/subject", "='agent.ind.*'", "='agent.ind.*'", ("heartbeat", "event"), _AGENTS,
        "the broker's form, which alone matches the Python console's filters (3.2, 3.8)",
    ),
    # -- parts
    Allowed("application/partial", "null", "boolean", ("objects",), _AGENTS, "counts by its presence (3.4)"),
    Allowed("application/partial", "=None", "=True", ("objects",), _AGENTS, "counts by its presence (3.4)"),
    # -- QMFv1
    Allowed("frame/*", "binary", "string", ("frame answer",), (LIBQMF2,), "breaks a Python 3 console (4.7)"),
    Allowed(
        "properties/content-type", "=''", "='x-application/qmf'", ("frame answer",), (LIBQMF2,), "as in requests (3.12)"
    ),
)  # fmt: skip
