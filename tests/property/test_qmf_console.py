"""The console engine against peers that send anything: whole, broken and truncated."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from matahari.errors import RemoteProtocolError
from matahari.qmf import (
    AgentAdded,
    AgentRemoved,
    CallCompleted,
    ClassesListed,
    ConsoleEngine,
    DataIndicated,
    ObjectId,
    Packet,
    Query,
    QueryCompleted,
    QueryTarget,
    RequestAborted,
    RequestExpired,
    RequestFailed,
    Schema,
    SchemaFetched,
    SchemaId,
    SubscriptionData,
    SubscriptionEnded,
    SubscriptionFailed,
    SubscriptionStarted,
    Value,
    decode_list,
    decode_map,
    encode_list,
    encode_map,
    v1,
)
from tests.support import strategies as own
from tests.support.vectors import load

SCHEMA = Schema(SchemaId("org.example", "Thing"))
AGENTS = ("vendor.org:product:1", "broker", "apache.org:qpidd:1")
ENDS = (
    QueryCompleted, CallCompleted, SchemaFetched, ClassesListed, RequestFailed, RequestExpired, RequestAborted,
)  # fmt: skip

subscription_bodies: st.SearchStrategy[Value] = st.fixed_dictionaries(
    {},
    optional={
        "_subscription_id": st.sampled_from(["s", b"s", "", 5, None]),
        "_duration": st.sampled_from([0, 10, 100, -1, 2**40, "x", None]),
        "_interval": st.sampled_from([0, 1000, -5, 2**63, None]),
        "_values": own.wirelike(3),
    },
)


def frames() -> st.SearchStrategy[bytes]:
    """QMFv1 messages, often truncated or with a byte changed."""
    sequence = st.integers(0, 8)
    packages = st.sampled_from(["a", "b", "org.apache.qpid.broker"])
    whole = st.one_of(
        st.builds(
            v1.encode_schema, sequence, st.just(SCHEMA) | own.schemas().filter(lambda one: one.id.kind == "_data")
        ),
        st.builds(
            lambda number, name: v1.encode_frame("p", number, bytes((len(name),)) + name.encode()), sequence, packages
        ),
        st.builds(v1.encode_completion, sequence, st.integers(0, 3), st.sampled_from(["OK", ""])),
        st.builds(v1.encode_frame, st.sampled_from("bqsxzSPQ"), sequence, st.binary(max_size=60)),
    )
    several = st.lists(whole, min_size=1, max_size=4).map(b"".join)
    cut = st.builds(lambda data, at: data[: at % (len(data) + 1)], several, st.integers(0, 10_000))
    changed = st.builds(
        lambda data, at, byte: data[: at % len(data)] + bytes((byte,)) + data[at % len(data) + 1 :],
        several, st.integers(0, 10_000), st.integers(0, 255),
    )  # fmt: skip
    return st.one_of(several, cut, changed, st.binary(max_size=30))


def packets() -> st.SearchStrategy[Packet]:
    agents = st.sampled_from([None, *AGENTS, "other:x:2"])
    correlations = st.sampled_from([None, *map(str, range(9)), "agent-locate"])
    subscribing = st.builds(
        Packet,
        st.sampled_from(["_subscribe_response", "_exception", "_data_indication"]),
        subscription_bodies | own.wirelike(),
        content=st.sampled_from([None, "_data"]),
        agent=agents,
        correlation_id=correlations,
    )
    v1_packets = st.builds(lambda body, agent: Packet("", body, agent=agent), frames(), agents)
    return st.one_of(own.packets(), subscribing, v1_packets)


@settings(max_examples=500)
@given(st.lists(packets(), max_size=12), st.lists(st.floats(0, 500), max_size=4), st.sets(st.integers(0, 8)))
def test_whatever_comes_each_request_and_subscription_ends_once(
    some: list[Packet], times: list[float], given_up: set[int]
) -> None:
    console = ConsoleEngine(reply_to="qmf.default.direct/c")
    by_class = Query(QueryTarget.OBJECT, schema_id=SchemaId("org.example", "Thing"))
    requests, subscriptions = set(), set()
    for agent in AGENTS:
        requests.add(console.fetch_schema(agent, SCHEMA.id, 0.0, 5.0))
        requests.add(console.list_classes(agent, 0.0, 5.0))
        subscriptions.add(console.subscribe(agent, by_class, 0.0, 5.0))
    requests.add(console.call(AGENTS[0], ObjectId("", "o"), "m", {}, 0.0, 5.0))
    for packet in some:
        console.receive(packet, 1.0)
    cancelled = {number for number in given_up if console.cancel(number) or console.unsubscribe(number)}
    for now in sorted([*times, 1e4, 2e4, 3e4]):
        console.handle_timeout(now)
    ended, begun, over = [], set(), []
    while (event := console.next_event()) is not None:
        if isinstance(event, ENDS):
            ended.append(event.request)
        elif isinstance(event, SubscriptionStarted):
            assert event.subscription not in begun
            begun.add(event.subscription)
        elif isinstance(event, SubscriptionData):
            assert event.subscription not in over
        elif isinstance(event, (SubscriptionEnded, SubscriptionFailed)):
            assert (event.subscription in begun) is isinstance(event, SubscriptionEnded)
            over.append(event.subscription)
    assert len(ended) == len(set(ended))
    assert set(ended) | cancelled >= requests
    assert len(over) == len(set(over))
    assert set(over) | cancelled >= subscriptions
    counts = console.statistics()
    assert (counts["pending"], counts["subscriptions"]) == (0, 0)
    while (command := console.next_command()) is not None:
        body = command.packet.body
        if isinstance(body, bytes):
            assert v1.decode_frames(body)
        else:
            assert isinstance(body, dict)
            encode_map(body)


BODIES = [vector.packet for vector in load() if vector.packet is not None and vector.packet.agent is not None]


@settings(max_examples=300)
@given(st.sampled_from(BODIES), st.integers(0, 1_000_000), st.none() | st.integers(0, 255))
def test_captured_messages_that_were_damaged_on_the_way_do_no_harm(packet: Packet, at: int, byte: int | None) -> None:
    """A damaged body does not decode, or decodes to something else; both are what a console must bear."""
    body = packet.body
    assert isinstance(body, (bytes, list, dict))
    raw = body if isinstance(body, bytes) else encode_list(body) if isinstance(body, list) else encode_map(body)
    at %= len(raw)
    damaged = raw[:at] if byte is None else raw[:at] + bytes((byte,)) + raw[at + 1 :]
    try:
        decoded: Value
        if isinstance(body, bytes):
            decoded = damaged
        else:
            decoded = decode_list(damaged) if isinstance(body, list) else decode_map(damaged)
    except RemoteProtocolError:
        return
    said = str(packet.correlation_id or "")
    number = int(said) if said.isdigit() else 1
    console = ConsoleEngine(reply_to="qmf.default.direct/c", first_request=max(number, 1))
    assert packet.agent is not None
    if packet.opcode == "_query_response":
        console.query(packet.agent, Query(QueryTarget.OBJECT), 0.0, 5.0)
    else:
        console.call(packet.agent, ObjectId("", "o"), "m", {}, 0.0, 5.0)
    console.receive(replace(packet, body=decoded), 1.0)
    console.handle_timeout(1e6)
    ends = 0
    while (event := console.next_event()) is not None:
        ends += isinstance(event, ENDS)
    assert ends == 1


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.dictionaries(st.sampled_from("xyz"), st.integers(0, 3)), st.booleans()),
        max_size=20,
    )
)
def test_merged_objects_are_the_sum_of_what_was_said_since_they_last_were_deleted(
    said: list[tuple[str, dict[str, int], bool]],
) -> None:
    console = ConsoleEngine(reply_to="qmf.default.direct/c")
    expected: dict[str, dict[str, int]] = {}
    for name, values, is_deleted in said:
        item: dict[str, Value] = {"_values": dict(values), "_object_id": {"_object_name": name}}
        if is_deleted:
            item["_delete_ts"] = 1
        console.receive(Packet("_data_indication", [item], "_data", "a:b:c"), 1.0)
        event = console.next_event()
        assert isinstance(event, DataIndicated)
        whole = expected.setdefault(name, {})
        whole.update(values)
        assert event.items[0].values == whole
        if is_deleted:
            del expected[name]
    assert console.statistics()["objects"] == len(expected)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 20), st.floats(0, 100)), max_size=30))
def test_an_agent_is_known_from_its_announcement_to_its_removal(said: list[tuple[int, int, float]]) -> None:
    console = ConsoleEngine(reply_to="qmf.default.direct/c")
    now = 0.0
    for number, interval, wait in said:
        now += wait
        console.handle_timeout(now)
        values: Value = {"_heartbeat_interval": interval}
        console.receive(Packet("_agent_heartbeat_indication", {"_values": values}, agent=f"a:b:{number}"), now)
    known = set()
    while (event := console.next_event()) is not None:
        if isinstance(event, AgentAdded):
            assert event.info.name not in known
            known.add(event.info.name)
        elif isinstance(event, AgentRemoved):
            known.remove(event.name)
    assert known == set(console.agents)
