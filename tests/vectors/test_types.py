"""Every type in which a value may come, in both forms, and what it is to us (qmf2.md 1.7, 1.8, 1.10 and 5)."""

from __future__ import annotations

import uuid

import proton
import pytest

from matahari.amqp import decode_message, encode_message
from matahari.bus import message_of, packet_of
from matahari.qmf import Reply, Value
from tests.support.qmf_talk import REPLY_TO, an_agent, commands
from tests.support.wire_reader import Typed, read_message

UUID = uuid.UUID("01234567-89ab-cdef-0123-456789abcdef")

#: 0-10: type code and contents in hex, and the value.
IN_0_10: list[tuple[str, str, Value]] = [
    ("int8", "01 9c", -100),
    ("bin8", "00 9c", -100),
    ("uint8", "02 c8", 200),
    ("char", "04 41", None),
    ("boolean true", "08 01", True),
    ("boolean false", "08 00", False),
    ("int16", "11 8ad0", -30000),
    ("bin16", "10 8ad0", -30000),
    ("uint16", "12 ea60", 60000),
    ("int32", "21 88ca6c00", -2000000000),
    ("bin32", "20 88ca6c00", -2000000000),
    ("uint32", "22 ee6b2800", 4000000000),
    ("float", "23 3fc00000", 1.5),
    ("utf-32 char", "27 00000041", None),
    ("int64", "31 8000000000000000", -(2**63)),
    ("bin64", "30 8000000000000000", -(2**63)),
    ("uint64", "32 ffffffffffffffff", 2**64 - 1),
    ("double", "33 bfb999999999999a", -0.1),
    ("datetime", "38 0000000000000005", 5),
    ("uuid", "48 0123456789abcdef0123456789abcdef", UUID),
    ("vbin8", "80 02 00ff", b"\x00\xff"),
    ("str8 latin", "84 01 e9", b"\xe9"),
    ("str8", "85 02 c3a9", "é"),
    ("str8 utf-16", "86 02 00e9", b"\x00\xe9"),
    ("vbin16", "90 0002 00ff", b"\x00\xff"),
    ("str16 latin", "94 0001 e9", b"\xe9"),
    ("str16", "95 0002 c3a9", "é"),
    ("str16 not utf-8", "95 0001 e9", b"\xe9"),
    ("vbin32", "a0 00000002 00ff", b"\x00\xff"),
    ("map", "a8 0000000b 00000001 0161 22 00000007", {"a": 7}),
    ("empty map", "a8 00000004 00000000", {}),
    ("list", "a9 00000009 00000001 22 00000007", [7]),
    ("empty list", "a9 00000004 00000000", []),
    ("list of size 0", "a9 00000000", []),
    ("array", "aa 0000000d 22 00000002 00000007 00000008", [7, 8]),
    ("struct32", "ab 00000002 00ff", b"\x00\xff"),
    ("void", "f0", None),
    ("bit", "f1", None),
]


@pytest.mark.parametrize(("content", "expected"), [case[1:] for case in IN_0_10], ids=[case[0] for case in IN_0_10])
def test_a_value_of_this_type_of_0_10_is_read(content: str, expected: Value) -> None:
    entry = b"\x05value" + bytes.fromhex(content)
    message = proton.Message()
    message.inferred = True
    message.body = (len(entry) + 4).to_bytes(4, "big") + b"\0\0\0\1" + entry
    message.content_type = proton.symbol("amqp/map")
    message.properties = {"qmf.opcode": "_method_request"}  # type: ignore[assignment]  # proton declares None alone
    found = packet_of(decode_message(message.encode())).body
    assert found == {"value": expected}
    assert isinstance(found, dict)
    assert type(found["value"]) is type(expected)


ARRAY = proton.Array(proton.UNDESCRIBED, proton.Data.INT, 7, 8)  # type: ignore[arg-type]  # its mark for "plain"
#: AMQP 1.0: what proton is given, and the value.
IN_1_0: list[tuple[object, Value]] = [
    (None, None),
    (True, True),
    (proton.ubyte(200), 200),
    (proton.ushort(60000), 60000),
    (proton.uint(4000000000), 4000000000),
    (proton.ulong(2**64 - 1), 2**64 - 1),
    (proton.byte(-100), -100),
    (proton.short(-30000), -30000),
    (proton.int32(-2000000000), -2000000000),
    (-(2**63), -(2**63)),
    (proton.timestamp(1500), 1500),
    (proton.float32(1.5), 1.5),
    (-0.1, -0.1),
    ("é", "é"),
    (proton.symbol("word"), "word"),
    (b"\x00\xff", b"\x00\xff"),
    (UUID, UUID),
    ({"a": proton.uint(7)}, {"a": 7}),
    ([proton.uint(7), None], [7, None]),
    (ARRAY, [7, 8]),
]


@pytest.mark.parametrize(("given", "expected"), IN_1_0, ids=[type(given).__name__ for given, _ in IN_1_0])
def test_a_value_of_this_type_of_1_0_is_read(given: object, expected: Value) -> None:
    message = proton.Message()
    message.body = {"value": given}
    message.properties = {"qmf.opcode": "_method_request"}  # type: ignore[assignment]  # proton declares None alone
    found = packet_of(decode_message(message.encode())).body
    assert found == {"value": expected}
    assert isinstance(found, dict)
    assert type(found["value"]) is type(expected)


@pytest.mark.parametrize("word", ["_query_request", b"_query_request", proton.symbol("_query_request")], ids=repr)
def test_an_opcode_is_known_in_each_type_of_text(word: object) -> None:
    message = proton.Message()
    message.body = {"_what": "SCHEMA_ID"}
    message.properties = {"qmf.opcode": word}  # type: ignore[assignment]  # proton declares None alone
    assert packet_of(decode_message(message.encode())).opcode == "_query_request"


#: What a console on 1.0 may number its requests with.
CORRELATIONS = [
    ("7", Typed("string", "7")),
    (proton.ulong(7), Typed("ulong", 7)),
    (UUID, Typed("uuid", UUID)),
    (b"\x00\xff", Typed("binary", b"\x00\xff")),
]


@pytest.mark.parametrize(("given", "expected"), CORRELATIONS, ids=[expected.kind for _, expected in CORRELATIONS])
def test_a_correlation_id_is_returned_exactly_as_it_came(given: object, expected: Typed) -> None:
    """A console that numbers by integers would not find its request under a text (qmf2.md 1.8)."""
    message = proton.Message()
    message.body = {"_what": "SCHEMA_ID"}
    message.reply_to = REPLY_TO
    message.correlation_id = given  # type: ignore[assignment]  # proton declares fewer than it takes
    message.properties = {"qmf.opcode": "_query_request"}  # type: ignore[assignment]  # proton declares None alone
    agent = an_agent()
    agent.receive(packet_of(decode_message(message.encode())), 1.0, 2)
    (reply,) = commands(agent)
    assert isinstance(reply, Reply)
    sent = read_message(encode_message(message_of(reply.packet, "key")))
    assert sent.properties["correlation-id"] == expected
