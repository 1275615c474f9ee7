"""What the tap receives from on each kind of broker, and what it cannot see there. Pure.

Our own broker shows everything on ``matahari.tap``. Elsewhere the topic exchange shows what is published; of the direct
exchange only those keys can be watched that are known: agents' names, as they announce themselves, and the reply keys
of requests that were seen. Not on every broker may they be: a second receiver of a key takes messages away on a
router, and it counts as the agent's presence on our own broker.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Literal

from matahari.bus import In, Scheme
from matahari.errors import LocalProtocolError
from matahari.tap.names import MAX_NAME
from matahari.tap.sighting import Sighting

__all__ = ["MAX_KEYS", "TAP_NODE", "KeyWatch", "Watch", "blind_spots", "first_watches"]

TAP_NODE: Final = "matahari.tap"
TOPIC, DIRECT, LEGACY = "qmf.default.topic", "qmf.default.direct", "amq.direct"
#: Keys of either sort that are watched at once. Each is a queue on the broker, which for RabbitMQ is a third of a
#: megabyte; of reply keys the one that was used longest ago makes room, of agents' names none does.
MAX_KEYS: Final = 200
_BROKER_AGENT = "apache.org:qpidd:"
_ANY = "any"  # a key to make an address with, of which the pattern for all keys is made

Role = Literal["tap", "topic", "direct", "own"]


@dataclass(frozen=True, slots=True)
class Watch:
    """One receiver.

    Attributes:
        node: exchange that its messages were published on; empty for the tap's, which tell it themselves.
        binding: key that it is bound with.
        is_essential: without it there is nothing to show.
    """

    role: Role
    wanted: In
    node: str
    binding: str
    is_essential: bool = False


def first_watches(scheme: Scheme, own_key: str, *, tap_refused: bool = False) -> list[Watch]:
    """The receivers to begin with, before any key is known."""
    if scheme.taps and not tap_refused:
        return [Watch("tap", In(TAP_NODE, {}), "", "", is_essential=True)]
    watches = [Watch("topic", wanted, TOPIC, "#", is_essential=True) for wanted in scheme.subscribe("#")]
    everything = _all_direct(scheme)
    if everything is not None:
        return [*watches, Watch("direct", everything, DIRECT, "#")]
    return [*watches, Watch("own", scheme.own(own_key), DIRECT, own_key)]


def blind_spots(scheme: Scheme, *, tap_refused: bool = False) -> str:
    """One line on what is not seen on this broker; empty when everything is."""
    if scheme.taps and not tap_refused:
        return ""
    match scheme.kind:
        case "matahari":
            reason = "this login may not use matahari.tap" if scheme.taps else "this broker offers no tap"
            return (
                f"{reason}: only what is published on {TOPIC} is seen, no calls by agents' names and no answers to them"
            )
        case "router":
            return (
                f"a router gives each direct message to one receiver: only what is published on {TOPIC} is seen, "
                "no calls by agents' names and no answers to them"
            )
        case "rabbitmq3" | "rabbitmq4":
            return (
                f"direct messages are seen only where {DIRECT} is a topic exchange (as in the recommended definitions); "
                "answers to queues of consoles' own are not"
            )
        case "artemis":
            return (
                "of direct messages only those to agents and reply keys that are known by then are seen; "
                "answers to queues of consoles' own are not"
            )
        case _:
            return (
                "of direct messages only those to agents and reply keys that are known by then are seen; requests to the "
                "broker's own agent and answers to queues of consoles' own are not"
            )


class KeyWatch:
    """Learns direct keys that are worth watching from what is seen, and keeps their number bounded.

    Attributes:
        left_out: agents that are not watched because there are too many.
    """

    def __init__(self, scheme: Scheme, own_key: str) -> None:
        self._scheme = scheme
        self._may_watch = scheme.kind not in ("matahari", "router") and _all_direct(scheme) is None
        self._own_key = own_key
        self._agents: set[str] = set()
        self._replies: OrderedDict[tuple[str, str], None] = OrderedDict()
        self.left_out = 0

    def learn(self, seen: Sighting) -> tuple[list[Watch], list[tuple[str, str]]]:
        """Receivers to add for what ``seen`` tells, and (node, key) of those to take away."""
        if not self._may_watch:
            return [], []
        added: list[Watch] = []
        removed: list[tuple[str, str]] = []
        agent = seen.agent
        if agent is not None and seen.opcode in ("located", "heartbeat") and agent.name not in self._agents:
            added += self._agent(agent.name)
        reply_to = seen.reading.packet.reply_to
        if reply_to:
            node, _, key = reply_to.partition("/")
            if node in (DIRECT, LEGACY) and key != self._own_key and len(key) <= MAX_NAME:
                added += self._reply(node, key, removed)
        return added, removed

    def _agent(self, name: str) -> list[Watch]:
        if name.startswith(_BROKER_AGENT):
            return []  # qpidd takes these messages out before they are routed
        if len(self._agents) >= MAX_KEYS:
            self.left_out += 1
            return []
        self._agents.add(name)
        return self._watch(DIRECT, name)

    def _reply(self, node: str, key: str, removed: list[tuple[str, str]]) -> list[Watch]:
        is_known = (node, key) in self._replies
        self._replies[node, key] = None
        self._replies.move_to_end((node, key))
        if is_known:
            return []
        if len(self._replies) > MAX_KEYS:
            removed.append(self._replies.popitem(last=False)[0])
        return self._watch(node, key)

    def _watch(self, node: str, key: str) -> list[Watch]:
        try:
            wanted = self._scheme.own(key) if node == DIRECT else self._scheme.legacy(key)
        except LocalProtocolError:
            return []  # no key that anybody could own
        return [] if wanted is None else [Watch("direct", wanted, node, key)]


def _all_direct(scheme: Scheme) -> In | None:
    """A receiver for the whole direct exchange, where that can be a topic exchange; None elsewhere."""
    own = scheme.own(_ANY)
    if scheme.kind == "rabbitmq3" and own.address is not None:
        return own._replace(address=own.address.removesuffix(_ANY) + "#")
    if scheme.kind == "rabbitmq4" and own.binding is not None:
        return own._replace(binding=own.binding._replace(key="#"))
    return None
