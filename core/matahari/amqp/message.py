"""AMQP 1.0 messages as values: what we send and read. Proton's codec is asked where the shape is not the usual one.

The body keeps its section kind, because QMF tells its two forms apart by it: ``data`` holds bytes in
the AMQP 0-10 encoding, ``value`` holds a map or list in AMQP 1.0's own types.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast
from uuid import UUID

import proton

from matahari.amqp._direct import decode_directly, encode_directly
from matahari.amqp._strict import check_values
from matahari.amqp.envelope import read_envelope
from matahari.amqp.values import NO_PROPERTIES, BodyValue, CorrelationId, Message
from matahari.errors import RemoteProtocolError, SchemaError

__all__ = ["BodyValue", "CorrelationId", "Message", "decode_message", "encode_message"]

_MAX_VALUE_DEPTH = 64  # deeper nesting than any real QMF body; proton itself recurses
_TEXT = frozenset((str,))
_INT64_MIN, _INT64_MAX, _UINT64_MAX = -(1 << 63), (1 << 63) - 1, (1 << 64) - 1


def encode_message(message: Message) -> bytes:
    """The message's sections as bytes.

    Raises:
        SchemaError: the body or a property holds what AMQP cannot carry.
    """
    encoded = encode_directly(message)
    return encode_by_proton(message) if encoded is None else encoded


def decode_message(data: bytes) -> Message:
    """Read one delivery's bytes.

    Raises:
        RemoteProtocolError: not a valid AMQP 1.0 message.
    """
    message = decode_directly(data)
    return decode_by_proton(data) if message is None else message


def encode_by_proton(message: Message) -> bytes:
    """:func:`encode_message` for any shape."""
    out = proton.Message()
    out.subject = message.subject
    if message.to is not None:
        out.address = message.to
    if message.reply_to is not None:
        out.reply_to = message.reply_to
    if message.message_id is not None:
        out.id = message.message_id
    if message.correlation_id is not None:
        out.correlation_id = message.correlation_id
    if message.content_type is not None:
        out.content_type = proton.symbol(message.content_type)
    if message.user_id is not None:
        out.user_id = message.user_id
    if message.ttl is not None:
        out.ttl = message.ttl
    if message.properties:
        properties: object = dict(message.properties)
        if not _TEXT.issuperset(map(type, message.properties.values())):
            properties = _encodable(message.properties, 0)
        out.properties = cast(None, properties)  # proton declares None alone
    if message.section != "none":
        out.inferred = message.section != "value"
        # proton's own type for any value of its table is narrower than the table
        out.body = cast(bytes, message.body if message.section == "data" else _encodable(message.body, 0))
    try:
        return bytes(out.encode())
    except (proton.ProtonException, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise SchemaError(f"the message cannot be encoded as AMQP: {error}") from error


def decode_by_proton(data: bytes) -> Message:
    """:func:`decode_message` for any shape."""
    raw = proton.Message()
    try:
        raw.decode(data)
        body = raw.body
        if body is None:
            read_envelope(data)  # proton takes what is cut off or no message at all for one without a body
        section = _section(body, raw.inferred)
        identity, correlation = raw.id, raw.correlation_id
        properties = cast("dict[object, object]", raw.properties) or {}
        if section in ("value", "sequence") or not _TEXT.issuperset(map(type, properties.values())):
            check_values(data)  # what is text throughout cannot have been misread
        subject = raw.subject
        message = Message(
            body=_plain(body, 0),
            section=section,
            subject=subject or "",
            to=raw.address,
            reply_to=raw.reply_to,
            correlation_id=None if correlation is None else _correlation(correlation),
            content_type=_optional(raw.content_type),
            user_id=bytes(raw.user_id) or None,
            ttl=raw.ttl or None,
            properties=NO_PROPERTIES if not properties else {str(k): _property(v) for k, v in properties.items()},
            message_id=None if identity is None else _text(identity),
        )
    except RemoteProtocolError:
        raise
    # proton's data walk raises KeyError, struct errors and plain Exceptions for malformed values
    except Exception as error:
        raise RemoteProtocolError(f"not a valid AMQP message: {error}") from error
    return message


def _encodable(value: object, depth: int) -> object:
    """``value`` in types of proton's table, which knows no subclasses; integers above int64 go out as ulong."""
    kind = type(value)
    if value is None or kind is str or kind is bytes or kind is bool or kind is float or kind is UUID:
        return value
    if depth > _MAX_VALUE_DEPTH:
        raise SchemaError("values nested too deeply")
    if isinstance(value, int):
        if not _INT64_MIN <= value <= _UINT64_MAX:
            raise SchemaError(f"the number {value} has more than 64 bits")
        return proton.ulong(value) if value > _INT64_MAX else int(value)
    if isinstance(value, Mapping):
        return {str(key): _encodable(one, depth + 1) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(one, depth + 1) for one in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return float(value)
    raise SchemaError(f"AMQP has no type for {kind.__name__}")


def _section(body: object, inferred: bool) -> Literal["data", "value", "sequence", "none"]:
    if body is None:
        return "none"
    if inferred:
        return "data" if isinstance(body, bytes | memoryview) else "sequence"
    return "value"


def _optional(value: object) -> str | None:
    """Proton gives the symbol ``None`` for an absent content type."""
    text = str(value)
    return None if text in ("", "None") else text


def _text(value: object) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "replace")
    return str(value)


def _correlation(value: object) -> CorrelationId:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, UUID):
        return value
    return int(value) if isinstance(value, int) else str(value)


def _property(value: object) -> BodyValue:
    plain = _plain(value, 0)
    if isinstance(plain, bytes):
        try:
            return plain.decode()
        except UnicodeDecodeError:
            return plain
    return plain


def _plain(value: object, depth: int) -> BodyValue:
    """Proton's own types as plain Python ones."""
    if value is None or isinstance(value, bool | UUID):
        return value
    kind = type(value)
    if kind is str or kind is int or kind is float or kind is bytes:
        return cast(BodyValue, value)
    if depth > _MAX_VALUE_DEPTH:
        raise RemoteProtocolError("values nested too deeply")
    if isinstance(value, dict):
        return {_text(k): _plain(v, depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v, depth + 1) for v in value]
    if isinstance(value, proton.Array):
        return [_plain(v, depth + 1) for v in value.elements]
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, proton.Described):
        return _plain(value.value, depth + 1)
    return str(value)
