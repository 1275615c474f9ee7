"""Both state machines among peers that send anything: damaged captured messages, words in disorder, jumping clocks.

Nothing raises, nothing is kept for ever, every request is ended exactly once, and afterwards all works as before.
"""

from __future__ import annotations

import gc
from collections import Counter, deque
from dataclasses import replace
from functools import cache
from itertools import count
from random import Random

from hypothesis import given

from matahari.amqp import decode_message
from matahari.bus import packet_of
from matahari.errors import RemoteProtocolError, SchemaError
from matahari.qmf import (
    AgentEngine,
    CallCompleted,
    ClassesListed,
    ConsoleEngine,
    Data,
    Invoke,
    ManagedObject,
    ObjectId,
    Packet,
    Publish,
    Query,
    QueryCompleted,
    QueryTarget,
    Reply,
    RequestAborted,
    RequestExpired,
    RequestFailed,
    Schema,
    SchemaFetched,
    SchemaId,
    SubscriptionEnded,
    SubscriptionFailed,
    Value,
    v1,
)
from tests.support import random_values as make
from tests.support.fuzzing import TIME_LIMIT, cases, damaged, deliveries, seeds
from tests.support.qmf_talk import (
    DONE,
    REPLY_TO,
    THING,
    an_agent,
    ask,
    commands,
    encoded,
    events,
    items,
    off_the_wire,
    query,
    request,
    sent,
)

pytestmark = TIME_LIMIT

NAME = "vendor.org:product:1"
REPLIES = (None, REPLY_TO, "qmf.default.direct/qmfc-v2-box.1.1", "amq.direct/reply-box.1", "queue", "")
STEPS = (0.0, 0.1, 1.0, 11.0, 61.0, 400.0)
FAR = 1e7  # seconds after which nothing may be left to wait for


def any_packet(random: Random) -> Packet:
    """What a peer may send: words in disorder, or a captured message, mostly with some damage."""
    if random.random() < 0.5:
        return make.packet(random)
    raw = damaged(random, deliveries()) if random.random() < 0.8 else random.choice(deliveries())
    try:
        return packet_of(decode_message(raw))
    except RemoteProtocolError:
        return make.packet(random)


def perhaps_spoiled(random: Random, packet: Packet) -> Packet:
    """A packet that makes sense, or made some before."""
    choice = random.random()
    if choice < 0.5:
        return packet
    if isinstance(packet.body, bytes):
        body = bytearray(packet.body)
        body[random.randrange(len(body))] = random.randrange(256)
        return replace(packet, body=bytes(body))
    return replace(packet, body=make.spoiled(random, packet.body), partial=choice < 0.6)


def held(engine: object) -> int:
    """How many items all containers hold that an engine keeps, its schemas and functions apart."""
    total, seen, pending = 0, set(), [engine]
    while pending:
        item = pending.pop()
        if id(item) in seen or isinstance(item, (type, Schema, str, bytes, int, float)) or callable(item):
            continue
        seen.add(id(item))
        if isinstance(item, (dict, list, set, tuple, deque)):
            total += len(item)
        pending += gc.get_referents(item)
    return total


# -- agent -----------------------------------------------------------------------------------------------------------

CLASS: Value = {"_class_name": "Thing", "_package_name": "org.example", "_hash": THING.id.hash}
REQUESTS: tuple[tuple[str, Value], ...] = (
    ("_agent_locate_request", ["and", ["eq", "hostname", ["quote", "box"]], ["exists", "_name"]]),
    ("_query_request", {"_what": "OBJECT", "_schema_id": CLASS, "_where": ["ge", "size", ["quote", 0]]}),
    ("_query_request", {"_what": "OBJECT", "_object_id": {"_agent_name": NAME, "_object_name": "thing-1"}}),
    ("_query_request", {"_what": "SCHEMA", "_schema_id": CLASS}),
    ("_query_request", {"_what": "SCHEMA_ID"}),
    ("_method_request", {"_object_id": {"_object_name": "thing-0"}, "_method_name": "resize", "_arguments": {"to": 1}}),
    ("_method_request", {"_method_name": "whatever", "_arguments": {}}),
    ("_subscribe_request", {"_query": {"_what": "OBJECT", "_schema_id": CLASS}, "_interval": 1000, "_duration": 20}),
    ("_subscribe_refresh_indication", {"_subscription_id": "id-0", "_duration": 100}),
    ("_subscribe_cancel_indication", {"_subscription_id": "id-0"}),
    ("", v1.encode_schema_request(5, THING.id) + v1.encode_request("B", 6)),
)


def fuzzed_agent() -> AgentEngine:
    """The agent of the other tests, with ids of subscriptions that these requests can name."""
    numbers = count()
    agent = AgentEngine(
        vendor="vendor.org", product="product", instance="1", attributes={"hostname": "box"},
        make_id=lambda: f"id-{next(numbers)}",
    )  # fmt: skip
    agent.add_schema(THING, 1)
    agent.add_schema(DONE, 2)
    for number in range(2):
        agent.add_object(ManagedObject(f"thing-{number}", THING, {"name": f"n{number}", "size": number}), 3)
    agent.start(0.0, 10)
    commands(agent)
    return agent


@cases("an agent among broken peers")
@given(seeds)
def test_an_agent_answers_each_request_once_and_keeps_nothing(random: Random) -> None:
    agent, now = fuzzed_agent(), 1.0
    calls: dict[int, Packet] = {}
    for _ in range(random.randrange(1, 9)):
        choice = random.random()
        if choice < 0.4:
            opcode, body = random.choice(REQUESTS)
            packet = perhaps_spoiled(random, request(opcode, body, reply_to=random.choice(REPLIES)))
        elif choice < 0.7:
            packet = replace(any_packet(random), reply_to=random.choice(REPLIES))
        else:
            if choice < 0.85:
                now += random.choice(STEPS)
                agent.handle_timeout(now, int(now))
                for command in commands(agent):
                    assert not isinstance(command, Invoke)
                    encodable(command)
            else:
                apply(random, agent, calls)
            continue
        agent.receive(packet, now, 20)
        check_answers(agent, packet, calls)
    for number in list(calls):
        end_call(random, agent, number, calls)
    assert agent.statistics()["pending"] == 0
    restored(agent, now)


def check_answers(agent: AgentEngine, packet: Packet, calls: dict[int, Packet]) -> None:
    """What a packet leads to: to whom it may be answered, and how often it must."""
    ends = 0
    for command in commands(agent):
        if isinstance(command, Invoke):
            calls[command.call] = packet
            ends += 1
            continue
        assert isinstance(command, Reply)
        assert command.reply_to == packet.reply_to
        assert command.packet.correlation_id == packet.correlation_id
        encodable(command)
        ends += not command.packet.partial
    if packet.reply_to is None:
        assert ends == 0
    elif packet.opcode in ("_query_request", "_method_request", "_subscribe_request", "_subscribe_refresh_indication"):
        assert ends == 1
    elif not packet.opcode and isinstance(packet.body, bytes):
        assert ends == wanted_schemas(packet.body)
    else:
        assert ends <= 1


def wanted_schemas(body: bytes) -> int:
    try:
        return sum(frame.opcode == "S" for frame in v1.decode_frames(body))
    except RemoteProtocolError:
        return 0


def encodable(command: Publish | Reply) -> None:
    """What we make ourselves can be sent; what holds a peer's own words may lack a form, which the bus then says."""
    try:
        encoded(command.packet)
    except SchemaError:
        assert command.packet.opcode in ("_exception", "_subscribe_response"), command


def apply(random: Random, agent: AgentEngine, calls: dict[int, Packet]) -> None:
    """Do something that an application does."""
    name = f"thing-{random.randrange(3)}"
    choice = random.randrange(4)
    if choice == 0 and calls:
        end_call(random, agent, random.choice(list(calls)), calls)
    elif choice == 1:
        agent.add_object(ManagedObject(name, THING, {"name": name, "size": random.randrange(9)}), 30)
    elif choice == 2 and name in agent.objects:
        agent.remove_object(name, 31)
    elif name in agent.objects:
        agent.object_changed(name, 32)


def end_call(random: Random, agent: AgentEngine, number: int, calls: dict[int, Packet]) -> None:
    """End a call in one way or another; exactly one answer goes to whoever asked."""
    asked = calls.pop(number)
    if random.random() < 0.5:
        agent.complete(number, {"old": 1})
    else:
        agent.fail(number, "no", data=random.choice((None, Data({"type": "x"}))))
    (reply,) = commands(agent)
    assert isinstance(reply, Reply)
    assert (reply.reply_to, reply.packet.correlation_id) == (asked.reply_to, asked.correlation_id)
    assert not reply.packet.partial


def restored(agent: AgentEngine, now: float) -> None:
    """Ordinary requests are answered, and nothing is kept of what came before."""
    (answer,) = ask(agent, request("_agent_locate_request", []), now)
    assert answer.opcode == "_agent_locate_response"
    (answer,) = ask(agent, query(what="SCHEMA_ID"), now)
    assert len(items(answer)) == 2
    agent.handle_timeout(FAR, 40)
    commands(agent)
    assert agent.statistics()["subscriptions"] == 0
    assert held(agent) <= usual() + 20


@cache
def usual() -> int:
    """What an agent holds that has seen nothing."""
    agent = fuzzed_agent()
    agent.add_object(ManagedObject("thing-2", THING, {}), 1)
    return held(agent)


# -- console ---------------------------------------------------------------------------------------------------------

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
        for command in commands(self._agent):
            if isinstance(command, Invoke):
                self._agent.complete(command.call, {"old": 0})
                self.step(now)
            else:
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
