"""AMQP 1.0 by Apache Qpid Proton: the only room that imports it. No sockets and no clock here."""

from matahari.amqp.engine import Engine, tls_available
from matahari.amqp.envelope import Envelope, read_envelope, with_ttl, with_user_id
from matahari.amqp.events import (
    Closed,
    CreditGiven,
    Event,
    LinkClosed,
    LinkOpened,
    LinkRequested,
    Opened,
    Received,
    SessionClosed,
    Terminus,
)
from matahari.amqp.filters import BINDING_KEY_CODES, BINDING_KEY_NAMES, DIRECT_BINDING, SELECTOR, TOPIC_BINDING
from matahari.amqp.link import Link
from matahari.amqp.message import BodyValue, Message, decode_message, encode_message
from matahari.amqp.options import MAX_FRAME, MAX_MESSAGE, EngineOptions
from matahari.amqp.session import Session

__all__ = [
    "BINDING_KEY_CODES",
    "BINDING_KEY_NAMES",
    "DIRECT_BINDING",
    "MAX_FRAME",
    "MAX_MESSAGE",
    "SELECTOR",
    "TOPIC_BINDING",
    "BodyValue",
    "Closed",
    "CreditGiven",
    "Engine",
    "EngineOptions",
    "Envelope",
    "Event",
    "Link",
    "LinkClosed",
    "LinkOpened",
    "LinkRequested",
    "Message",
    "Opened",
    "Received",
    "Session",
    "SessionClosed",
    "Terminus",
    "decode_message",
    "encode_message",
    "read_envelope",
    "tls_available",
    "with_ttl",
    "with_user_id",
]
