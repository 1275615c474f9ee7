"""Which sightings are shown: names with shell patterns, keys with topic patterns. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from matahari.bus import matcher
from matahari.tap.opcodes import HEARTBEAT
from matahari.tap.sighting import Sighting

__all__ = ["Filters", "key_filter"]


@dataclass(frozen=True, slots=True)
class Filters:
    """A sighting passes when every given kind of filter has one entry that fits.

    Attributes:
        agents: patterns of agents' names (``vendor:product:instance``), products, or ``host/product``.
        hosts: patterns of host names.
        opcodes: words.
        classes: patterns of ``Class`` or ``package:Class``.
        methods: patterns of method names; answers count for the method they answer.
        keys: topic patterns of routing keys.
        only_errors: exceptions, refusals and malformed messages.
        no_heartbeats: neither agents' heartbeats nor the heartbeat events of hosts.
    """

    agents: Sequence[str] = ()
    hosts: Sequence[str] = ()
    opcodes: Sequence[str] = ()
    classes: Sequence[str] = ()
    methods: Sequence[str] = ()
    keys: Sequence[Callable[[str], bool]] = ()
    only_errors: bool = False
    no_heartbeats: bool = False

    def admits(self, seen: Sighting) -> bool:
        """Whether the sighting is shown."""
        if self.only_errors and not seen.failed:
            return False
        if self.no_heartbeats and (
            seen.opcode == HEARTBEAT or (seen.opcode == "event" and seen.class_name == HEARTBEAT)
        ):
            return False
        agent = seen.agent
        names = () if agent is None else (agent.name, agent.product, agent.label)
        class_names = (seen.class_name, f"{seen.package}:{seen.class_name}") if seen.class_name else ()
        return (
            _fits(self.agents, names)
            and _fits(self.hosts, () if agent is None else (agent.host,))
            and (not self.opcodes or seen.opcode in self.opcodes)
            and _fits(self.classes, class_names)
            and _fits(self.methods, (seen.method,) if seen.method else ())
            and (not self.keys or any(fits(seen.delivery.key) for fits in self.keys))
        )


def key_filter(pattern: str) -> Callable[[str], bool]:
    """What fits a topic pattern: ``*`` is one word between dots, ``#`` none or more."""
    return matcher(pattern)


def _fits(patterns: Sequence[str], names: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for name in names for pattern in patterns)
