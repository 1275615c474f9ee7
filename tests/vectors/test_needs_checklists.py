"""The checklists 6.4 to 6.7 of qmf2.md, numbered by their lines: a minimum agent, a minimum console, and Matahari's use.

6.5.1 and 6.6 recommend the topic exchange for a console's reply address; ours is on the direct exchange, as on every
other kind of broker (``brokers.md`` 2, point 4). Agents with libqmf2's option ``strict-security`` are not served so.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import cast

import pytest

from matahari.agent import AGENT_SCHEMA, Agent, AgentIdentity
from matahari.agent import agent as agent_module
from matahari.bus import ExchangeScheme, Out, matches
from matahari.console import station as station_module
from matahari.console.failures import error_of
from matahari.errors import InvalidArgumentError, RemoteError, SchemaError, UnknownActionError
from matahari.net import Address
from matahari.qmf import (
    CallCompleted,
    ConsoleEngine,
    Data,
    DataIndicated,
    Invoke,
    ObjectId,
    Packet,
    Publish,
    Query,
    QueryCompleted,
    QueryTarget,
    RequestExpired,
    SchemaId,
    Value,
    v1,
)
from tests.support.agent_replay import packet as recorded
from tests.support.agent_replay import recorded_agent
from tests.support.qmf_talk import (
    DONE,
    NAME,
    REPLY_TO,
    THING,
    an_agent,
    ask,
    ask_one,
    commands,
    events,
    items,
    on_the_wire,
    query,
    request,
    sent,
    values,
)
from tests.support.recorded import find
from tests.support.wire_reader import Typed, read_frames

NOWHERE = Address("unix", path="/nowhere")


class Wishes:
    """Stands for a bus and notes what its user wants to receive."""

    own: list[str]
    patterns: list[str]
    legacy_replies: bool

    def __init__(
        self,
        address: Address,
        user: object,
        *,
        own: Iterable[str] = (),
        patterns: Iterable[str] = (),
        legacy_replies: bool = False,
        **options: object,
    ) -> None:
        type(self).own, type(self).patterns, type(self).legacy_replies = list(own), list(patterns), legacy_replies


# -- 6.4: agent ------------------------------------------------------------------------------------------------------


def test_need_6_4_01_an_agent_receives_broadcasts_its_subject_and_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_module, "Bus", Wishes)
    agent = Agent("thing", AgentIdentity("box", "f00d", "1"), NOWHERE)
    assert Wishes.own == [agent.name]
    broadcast, subject = Wishes.patterns
    assert matches(broadcast, "console.request.agent_locate")
    assert subject.startswith("direct-agent.route.")


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("locate", "request-libqmf2-0-10"),
        ("locate", "request-libqmf2-1.0"),
        ("locate", "request-proton-value"),
        ("schema-ids", "request-libqmf2-0-10"),
        ("schema-ids", "request-libqmf2-1.0"),
        ("schema-ids", "request-proton-value"),
    ],
)
def test_need_6_4_02_requests_are_known_by_opcode_as_text_or_binary_and_in_both_forms(file: str, name: str) -> None:
    agent = an_agent(name="example.org:rpc:1")
    agent.receive(recorded(find(file, name)), 1.0, 2)
    assert len(commands(agent)) == 1


def test_need_6_4_03_a_locate_is_answered_if_its_predicate_means_us() -> None:
    for word, count in (("thing", 1), ("other", 0)):
        assert len(ask(an_agent(), request("_agent_locate_request", ["eq", "_product", ["quote", word]]))) == count


def test_need_6_4_04_a_heartbeat_has_all_standard_attributes_and_their_types() -> None:
    agent = an_agent()
    agent.handle_timeout(60.0, 9)
    beat = next(one.packet for one in commands(agent) if isinstance(one, Publish) and "heartbeat" in one.key)
    body = on_the_wire(beat).body
    assert body is not None
    ((_, found),) = cast("list[tuple[Typed, Typed]]", body.value)
    kinds = {str(key.value): value.kind for key, value in cast("list[tuple[Typed, Typed]]", found.value)}
    texts = dict.fromkeys(("_vendor", "_product", "_instance", "_name", "_direct_subject", "hostname"), "str16")
    numbers = dict.fromkeys(("_heartbeat_interval", "_epoch", "qmf.agent_capability"), "uint32")
    assert kinds == texts | numbers | dict.fromkeys(("_timestamp", "_schema_updated"), "uint64")


@pytest.mark.parametrize("what", ["OBJECT", "OBJECT_ID", "SCHEMA_ID", "SCHEMA"])
def test_need_6_4_05_all_four_queries_are_answered(what: str) -> None:
    answer = ask_one(an_agent(), query(what=what, schema_id=THING.id.to_map()))
    assert answer.opcode == "_query_response"
    assert len(items(answer)) == (2 if what == "SCHEMA_ID" else 1)
    assert not answer.partial


def test_need_6_4_05_nonsense_gets_an_exception() -> None:
    assert ask_one(an_agent(), query(what="NONSENSE")).opcode == "_exception"


@pytest.mark.parametrize("arguments", [{"to": 1}, {}, None])
def test_need_6_4_06_a_call_ends_with_a_response_or_an_exception(arguments: Value) -> None:
    for end in ("_method_response", "_exception"):
        agent = an_agent()
        body: dict[str, Value] = {"_object_id": {"_object_name": "thing-0"}, "_method_name": "resize"}
        if arguments is not None:
            body["_arguments"] = arguments
        agent.receive(request("_method_request", body), 1.0, 2)
        (call,) = commands(agent)
        assert isinstance(call, Invoke)
        if end == "_exception":
            agent.fail(call.call, "no")
        else:
            agent.complete(call.call, {"old": 1})
        (reply,) = commands(agent)
        assert not isinstance(reply, Invoke)
        assert reply.packet.opcode == end


@pytest.mark.parametrize("key", [NAME, "direct-agent.route.1"])
def test_need_6_4_07_a_schema_frame_is_answered_on_both_addresses(key: str) -> None:
    asked = Packet("", v1.encode_schema_request(3, THING.id), reply_to=REPLY_TO, subject=key)
    reading = on_the_wire(ask_one(an_agent(), asked))
    assert reading.application == {"qmf.agent": Typed("string", NAME)}
    assert [frame["opcode"] for frame in reading.frames] == ["s"]


@pytest.mark.parametrize(
    ("reply_to", "out"),
    [
        ("qmf.default.topic/direct-console.1", Out("qmf.default.topic", None, "direct-console.1")),
        ("qmf.default.topic/direct.1", Out("qmf.default.topic", None, "direct.1")),
        ("qmf.default.direct/qmfc-v2-box.1.1", Out("qmf.default.direct", None, "qmfc-v2-box.1.1")),
        ("amq.direct/reply-box.1.1", Out("amq.direct", None, "reply-box.1.1")),
        ("a-queue-of-a-console", Out(None, "a-queue-of-a-console", "")),
    ],
)
def test_need_6_4_08_an_answer_reaches_every_form_of_reply_address(reply_to: str, out: Out) -> None:
    assert ExchangeScheme().reply(reply_to) == out


def test_need_6_4_09_events_and_objects_are_told_on_the_topic_exchange() -> None:
    agent = an_agent()
    agent.raise_event(DONE, {"text": "x"}, 3, 1)
    agent.handle_timeout(100.0, 2)
    told = {one.packet.content: one.key for one in commands(agent) if isinstance(one, Publish)}
    assert told["_event"] == "agent.ind.event.org_example.done.error.example_org.thing.1"
    assert told["_data"] == "agent.ind.data.org_example.Thing.example_org.thing.1"


def test_need_6_4_10_headers_are_text_app_id_is_there_and_the_content_type_is_a_symbol() -> None:
    reading = on_the_wire(ask_one(an_agent(), query(what="SCHEMA_ID")))
    assert {value.kind for value in reading.application.values()} == {"string"}
    assert reading.application["x-amqp-0-10.app-id"].value == "qmf2"
    assert reading.properties["content-type"] == Typed("symbol", "amqp/list")


# -- 6.5: console for the broker's agent -----------------------------------------------------------------------------


def a_station(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(station_module, "Bus", Wishes)
    options = station_module.BusOptions()
    station_module.Station(NOWHERE, options, listener=lambda event: None, connected=lambda: None)


def test_need_6_5_01_a_console_receives_at_its_own_key_and_the_same_on_the_legacy_exchange(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a_station(monkeypatch)
    (key,) = Wishes.own
    assert key.startswith("direct-console.")
    assert uuid.UUID(key.removeprefix("direct-console.")).version == 4
    assert Wishes.legacy_replies
    assert ExchangeScheme().reply_to(key) == f"qmf.default.direct/{key}"


def ask_broker(agent: str = "broker") -> tuple[ConsoleEngine, Packet, str]:
    console = ConsoleEngine(reply_to=REPLY_TO)
    by_class = SchemaId("org.apache.qpid.broker", "queue")
    console.query(agent, Query(QueryTarget.OBJECT, schema_id=by_class), 0.0, 5.0)
    ((key, packet),) = sent(console)
    return console, packet, key


def test_need_6_5_02_requests_go_to_its_alias_or_its_name() -> None:
    assert ask_broker()[2] == "broker"
    assert ask_broker("apache.org:qpidd:1")[2] == "apache.org:qpidd:1"


def test_need_6_5_03_requests_have_app_id_opcode_and_reply_address() -> None:
    reading = on_the_wire(ask_broker()[1])
    assert reading.application["x-amqp-0-10.app-id"].value == "qmf2"
    assert reading.application["qmf.opcode"].value == "_query_request"
    assert reading.properties["reply-to"].value == REPLY_TO


def test_need_6_5_04_objects_are_asked_for_by_class() -> None:
    body = cast("dict[str, Value]", ask_broker()[1].body)
    named: Value = {"_package_name": "org.apache.qpid.broker", "_class_name": "queue", "_type": "_data"}
    assert body == {"_what": "OBJECT", "_schema_id": named}


@pytest.mark.parametrize("asked", ["broker", "apache.org:qpidd:1"])
@pytest.mark.parametrize("answering", ["broker", "apache.org:qpidd:1"])
def test_need_6_5_05_it_may_answer_by_either_name_with_a_hundred_objects_a_part(asked: str, answering: str) -> None:
    console, packet, _ = ask_broker(asked)
    (one,) = items(recorded(find("objects", "response-broker")))
    for count, partial in ((100, True), (33, False)):
        part: Value = [one] * count
        console.receive(
            Packet("_query_response", part, "_data", answering, packet.correlation_id, partial=partial), 1.0
        )
    (event,) = events(console)
    assert isinstance(event, QueryCompleted)
    assert len(event.items) == 133
    (data, *_) = cast("list[Data]", event.items)
    assert data.decoded()["name"] == "amqp-broker"
    assert data.object_id is not None
    assert data.object_id.agent_name == asked


def test_need_6_5_06_its_methods_are_called_by_the_name_of_its_object() -> None:
    console = ConsoleEngine(reply_to=REPLY_TO)
    address = ObjectId("", "org.apache.qpid.broker:broker:amqp-broker")
    number = console.call("broker", address, "echo", {"sequence": 1, "body": "hi"}, 0.0, 5.0)
    ((_, packet),) = sent(console)
    assert packet.body == {
        "_object_id": {"_object_name": "org.apache.qpid.broker:broker:amqp-broker"},
        "_method_name": "echo",
        "_arguments": {"sequence": 1, "body": "hi"},
    }
    console.receive(recorded(find("method-proton", "response-broker-echo")), 1.0)
    assert events(console) == [CallCompleted(number, "broker", {"body": b"hi", "sequence": 1})]


def test_need_6_5_07_schemas_and_classes_are_asked_for_in_qmfv1() -> None:
    console = ConsoleEngine(reply_to=REPLY_TO)
    console.list_classes("broker", 0.0, 5.0)
    wanted = SchemaId("org.apache.qpid.broker", "queue", hash=uuid.UUID(int=7))
    number = console.fetch_schema("broker", wanted, 0.0, 5.0)
    found = [(key, read_frames(cast(bytes, packet.body))[0]) for key, packet in sent(console)]
    assert [(key, frame["opcode"]) for key, frame in found] == [("broker", "P"), ("broker", "S")]
    assert found[1][1] == {
        "opcode": "S", "sequence": number, "package": "org.apache.qpid.broker", "class": "queue",
        "hash": uuid.UUID(int=7).hex,
    }  # fmt: skip


def test_need_6_5_08_what_it_tells_unasked_is_heard() -> None:
    subject = find("events", "broker-data").property("subject") or ""
    assert matches("agent.ind.data.org_apache_qpid_broker.#", subject)
    console = ConsoleEngine(reply_to=REPLY_TO)
    console.receive(recorded(find("events", "broker-data")), 1.0)
    (event,) = events(console)
    assert isinstance(event, DataIndicated)


@pytest.mark.parametrize("arguments", [{"k" * 256: 1}, {"n": 2**64}, {"t": "\ud800"}], ids=["key", "number", "text"])
def test_need_6_5_09_it_is_never_sent_what_it_cannot_read(arguments: dict[str, Value]) -> None:
    console = ConsoleEngine(reply_to=REPLY_TO)
    with pytest.raises(SchemaError):
        console.call("broker", ObjectId("", "org.apache.qpid.broker:broker:amqp-broker"), "echo", arguments, 0.0, 5.0)
    assert console.statistics()["pending"] == 0
    assert sent(console) == []


# -- 6.6: console for original agents --------------------------------------------------------------------------------


def test_need_6_6_a_locate_is_a_list_by_its_content_type() -> None:
    console = ConsoleEngine(reply_to=REPLY_TO)
    console.locate(0.0)
    ((key, packet),) = sent(console)
    reading = on_the_wire(packet)
    assert (key, reading.properties["content-type"].value) == ("console.request.agent_locate", "amqp/list")
    assert reading.body == Typed("list", [])


def test_need_6_6_an_original_agent_is_asked_under_its_subject_with_decimal_numbers() -> None:
    console = ConsoleEngine(reply_to=REPLY_TO)
    announced = find("locate", "response-rpc-agent-libqmf2-1.0")
    console.receive(recorded(announced), 0.0)
    name = announced.said("qmf.agent") or ""
    number = console.list_classes(name, 0.0, 5.0)
    ((key, packet),) = sent(console)
    assert key == values(recorded(announced))["_direct_subject"].decode()  # type: ignore[union-attr]  # binary there
    assert packet.correlation_id == str(number)
    assert on_the_wire(packet).properties["content-type"].value == "amqp/map"
    console.handle_timeout(5.0)
    assert RequestExpired(number, name) in events(console), "it may never answer"


# -- 6.7: Matahari ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["response-libqmf2-0-10-Agent", "response-libqmf2-1.0-Agent"])
def test_need_6_7_hosts_are_found_by_the_objects_of_class_agent(name: str) -> None:
    answer = find("objects", name)
    console = ConsoleEngine(reply_to=REPLY_TO, first_request=int(answer.property("correlation-id") or 0))
    console.query(answer.said("qmf.agent") or "", Query(QueryTarget.OBJECT, schema_id=AGENT_SCHEMA.id), 0.0, 10.0)
    console.receive(recorded(answer), 1.0)
    (event,) = events(console)
    assert isinstance(event, QueryCompleted)
    (data,) = cast("list[Data]", event.items)
    assert data.schema_id == AGENT_SCHEMA.id
    assert data.decoded().keys() == {item.name for item in AGENT_SCHEMA.properties}


def test_need_6_7_a_plugin_of_2012_is_called_with_json_in_a_list_and_a_map() -> None:
    asked = find("method-libqmf2-1.0", "request-showArgs")
    address = ObjectId.from_map(cast("dict[str, Value]", recorded(asked).body)["_object_id"])
    agent = recorded_agent(address.agent_name)
    agent.receive(recorded(asked), 1.0, 2)
    (call,) = commands(agent)
    assert isinstance(call, Invoke)
    assert (call.object_name, call.method) == (address.object_name, "showArgs")
    assert call.arguments == {"args": ["1", '"two"', "[3.5,null,true]"], "kwargs": {"k": '{"a":1}', "s": '"x"'}}


@pytest.mark.parametrize(
    ("name", "kind"),
    [("response-wrong-type", InvalidArgumentError), ("response-no-epoch", UnknownActionError)],
)
def test_need_6_7_failures_of_original_agents_are_known_by_their_text(name: str, kind: type[RemoteError]) -> None:
    data = Data.from_map(recorded(find("method-proton", name)).body)
    assert isinstance(error_of(data, agent="a", action="x"), kind)
