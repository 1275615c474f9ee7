"""Who is who on the bus, learned from what agents announce, and what objects are of which class. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from matahari.qmf import Value, text

__all__ = ["MAX_NAME", "Agent", "Directory", "RecentMap", "console_label"]

MAX_AGENTS: Final = 10_000  # as many as a console knows; the one that was silent longest goes
MAX_OBJECTS: Final = 50_000  # five for each of these agents
MAX_NAME: Final = 255  # characters of one name; longer ones cannot be addressed, and a peer could fill our memory
_SHORT = 24  # characters of a name that nobody has a better name for
_CONSOLE_PREFIXES = ("direct-console.", "direct.", "console.")

K = TypeVar("K")
V = TypeVar("V")


class RecentMap(Generic[K, V]):
    """A dictionary that holds ``limit`` entries at most and forgets the one that was set longest ago."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """The value, or None."""
        return self._entries.get(key)

    def set(self, key: K, value: V) -> None:
        """Add or replace; the entry counts as new."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._limit:
            self._entries.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent as far as it is known; ``host`` and ``product`` are empty when it has not been heard."""

    name: str
    host: str = ""
    product: str = ""

    @property
    def label(self) -> str:
        """``host/product``, or the shortened name."""
        if self.host:
            return f"{self.host}/{self.product}" if self.product else self.host
        _, product, instance = [*self.name.split(":", 2), "", ""][:3]
        return _shortened(f"{product}:{instance[:8]}" if product and instance else self.name)


class Directory:
    """Agents by name and by the key of their own, and classes of objects."""

    def __init__(self) -> None:
        self._agents: RecentMap[str, Agent] = RecentMap(MAX_AGENTS)
        self._by_subject: RecentMap[str, str] = RecentMap(MAX_AGENTS)
        self._classes: RecentMap[tuple[str, str], tuple[str, str]] = RecentMap(MAX_OBJECTS)

    def __len__(self) -> int:
        return len(self._agents)

    def announced(self, name: str, attributes: Mapping[str, Value]) -> None:
        """Note what an agent says of itself in a heartbeat or an answer to a locate request."""
        name = name or text(attributes.get("_name")) or ""
        if not name or len(name) > MAX_NAME:
            return
        parts = name.split(":", 2)
        product = text(attributes.get("_product")) or (parts[1] if len(parts) > 1 else "")
        self._agents.set(name, Agent(name, (text(attributes.get("hostname")) or "")[:MAX_NAME], product[:MAX_NAME]))
        subject = text(attributes.get("_direct_subject"))
        if subject and len(subject) <= MAX_NAME:
            self._by_subject.set(subject, name)

    def agent(self, name: str) -> Agent:
        """The agent of this name, known or not."""
        return self._agents.get(name) or Agent(name, "", name.split(":", 2)[1] if name.count(":") >= 2 else "")

    def agent_of_key(self, key: str) -> str:
        """Name of the agent that owns a key: the key itself on the direct exchange; empty when nobody is known."""
        return self._by_subject.get(key) or (key if self._agents.get(key) is not None else "")

    def saw_object(self, agent: str, data: Value) -> None:
        """Note the class of an object in an answer or an indication."""
        if not isinstance(data, dict):
            return
        object_id, schema_id = data.get("_object_id"), data.get("_schema_id")
        if isinstance(object_id, dict) and isinstance(schema_id, dict):
            name = text(object_id.get("_object_name"))
            class_name = text(schema_id.get("_class_name"))
            package = text(schema_id.get("_package_name")) or ""
            owner = text(object_id.get("_agent_name")) or agent
            if name and class_name and max(map(len, (name, class_name, package, owner))) <= MAX_NAME:
                self._classes.set((owner, name), (package, class_name))

    def class_of(self, agent: str, object_name: str) -> tuple[str, str]:
        """Package and class of an object; empty when it was not seen."""
        return self._classes.get((agent, object_name)) or ("", "")


def console_label(key: str) -> str:
    """A console's reply key, shortened to what tells it from others."""
    for prefix in _CONSOLE_PREFIXES:
        if key.startswith(prefix):
            return f"console-{key[len(prefix) :][:8]}"
    if key.startswith("qmfc-v2-"):  # the Python console: host, process, number
        return _shortened(key.removeprefix("qmfc-v2-"))
    return _shortened(key)


def _shortened(name: str) -> str:
    return name if len(name) <= _SHORT else name[: _SHORT - 1] + "…"
