"""Packets as messages and back (qmf2.md 1.5 and 1.6)."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import Literal

import pytest

from matahari.amqp import MAX_MESSAGE, BodyValue, Message, decode_message, encode_message
from matahari.bus import Out, encode_packet, message_of, packet_of
from matahari.errors import RemoteProtocolError, SchemaError
from matahari.qmf import Packet, UInt, ULong, Value, decode_list, decode_map, encode_list, encode_map, text
from tests.support.captured import FILES, captured
from tests.support.vectors import FOLDER, load

FULL = Packet(
    "_method_request",
    {"_method_name": "x", "_arguments": {"n": 1}},
    content="_data",
    agent="v:p:i",
    correlation_id="7",
    reply_to="qmf.default.direct/me",
    partial=True,
    method="request",
    ttl=30.0,
)


def over_the_wire(packet: Packet, subject: str = "key", to: str | None = None) -> Packet:
    return packet_of(decode_message(encode_message(message_of(packet, subject, to))))


def test_a_map_goes_out_as_form_b_with_everything_a_peer_looks_at() -> None:
    message = message_of(FULL, "key")
    assert message == Message(
        body=encode_map({"_method_name": "x", "_arguments": {"n": 1}}),
        section="data",
        subject="key",
        reply_to="qmf.default.direct/me",
        correlation_id="7",
        content_type="amqp/map",
        ttl=30.0,
        properties={
            "qmf.opcode": "_method_request",
            "x-amqp-0-10.app-id": "qmf2",
            "method": "request",
            "qmf.agent": "v:p:i",
            "qmf.content": "_data",
            "partial": True,
        },
    )


def test_what_a_packet_lacks_is_left_out() -> None:
    message = message_of(Packet("_query_response", []), "key", "node")
    assert message.properties == {"qmf.opcode": "_query_response", "x-amqp-0-10.app-id": "qmf2"}
    assert (message.to, message.reply_to, message.correlation_id, message.ttl) == ("node", None, None, None)
    assert message.user_id is None, "the broker stamps it"


def test_a_packet_comes_back_as_it_went() -> None:
    assert over_the_wire(FULL) == replace(FULL, subject="key")


@pytest.mark.parametrize("body", [{}, [], {"a": {"b": [1, None]}}, [{"x": 1.5}, "text"], None])
def test_a_body_comes_back_in_either_form(body: Value) -> None:
    for form_a in (False, True):
        assert over_the_wire(Packet("_data_indication", body, form_a=form_a)).body == body


@pytest.mark.parametrize(("body", "kind"), [({"k": 1}, "amqp/map"), ([1], "amqp/list")])
def test_form_a_is_a_value_section_with_a_content_type(body: Value, kind: str) -> None:
    message = message_of(Packet("_query_response", body, form_a=True), "key")
    assert (message.section, message.body, message.content_type) == ("value", body, kind)


def test_an_answer_in_form_a_may_hold_numbers_of_given_width() -> None:
    """Epochs are UInt and times ULong, which AMQP's own types of Python do not know."""
    wide = 2**64 - 1
    body: Value = {"_epoch": UInt(5), "_ts": ULong(7), "big": ULong(wide), "deep": [{"x": UInt(1)}, True, None]}
    answer = over_the_wire(Packet("_query_response", body, form_a=True))
    assert answer.body == {"_epoch": 5, "_ts": 7, "big": wide, "deep": [{"x": 1}, True, None]}
    listed = over_the_wire(Packet("_query_response", [{"_values": {"n": ULong(3)}}], form_a=True))
    assert listed.body == [{"_values": {"n": 3}}]


def test_form_a_carries_every_other_type_as_it_is() -> None:
    body: Value = {"u": uuid.UUID(int=1), "b": b"\xff", "f": 0.5, "t": "é", "y": True, "n": None}
    answer = over_the_wire(Packet("_method_response", body, form_a=True))
    assert answer.body == body
    assert isinstance(answer.body, dict)
    assert answer.body["y"] is True


def test_a_request_in_form_a_without_content_type_may_be_answered_so() -> None:
    bare = Message({"_what": "OBJECT"}, section="value", properties={"qmf.opcode": "_query_request"})
    assert packet_of(bare).form_a
    assert not packet_of(replace(bare, content_type="amqp/map")).form_a
    assert not packet_of(Message(encode_map({}), properties=bare.properties)).form_a
    assert not packet_of(Message(None, section="none", properties=bare.properties)).form_a


@pytest.mark.parametrize("content_type", [None, "amqp/list", "text/plain"])
def test_the_section_decides_and_not_the_content_type(content_type: str | None) -> None:
    message = Message({"a": 1}, section="value", content_type=content_type, properties={"qmf.opcode": "_x"})
    assert packet_of(message).body == {"a": 1}


@pytest.mark.parametrize("content_type", ["amqp/map", "AMQP/MAP", None, "text/plain"])
def test_bytes_under_an_opcode_are_a_map_unless_they_say_list(content_type: str | None) -> None:
    message = Message(encode_map({"a": 1}), content_type=content_type, properties={"qmf.opcode": "_x"})
    assert packet_of(message).body == {"a": 1}


@pytest.mark.parametrize("section", ["data", "value"])
def test_a_list_in_the_0_10_encoding_is_read(section: Literal["data", "value"]) -> None:
    message = Message(encode_list([1, 2]), section, content_type="amqp/list", properties={"qmf.opcode": "_x"})
    assert packet_of(message).body == [1, 2]


def test_a_sequence_is_read_as_a_list() -> None:
    """RabbitMQ 3 carries lists only so (brokers.md 3.2)."""
    message = Message([{"a": 1}, {"b": 2}], section="sequence", properties={"qmf.opcode": "_query_response"})
    assert packet_of(decode_message(encode_message(message))).body == [{"a": 1}, {"b": 2}]


def test_qmf2_is_told_by_its_opcode_and_app_id_may_be_missing() -> None:
    assert packet_of(Message(encode_map({}), properties={"qmf.opcode": "_x"})).opcode == "_x"
    assert packet_of(Message(None, section="none")).opcode == ""


@pytest.mark.parametrize("value", [True, False, None, "", 0])
def test_partial_counts_by_its_presence(value: BodyValue) -> None:
    message = Message(encode_map({}), properties={"qmf.opcode": "_x", "partial": value})
    assert packet_of(message).partial
    assert packet_of(decode_message(encode_message(message))).partial


def test_text_that_comes_as_binary_is_text() -> None:
    """libqmf2 sends every application property so (qmf2.md 1.7)."""
    message = Message(
        encode_map({}),
        user_id=b"ops@QPID",
        properties={
            "qmf.opcode": b"_query_response",
            "qmf.agent": b"v:p:i",
            "qmf.content": b"_data",
            "method": b"response",
            "x-amqp-0-10.app-id": b"qmf2",
        },
    )
    packet = packet_of(decode_message(encode_message(message)))
    assert (packet.opcode, packet.agent, packet.content, packet.method) == (
        "_query_response",
        "v:p:i",
        "_data",
        "response",
    )
    assert packet.user_id == "ops@QPID"


def test_properties_that_are_no_text_count_as_absent() -> None:
    message = Message(
        {}, section="value", user_id=b"\xff", properties={"qmf.opcode": 5, "qmf.agent": b"\xff", "method": [1]}
    )
    packet = packet_of(decode_message(encode_message(message)))
    assert (packet.opcode, packet.agent, packet.method, packet.content) == ("", None, None, None)
    assert packet.user_id == "�"


def test_a_qmfv1_frame_is_bytes_without_an_opcode() -> None:
    frame = b"AM2S\x00\x00\x00\x01rest"
    for message in (Message(frame), Message(frame, section="value")):
        packet = packet_of(decode_message(encode_message(message)))
        assert (packet.opcode, packet.body) == ("", frame)


def test_a_qmfv1_frame_goes_out_as_data_and_without_the_marks_of_qmf2() -> None:
    message = message_of(Packet("", b"AM2s\x00\x00\x00\x01"), "reply-1")
    assert (message.section, message.body, message.content_type) == (
        "data",
        b"AM2s\x00\x00\x00\x01",
        "x-application/qmf",
    )
    assert message.properties == {}


@pytest.mark.parametrize(
    "message",
    [
        Message(b"noise"),
        Message(b""),
        Message(b"noise", properties={"qmf.opcode": "_x"}),
        Message(encode_list([1]), content_type="amqp/map", properties={"qmf.opcode": "_x"}),
        Message(encode_map({"a": 1})[:-1], content_type="amqp/map"),
        Message("text", section="value", properties={"qmf.opcode": "_x"}),
        Message(5, section="value"),
        Message(uuid.UUID(int=0), section="value"),
    ],
    ids=str,
)
def test_a_body_that_is_not_what_it_says_is_malformed(message: Message) -> None:
    with pytest.raises(RemoteProtocolError):
        packet_of(message)


@pytest.mark.parametrize("form_a", [False, True])
def test_a_body_that_has_no_encoding_is_told_to_the_sender(form_a: bool) -> None:
    with pytest.raises(SchemaError):
        encode_message(message_of(Packet("_x", {"n": 2**64}, form_a=form_a), "key"))


@pytest.mark.parametrize("file", [file for file in FILES if file != "malformed"])
def test_captured_messages_are_read_to_the_opcode_that_is_stated(file: str) -> None:
    """Every delivery of the original software, as it was on the wire."""
    stated = [vector.packet for vector in load(file) if vector.packet is not None]
    for (name, data), expected in zip(captured(file), stated, strict=True):
        packet = packet_of(decode_message(data))
        assert packet.opcode == expected.opcode, name
        assert (packet.content, packet.agent, packet.method) == (expected.content, expected.agent, expected.method)
        assert (packet.correlation_id, packet.reply_to) == (expected.correlation_id, expected.reply_to)
        assert (packet.subject, packet.partial, packet.form_a) == (expected.subject, expected.partial, expected.form_a)
        assert packet.user_id == expected.user_id
        assert packet.body == expected.body, name


@pytest.mark.parametrize("file", [file for file in FILES if file != "malformed"])
def test_captured_messages_can_be_sent_on_and_read_the_same(file: str) -> None:
    for name, data in captured(file):
        packet = packet_of(decode_message(data))
        again = over_the_wire(packet, packet.subject)
        # the content type that we add ends the choice of form A, and nobody but the broker names a user
        assert again == replace(packet, form_a=False, user_id=None, ttl=again.ttl), name


@pytest.mark.parametrize("name_and_data", captured("malformed"), ids=lambda pair: str(pair[0]))
def test_quirk_1_an_int8_that_a_broker_made_garbage_of_is_malformed(name_and_data: tuple[str, bytes]) -> None:
    with pytest.raises(RemoteProtocolError):
        packet_of(decode_message(name_and_data[1]))


LONG = "é" * 32_768  # 65,536 bytes


@pytest.mark.parametrize("form_a", [False, True])
@pytest.mark.parametrize("where", ["value", "nested", "item"])
def test_quirk_4_text_above_65535_bytes_goes_as_binary_in_either_form(form_a: bool, where: str) -> None:
    """qpidd closes the connection over a longer text, and every reader takes binary for text (qmf2.md 1.9)."""
    bodies: dict[str, Value] = {
        "value": {"_arguments": LONG},
        "nested": {"_arguments": {"n": [1, LONG]}},
        "item": [{"_values": LONG}],
    }
    body = bodies[where]
    received = over_the_wire(Packet("_x", body, form_a=form_a)).body
    found = received["_arguments"] if isinstance(received, dict) else received
    while isinstance(found, dict | list):
        found = list(found.values())[-1] if isinstance(found, dict) else found[-1]
    assert isinstance(found, bytes)
    assert text(found) == LONG


@pytest.mark.parametrize("form_a", [False, True])
def test_text_of_65535_bytes_is_text(form_a: bool) -> None:
    body: Value = {"t": LONG[:-1] + "x"}
    assert over_the_wire(Packet("_x", body, form_a=form_a)).body == body


class TestSequences:
    """RabbitMQ 3 crashes on a list in a value section (brokers.md 3.2)."""

    @pytest.mark.parametrize(
        ("packet", "section"),
        [
            (Packet("_x", [1, 2], form_a=True), "sequence"),
            (Packet("_x", [], form_a=True), "sequence"),
            (Packet("_x", {"l": [1, 2]}, form_a=True), "value"),
            (Packet("_x", [1, 2]), "data"),
            (Packet("_x", {"l": [1, 2]}), "data"),
            (Packet("", b"AM2S"), "data"),
            (Packet("_x", None, form_a=True), "none"),
        ],
    )
    def test_only_a_list_in_form_a_becomes_one(self, packet: Packet, section: str) -> None:
        message = message_of(packet, "key", lists_as_sequence=True)
        assert message.section == section
        assert packet_of(decode_message(encode_message(message))).body == packet.body


class TestEncoding:
    def test_everything_that_the_address_says_is_in_the_bytes(self) -> None:
        message = decode_message(encode_packet(FULL, Out(None, "/exchanges/x/key", "key")))
        assert (message.subject, message.to) == ("key", "/exchanges/x/key")

    @pytest.mark.parametrize("key", ["k" * 256, "é" * 128])
    def test_a_key_above_255_bytes_is_our_fault(self, key: str) -> None:
        with pytest.raises(SchemaError, match="255 bytes"):
            encode_packet(FULL, Out("node", None, key))

    def test_a_key_of_255_bytes_is_sent(self) -> None:
        assert encode_packet(FULL, Out("node", None, "é" * 127 + "k"))

    def test_what_is_above_the_size_limit_is_our_fault(self) -> None:
        with pytest.raises(SchemaError, match="above the limit"):
            encode_packet(Packet("_x", {"b": b"x" * MAX_MESSAGE}), Out("node", None, "key"))


def test_our_encoding_is_the_one_of_the_original_software() -> None:
    """Bodies in form B that libqmf2 sent: read, written by us, and read again."""
    for message in json.loads((FOLDER / "method-libqmf2-1.0.json").read_text())["messages"]:
        received = decode_message(bytes.fromhex(message["raw"]))
        sent = message_of(packet_of(received), "key")
        assert (sent.section, sent.content_type) == (received.section, received.content_type)
        assert isinstance(sent.body, bytes)
        assert isinstance(received.body, bytes)
        read = decode_list if text(received.content_type) == "amqp/list" else decode_map
        assert read(sent.body) == read(received.body)
