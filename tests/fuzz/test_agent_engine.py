"""The agent's state machine among peers that send anything: damaged captured messages, words in disorder, jumping clocks.

Nothing raises, nothing is kept for ever, every request is ended exactly once, and afterwards all works as before.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from random import Random

from hypothesis import given

from matahari.errors import RemoteProtocolError, SchemaError
from matahari.qmf import (
    AgentEngine,
    CancelCall,
    Data,
    Invoke,
    ManagedObject,
    OutputReport,
    Packet,
    PartialReport,
    ProgressReport,
    Publish,
    Reply,
    Value,
    v1,
)
from tests.support import random_values as make
from tests.support.broken_peers import FAR, NAME, REPLIES, STEPS, any_packet, fuzzed_agent, held, perhaps_spoiled
from tests.support.fuzzing import TIME_LIMIT, cases, seeds
from tests.support.qmf_talk import (
    THING,
    all_commands,
    ask,
    encoded,
    items,
    query,
    request,
)

pytestmark = TIME_LIMIT

CLASS: Value = {"_class_name": "Thing", "_package_name": "org.example", "_hash": THING.id.hash}
REQUESTS: tuple[tuple[str, Value], ...] = (
    ("_agent_locate_request", ["and", ["eq", "hostname", ["quote", "box"]], ["exists", "_name"]]),
    ("_query_request", {"_what": "OBJECT", "_schema_id": CLASS, "_where": ["ge", "size", ["quote", 0]]}),
    ("_query_request", {"_what": "OBJECT", "_object_id": {"_agent_name": NAME, "_object_name": "thing-1"}}),
    ("_query_request", {"_what": "SCHEMA", "_schema_id": CLASS}),
    ("_query_request", {"_what": "SCHEMA_ID"}),
    ("_method_request", {"_object_id": {"_object_name": "thing-0"}, "_method_name": "resize", "_arguments": {"to": 1}}),
    ("_method_request", {"_method_name": "whatever", "_arguments": {}}),
    ("_method_request", {"_method_name": "whatever", "_matahari": {"stream": True, "timeout": 3.5, "interval": 0.1}}),
    ("_method_cancel_indication", {}),
    ("_subscribe_request", {"_query": {"_what": "OBJECT", "_schema_id": CLASS}, "_interval": 1000, "_duration": 20}),
    ("_subscribe_refresh_indication", {"_subscription_id": "id-0", "_duration": 100}),
    ("_subscribe_cancel_indication", {"_subscription_id": "id-0"}),
    ("", v1.encode_schema_request(5, THING.id) + v1.encode_request("B", 6)),
)


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
                for command in all_commands(agent):
                    assert isinstance(command, Publish | Reply)
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
    for command in all_commands(agent):
        if isinstance(command, Invoke):
            calls[command.call] = packet
            ends += 1
            continue
        if isinstance(command, CancelCall):
            asked = calls[command.call]
            assert packet.opcode == "_method_cancel_indication"
            assert (packet.reply_to, packet.correlation_id, packet.user_id) == (
                asked.reply_to, asked.correlation_id, asked.user_id,
            )  # fmt: skip
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
    choice = random.randrange(5)
    if choice == 4 and calls:
        tell(random, agent, random.choice(list(calls)), calls)
    elif choice == 0 and calls:
        end_call(random, agent, random.choice(list(calls)), calls)
    elif choice == 1:
        agent.add_object(ManagedObject(name, THING, {"name": name, "size": random.randrange(9)}), 30)
    elif choice == 2 and name in agent.objects:
        agent.remove_object(name, 31)
    elif name in agent.objects:
        agent.object_changed(name, 32)


def tell(random: Random, agent: AgentEngine, number: int, calls: dict[int, Packet]) -> None:
    """Report something; only a caller that asked for it hears it."""
    asked = calls[number]
    agent.report(number, [OutputReport(make.text(random)), ProgressReport(1.5), PartialReport("1")])
    told = all_commands(agent)
    body = asked.body
    assert isinstance(body, dict)
    options = body.get("_matahari")
    assert len(told) == (isinstance(options, dict) and options.get("stream") is True)
    for command in told:
        assert isinstance(command, Reply)
        assert (command.reply_to, command.packet.correlation_id) == (asked.reply_to, asked.correlation_id)
        encodable(command)


def end_call(random: Random, agent: AgentEngine, number: int, calls: dict[int, Packet]) -> None:
    """End a call in one way or another; exactly one answer goes to whoever asked."""
    asked = calls.pop(number)
    if random.random() < 0.5:
        agent.complete(number, {"old": 1})
    else:
        agent.fail(number, "no", data=random.choice((None, Data({"type": "x"}))))
    (reply,) = all_commands(agent)
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
    all_commands(agent)
    assert agent.statistics()["subscriptions"] == 0
    assert held(agent) <= usual() + 20


@cache
def usual() -> int:
    """What an agent holds that has seen nothing."""
    agent = fuzzed_agent()
    agent.add_object(ManagedObject("thing-2", THING, {}), 1)
    return held(agent)
