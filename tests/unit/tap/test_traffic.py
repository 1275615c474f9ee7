"""Conversations, captured and made, as the tap tells them."""

from __future__ import annotations

import json

from matahari.amqp import encode_message
from matahari.bus import message_of
from matahari.qmf import Packet, Value
from matahari.tap.sighting import Delivery, Sighting
from matahari.tap.traffic import Watcher
from tests.support.captured import FOLDER

AGENT = "x.org:rpc:12345678-0000"
CONSOLE = "direct-console.abcdef01-2345"


def replay(*files: str) -> dict[str, Sighting]:
    """Sightings by name of the messages of these files, a second apart."""
    watcher, seen, now = Watcher(), {}, 0.0
    for file in files:
        for message in json.loads((FOLDER / f"{file}.json").read_text())["messages"]:
            if "raw" in message:
                now += 1.0
                delivery = Delivery(bytes.fromhex(message["raw"]), message["seen_on"], "", message["seen_with_binding"])
                seen[message["name"]] = watcher.see(delivery, 0, now)
    return seen


class Bus:
    """A watcher that is shown packets."""

    def __init__(self, *, own_key: str = "") -> None:
        self.watcher = Watcher(own_key=own_key)
        self.now = 0.0

    def topic(self, key: str, packet: Packet) -> Sighting:
        return self._see("qmf.default.topic", key, packet)

    def direct(self, key: str, packet: Packet) -> Sighting:
        return self._see("qmf.default.direct", key, packet)

    def heartbeat(self) -> Sighting:
        values: Value = {"_values": {"hostname": "web1", "_product": "rpc", "_direct_subject": "direct-agent.1"}}
        return self.topic("agent.ind.heartbeat.x", Packet("_agent_heartbeat_indication", values, agent=AGENT))

    def call(self, correlation: str = "1", **more: Value) -> Sighting:
        body: Value = {"_method_name": "m", "_object_id": {"_object_name": "o"}, "_arguments": {"a": 1}, **more}
        packet = Packet("_method_request", body, correlation_id=correlation, reply_to=f"qmf.default.direct/{CONSOLE}")
        return self.direct(AGENT, packet)

    def answer(self, opcode: str, body: Value, *, partial: bool = False, content: str | None = None) -> Sighting:
        packet = Packet(opcode, body, agent=AGENT, correlation_id="1", partial=partial, content=content)
        return self.direct(CONSOLE, packet)

    def _see(self, node: str, key: str, packet: Packet) -> Sighting:
        self.now += 0.5
        delivery = Delivery(encode_message(message_of(packet, key)), node, key, key, login="ops")
        return self.watcher.see(delivery, 0, self.now)


def test_a_call_and_its_result_are_told_with_names_class_and_latency() -> None:
    bus = Bus()
    bus.heartbeat()
    bus.answer(
        "_query_response", [{"_object_id": {"_object_name": "o"}, "_schema_id": {"_class_name": "C"}}], content="_data"
    )
    call = bus.call()
    assert (call.opcode, call.sender, call.receiver) == ("call", "ops@console-abcdef01", "web1/rpc")
    assert (call.class_name, call.object_name, call.method, call.contents) == ("C", "o", "m", {"a": 1})
    result = bus.answer("_method_response", {"_arguments": {"x": 2}})
    assert (result.opcode, result.sender, result.receiver) == ("result", "web1/rpc", "console-abcdef01")
    assert (result.class_name, result.method, result.contents, result.latency) == ("C", "m", {"x": 2}, 0.5)
    assert (result.number, result.failed, result.part) == (call.number, False, 0)


def test_an_exception_tells_its_code_and_text() -> None:
    bus = Bus()
    bus.call()
    failed = bus.answer("_exception", {"_values": {"type": "ValueError", "value": "boom"}})
    assert (failed.opcode, failed.error, failed.method, failed.failed) == ("exception", "7 ValueError: boom", "m", True)
    assert bus.answer("_exception", {}).failed


def test_parts_of_an_answer_are_numbered() -> None:
    bus = Bus()
    bus.direct(
        AGENT,
        Packet("_query_request", {"_what": "OBJECT"}, correlation_id="1", reply_to=f"qmf.default.direct/{CONSOLE}"),
    )
    parts = [
        bus.answer("_query_response", [{}] * 2, partial=partial, content="_data") for partial in (True, True, False)
    ]
    assert [(part.part, part.is_last, part.items) for part in parts] == [(1, False, 2), (2, False, 2), (3, True, 2)]


def test_a_request_by_the_agents_own_key_finds_the_agent() -> None:
    bus = Bus()
    bus.heartbeat()
    packet = Packet("_query_request", {}, correlation_id="1", reply_to=f"qmf.default.topic/{CONSOLE}")
    assert bus.topic("direct-agent.1", packet).receiver == "web1/rpc"
    assert bus.answer("_query_response", [], content="_schema").latency == 0.5
    unknown = bus.topic("direct-agent.2", packet)
    assert (unknown.agent, unknown.receiver) == (None, "direct-agent.2")


def test_everybody_is_asked_by_a_locate_request() -> None:
    bus = Bus()
    packet = Packet("_agent_locate_request", [], reply_to=f"qmf.default.direct/{CONSOLE}")
    assert bus.topic("console.request.agent_locate", packet).receiver == "all agents"
    answers = [
        bus.direct(CONSOLE, Packet("_agent_locate_response", {"_values": {"hostname": host}}, agent=f"x:{host}:1"))
        for host in ("web1", "web2")
    ]
    assert [(one.sender, one.latency) for one in answers] == [("web1/web1", 0.5), ("web2/web2", 1.0)]


def test_the_taps_own_question_is_known_as_its_own() -> None:
    bus = Bus(own_key=CONSOLE)
    packet = Packet("_agent_locate_request", [], reply_to=f"qmf.default.direct/{CONSOLE}")
    assert bus.topic("console.request.agent_locate", packet).is_own
    assert bus.direct(CONSOLE, Packet("_agent_locate_response", {"_values": {}}, agent=AGENT)).is_own
    assert not bus.heartbeat().is_own


def test_positional_secrets_are_masked_once_the_plugin_was_seen() -> None:
    bus = Bus()
    params = json.dumps({"x-positional": ["user", "password"]})
    plugin: Value = {"_object_id": {"_object_name": "o"}, "_values": {"methods": {"m": {"params": params}}}}
    arguments: Value = {"args": ['"joe"', '"hunter2"']}
    assert bus.call(_arguments=arguments).contents == arguments
    bus.answer("_query_response", [plugin], content="_data")
    assert bus.call(_arguments=arguments).contents == {"args": ['"joe"', "***"]}


def test_a_message_that_the_broker_left_out_is_told_with_its_size() -> None:
    seen = Watcher().see(Delivery(b"", "qmf.default.topic", "k", "#", left_out=5_000_000), 0, 0.0)
    assert (seen.size, seen.failed, seen.opcode) == (5_000_000, True, "left-out")


def test_a_malformed_message_is_told_and_nothing_else() -> None:
    seen = Watcher().see(Delivery(b"\x00\x53", "qmf.default.topic", "k", "#", login="eve"), 0, 0.0)
    assert (seen.opcode, seen.sender, seen.failed) == ("malformed", "eve", True)
    assert "truncated" in seen.error


def test_names_of_any_length_do_not_fill_the_tables() -> None:
    bus = Bus()
    packet = Packet("_query_request", {}, correlation_id="1" * 5000, reply_to="qmf.default.direct/" + "k" * 5000)
    bus.direct("a" * 200, packet)
    [key] = bus.watcher._pending._open
    assert max(map(len, key)) <= 255


def test_captured_v1_conversations_are_matched_by_their_sequence() -> None:
    seen = replay("heartbeat", "schema-qmfv1")
    request, response = seen["request-heartbeat"], seen["response-heartbeat"]
    assert (request.opcode, request.class_name) == ("v1-schema-request", "heartbeat")
    assert (response.opcode, response.latency, response.number) == ("v1-schema", 1.0, request.number)
    assert seen["broker-z"].opcode == "v1-complete"
    assert seen["broker-p"].items == 2


def test_captured_calls_of_every_console_find_their_answers() -> None:
    for file in ("method-python-0-10", "method-libqmf2-0-10", "method-libqmf2-1.0", "method-proton"):
        seen = replay("heartbeat", "locate", "objects", file)
        answered = [
            name for name, one in seen.items() if name.startswith("response-") and one.opcode in ("result", "exception")
        ]
        assert answered
        for name in answered:
            if name.replace("response-", "request-") in seen:
                assert seen[name].latency == 1.0, f"{file}: {name}"
                assert seen[name].method == seen[name.replace("response-", "request-")].method


def test_captured_events_and_heartbeats_are_told_by_their_agents() -> None:
    seen = replay("locate", "heartbeat", "events")
    event = seen["lab-poked-0-10-severity-4"]
    assert (event.opcode, event.package, event.class_name, event.items) == ("event", "org.example.lab", "Poked", 1)
    assert seen["broker-data"].opcode == "data"
    assert seen["host-agent-0-10"].sender == "ast1/host"


def test_reports_belong_to_their_call_and_do_not_count_as_its_answer() -> None:
    bus = Bus()
    bus.heartbeat()
    call = bus.call()
    body: Value = [
        {"seq": 1, "kind": "output", "chunk": "password=hidden\n"},
        {"seq": 2, "kind": "partial", "value": "3"},
    ]
    told = bus.answer("_method_indication", body)
    assert (told.opcode, told.sender, told.receiver) == ("report", "web1/rpc", "console-abcdef01")
    assert (told.object_name, told.method, told.number, told.items, told.latency) == ("o", "m", call.number, 2, 0.5)
    assert (told.part, told.is_last, told.failed) == (0, False, False)
    assert told.reading.masked
    assert "hidden" not in str(told.contents)
    result = bus.answer("_method_response", {"_arguments": {"x": 2}, "_matahari": {"reports": 2}})
    assert (result.contents, result.part, result.is_last, result.latency) == ({"x": 2}, 0, True, 1.0)
    late = bus.answer("_method_indication", body)
    assert (late.sender, late.method, late.number) == ("web1/rpc", "", 0)


def test_who_gives_up_a_call_is_told_with_the_call() -> None:
    bus = Bus()
    bus.heartbeat()
    call = bus.call()
    reply_to = f"qmf.default.direct/{CONSOLE}"
    given_up = bus.direct(AGENT, Packet("_method_cancel_indication", {}, correlation_id="1", reply_to=reply_to))
    assert (given_up.opcode, given_up.sender, given_up.receiver) == ("end-call", "ops@console-abcdef01", "web1/rpc")
    assert (given_up.method, given_up.number, given_up.is_last) == ("m", call.number, False)
    answer = bus.answer("_exception", {"_values": {"kind": "cancelled", "error_text": "given up"}})
    assert answer.number == call.number
    unknown = bus.direct(AGENT, Packet("_method_cancel_indication", {}, correlation_id="9", reply_to=reply_to))
    assert (unknown.receiver, unknown.method, unknown.number) == ("web1/rpc", "", 0)
