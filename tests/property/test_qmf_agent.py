"""The agent engine's frames, indications and subscriptions, over any input and any course of events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from matahari.errors import RemoteProtocolError
from matahari.qmf import (
    DATA_INDICATION,
    AgentEngine,
    CancelCall,
    Command,
    ConsoleEngine,
    Data,
    EngineEvent,
    Invoke,
    ManagedObject,
    Packet,
    Property,
    PropertyType,
    Query,
    QueryTarget,
    Reply,
    Schema,
    SchemaId,
    SubscriptionData,
    SubscriptionEnded,
    SubscriptionFailed,
    SubscriptionStarted,
    Value,
    encode_list,
    encode_map,
    v1,
)
from matahari.qmf._subscriptions import MAX_SUBSCRIPTIONS
from tests.support import strategies as own
from tests.support import vectors

THING = Schema(SchemaId("org.example", "Thing"), (Property("hostname", PropertyType.STRING),))
OTHER = Schema(SchemaId("org.example", "Other"), (Property("n", PropertyType.INT),))
FRAMES = [vector.data for vector in vectors.load("schema-qmfv1")]

READERS: tuple[Callable[[bytes], object], ...] = (
    v1.decode_frames,
    v1.read_broker,
    v1.read_package,
    v1.read_class,
    v1.read_completion,
    v1.read_schema_request,
    v1.read_schema,
)


def an_agent() -> AgentEngine:
    agent = AgentEngine(vendor="vendor.org", product="product", instance="1", attributes={"hostname": "box"})
    agent.add_schema(THING, 1)
    agent.add_schema(OTHER, 1)
    agent.start(0.0, 1)
    return agent


def drain(agent: AgentEngine) -> list[Command]:
    found = []
    while (command := agent.next_command()) is not None:
        found.append(command)
    return found


@st.composite
def broken_frames(draw: st.DrawFn) -> bytes:
    """Captured frames, cut somewhere, with some bytes replaced, or one after the other."""
    body = b"".join(draw(st.lists(st.sampled_from(FRAMES), min_size=1, max_size=3)))
    body = body[: draw(st.integers(0, len(body)))] if draw(st.booleans()) else body
    changed = bytearray(body)
    for position, value in draw(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=3)):
        if position < len(changed):
            changed[position] = value
    return bytes(changed)


@settings(max_examples=300)
@given(st.one_of(st.binary(max_size=80), broken_frames(), st.binary(max_size=60).map(v1.MAGIC.__add__)))
def test_any_bytes_are_frames_or_a_fault_of_the_peer(body: bytes) -> None:
    for read in READERS:
        for start in (0, 8):
            try:
                read(body[start:])
            except RemoteProtocolError:
                continue


@settings(max_examples=300)
@given(broken_frames())
def test_an_agent_survives_any_frames_and_answers_each_request_for_a_schema(body: bytes) -> None:
    agent = an_agent()
    drain(agent)
    agent.receive(Packet("", body, reply_to="amq.direct/reply-1"), 1.0, 2)
    answers = []
    for command in drain(agent):
        assert isinstance(command, Reply)
        assert isinstance(command.packet.body, bytes)
        answers += [frame.sequence for frame in v1.decode_frames(command.packet.body)]
    try:
        asked = [frame.sequence for frame in v1.decode_frames(body) if frame.opcode == "S"]
    except RemoteProtocolError:
        asked = []
    assert answers == asked


@given(own.schemas())
def test_a_schema_survives_qmfv1_but_for_what_it_lacks(schema: Schema) -> None:
    """No VOID, no class description, severity, statistics or subtypes; of event fields only what names them."""

    def as_in_v1(item: Property, *, is_argument: bool) -> Property:
        subtype = ""  # the strategy makes none of those that QMFv1 knows
        kind = PropertyType.INT if item.type is PropertyType.VOID else item.type
        item = replace(item, type=kind, subtype=subtype, statistic=False)
        if is_argument:
            return replace(item, access="RO", index=False, optional=False)
        item = replace(item, default=None, direction="I")
        return replace(item, access="RO", index=False, optional=False) if schema.id.kind == "_event" else item

    (frame,) = v1.decode_frames(v1.encode_schema(5, schema))
    read = v1.read_schema(frame.payload)
    assert read.id == schema.id
    assert read.properties == tuple(as_in_v1(item, is_argument=False) for item in schema.properties)
    methods = () if schema.id.kind == "_event" else schema.methods
    assert read.methods == tuple(
        replace(method, arguments=tuple(as_in_v1(item, is_argument=True) for item in method.arguments))
        for method in methods
    )


QUERIES: st.SearchStrategy[Value] = st.one_of(
    st.just({"_what": "OBJECT", "_schema_id": {"_class_name": "Thing"}}),
    st.just({"_what": "OBJECT", "_object_id": {"_object_name": "a"}, "_where": []}),
    own.wirelike(),
)


def subscription_packets() -> st.SearchStrategy[Packet]:
    """Requests about subscriptions, more often right than those of ``own.packets``."""
    number = st.one_of(st.none(), st.integers(-5, 10**7), st.floats(), st.text(max_size=3))
    body = st.fixed_dictionaries(
        {},
        optional={
            "_query": QUERIES,
            "_interval": number,
            "_duration": number,
            "_subscription_id": st.sampled_from(["s1", "s2", b"s3", "none", 1]),
        },
    )
    opcodes = ["_subscribe_request", "_subscribe_refresh_indication", "_subscribe_cancel_indication"]
    addresses = st.sampled_from([None, "qmf.default.topic/x", "y"])
    return st.builds(Packet, st.sampled_from(opcodes), body, reply_to=addresses, correlation_id=st.just("7"))


@settings(max_examples=200)
@given(st.lists(st.tuples(subscription_packets() | own.packets(), st.floats(0, 40)), max_size=12))
def test_subscriptions_survive_any_packets_at_any_time(steps: list[tuple[Packet, float]]) -> None:
    numbers = iter(range(1, 100))
    agent = AgentEngine(
        vendor="v", product="p", instance="i", attributes={}, make_id=lambda: f"s{next(numbers)}"
    )  # fmt: skip
    agent.add_schema(THING, 1)
    agent.add_object(ManagedObject("a", THING, {"hostname": "box"}), 1)
    agent.start(0.0, 1)
    now = 0.0
    for packet, wait in steps:
        now += wait
        agent.receive(packet, now, 2)
        agent.handle_timeout(now, 3)
        deadline = agent.next_deadline()
        assert deadline is None or deadline > now  # or the owner would never sleep
        for command in drain(agent):
            if isinstance(command, Invoke):
                agent.complete(command.call, {})
            elif isinstance(command, CancelCall):
                pass  # its answer is there already
            elif isinstance(command.packet.body, dict):
                encode_map(command.packet.body)
            elif isinstance(command.packet.body, list):
                encode_list(command.packet.body)
        drain(agent)
        assert agent.statistics()["subscriptions"] <= MAX_SUBSCRIPTIONS


CHANGES: st.SearchStrategy[tuple[str, str, Value]] = st.one_of(
    st.tuples(st.just("add"), st.sampled_from("abc"), own.maps(2)),
    st.tuples(st.just("other"), st.sampled_from("abc"), own.maps(2)),
    st.tuples(st.just("remove"), st.sampled_from("abc"), st.just({})),
    st.tuples(st.just("wait"), st.just(""), st.just({})),
)


@given(st.lists(CHANGES, max_size=25))
def test_listeners_and_subscribers_know_in_the_end_what_there_is(changes: list[tuple[str, str, Value]]) -> None:
    """Whatever came and went in between: with what they were told in order, both have the objects as they are."""
    agent = an_agent()
    body: Value = {"_query": {"_what": "OBJECT", "_schema_id": {"_class_name": "Thing"}}, "_interval": 1000}
    agent.receive(Packet("_subscribe_request", body, correlation_id="5", reply_to="me"), 0.0, 1)
    heard: dict[tuple[str, str], Value] = {}
    subscribed: dict[tuple[str, str], Value] = {}
    now, wall_ns = 0.0, 10
    for kind, name, values in [*changes, ("wait", "", {}), ("wait", "", {})]:
        wall_ns += 1
        if kind == "wait":
            now += 7.0
            agent.handle_timeout(now, wall_ns)
        elif kind == "remove" and name in agent.objects:
            agent.remove_object(name, wall_ns)
        elif kind in ("add", "other"):
            assert isinstance(values, dict)
            agent.add_object(ManagedObject(name, THING if kind == "add" else OTHER, values), wall_ns)
        for command in drain(agent):
            assert not isinstance(command, Invoke | CancelCall)
            packet = command.packet
            if packet.opcode == DATA_INDICATION:
                assert isinstance(packet.body, list)
                remember(subscribed if isinstance(command, Reply) else heard, packet.body)
    there = {(item.name, item.schema.id.name): item.values for item in agent.objects.values()}
    assert heard == there
    assert subscribed == {key: values for key, values in there.items() if key[1] == "Thing"}


def remember(known: dict[tuple[str, str], Value], items: list[Value]) -> None:
    """Take in what a console is told."""
    for item in items:
        data = Data.from_map(item)
        assert data.object_id is not None and data.schema_id is not None
        key = (data.object_id.object_name, data.schema_id.name)
        if data.delete_ns:
            known.pop(key, None)
        else:
            known[key] = dict(data.values)


def exchange(agent: AgentEngine, console: ConsoleEngine, now: float) -> list[EngineEvent]:
    """Let both talk until they are silent, and return what the console tells."""
    events: list[EngineEvent] = []
    moved = True
    while moved:
        moved = False
        while (asked := console.next_command()) is not None:
            agent.receive(replace(asked.packet, subject=asked.key), now, 1)
            moved = True
        for command in drain(agent):
            assert not isinstance(command, Invoke | CancelCall)
            console.receive(command.packet, now)
            moved = True
        while (event := console.next_event()) is not None:
            events.append(event)
    return events


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.text("xyz", max_size=2)), max_size=8))
def test_a_console_of_ours_keeps_a_subscription_to_an_agent_of_ours(changes: list[tuple[str, str]]) -> None:
    """Started, refreshed for longer than its lifetime, told of all changes, given back."""
    agent = an_agent()
    console = ConsoleEngine(reply_to="qmf.default.topic/c")
    exchange(agent, console, 0.0)
    query = Query(QueryTarget.OBJECT, schema_id=SchemaId("", "Thing"))
    number = console.subscribe(agent.name, query, 0.0, 5.0, interval=1.0, lifetime=20.0)
    events = exchange(agent, console, 0.0)
    assert SubscriptionStarted(number, agent.name, 1.0, 20.0) in events
    known: dict[str, Value] = {}
    for step, (name, text) in enumerate([*changes, ("a", "end")]):
        now = 7.0 * (step + 1)
        agent.add_object(ManagedObject(name, THING, {"hostname": text}), step + 2)
        for moment in (now, now + 1.5):
            agent.handle_timeout(moment, step + 2)
            console.handle_timeout(moment)
            events = exchange(agent, console, moment)
            assert not any(isinstance(event, (SubscriptionEnded, SubscriptionFailed)) for event in events)
            for event in events:
                if isinstance(event, SubscriptionData):
                    known |= {
                        item.object_id.object_name: item.values["hostname"] for item in event.items if item.object_id
                    }
    assert known == {
        name: item.values["hostname"] for name, item in agent.objects.items() if isinstance(item.values, dict)
    }
    assert console.unsubscribe(number)
    exchange(agent, console, 1000.0)
    assert agent.statistics()["subscriptions"] == 0
