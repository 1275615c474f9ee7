"""An AMQP 1.0 message as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

__all__ = ["NO_PROPERTIES", "BodyValue", "CorrelationId", "Message"]

BodyValue = None | bool | int | float | str | bytes | UUID | list["BodyValue"] | dict[str, "BodyValue"]

#: The types that AMQP has for it: string, ulong, uuid, binary.
CorrelationId = str | int | UUID | bytes

NO_PROPERTIES: Mapping[str, BodyValue] = {}


@dataclass(frozen=True, slots=True)
class Message:
    """One message.

    Attributes:
        body: bytes for ``data``; any value for ``value``; None for ``none``.
        section: kind of the body section; ``sequence`` holds a list, for brokers that stumble over a list as value.
            Of several data or sequence sections the last one is read, as by qpidd (``qmf2.md`` 7, quirk 7).
        properties: application properties, text decoded where it is UTF-8.
        ttl: seconds to live from now, None when unlimited.
        message_id: as text, whatever type it had.
        correlation_id: of the type it had, because an answer must give it back unchanged.
        content_type: symbol as text, None when absent.
    """

    body: BodyValue = None
    section: Literal["data", "value", "sequence", "none"] = "data"
    subject: str = ""
    to: str | None = None
    reply_to: str | None = None
    correlation_id: CorrelationId | None = None
    content_type: str | None = None
    user_id: bytes | None = None
    ttl: float | None = None
    properties: Mapping[str, BodyValue] = field(default_factory=lambda: NO_PROPERTIES)
    message_id: str | None = None
