"""Quirks 1 to 18 of qmf2.md section 7, those of qpidd: what we do so that each does no harm.

Where a quirk is inside qpidd, the test is about our side of it: what we never send it, or what we take from it.
"""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import cast

import proton
import pytest

from matahari.amqp import Message, decode_message, encode_message
from matahari.bus import ExchangeScheme, encode_packet, packet_of
from matahari.bus.scheme import Out
from matahari.errors import LocalProtocolError, RemoteProtocolError, SchemaError
from matahari.qmf import (
    AgentAdded,
    ClassesListed,
    ConsoleEngine,
    Data,
    DataIndicated,
    ObjectId,
    Packet,
    Property,
    PropertyType,
    Query,
    QueryCompleted,
    QueryTarget,
    RequestExpired,
    RequestFailed,
    Schema,
    SchemaFetched,
    SchemaId,
    Value,
    encode_list,
    encode_map,
    failure_text,
    v1,
)
from tests.support.agent_replay import answers, exchanges
from tests.support.agent_replay import packet as recorded
from tests.support.qmf_talk import (
    NAME,
    REPLY_TO,
    THING,
    a_console,
    an_agent,
    ask,
    ask_one,
    events,
    items,
    off_the_wire,
    on_the_wire,
    query,
    request,
    sent,
    values,
)
from tests.support.recorded import find, load, plain
from tests.support.wire_reader import Typed, elements, pairs, read_0_10, read_message


def kinds(value: Typed) -> set[str]:
    """Types of a value and of all in it."""
    if value.kind == "map":
        return {"map"}.union(*(kinds(item) for _, item in pairs(value)))
    if value.kind == "list":
        return {"list"}.union(*(kinds(item) for item in elements(value)))
    return {value.kind}


def test_quirk_01_no_integer_goes_out_in_eight_bits() -> None:
    numbers: list[Value] = [0, 1, -1, 127, -128, 2**63 - 1, -(2**63), 2**63, 2**64 - 1]
    assert kinds(read_0_10(encode_list(numbers), "list")) == {"list", "int64", "uint64"}
    for form_a in (False, True):
        body = on_the_wire(Packet("_data_indication", numbers, form_a=form_a)).body
        assert body is not None
        assert not kinds(body) & {"int8", "byte"}


@pytest.mark.parametrize("name", ["response-narrow", "echo-int8-request"])
def test_quirk_01_a_message_that_it_has_broken_is_refused_alone(name: str) -> None:
    with pytest.raises(RemoteProtocolError):
        packet_of(decode_message(find("malformed", name).raw))
    assert recorded(find("locate", "request-proton-data")).opcode == "_agent_locate_request"


def test_quirk_02_app_id_is_never_needed_and_always_sent() -> None:
    without = [item for item in load("locate", "mhsh-requests") if "x-amqp-0-10.app-id" not in item.stated.application]
    without = [item for item in without if not item.stated.frames]
    assert len(without) == 15
    assert all(recorded(item).opcode for item in without)
    answer = ask_one(an_agent(), request("_agent_locate_request", []))
    assert on_the_wire(answer).application["x-amqp-0-10.app-id"] == Typed("string", "qmf2")


@pytest.mark.parametrize("reply_to", [None, "", "nobody-knows-this-queue"])
def test_quirk_03_a_request_whose_reply_address_was_lost_does_no_harm(reply_to: str | None) -> None:
    agent = an_agent()
    found = ask(agent, request("_query_request", {"_what": "SCHEMA_ID"}, reply_to=reply_to))
    assert len(found) == (0 if reply_to is None else 1)
    if reply_to == "":
        with pytest.raises(LocalProtocolError):
            ExchangeScheme().reply(reply_to)
    assert len(ask(agent, query(what="SCHEMA_ID"))) == 1


def test_quirk_03_our_own_reply_address_is_an_exchange_and_a_key() -> None:
    address = ExchangeScheme().reply_to("direct-console.1")
    assert address == "qmf.default.direct/direct-console.1"
    assert ExchangeScheme().reply(address) == Out("qmf.default.direct", None, "direct-console.1")


@pytest.mark.parametrize("length", [65_535, 65_536, 200_000])
@pytest.mark.parametrize("form_a", [False, True])
def test_quirk_04_text_that_it_cannot_carry_goes_as_binary_and_is_text_again(length: int, form_a: bool) -> None:
    said = "é" * (length // 2) + "x" * (length % 2)
    packet = Packet("_method_response", {"_arguments": {"result": said}}, form_a=form_a)
    body = on_the_wire(packet).body
    assert body is not None
    is_long = length > 65_535
    assert kinds(body) - {"map"} <= ({"binary", "vbin32"} if is_long else {"string", "str16"})
    found = off_the_wire(packet).body
    assert Data({"result": values(Packet("", found))["result"]}).decoded() == {"result": said}


def test_quirk_05_every_receiver_names_its_key() -> None:
    """Without one the binding key would be empty, on topic and direct exchange alike."""
    scheme = ExchangeScheme()
    for wanted in (*scheme.subscribe("agent.ind.heartbeat.#"), scheme.own(NAME), scheme.legacy("direct-console.1")):
        assert wanted is not None
        assert [value for _, value in wanted.filters.values()] not in ([], [""])
    with pytest.raises(LocalProtocolError):
        scheme.own("")


def test_quirk_06_a_receiver_has_one_subject_filter() -> None:
    scheme = ExchangeScheme()
    found = [*scheme.subscribe("a.#"), scheme.own("k")]
    assert [list(wanted.filters) for wanted in found] == [["subject-filter"], ["subject-filter"]]
    codes = [code for wanted in found for code, _ in wanted.filters.values()]
    assert codes == [0x0000468C00000001, 0x0000468C00000000], "topic and direct binding (1.3)"


def test_quirk_07_a_message_has_one_body_section_and_no_sequence() -> None:
    for packet in (
        Packet("_x", {"a": 1}),
        Packet("_x", [1]),
        Packet("_x", [1], form_a=True),
        Packet("", v1.encode_request("B", 1)),
    ):
        assert sum(name in ("data", "amqp-value") for name in on_the_wire(packet).order) == 1


def test_quirk_07_of_several_data_sections_the_last_is_read() -> None:
    first, last = (encode_message(Message(encode_map({"n": n}), properties={"qmf.opcode": "_x"})) for n in (1, 2))
    data = last[last.index(b"\x00Su") :]
    assert packet_of(decode_message(first + data)).body == {"n": 2}


def test_quirk_08_application_properties_are_text() -> None:
    """Only *partial* is not, whose type is simple for selectors: numbers, booleans and null are skipped rightly."""
    seen: set[tuple[str, str]] = set()
    for one in exchanges():
        (answer,) = answers(one)
        seen |= {(name, value.kind) for name, value in read_message(answer.raw).application.items()}
    part = ask(an_agent(objects=101), query(what="OBJECT", schema_id={"_class_name": "Thing"}))[0]
    seen |= {(name, value.kind) for name, value in on_the_wire(part).application.items()}
    assert {name for name, kind in seen if kind != "string"} == {"partial"}
    assert ("partial", "boolean") in seen


@pytest.mark.parametrize("form_a", [False, True])
def test_quirk_09_no_char_and_no_decimal_goes_out(form_a: bool) -> None:
    with pytest.raises(SchemaError):
        on_the_wire(Packet("_data_indication", [cast(Value, Decimal("1.5"))], form_a=form_a))
    received: list[Value] = [proton.char("x"), proton.decimal32(1)]  # a peer's own values, sent back to it
    body = on_the_wire(Packet("_data_indication", received, form_a=form_a)).body
    assert body is not None
    assert kinds(body) == ({"list", "string", "long"} if form_a else {"list", "str16", "int64"})


@pytest.mark.parametrize(
    "body",
    [{"k" * 256: 1}, {"n": 2**64}, {"t": "\ud800"}, {"x": object()}],
    ids=["long key", "large number", "no text", "no value"],
)
def test_quirk_10_what_would_end_the_connection_is_refused_before_it_is_sent(body: dict[str, object]) -> None:
    with pytest.raises(SchemaError):
        encode_packet(Packet("_method_request", cast(Value, body)), Out("qmf.default.direct", None, "broker"))


def test_quirk_10_a_key_too_long_for_0_10_is_refused_before_it_is_sent() -> None:
    with pytest.raises(SchemaError):
        encode_packet(Packet("_method_request", {}), Out("qmf.default.direct", None, "k" * 256))


def test_quirk_11_a_query_by_object_id_has_the_objects_name() -> None:
    console = ConsoleEngine(reply_to=REPLY_TO)
    console.query("broker", Query(QueryTarget.OBJECT, ObjectId("", "org.apache.qpid.broker:broker:amqp-broker")), 0, 5)
    ((key, packet),) = sent(console)
    assert key == "broker"
    assert packet.body == {
        "_what": "OBJECT",
        "_object_id": {"_object_name": "org.apache.qpid.broker:broker:amqp-broker"},
    }
    with pytest.raises(RemoteProtocolError):
        ObjectId.from_map({"_agent_name": "broker"})


def test_quirk_11_classes_of_the_broker_are_not_asked_for_by_a_query() -> None:
    console = ConsoleEngine(reply_to=REPLY_TO)
    console.list_classes("broker", 0.0, 5.0)
    ((_, packet),) = sent(console)
    assert packet.opcode == ""
    console.query("broker", Query(QueryTarget.SCHEMA_ID), 0.0, 5.0)
    refusal = find("schema-ids", "exception-broker")
    body = plain(refusal.stated.body)
    console.receive(Packet("_exception", body, agent=refusal.said("qmf.agent"), correlation_id="2"), 1.0)
    (event,) = events(console)
    assert isinstance(event, RequestFailed)
    assert "not supported" in failure_text(event.error)


def test_quirk_12_a_request_that_it_would_drop_is_refused_and_one_that_it_drops_expires() -> None:
    console = ConsoleEngine(reply_to=REPLY_TO)
    address = ObjectId("", "org.apache.qpid.broker:broker:amqp-broker")
    with pytest.raises(SchemaError, match="65536"):
        console.call("broker", address, "echo", {"body": "x" * 65_500}, 0.0, 5.0)
    number = console.call("broker", address, "echo", {"body": "x" * 65_000}, 0.0, 5.0)
    ((_, packet),) = sent(console)
    reading = on_the_wire(packet, "broker")
    assert reading.properties["reply-to"].value == REPLY_TO
    assert reading.application["x-amqp-0-10.app-id"].value == "qmf2"
    console.handle_timeout(5.0)
    assert events(console) == [RequestExpired(number, "broker")]


@pytest.mark.parametrize(
    "reply_to", ["no.such.exchange/key", "amq.topic/key", "qmf.default.topic/agent.ind.event.x", ""]
)
def test_quirk_13_an_address_that_would_cost_the_link_gets_no_answer(reply_to: str) -> None:
    with pytest.raises(LocalProtocolError):
        ExchangeScheme().reply(reply_to)


def test_quirk_14_the_broker_answers_a_locate_that_does_not_mean_it() -> None:
    console = ConsoleEngine(reply_to=REPLY_TO)
    console.locate(0.0, ["eq", "_vendor", ["quote", "example.org"]])
    console.receive(recorded(find("locate", "response-broker-to-proton")), 1.0)
    (event,) = events(console)
    assert isinstance(event, AgentAdded)
    assert event.info.vendor == "apache.org"


def test_quirk_15_partial_counts_although_it_is_empty_text() -> None:
    part, last = load("partial")[6:]
    assert part.stated.application["partial"] == Typed("string", "")
    console = ConsoleEngine(reply_to=REPLY_TO)
    console.query("broker", Query(QueryTarget.OBJECT, schema_id=SchemaId("", "queue")), 0.0, 5.0)
    for item in (part, last):
        assert events(console) == []
        headers = {name: cast(str, value.value) for name, value in item.stated.application.items()}
        raw = encode_message(Message([], "value", correlation_id="1", content_type="amqp/list", properties=headers))
        console.receive(packet_of(decode_message(raw)), 1.0)
    (event,) = events(console)
    assert isinstance(event, QueryCompleted)


def test_quirk_16_answers_in_qmfv1_may_come_on_another_exchange() -> None:
    wanted = ExchangeScheme().legacy("direct-console.1")
    assert wanted is not None
    assert (wanted.address, [value for _, value in wanted.filters.values()]) == ("amq.direct", ["direct-console.1"])
    console = ConsoleEngine(reply_to=REPLY_TO)
    number = console.fetch_schema("broker", SchemaId("p", "C", hash=uuid.UUID(int=1)), 0.0, 5.0)
    console.receive(Packet("", v1.encode_completion(number, 1, "Package not found"), subject="direct-console.1"), 1.0)
    (event,) = events(console)
    assert isinstance(event, RequestFailed)
    assert "Package not found" in failure_text(event.error)


@pytest.mark.parametrize("is_known", [True, False])
def test_quirk_17_a_deletion_without_an_object_id_is_taken(is_known: bool) -> None:
    console = ConsoleEngine(reply_to=REPLY_TO)
    schema = Schema(SchemaId("org.apache.qpid.broker", "queue"), (Property("name", PropertyType.STRING, index=True),))
    if is_known:
        number = console.fetch_schema("broker", schema.id, 0.0, 5.0)
        console.receive(Packet("", v1.encode_schema(number, schema)), 0.1)
        assert isinstance(events(console)[0], SchemaFetched)
    gone: Value = {"_values": {"name": b"q1"}, "_schema_id": schema.id.to_map(), "_delete_ts": 5}
    console.receive(Packet("_data_indication", [gone], content="_data", agent="apache.org:qpidd:1"), 1.0)
    (event,) = events(console)
    assert isinstance(event, DataIndicated)
    (data,) = event.items
    assert data.delete_ns == 5
    assert data.decoded() == {"name": "q1"}
    if is_known:
        assert data.object_id is not None
        assert data.object_id.object_name == "org.apache.qpid.broker:queue:q1"


def test_quirk_18_values_that_the_schema_calls_otherwise_are_kept() -> None:
    schema = Schema(
        SchemaId("org.apache.qpid.broker", "queue"),
        tuple(Property(f"latency{part}", PropertyType.INT) for part in ("Samples", "Min", "Max", "Average")),
    )
    said: dict[str, Value] = {f"latency{part}": 1 for part in ("Count", "Min", "Max", "Avg")}
    assert Data(said, schema_id=schema.id).decoded(schema) == said


def test_quirks_that_are_all_its_own_leave_our_agent_and_console_at_work() -> None:
    """After all of the above an ordinary exchange is as ever."""
    agent = an_agent()
    console = a_console(agent)
    number = console.list_classes(NAME, 0.0, 5.0)
    ((_, packet),) = sent(console)
    (answer,) = ask(agent, packet)
    assert [item["_class_name"] for item in items(answer)] == ["Thing", "done"]
    console.receive(off_the_wire(answer), 1.0)
    (event,) = events(console)
    assert isinstance(event, ClassesListed)
    assert (event.request, event.classes[0]) == (number, THING.id)
