"""Who an agent says it is, and the subjects under which it speaks."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Final

from matahari.qmf.codec import encode_map
from matahari.qmf.data import DEFAULT_SEVERITY, Data
from matahari.qmf.packet import (
    AGENT_HEARTBEAT_INDICATION,
    CONTENT_DATA,
    CONTENT_EVENT,
    DATA_INDICATION,
    Packet,
    Publish,
)
from matahari.qmf.schema import Schema, SchemaId
from matahari.qmf.values import UInt, ULong, Value

#: Longest agent name: it is a routing key (255 bytes) and part of an event's subject.
MAX_AGENT_NAME_BYTES: Final = 200

_SEVERITY_WORDS: Final = ("emerg", "alert", "crit", "error", "warn", "note", "info", "debug")
_SUBJECT_SPACE: Final = uuid.UUID("5b0f3f1c-6f0e-5a53-9a55-2f3f5c1b7d10")


class Announcement:
    """An agent's attributes, and the indications that go to everybody.

    Subjects have the form of the broker's own agent, dots within a part replaced, because the Python console's
    selective bindings match no other (qmf2.md 3.2, 3.8 and 3.9).

    Attributes:
        name: ``vendor:product:instance``.
        direct_subject: key on the topic exchange for requests to this agent.
        attributes: what does not change while the agent runs; locate requests are matched against these, without
            times and epochs, as at a libqmf2 agent (qmf2.md 2.7).
        interval: seconds between heartbeats.
        spread: 0 to 1, differing from agent to agent: when to do what a whole fleet is made to do at once.
    """

    def __init__(
        self,
        *,
        vendor: str,
        product: str,
        instance: str,
        attributes: Mapping[str, Value],
        interval: int,
        epoch: int,
        direct_subject: str | None,
    ) -> None:
        """Check and remember; arguments as for ``AgentEngine``.

        Raises:
            ValueError: a name or the interval cannot be used.
            SchemaError: an attribute has no encoding.
        """
        if ":" in vendor or ":" in product:
            raise ValueError("vendor and product must not contain a colon")
        if not instance:
            raise ValueError("an agent needs an instance")
        if interval < 1:
            raise ValueError("the heartbeat interval is at least 1 second")
        self.name: Final = f"{vendor}:{product}:{instance}"
        if len(self.name.encode()) > MAX_AGENT_NAME_BYTES:
            raise ValueError(f"an agent name has at most {MAX_AGENT_NAME_BYTES} bytes")
        self.direct_subject: Final = direct_subject or f"direct-agent.route.{uuid.uuid5(_SUBJECT_SPACE, self.name)}"
        self.interval: Final = interval
        self.spread: Final = uuid.uuid5(_SUBJECT_SPACE, f"spread:{self.name}").int / 2**128
        self._epoch = epoch
        self._schema_updated = 0
        self._tail = ".".join(_word(part) for part in (vendor, product, instance))
        own: dict[str, Value] = {
            "_vendor": vendor,
            "_product": product,
            "_instance": instance,
            "_name": self.name,
            "_direct_subject": self.direct_subject,
            "qmf.agent_capability": UInt(1),
        }
        self.attributes: Final[dict[str, Value]] = {**attributes, **own}
        encode_map(self.attributes)  # raises now rather than at the first heartbeat

    def start(self, wall_ns: int) -> None:
        """Be ready to announce: ``_schema_updated`` must be there from the first time on (qmf2.md 3.11)."""
        self._schema_updated = self._schema_updated or wall_ns

    def schema_changed(self, wall_ns: int) -> None:
        """Move ``_schema_updated`` on, even when the clock was set back."""
        self._schema_updated = max(wall_ns, self._schema_updated + 1)

    def values(self, wall_ns: int) -> dict[str, Value]:
        """Return all attributes, as heartbeats and answers to locate requests have them."""
        return self.attributes | {
            "_timestamp": ULong(wall_ns),
            "_heartbeat_interval": UInt(self.interval),
            "_epoch": UInt(self._epoch),
            "_schema_updated": ULong(self._schema_updated),
        }

    def heartbeat(self, wall_ns: int) -> Publish:
        """Return the heartbeat; the broker may forget it when the next but one is due."""
        packet = Packet(
            AGENT_HEARTBEAT_INDICATION,
            {"_values": self.values(wall_ns)},
            agent=self.name,
            method="indication",
            ttl=2.0 * self.interval,
        )
        return Publish(f"agent.ind.heartbeat.{self._tail}", packet)

    def event(self, schema: Schema, values: Mapping[str, Value], severity: int | None, wall_ns: int) -> Publish:
        """Return an event; ValueError unless the severity is 0 to 7, or None for the schema's."""
        if severity is None:
            severity = DEFAULT_SEVERITY if schema.default_severity is None else schema.default_severity
        if not 0 <= severity <= 7:
            raise ValueError("a severity is 0 to 7")
        data = Data(values, schema_id=schema.id, severity=severity, timestamp_ns=wall_ns)
        key = f"agent.ind.event.{_class_words(schema.id)}.{_SEVERITY_WORDS[severity]}.{self._tail}"
        return Publish(key, self._indication([data.to_map()], CONTENT_EVENT))

    def objects(self, schema_id: SchemaId, items: list[Value]) -> Publish:
        """Return the indication of objects of one class."""
        return Publish(f"agent.ind.data.{_class_words(schema_id)}.{self._tail}", self._indication(items, CONTENT_DATA))

    def _indication(self, items: list[Value], content: str) -> Packet:
        return Packet(DATA_INDICATION, items, content=content, agent=self.name, method="indication")


def _class_words(schema_id: SchemaId) -> str:
    return f"{_word(schema_id.package)}.{_word(schema_id.name)}"


def _word(part: str) -> str:
    return part.replace(".", "_")
