"""Words for what messages are, as lines, records and ``--opcode`` have them.

Source: qmf2.md 3 (QMFv2) and 3.12 (QMFv1)
"""

from __future__ import annotations

from typing import Final

from matahari import qmf

__all__ = [
    "ANSWERS",
    "ERRORS",
    "FOREIGN",
    "HEARTBEAT",
    "LEFT_OUT",
    "MALFORMED",
    "ON_THE_WAY",
    "REQUESTS",
    "WORDS",
    "word_of",
    "word_of_frame",
]

MALFORMED: Final = "malformed"
FOREIGN: Final = "foreign"  # no QMF message at all
OTHER: Final = "other"  # a QMF message of an opcode that nobody knows
LEFT_OUT: Final = "left-out"  # too large for the broker to show
HEARTBEAT: Final = "heartbeat"

_V2 = {
    qmf.AGENT_LOCATE_REQUEST: "locate",
    qmf.AGENT_LOCATE_RESPONSE: "located",
    qmf.AGENT_HEARTBEAT_INDICATION: HEARTBEAT,
    qmf.QUERY_REQUEST: "query",
    qmf.QUERY_RESPONSE: "objects",
    qmf.METHOD_REQUEST: "call",
    qmf.METHOD_RESPONSE: "result",
    qmf.METHOD_INDICATION: "report",
    qmf.METHOD_CANCEL_INDICATION: "end-call",
    qmf.EXCEPTION: "exception",
    qmf.DATA_INDICATION: "data",
    "_subscribe_request": "subscribe",
    "_subscribe_response": "subscribed",
    "_subscribe_refresh_indication": "refresh",
    "_subscribe_cancel_indication": "cancel",
}
_BY_CONTENT = {
    (qmf.QUERY_RESPONSE, qmf.CONTENT_SCHEMA): "schemas",
    (qmf.QUERY_RESPONSE, qmf.CONTENT_SCHEMA_ID): "classes",
    (qmf.DATA_INDICATION, qmf.CONTENT_EVENT): "event",
}
_V1 = {
    "S": "v1-schema-request",
    "s": "v1-schema",
    "B": "v1-broker-request",
    "b": "v1-broker",
    "P": "v1-package-request",
    "p": "v1-package",
    "Q": "v1-class-request",
    "q": "v1-class",
    "z": "v1-complete",
}
_V1_REQUESTS = [word for letter, word in _V1.items() if letter.isupper()]
_V1_ANSWERS = [word for letter, word in _V1.items() if letter.islower()]
_V1_OTHER = "v1-other"

#: All of them, in the order in which help lists them.
WORDS: Final = (*_V2.values(), *_BY_CONTENT.values(), *_V1.values(), _V1_OTHER, OTHER, FOREIGN, LEFT_OUT, MALFORMED)
#: What is said of a call that is under way; it neither begins nor ends anything.
ON_THE_WAY: Final = frozenset(("report", "end-call"))
REQUESTS: Final = frozenset(("locate", "query", "call", "subscribe", "refresh", "cancel", *_V1_REQUESTS))
ANSWERS: Final = frozenset(
    ("located", "objects", "schemas", "classes", "result", "exception", "subscribed", *_V1_ANSWERS)
)
ERRORS: Final = frozenset(("exception", MALFORMED))


def word_of(opcode: str, content: str | None) -> str:
    """The word for a QMFv2 message."""
    return _BY_CONTENT.get((opcode, content or "")) or _V2.get(opcode, OTHER)


def word_of_frame(opcode: str) -> str:
    """The word for a QMFv1 frame."""
    return _V1.get(opcode, _V1_OTHER)
