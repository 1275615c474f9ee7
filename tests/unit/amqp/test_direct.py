"""The usual messages without proton: the same bytes, the same values, and nothing that it would not take."""

from __future__ import annotations

import uuid

import pytest

from matahari.amqp import BodyValue, Message
from matahari.amqp._direct import decode_directly, encode_directly
from matahari.amqp.message import decode_by_proton, encode_by_proton
from tests.support.captured import FILES, captured

REQUEST = Message(
    b"body",
    subject="matahariproject.org:rpc:1",
    to="qmf.default.direct",
    reply_to="qmf.default.direct/me",
    correlation_id="17",
    content_type="amqp/map",
    user_id=b"root",
    ttl=1.5,
    properties={"qmf.opcode": "_method_request", "partial": True, "absent": None, "no": False, "höst": "ü"},
    message_id="m1",
)

USUAL = [
    REQUEST,
    Message(b""),
    Message(section="none"),
    Message(section="none", properties={"qmf.opcode": "_agent_locate_request"}),
    Message(b"x", subject="höst", to="", reply_to="", message_id="", content_type="", user_id=b"", correlation_id=""),
    Message(b"x", reply_to="r"),
    Message(b"x", correlation_id="c"),
    Message(b"x", content_type="None"),
    Message(b"x", ttl=4294967.295),
    Message(b"x", correlation_id="zero\0inside"),
    *(Message(b"x" * size) for size in (255, 256, 100_000)),
    *(Message(b"", subject="s" * size) for size in (244, 245, 246, 247, 248, 249, 250, 251, 252, 255, 256, 3000)),
    *(Message(b"", user_id=b"u" * size, message_id="m" * size) for size in (120, 255, 256)),
    *(Message(b"", properties={"k": "v" * size}) for size in (246, 247, 248, 249, 250, 251, 255, 256, 3000)),
    *(Message(b"", properties={"k" * size: ""}) for size in (100, 255)),
    Message(b"", properties={f"k{number}": True for number in range(130)}),
    Message(b"", properties={f"{number}": None for number in range(127)}),
]


@pytest.mark.parametrize("message", USUAL, ids=range(len(USUAL)))
def test_usual_messages_are_encoded_as_proton_does_byte_for_byte(message: Message) -> None:
    assert encode_directly(message) == encode_by_proton(message)


@pytest.mark.parametrize("message", USUAL, ids=range(len(USUAL)))
def test_usual_messages_are_read_as_proton_does(message: Message) -> None:
    data = encode_by_proton(message)
    found = decode_directly(data)
    assert found == decode_by_proton(data)
    assert found is not None


@pytest.mark.parametrize(
    "message",
    [
        Message([1], section="value"),
        Message([1], section="sequence"),
        Message(b"x", subject="zero\0inside"),
        Message(b"x", to="zero\0inside"),
        Message(b"x", reply_to="zero\0inside"),
        Message(b"x", content_type="zero\0inside"),
        Message(b"x", content_type="ü"),
        Message(b"x", subject="\ud800"),
        Message(b"x", correlation_id="\ud800"),
        Message(b"x", properties={"k": "\ud800"}),
        Message(b"x", properties={"\ud800": "v"}),
        Message(b"x", correlation_id=17),
        Message(b"x", correlation_id=uuid.UUID(int=1)),
        Message(b"x", ttl=0.0001),
        Message(b"x", ttl=4294967.296),
        Message(b"x", ttl=-1.0),
        Message(b"x", properties={"n": 1}),
        Message(b"x", properties={"n": b"v"}),
        Message(bytearray(b"x")),  # type: ignore[arg-type]  # what proton makes of it is its own affair
    ],
)
def test_another_shape_is_left_to_proton(message: Message) -> None:
    assert encode_directly(message) is None


def test_a_text_of_another_class_is_left_to_proton() -> None:
    class Text(str):
        __slots__ = ()

    properties: dict[str, BodyValue] = {"t": Text("y")}
    assert encode_directly(Message(b"", properties=properties)) is None


@pytest.mark.parametrize("file", FILES)
def test_captured_messages_are_read_as_proton_does_or_left_to_it(file: str) -> None:
    for name, data in captured(file):
        found = decode_directly(data)
        assert found is None or found == decode_by_proton(data), name


def test_binary_properties_that_are_text_are_read_as_text() -> None:
    """libqmf2 on AMQP 0-10 sends ``qmf.opcode`` as binary."""
    data = encode_by_proton(Message(b"x", properties={"a": b"text", "b": b"t" * 300}))
    found = decode_directly(data)
    assert found is not None
    assert found.properties == {"a": "text", "b": "t" * 300}


@pytest.mark.parametrize(
    "message",
    [
        Message([1], section="value"),
        Message(b"x", correlation_id=17),
        Message(b"x", properties={"n": 1}),
        Message(b"x", properties={"b": b"\xff"}),
    ],
)
def test_what_has_other_types_is_left_to_proton(message: Message) -> None:
    assert decode_directly(encode_by_proton(message)) is None


@pytest.mark.parametrize(
    "data",
    [
        b"\x00",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x00\x53\x73\xc0\x7f\x01\xa1",  # a list beyond the end
        b"\x00\x53\x73\xc0\x05\x04\x40\x40\x40\xa1\x05",  # a text beyond its list
        b"\x00\x53\x73\xc0\x07\x04\x40\x40\x40\xa1\x01\xff",  # no UTF-8
        b"\x00\x53\x73\xc0\x07\x04\x40\x40\x40\xa1\x01\x00",  # a zero in the subject
        b"\x00\x53\x73\xc0\x06\x03\x40\x40\x40\xa1\x00",  # more than its count
        b"\x00\x53\x73\x45\x00\x53\x73\x45",  # twice
        b"\x00\x53\x74\xc1\x05\x02\xa1\x01\xff\x40",  # a key that is no UTF-8
        b"\x00\x53\x74\xc1\x04\x01\xa1\x01k",  # a key without a value
        b"\x00\x53\x74\xc1\x06\x02\xa1\x01k\xa1\x05",  # a value beyond its map
        b"\x00\x53\x74\xc1\x06\x02\xa1\x01k\x40\x40",  # more than its count
        b"\x00\x53\x75\xa0\x02x",  # cut off
        b"\x00\x53\x75\xb0\x00\x00\x00\x02x",
        b"\x00\x53\x75\xb0\x00",
        b"\x00\x53\x75\xa0\x01xx",  # something behind
        b"\x00\x53\x75\xa0\x01x\x00\x53\x75\xa0\x01y",  # two of them
        b"\x00\x53\x75\xa0\x01x\x00\x53\x73\x45",  # another order
        b"\x00\x53\x75\xa1\x01x",  # text where binary belongs
        b"\x00\x53\x70\xc0\x08\x03\x40\x40\x70\x00",
    ],
)
def test_what_is_malformed_or_unusual_is_left_to_proton(data: bytes) -> None:
    assert decode_directly(data) is None


def test_a_message_that_is_cut_off_anywhere_is_left_to_proton_or_has_no_body() -> None:
    data = encode_by_proton(REQUEST)
    for length in range(len(data)):
        found = decode_directly(data[:length])
        assert found is None or (found.section == "none" and found == decode_by_proton(data[:length])), length
