"""QMF packets as AMQP messages and back (``qmf2.md`` 1.5 and 1.6).

Sent in form B: one ``data`` section in the AMQP 0-10 encoding, with ``x-amqp-0-10.app-id``. Read in both forms, told
apart by the section's kind and never by the content type.
"""

from __future__ import annotations

from typing import Literal, cast

from matahari.amqp import MAX_MESSAGE, BodyValue, Message, encode_message
from matahari.bus.scheme import MAX_KEY, Out
from matahari.errors import RemoteProtocolError, SchemaError
from matahari.qmf import Packet, Value, decode_list, decode_map, encode_list, encode_map

__all__ = ["encode_packet", "message_of", "packet_of", "unread_request_of"]

_APP_ID = "x-amqp-0-10.app-id"
_MAP, _LIST = "amqp/map", "amqp/list"
_QMF1_START = b"AM2"
MAX_TEXT = 0xFFFF  # bytes of a text in AMQP 0-10
ENVELOPE_SLACK = 1024  # bytes that a broker may add to a message (a user-id) without making it too large


def encode_packet(packet: Packet, out: Out, *, lists_as_sequence: bool = False) -> bytes:
    """The bytes of the message that carries ``packet`` to ``out``.

    Raises:
        SchemaError: it cannot be encoded, or it or its key is above the size limit.
    """
    if len(out.subject) > MAX_KEY or (not out.subject.isascii() and len(out.subject.encode()) > MAX_KEY):
        raise SchemaError(f"the key {out.subject[:40]!r}… is above the limit of {MAX_KEY} bytes")
    data = encode_message(message_of(packet, out.subject, out.to, lists_as_sequence=lists_as_sequence))
    if len(data) > MAX_MESSAGE - ENVELOPE_SLACK:
        raise SchemaError(f"a message of {len(data)} bytes is above the limit of {MAX_MESSAGE - ENVELOPE_SLACK}")
    return data


def message_of(packet: Packet, subject: str, to: str | None = None, *, lists_as_sequence: bool = False) -> Message:
    """The message that carries ``packet`` under the routing key ``subject``.

    Args:
        lists_as_sequence: what would be a list in an ``amqp-value`` section goes as an ``amqp-sequence``
            (``brokers.md`` 3.2).

    Raises:
        SchemaError: the body holds a value that has no encoding.
    """
    body = packet.body
    properties: dict[str, BodyValue] = {}
    if packet.opcode:
        properties["qmf.opcode"] = packet.opcode
        properties[_APP_ID] = "qmf2"
    if packet.method is not None:
        properties["method"] = packet.method
    if packet.agent is not None:
        properties["qmf.agent"] = packet.agent
    if packet.content is not None:
        properties["qmf.content"] = packet.content
    if packet.partial:
        properties["partial"] = True
    content_type: str | None = None
    encoded: BodyValue
    section: Literal["data", "value", "sequence", "none"] = "data"
    if isinstance(body, dict):
        content_type = _MAP
        encoded = _plain(body) if packet.form_a else encode_map(body)
    elif isinstance(body, list):
        content_type = _LIST
        encoded = _plain(body) if packet.form_a else encode_list(body)
    elif isinstance(body, bytes):
        content_type = "x-application/qmf"
        encoded = body
    else:
        encoded = None
        section = "none"
    if packet.form_a and isinstance(body, dict | list):
        section = "sequence" if lists_as_sequence and isinstance(body, list) else "value"
    return Message(
        body=encoded,
        section=section,
        subject=subject,
        to=to,
        reply_to=packet.reply_to,
        correlation_id=packet.correlation_id,
        content_type=content_type,
        ttl=packet.ttl,
        properties=properties,
    )


def packet_of(message: Message) -> Packet:
    """The packet in ``message``.

    Raises:
        RemoteProtocolError: the body is not what its section or opcode promises.
    """
    properties = message.properties
    opcode = _text(properties.get("qmf.opcode")) or ""
    content_type = (message.content_type or "").lower()
    body = message.body
    decoded: Value
    if isinstance(body, bytes):
        if not opcode and body.startswith(_QMF1_START):
            decoded = body
        elif content_type == _LIST:
            decoded = decode_list(body)
        elif content_type == _MAP or opcode:
            decoded = decode_map(body)
        else:
            raise RemoteProtocolError("a binary body with neither an opcode nor a QMF content type")
    elif body is None or isinstance(body, dict | list):
        decoded = cast(Value, body)
    else:
        raise RemoteProtocolError(f"a body of type {type(body).__name__}; QMF has maps and lists")
    return _packet(message, opcode, decoded)


def unread_request_of(message: Message) -> Packet | None:
    """A request whose body cannot be read, as a packet with that body as it is; None for anything else.

    An agent refuses it, because whoever asked waits for an answer.
    """
    opcode = _text(message.properties.get("qmf.opcode")) or ""
    if not opcode.endswith("_request") or not message.reply_to:
        return None
    return _packet(message, opcode, message.body)


def _packet(message: Message, opcode: str, body: Value) -> Packet:
    properties, user_id = message.properties, message.user_id
    return Packet(
        opcode=opcode,
        body=body,
        content=_text(properties.get("qmf.content")),
        agent=_text(properties.get("qmf.agent")),
        correlation_id=message.correlation_id,
        reply_to=message.reply_to,
        subject=message.subject,
        partial="partial" in properties,
        method=_text(properties.get("method")),
        user_id=None if user_id is None else user_id.decode("utf-8", "replace"),
        ttl=message.ttl,
        form_a=message.section == "value" and not message.content_type,
    )


def _text(value: BodyValue) -> str | None:
    """Text of a property; values that are no text count as absent."""
    return value if isinstance(value, str) else None


def _plain(value: Value) -> BodyValue:
    """``value`` for AMQP 1.0's own types: integers of given width become plain ones, which go out as long.

    Text that AMQP 0-10 has no type for goes as binary: qpidd would close the connection over it (``qmf2.md`` 1.9).
    """
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and len(value) * 4 > MAX_TEXT and len(encoded := value.encode()) > MAX_TEXT:
        return encoded
    return value
