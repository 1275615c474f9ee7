"""Messages as values and back: every body section, the properties that QMF uses, and what is malformed."""

from __future__ import annotations

import uuid
from typing import Any, Literal, cast

import proton
import pytest

from matahari.amqp import BodyValue, Message, decode_message, encode_message
from matahari.errors import RemoteProtocolError, SchemaError
from tests.support.captured import FILES, captured

Section = Literal["data", "value", "sequence", "none"]

ID = uuid.UUID("12345678-1234-5678-1234-567812345678")


@pytest.mark.parametrize(
    ("section", "body"),
    [
        ("none", None),
        ("data", b""),
        ("data", b"\x00\x01\xff" * 1000),
        ("value", {}),
        ("value", []),
        ("value", {"a": 1, "b": [True, None, 2.5, "x", b"y", ID], "c": {"d": {"e": "f"}}}),
        ("value", [1, {"two": 2}, [3]]),
        ("value", [1]),
        ("value", "text"),
        ("value", b"binary"),
        ("value", 17),
        ("value", False),
        ("sequence", [1, {"two": 2}]),
        ("sequence", []),
        ("sequence", [{"a": [1, 2]}, [3, [4]], "x"]),
    ],
)
def test_a_body_keeps_its_section_and_its_value(section: Section, body: BodyValue) -> None:
    message = decode_message(encode_message(Message(body, section=section)))
    assert message.body == body
    assert message.section == section


def test_every_property_makes_the_round_trip() -> None:
    message = Message(
        b"body",
        subject="console.request",
        to="qmf.default.direct",
        reply_to="qmf.default.direct/me",
        correlation_id="17",
        content_type="amqp/map",
        user_id=b"root",
        ttl=1.5,
        properties={"qmf.opcode": "_method_request", "partial": None, "n": 3, "flag": True},
        message_id="m1",
    )
    assert decode_message(encode_message(message)) == message


def data_section(content: bytes) -> bytes:
    return b"\x00\x53\x75\xa0" + bytes([len(content)]) + content


def test_of_several_data_sections_the_last_one_counts() -> None:
    """As for qpidd (quirk 7); nobody is known to send more than one."""
    message = decode_message(data_section(b"first") + data_section(b"last"))
    assert (message.section, message.body) == ("data", b"last")


def test_of_several_sequence_sections_the_last_one_counts() -> None:
    one, two = (encode_message(Message([number], section="sequence")) for number in (1, 2))
    message = decode_message(one + two[two.index(b"\x00\x53\x76") :])
    assert (message.section, message.body) == ("sequence", [2])


def test_a_sequence_is_one_section_of_the_items_themselves() -> None:
    """Not a list in a value section, over which RabbitMQ 3 stumbles."""
    assert b"\x00\x53\x77" not in encode_message(Message([1, 2], section="sequence"))


def test_absent_properties_stay_absent() -> None:
    message = decode_message(encode_message(Message(b"")))
    assert message == Message(b"")
    assert message.properties == {}


def test_the_content_type_goes_out_as_a_symbol() -> None:
    raw = proton.Message()
    raw.decode(encode_message(Message(b"", content_type="amqp/map")))
    assert type(raw.content_type) is proton.symbol


def test_a_data_section_is_no_value_section() -> None:
    assert b"\x00\x53\x75" in encode_message(Message(b"x"))
    assert b"\x00\x53\x77" in encode_message(Message(b"x", section="value"))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (b"qmf2", "qmf2"),
        (memoryview(b"qmf2"), "qmf2"),
        ("höst".encode(), "höst"),
        (b"\xff\xfe", b"\xff\xfe"),
        (proton.symbol("sym"), "sym"),
        (proton.ulong(7), 7),
        (proton.float32(0.5), 0.5),
        ("", ""),
        (None, None),
    ],
)
def test_binary_application_properties_become_text_where_they_are_text(given: object, expected: object) -> None:
    """libqmf2 on AMQP 0-10 sends ``qmf.opcode`` as binary (qmf2.md 1.7)."""
    raw = proton.Message(properties={"x": given})
    value = decode_message(raw.encode()).properties["x"]
    assert value == expected
    assert type(value) in (str, int, float, bytes, type(None))


@pytest.mark.parametrize(
    ("given", "expected"),
    [("17", "17"), (17, 17), (b"17", b"17"), (b"\xff", b"\xff"), (ID, ID), (proton.ulong(3), 3)],
)
def test_a_correlation_id_keeps_its_type_both_ways(given: object, expected: object) -> None:
    raw = proton.Message(correlation_id=given)
    message = decode_message(raw.encode())
    assert message.correlation_id == expected
    assert type(message.correlation_id) is type(expected)
    again = proton.Message()
    again.decode(encode_message(message))
    assert again.correlation_id == expected


def array_of_ints(*values: int) -> proton.Array:
    make: Any = proton.Array  # declared not to take proton's own constants
    return cast(proton.Array, make(proton.UNDESCRIBED, proton.Data.INT, *values))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (proton.ulong(5), 5),
        (proton.byte(-5), -5),
        (proton.symbol("s"), "s"),
        (proton.timestamp(1000), 1000),
        (proton.char("c"), "c"),
        (proton.Described(proton.symbol("d"), [1]), [1]),
        (array_of_ints(1, 2), [1, 2]),
        ({proton.symbol("k"): memoryview(b"v")}, {"k": b"v"}),
        ({5: 2}, {"5": 2}),
    ],
)
def test_types_of_proton_become_plain_ones(given: dict[object, object], expected: object) -> None:
    body = decode_message(proton.Message(body=given).encode()).body
    assert body == expected
    assert type(body) in (int, str, list, dict)


def test_text_subclasses_are_not_left_in_a_body() -> None:
    body = decode_message(proton.Message(body={"k": [proton.symbol("s"), proton.uint(1)]}).encode()).body
    assert isinstance(body, dict)
    assert isinstance(body["k"], list)
    assert [type(one) for one in body["k"]] == [str, int]


@pytest.mark.parametrize(
    "body",
    [
        {"k": object()},
        {"k": 1 << 64},
        {"k": -(1 << 63) - 1},
        [{1, 2}],
        object(),
        {"k": "\ud800"},
        1j,
    ],
)
def test_what_amqp_cannot_carry_is_our_fault(body: BodyValue) -> None:
    with pytest.raises(SchemaError):
        encode_message(Message(body, section="value"))


def test_a_body_that_holds_itself_is_our_fault() -> None:
    body: dict[str, BodyValue] = {}
    body["self"] = body
    with pytest.raises(SchemaError, match="deep"):
        encode_message(Message(body, section="value"))


class Number(int):
    """As QMF has for its sizes of integers."""


class Text(str):
    """As an enumeration may be."""

    __slots__ = ()


def test_subclasses_of_plain_types_go_out_as_these() -> None:
    """An answer in form A may hold them; proton's table knows exact types alone."""
    body: BodyValue = {"a": [Number(7), Text("x")], "b": Number(1 << 63)}
    assert decode_message(encode_message(Message(body, section="value"))).body == {"a": [7, "x"], "b": 1 << 63}
    properties: dict[str, BodyValue] = {"n": Number(3), "t": Text("y")}
    assert decode_message(encode_message(Message(properties=properties, section="none"))).properties == properties


def test_the_widest_integers_are_carried() -> None:
    body: BodyValue = [(1 << 64) - 1, 1 << 63, (1 << 63) - 1, -(1 << 63)]
    assert decode_message(encode_message(Message(body, section="value"))).body == body


def test_a_property_that_amqp_cannot_carry_is_our_fault() -> None:
    with pytest.raises(SchemaError):
        encode_message(Message(b"", properties={"x": 1 << 70}))


@pytest.mark.parametrize("name, data", captured("malformed"), ids=lambda value: value if isinstance(value, str) else "")
def test_messages_that_a_broker_encodes_wrongly_are_the_peers_fault_at_most(name: str, data: bytes) -> None:
    """qpidd writes int8 as a long with one byte; proton makes something of one of them (vectors, note 9)."""
    try:
        message = decode_message(data)
    except RemoteProtocolError:
        return
    assert isinstance(message, Message), name


@pytest.mark.parametrize("file", [file for file in FILES if file != "malformed"])
def test_captured_messages_are_read_and_come_out_the_same(file: str) -> None:
    for name, data in captured(file):
        message = decode_message(data)
        assert message.section in ("data", "value", "none"), name
        assert decode_message(encode_message(message)) == message, name


def test_an_empty_delivery_is_a_message_without_a_body() -> None:
    assert decode_message(b"") == Message(section="none")


@pytest.mark.parametrize("section", ["data", "value", "sequence"])
def test_a_message_that_is_cut_off_anywhere_is_the_peers_fault(section: Section) -> None:
    """Proton itself takes the rest for a message without a body."""
    body: BodyValue = b"x" * 300 if section == "data" else [1, {"a": "b"}, 3]
    data = encode_message(Message(body, section=section, subject="s", properties={"a": "b"}))
    for length in range(1, len(data)):
        try:
            message = decode_message(data[:length])
        except RemoteProtocolError:
            continue
        assert message.section == "none", length


@pytest.mark.parametrize(
    "data",
    [
        b"\x00",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x00\x53\x73\xc0\x7f\x01\xa1",
        b"\x00\x53\x77\xd0\xff\xff\xff\xff\x00\x00\x00\x01",
        b"\x00\x53\x77\xa1\x02\xff\xfe",
        b"\x00\x53\x73\xc0\x07\x04\x40\x40\x40\xa1\x01\xff",
        b"\x00\x53\x77\xc1\x05\x02\x45\xa1\x01x",
        b"\x00\x53\x74\xc1\x05\x02\xa1\x01\xff\x40",
    ],
)
def test_what_is_no_message_is_the_peers_fault(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_message(data)


def nested(depth: int, *, maps: bool = False) -> bytes:
    """A value section with that many lists or maps around nothing."""
    start, key, count = (b"\xd1", b"\xa1\x01k", 2) if maps else (b"\xd0", b"", 1)
    each = 9 + len(key)
    sizes = [(depth - level - 1) * each + len(key) + 1 + 4 for level in range(depth)]
    heads = (start + size.to_bytes(4, "big") + count.to_bytes(4, "big") + key for size in sizes)
    return b"\x00\x53\x77" + b"".join(heads) + b"\x40"


@pytest.mark.parametrize("maps", [False, True])
@pytest.mark.parametrize("depth", [70, 2_000, 100_000])
def test_nesting_without_end_is_the_peers_fault(maps: bool, depth: int) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_message(nested(depth, maps=maps))


def test_ordinary_nesting_is_read() -> None:
    assert decode_message(nested(20, maps=True)).section == "value"
