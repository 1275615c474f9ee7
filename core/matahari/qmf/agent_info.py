"""What a console knows of an agent, read from its heartbeats and answers to locate requests.

Source: qmf2.md 2.1, 3.1, 3.2 and 3.11
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from matahari.errors import RemoteProtocolError
from matahari.qmf.packet import Packet
from matahari.qmf.values import Value, decode_text, estimate_size, integer, text

#: Longest agent name accepted: it is used as a routing key, which has at most 255 bytes.
MAX_AGENT_NAME_BYTES: Final = 255
#: Most bytes of attributes, as estimated. Real ones have under 1 KiB; times the most agents this bounds the memory
#: that invented agents can take.
MAX_ATTRIBUTES_BYTES: Final = 8 * 1024
#: Ageing: intervals below are taken for this, as the Python console does ...
MIN_AGEING_INTERVAL: Final = 10
#: ... and intervals above for this, so that a flood of invented agents does not stay for ever.
MAX_AGEING_INTERVAL: Final = 3600
#: Seconds between heartbeats of an agent that does not say: libqmf2's default.
DEFAULT_INTERVAL: Final = 60
#: An agent is gone after so many intervals without any message.
AGEING_INTERVALS: Final = 3

#: Name by which the connected broker's own agent can be asked whatever its real name is.
BROKER_ALIAS: Final = "broker"
_BROKER_PREFIX: Final = "apache.org:qpidd:"


@dataclass(frozen=True, slots=True)
class AgentInfo:
    """An agent as of its latest announcement; changes come as new values.

    Attributes:
        name: ``vendor:product:instance``.
        attributes: all that was announced, with binary decoded to text.
        epoch: number of the agent's start, 0 when not said.
        heartbeat_interval: seconds; 0 means that it sends none.
        schema_updated: nanoseconds since 1970, 0 when not said.
        direct_subject: key on the topic exchange for requests; None means the name on the direct exchange.
        capability: 1 and more understands schema queries.
        last_seen: monotonic seconds of the announcement (other messages count for ageing, but are not noted here).
    """

    name: str
    vendor: str
    product: str
    instance: str
    attributes: Mapping[str, Value] = field(hash=False, default_factory=dict)
    epoch: int = 0
    heartbeat_interval: int = DEFAULT_INTERVAL
    schema_updated: int = 0
    direct_subject: str | None = None
    capability: int = 0
    last_seen: float = field(default=0.0, compare=False)

    @property
    def ageing_time(self) -> float | None:
        """Seconds without any message after which the agent is given up; None means never, as it sends no heartbeats."""
        if self.heartbeat_interval == 0:
            return None
        interval = min(max(self.heartbeat_interval, MIN_AGEING_INTERVAL), MAX_AGEING_INTERVAL)
        return float(AGEING_INTERVALS * interval)

    def differs_from(self, other: AgentInfo) -> bool:
        """Tell whether anything but the time of the announcement is different."""
        return self._timeless() != other._timeless()

    def _timeless(self) -> dict[str, Value]:
        return {name: value for name, value in self.attributes.items() if name != "_timestamp"}


def read_announcement(packet: Packet, now: float) -> AgentInfo:
    """Read a heartbeat or the answer to a locate request.

    Raises:
        RemoteProtocolError: no name, no map of attributes, or more of them than anybody needs.
    """
    body = packet.body
    values = body.get("_values") if isinstance(body, dict) else None
    if not isinstance(values, dict):
        raise RemoteProtocolError("no map of attributes", path="_values")
    if estimate_size(values, MAX_ATTRIBUTES_BYTES) > MAX_ATTRIBUTES_BYTES:
        raise RemoteProtocolError(f"more than {MAX_ATTRIBUTES_BYTES} bytes of attributes", path="_values")
    name = packet.agent or text(values.get("_name"))
    if not name or len(name.encode("utf-8", "replace")) > MAX_AGENT_NAME_BYTES:
        raise RemoteProtocolError("no agent name, or one that is too long", path="_name")
    vendor, product, instance = [*name.split(":", 2), "", ""][:3]
    return AgentInfo(
        name,
        _first_text(values.get("_vendor"), vendor),
        _first_text(values.get("_product"), product),
        _first_text(values.get("_instance"), instance),
        {key: decode_text(value) for key, value in values.items()},
        # The names without underscore are those of the first QMFv2 agents.
        integer(values.get("_epoch", values.get("epoch"))),
        _interval(values.get("_heartbeat_interval", values.get("heartbeat_interval"))),
        integer(values.get("_schema_updated")),
        _subject(values.get("_direct_subject")),
        integer(values.get("qmf.agent_capability")),
        now,
    )


def is_broker(agent: str) -> bool:
    """Tell whether a name is that of a broker's own agent, or its alias."""
    return agent == BROKER_ALIAS or agent.startswith(_BROKER_PREFIX)


def is_same_agent(asked: str, answering: str | None) -> bool:
    """Tell whether an answer comes from the agent asked; the broker's agent answers by its name or as ``broker``."""
    if asked == answering:
        return True
    if asked == BROKER_ALIAS:
        return answering is not None and answering.startswith(_BROKER_PREFIX)
    return answering == BROKER_ALIAS and asked.startswith(_BROKER_PREFIX)


def _interval(value: Value) -> int:
    interval = integer(value, DEFAULT_INTERVAL)
    return interval if interval >= 0 else DEFAULT_INTERVAL


def _first_text(value: Value, default: str) -> str:
    said = text(value)
    return default if said is None else said


def _subject(value: Value) -> str | None:
    """Return a usable routing key or None: wildcards and overlong keys would not lead to one agent."""
    said = text(value)
    if not said or len(said.encode("utf-8", "replace")) > MAX_AGENT_NAME_BYTES or "*" in said or "#" in said:
        return None
    return said
