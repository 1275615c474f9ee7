"""What a fleet consists of, as plain values that travel to the processes of the fleet as JSON. Pure.

Names and UUIDs follow from a host's number, so that a fleet that is started again is the same fleet.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Final, TypeAlias

from matahari.errors import MatahariError
from matahari.facts import flatten
from matahari.hooks import JsonValue

from .rules import Rule, read_rule

__all__ = [
    "FACT_NUMBER",
    "MAX_HOSTS",
    "FactsOf",
    "FleetError",
    "HostPlan",
    "Plan",
    "divide",
    "dump_plan",
    "load_plan",
    "make_hosts",
    "uuid_of",
]

#: Consoles know 20,000 agents at most, and a host has two.
MAX_HOSTS: Final = 10_000
#: Name of the fact that every simulated host has: its number.
FACT_NUMBER: Final = "fleet.number"
_NAMESPACE: Final = uuid.UUID("7c0d6a2e-0a1e-5f55-9a60-3c8d5f0f6b51")

FactsOf: TypeAlias = Mapping[str, object] | Callable[[str, int], Mapping[str, object]]
"""Facts of the hosts. In a map a list or tuple is dealt out: the first host gets its first value, the next host the
next, and so on; a function is given name and number of a host."""


class FleetError(MatahariError):
    """A fleet could not be started, or one of its processes has ended."""

    code = "fleet"


@dataclass(frozen=True, slots=True)
class HostPlan:
    """One host.

    Attributes:
        number: from 1.
        facts, labels, classes: what its object ``Host`` tells.
    """

    name: str
    number: int
    facts: Mapping[str, JsonValue] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What one process of a fleet simulates.

    Attributes:
        broker: address, as text.
        agents: which of ``host`` and ``rpc`` each host has; each is a connection.
        plugins: name -> path of the file with its functions.
        heartbeat_interval: seconds between QMF heartbeats of an agent.
        update_interval: seconds between heartbeat events of a host, 0 for none.
    """

    broker: str
    hosts: tuple[HostPlan, ...]
    agents: tuple[str, ...] = ("host", "rpc")
    plugins: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    broker_kind: str = "auto"
    virtual_host: str = ""
    insecure_anonymous: bool = False
    heartbeat_interval: int = 60
    update_interval: int = 0

    @property
    def connections(self) -> int:
        """Connections to the broker, each of which is an open file."""
        return len(self.hosts) * len(self.agents)


def make_hosts(
    count: int,
    *,
    prefix: str = "host",
    facts: FactsOf | None = None,
    labels: Mapping[str, str] | None = None,
    classes: Iterable[str] = (),
) -> tuple[HostPlan, ...]:
    """Hosts ``host0001``, ``host0002``, …

    Args:
        prefix: of the names; two fleets on one broker need two.
        facts: see :data:`FactsOf`; maps in it are flattened to dotted names.
        labels, classes: the same on every host.

    Raises:
        ValueError: a count that is not from 1 to ``MAX_HOSTS``, or an empty list of values.
        SchemaError: facts that no host could have.
    """
    if not 1 <= count <= MAX_HOSTS:
        raise ValueError(f"a fleet has from 1 to {MAX_HOSTS} hosts, not {count}")
    width = max(4, len(str(count)))
    made = []
    for number in range(1, count + 1):
        name = f"{prefix}{number:0{width}}"
        told = flatten({FACT_NUMBER: number, **_facts(facts, name, number)})
        made.append(HostPlan(name, number, told, dict(labels or {}), tuple(sorted(set(classes)))))
    return tuple(made)


def _facts(facts: FactsOf | None, name: str, number: int) -> Mapping[str, object]:
    if facts is None:
        return {}
    if callable(facts):
        return facts(name, number)
    return {key: _dealt(key, value, number) for key, value in facts.items()}


def _dealt(key: str, value: object, number: int) -> object:
    if not isinstance(value, list | tuple):
        return value
    if not value:
        raise ValueError(f"the fact {key} has no values to be dealt out")
    found: object = value[(number - 1) % len(value)]
    return found


def uuid_of(host: str, what: str = "") -> str:
    """A UUID that always belongs to that host: its own, or that of ``what`` on it."""
    return str(uuid.uuid5(_NAMESPACE, f"{host}/{what}" if what else host))


def divide(plan: Plan, processes: int) -> list[Plan]:
    """The plan for each of so many processes; no more than there are hosts."""
    parts = min(processes, len(plan.hosts))
    return [replace(plan, hosts=plan.hosts[at::parts]) for at in range(parts)]


def dump_plan(plan: Plan) -> str:
    """The plan as one line of JSON."""
    return json.dumps(asdict(plan))


def load_plan(text: str) -> Plan:
    """What :func:`dump_plan` gave; the other end is a process of ours.

    Raises:
        ValueError, KeyError, TypeError: it is something else.
    """
    values = json.loads(text)
    hosts = tuple(HostPlan(**{**one, "classes": tuple(one["classes"])}) for one in values.pop("hosts"))
    rules = tuple(read_rule(one) for one in values.pop("rules"))
    return Plan(**{**values, "hosts": hosts, "rules": rules, "agents": tuple(values["agents"])})
