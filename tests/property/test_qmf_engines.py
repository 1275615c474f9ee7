"""Both engines against peers that send anything, and against each other."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from matahari.qmf import (
    METHOD_INDICATION,
    AgentEngine,
    CallCompleted,
    CallOptions,
    CallReported,
    ConsoleEngine,
    Invoke,
    ManagedObject,
    Method,
    ObjectId,
    OutputReport,
    Packet,
    PartialReport,
    ProgressReport,
    Property,
    PropertyType,
    Query,
    QueryCompleted,
    QueryTarget,
    Reply,
    Report,
    RequestAborted,
    RequestExpired,
    RequestFailed,
    Schema,
    SchemaId,
    Value,
    encode_list,
    encode_map,
)
from tests.support import strategies as own

THING = Schema(
    SchemaId("org.example", "Thing"),
    (Property("hostname", PropertyType.STRING),),
    (Method("echo", "", (Property("a", PropertyType.STRING),)),),
)
ENDS = (QueryCompleted, CallCompleted, RequestFailed, RequestExpired, RequestAborted)


def an_agent() -> AgentEngine:
    agent = AgentEngine(vendor="vendor.org", product="product", instance="1", attributes={"hostname": "box"})
    agent.add_schema(THING, 1)
    agent.add_object(ManagedObject("thing", THING, {"hostname": "box"}), 1)
    agent.start(0.0, 1)
    while agent.next_command() is not None:
        pass
    return agent


def encodable(packet: Packet) -> None:
    """Fail when an engine makes a body that cannot be sent."""
    if isinstance(packet.body, dict):
        encode_map(packet.body)
    else:
        assert isinstance(packet.body, list)
        encode_list(packet.body)


@settings(max_examples=300)
@given(st.lists(own.packets(), max_size=6))
def test_an_agent_survives_any_packets_and_answers_each_request_once(packets: list[Packet]) -> None:
    agent = an_agent()
    for packet in packets:
        agent.receive(packet, 1.0, 2)
        finals = 0
        while (command := agent.next_command()) is not None:
            if isinstance(command, Invoke):
                agent.report(command.call, [OutputReport("x")])
                agent.complete(command.call, {})
                continue
            assert isinstance(command, Reply)
            assert command.reply_to == packet.reply_to
            assert command.packet.correlation_id == packet.correlation_id
            encodable(command.packet)
            finals += not command.packet.partial and command.packet.opcode != METHOD_INDICATION
        wants_one = packet.reply_to is not None and (
            packet.opcode
            in ("_method_request", "_query_request", "_subscribe_request", "_subscribe_refresh_indication")
        )
        assert finals == 1 if wants_one else finals <= 1


@settings(max_examples=300)
@given(st.lists(own.packets(), max_size=8), st.lists(st.floats(0, 500), max_size=3))
def test_a_console_survives_any_packets_and_ends_each_request_once(packets: list[Packet], times: list[float]) -> None:
    console = ConsoleEngine(reply_to="qmf.default.topic/c")
    by_class = Query(QueryTarget.OBJECT, schema_id=SchemaId("org.example", "Thing"))
    opened = {
        console.query("vendor.org:product:1", by_class, 0.0, 5.0),
        console.query("broker", Query(QueryTarget.SCHEMA_ID), 0.0, 5.0),
        console.call("vendor.org:product:1", ObjectId("", "thing"), "echo", {}, 0.0, 5.0, options=CallOptions(True)),
    }
    for packet in packets:
        console.receive(packet, 1.0)
    for now in sorted([*times, 1000.0]):
        console.handle_timeout(now)
    ended = []
    while (event := console.next_event()) is not None:
        if isinstance(event, ENDS):
            ended.append(event.request)
    assert sorted(ended) == sorted(opened)
    assert console.statistics()["pending"] == 0


@given(st.lists(own.maps(4), max_size=5), st.integers(0, 230))
def test_what_an_agent_publishes_is_what_a_console_gets(some: list[dict[str, Value]], more: int) -> None:
    agent = an_agent()
    agent.remove_object("thing", 1)
    published = [*some, *([{}] * more)]
    for number, values in enumerate(published):
        agent.add_object(ManagedObject(str(number), THING, values), 1)
    console = ConsoleEngine(reply_to="qmf.default.topic/c")
    console.query(agent.name, Query(QueryTarget.OBJECT, schema_id=SchemaId("", "Thing")), 0.0, 5.0)
    request = console.next_command()
    assert request is not None
    agent.receive(replace(request.packet, subject=request.key), 1.0, 2)
    while (command := agent.next_command()) is not None:
        assert isinstance(command, Reply)
        console.receive(command.packet, 2.0)
    event = console.next_event()
    assert isinstance(event, QueryCompleted)
    assert [item.values for item in event.items if not isinstance(item, (Schema, SchemaId))] == published
    assert console.next_event() is None


@st.composite
def reports(draw: st.DrawFn) -> list[Report]:
    """What a call may tell."""
    finite = st.floats(allow_nan=False, allow_infinity=False)
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    kinds = st.one_of(
        st.builds(ProgressReport, finite, st.none() | finite, text),
        st.builds(OutputReport, text),
        st.builds(PartialReport, text),
    )
    return draw(st.lists(kinds, min_size=1, max_size=4))


@given(st.lists(st.tuples(reports(), st.booleans()), max_size=6))
def test_every_report_of_a_call_is_told_in_order_or_counted_as_missed(
    messages: list[tuple[list[Report], bool]],
) -> None:
    """Whatever gets lost between both engines: nothing comes twice or out of order, and what is missing is counted."""
    agent, console = an_agent(), ConsoleEngine(reply_to="qmf.default.topic/c")
    request = console.call(agent.name, ObjectId("", "thing"), "echo", {}, 0.0, 5.0, options=CallOptions(True))
    asked = console.next_command()
    assert asked is not None
    agent.receive(asked.packet, 0.0, 1)
    invoke = agent.next_command()
    assert isinstance(invoke, Invoke)
    arriving: list[Packet] = []
    expected: list[Report] = []
    for some, is_lost in messages:
        agent.report(invoke.call, some)
        command = agent.next_command()
        assert isinstance(command, Reply)
        encodable(command.packet)
        if not is_lost:
            expected += some
            arriving += [command.packet] * 2  # and once more
    agent.complete(invoke.call, {})
    answer = agent.next_command()
    assert isinstance(answer, Reply)
    for packet in (*arriving, answer.packet):
        console.receive(packet, 1.0)
    told: list[Report] = []
    missed = 0
    while isinstance(event := console.next_event(), CallReported):
        told += event.reports
        missed += event.missed
    assert event == CallCompleted(request, agent.name, {})
    assert told == expected
    assert missed == sum(len(some) for some, _ in messages) - len(expected)
