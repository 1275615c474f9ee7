"""The console's state machine among peers that send anything: damaged captured messages, words in disorder, jumping clocks.

Nothing raises, nothing is kept for ever, every request is ended exactly once, and afterwards all works as before.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

from hypothesis import given

from matahari.qmf import (
    CallCompleted,
    CallOptions,
    CallReported,
    CancelCall,
    ClassesListed,
    ConsoleEngine,
    Invoke,
    ObjectId,
    OutputReport,
    Packet,
    PartialReport,
    ProgressReport,
    Query,
    QueryCompleted,
    QueryTarget,
    RequestAborted,
    RequestExpired,
    RequestFailed,
    SchemaFetched,
    SchemaId,
    SubscriptionEnded,
    SubscriptionFailed,
    v1,
)
from tests.support.broken_peers import FAR, NAME, STEPS, any_packet, fuzzed_agent, held, perhaps_spoiled
from tests.support.fuzzing import TIME_LIMIT, cases, seeds
from tests.support.qmf_talk import (
    DONE,
    REPLY_TO,
    THING,
    all_commands,
    an_agent,
    ask,
    encoded,
    events,
    off_the_wire,
    request,
    sent,
)

pytestmark = TIME_LIMIT

ENDS = (
    QueryCompleted, CallCompleted, SchemaFetched, ClassesListed, RequestFailed, RequestExpired, RequestAborted,
)  # fmt: skip
SUBSCRIPTION_ENDS = (SubscriptionFailed, SubscriptionEnded)
BROKER = "apache.org:qpidd:1"


def open_requests(console: ConsoleEngine) -> list[int]:
    """One of each kind of request, to an agent that may be known or not, and to the broker."""
    by_class = Query(QueryTarget.OBJECT, schema_id=SchemaId("org.example", "Thing"))
    return [
        console.query(NAME, by_class, 0.0, 5.0),
        console.call(NAME, ObjectId("", "thing-0"), "resize", {"to": 1}, 0.0, 300.0),
        console.call(NAME, ObjectId("", "thing-0"), "resize", {"to": 1}, 0.0, 300.0, options=CallOptions(True)),
        console.fetch_schema(NAME, THING.id, 0.0, 50.0),
        console.list_classes("broker", 0.0, 50.0),
        console.fetch_schema(BROKER, DONE.id, 0.0, 50.0),
        console.subscribe(NAME, by_class, 0.0, 5.0, interval=1.0, lifetime=10.0),
    ]


class Peer:
    """Answers what a console sends, as an agent of ours or as the broker's does."""

    def __init__(self) -> None:
        self._agent = fuzzed_agent()
        self.said: list[Packet] = []

    def hear(self, packet: Packet, key: str) -> None:
        """Take what a console has sent; ``said`` grows by what answers it."""
        if isinstance(packet.body, bytes) and key == "broker":
            self.said += [Packet("", body) for body in self._frames(v1.decode_frames(packet.body)[0])]
            return
        self._agent.receive(packet, 1.0, 20)
        self.step(1.0)

    def step(self, now: float) -> None:
        """Let time pass at the agent."""
        self._agent.handle_timeout(now, 30)
        for command in all_commands(self._agent):
            if isinstance(command, Invoke):
                self._agent.report(command.call, [OutputReport("x"), PartialReport("1")])
                self._agent.report(command.call, [ProgressReport(1, 2, "half")])
                self._agent.complete(command.call, {"old": 0})
                self.step(now)
            elif not isinstance(command, CancelCall):
                self.said.append(command.packet)

    def _frames(self, asked: v1.Frame) -> list[bytes]:
        number, done = asked.sequence, v1.encode_completion(asked.sequence, 0, "OK")
        if asked.opcode == "P":
            return [v1.encode_frame("p", number, b"\x0borg.example") + done]
        if asked.opcode == "S":
            return [v1.encode_schema(number, DONE)]
        assert THING.id.hash is not None
        return [v1.encode_frame("q", number, b"\x01\x0borg.example\x05Thing" + THING.id.hash.bytes), done]


@cases("a console among broken peers")
@given(seeds)
def test_a_console_ends_each_request_once_and_keeps_nothing(random: Random) -> None:
    console, peer, now = ConsoleEngine(reply_to=REPLY_TO), Peer(), 0.0
    if random.random() < 0.5:
        peer.step(60.0)
        console.receive(next(one for one in peer.said if "heartbeat" in one.opcode), 0.0)
    opened = open_requests(console)
    ended: Counter[int] = Counter()
    follow(console, ended, peer)
    for _ in range(random.randrange(1, 10)):
        choice = random.random()
        if choice < 0.5 and peer.said:
            console.receive(perhaps_spoiled(random, random.choice(peer.said)), now)
        elif choice < 0.8:
            packet = any_packet(random)
            if random.random() < 0.7:
                packet = aimed(random, packet, opened)
            console.receive(packet, now)
        elif choice < 0.95:
            now += random.choice(STEPS)
            console.handle_timeout(now)
            peer.step(now)
        elif choice < 0.97:
            console.cancel_call(random.choice(opened), now, random.choice(STEPS))
        else:
            console.agent_gone(random.choice((NAME, "broker", "other:x:2")), now)
        follow(console, ended, peer)
    while (due := console.next_deadline()) is not None and due < FAR:
        console.handle_timeout(due)
        follow(console, ended)
    assert ended == dict.fromkeys(opened, 1)
    found = console.statistics()
    assert (found["pending"], found["subscriptions"]) == (0, 0)
    works_again(console)


def aimed(random: Random, packet: Packet, opened: list[int]) -> Packet:
    """Make a packet look like an answer to something that was asked."""
    if isinstance(packet.body, bytes) and len(packet.body) > 8:
        number = random.choice(opened).to_bytes(4, "big")
        agent = random.choice((None, NAME, BROKER))
        return replace(packet, body=packet.body[:4] + number + packet.body[8:], agent=agent)
    return replace(packet, correlation_id=str(random.choice(opened)), agent=random.choice((NAME, "broker", BROKER)))


def follow(console: ConsoleEngine, ended: Counter[int], peer: Peer | None = None) -> None:
    """Take what has happened, see that what is to be sent can be, and let the peer hear it."""
    for event in events(console):
        if isinstance(event, ENDS):
            ended[event.request] += 1
        elif isinstance(event, CallReported):
            assert not ended[event.request]
        elif isinstance(event, SUBSCRIPTION_ENDS):
            ended[event.subscription] += 1
    for key, packet in sent(console):
        encoded(packet, key)
        if peer is not None:
            peer.hear(packet, key)


def works_again(console: ConsoleEngine) -> None:
    """An ordinary agent is found and asked, and nothing is kept of what came before but what may be."""
    agent = an_agent()
    console.receive(off_the_wire(ask(agent, request("_agent_locate_request", []))[0]), FAR)
    events(console)
    number = console.list_classes(agent.name, FAR, 5.0)
    ((_, packet),) = sent(console)
    console.receive(off_the_wire(ask(agent, packet)[0]), FAR)
    (event,) = events(console)
    assert isinstance(event, ClassesListed)
    assert event.request == number
    console.agent_gone(agent.name, FAR)
    events(console)
    found = console.statistics()
    assert found["agents"] <= 8 and found["objects"] <= 40, found
    assert held(console) <= 400
