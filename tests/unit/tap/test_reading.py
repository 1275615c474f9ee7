"""Messages as the tap understands them: both body forms, faults, and masking in what is recorded."""

from __future__ import annotations

import pytest

from matahari.amqp import Message, encode_message
from matahari.bus import message_of
from matahari.qmf import Packet, Value, encode_map
from matahari.tap.nodes import Node
from matahari.tap.reading import Reading, read_message
from tests.support.captured import FILES, captured, captured_in_order
from tests.support.vectors import find, load

SECRET = b"hunter2"
CALL: Value = {
    "_method_name": "login",
    "_arguments": {"args": [], "kwargs": {"password": '"hunter2"', "user": '"joe"'}},
}


def message(packet: Packet) -> bytes:
    return encode_message(message_of(packet, "key"))


@pytest.mark.parametrize("file", FILES)
def test_captured_messages_give_the_packets_that_the_product_reads(file: str) -> None:
    for vector, (name, data) in zip(load(file), captured_in_order(file), strict=True):
        packet = vector.packet
        if packet is None or data is None:
            continue
        read = read_message(data, show_secrets=True)
        assert read.fault == "", name
        assert (read.packet.opcode, read.packet.body) == (packet.opcode, packet.body), name
        assert (read.packet.agent, read.packet.reply_to) == (packet.agent, packet.reply_to), name
        assert (read.packet.partial, read.packet.subject) == (packet.partial, packet.subject), name


def test_the_captured_malformed_messages_are_faults() -> None:
    for vector in load("malformed"):
        data = dict(captured("malformed"))[vector.name]
        read = read_message(data)
        assert (read.fault != "") == (vector.packet is None), vector.name


@pytest.mark.parametrize("form_a", [False, True])
def test_a_secret_is_masked_in_the_packet_and_in_the_bytes(form_a: bool) -> None:
    data = message(Packet("_method_request", CALL, form_a=form_a))
    assert SECRET in data
    read = read_message(data)
    assert read.masked
    assert read.raw is not None
    assert SECRET not in read.raw
    again = read_message(read.raw, show_secrets=True)
    assert not again.masked
    assert (
        again.packet.body
        == read.packet.body
        == {
            "_method_name": "login",
            "_arguments": {"args": [], "kwargs": {"password": "***", "user": '"joe"'}},
        }
    )


def test_secrets_are_shown_when_that_is_asked_for() -> None:
    data = message(Packet("_method_request", CALL))
    read = read_message(data, show_secrets=True)
    assert (read.packet.body, read.raw, read.masked) == (CALL, data, False)


def test_a_message_without_secrets_keeps_its_bytes() -> None:
    data = message(Packet("_method_request", {"_method_name": "list", "_arguments": {}}))
    read = read_message(data)
    assert (read.raw, read.masked) == (data, False)


def test_application_properties_are_masked_too() -> None:
    data = encode_message(Message(encode_map({}), properties={"qmf.opcode": "_x", "authorization": "hunter2"}))
    read = read_message(data)
    assert read.masked
    assert read.raw is not None
    assert SECRET not in read.raw


def test_addresses_are_never_masked() -> None:
    packet = Packet("_agent_heartbeat_indication", {}, agent="x.org:token:1", reply_to="qmf.default.direct/a.token: b")
    read = read_message(message(packet))
    assert (read.masked, read.packet.agent, read.packet.reply_to) == (False, packet.agent, packet.reply_to)


def unreadable() -> list[bytes]:
    secret = b"\x08password\x95\x00\x07hunter2"
    return [
        b"no message password=hunter2",
        encode_message(Message(secret, content_type="amqp/map", properties={"qmf.opcode": "_method_request"})),
        encode_message(Message(secret)),
        encode_message(Message(b"AM2h\x00\x00\x00\x01" + secret)),
        encode_message(Message(b"AM2p\x00" + secret)),
        encode_message(Message(secret, section="value", properties={"qmf.opcode": "_method_request"})),
    ]


@pytest.mark.parametrize("data", unreadable())
def test_what_nobody_can_look_into_is_neither_shown_nor_recorded(data: bytes) -> None:
    read = read_message(data)
    assert read.raw is None
    assert read.packet.body is None
    assert not any("rest" in frame for frame in read.frames)
    assert read_message(data, show_secrets=True).raw == data


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"\x00", "truncated"),
        (encode_message(Message(b"\x00\x00", content_type="amqp/map", properties={"qmf.opcode": "_x"})), "body:"),
        (encode_message(Message(b"AM2p\x00")), "QMFv1:"),
        (encode_message(Message("text", section="value", properties={"qmf.opcode": "_x"})), "a body of type string"),
    ],
)
def test_a_fault_says_what_is_wrong(data: bytes, fault: str) -> None:
    assert fault in read_message(data).fault


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (encode_message(Message("text", section="value")), "text"),
        (encode_message(Message([1, 2], section="sequence")), [1, 2]),
        (encode_message(Message(None, section="none")), None),
        (encode_message(Message(b"")), b""),
        (encode_message(Message(encode_map({"a": 1}), properties={"qmf.opcode": "_x"})), {"a": 1}),
    ],
)
def test_other_bodies_are_read_as_they_are(data: bytes, body: object) -> None:
    read = read_message(data)
    assert (read.packet.body, read.fault) == (body, "")


def test_what_a_plugin_calls_secret_is_masked_by_position() -> None:
    data = message(Packet("_method_request", {"_method_name": "login"}))
    seen: list[Node] = []

    def mask(node: Node) -> Node:
        seen.append(node)
        return node

    read_message(data, mask_call=mask)
    read_message(message(Packet("_query_request", {})), mask_call=mask)
    assert len(seen) == 1


def test_a_v1_request_is_read_with_its_frames() -> None:
    packet = find("schema-qmfv1", "request-heartbeat")
    [data] = [data for name, data in captured("schema-qmfv1") if name == "request-heartbeat"]
    read: Reading = read_message(data)
    assert read.packet.body == packet.body
    assert read.frames[0]["class"] == "heartbeat"
