"""QMF packets as AMQP messages and back (``qmf2.md`` 1.5 and 1.6).

Sent in form B: one ``data`` section in the AMQP 0-10 encoding, with ``x-amqp-0-10.app-id``. Read in both forms, told
apart by the section's kind and never by the content type.
"""

from __future__ import annotations

from typing import Literal, cast

from matahari.amqp import BodyValue, Message
from matahari.errors import RemoteProtocolError
from matahari.qmf import Packet, Value, decode_list, decode_map, encode_list, encode_map

__all__ = ["message_of", "packet_of"]

_APP_ID = "x-amqp-0-10.app-id"
_MAP, _LIST = "amqp/map", "amqp/list"
_QMF1_START = b"AM2"


def message_of(packet: Packet, subject: str, to: str | None = None) -> Message:
    """The message that carries ``packet`` under the routing key ``subject``.

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
    section: Literal["data", "value", "none"] = "data"
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
        section = "value"
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
    user_id = message.user_id
    return Packet(
        opcode=opcode,
        body=decoded,
        content=_text(properties.get("qmf.content")),
        agent=_text(properties.get("qmf.agent")),
        correlation_id=message.correlation_id,
        reply_to=message.reply_to,
        subject=message.subject,
        partial="partial" in properties,
        method=_text(properties.get("method")),
        user_id=None if user_id is None else user_id.decode("utf-8", "replace"),
        ttl=message.ttl,
        form_a=message.section == "value" and not content_type,
    )


def _text(value: BodyValue) -> str | None:
    """Text of a property; values that are no text count as absent."""
    return value if isinstance(value, str) else None


def _plain(value: Value) -> BodyValue:
    """``value`` for AMQP 1.0's own types: integers of given width become plain ones, which go out as long."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    return value
