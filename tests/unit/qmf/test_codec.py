"""The AMQP 0-10 encoding: one table of values and bytes, run in every direction, and every refusal."""

from __future__ import annotations

import enum
import math
import uuid
from collections import OrderedDict

import pytest

from matahari.errors import RemoteProtocolError, SchemaError
from matahari.qmf.codec import MAX_DEPTH, MAX_ITEMS, decode_list, decode_map, encode_list, encode_map
from matahari.qmf.values import UInt, ULong, Value

SOME_UUID = uuid.UUID("01435a6f-2c98-3fad-a7e0-b41909af1027")

#: Element of a list body: the value and its bytes, both ways.
BOTH_WAYS: list[tuple[str, Value, str]] = [
    ("null", None, "f0"),
    ("true", True, "08 01"),
    ("false", False, "08 00"),
    ("int", -5, "31 fffffffffffffffb"),
    ("largest int64", 2**63 - 1, "31 7fffffffffffffff"),
    ("above int64", 2**63, "32 8000000000000000"),
    ("uint64", ULong(7), "32 0000000000000007"),
    ("uint32", UInt(7), "22 00000007"),
    ("double", 0.5, "33 3fe0000000000000"),
    ("text", "é", "95 0002 c3a9"),
    ("binary", b"\x00\xff", "90 0002 00ff"),
    ("uuid", SOME_UUID, "48 01435a6f2c983fada7e0b41909af1027"),
    ("empty map", {}, "a8 00000004 00000000"),
    ("empty list", [], "a9 00000004 00000000"),
    ("map", {"a": "b"}, "a8 0000000a 00000001 01 61 95 0001 62"),
    ("list", [None, "b"], "a9 00000009 00000002 f0 95 0001 62"),
]

#: What only others send.
ONE_WAY: list[tuple[str, Value, str]] = [
    ("int8", -100, "01 9c"),
    ("bin8", 5, "00 05"),
    ("uint8", 156, "02 9c"),
    ("int16", -2, "11 fffe"),
    ("bin16", -2, "10 fffe"),
    ("uint16", 65534, "12 fffe"),
    ("int32", -2, "21 fffffffe"),
    ("bin32", -2, "20 fffffffe"),
    ("bin64", -2, "30 fffffffffffffffe"),
    ("float", 1.5, "23 3fc00000"),
    ("datetime", 9, "38 0000000000000009"),
    ("char is skipped", None, "04 41"),
    ("utf-32 char is skipped", None, "27 00000041"),
    ("bit", None, "f1"),
    ("str8", "é", "85 02 c3a9"),
    ("str8 that is no utf-8", b"\xff", "85 01 ff"),
    ("str16 that is no utf-8", b"\xff", "95 0001 ff"),
    ("vbin8", b"ab", "80 02 6162"),
    ("vbin32", b"ab", "a0 00000002 6162"),
    ("latin text", b"\xe9", "84 01 e9"),
    ("utf-16 text", b"\x00a", "96 0002 0061"),
    ("struct32", b"ab", "ab 00000002 6162"),
    ("bin128", bytes(16), "40" + "00" * 16),
    ("decimal of 5 bytes", bytes(5), "c8 0000000000"),
    ("decimal of 9 bytes", bytes(9), "d8 000000000000000000"),
    ("unused fixed width", b"abcd", "2f 61626364"),
    ("array of uint8", [1, 2], "aa 00000007 02 00000002 01 02"),
    ("array of text", ["a"], "aa 00000008 95 00000001 0001 61"),
    ("array of lists", [[None]], "aa 0000000e a9 00000001 00000005 00000001 f0"),
    ("array of voids", [None, None], "aa 00000005 f0 00000002"),
    ("empty array", [], "aa 00000005 02 00000000"),
    ("array without anything", [], "aa 00000000"),
    ("list without count", [], "a9 00000000"),
    ("map without count", {}, "a8 00000000"),
]


def list_body(element: str) -> bytes:
    raw = bytes.fromhex(element)
    return (len(raw) + 4).to_bytes(4, "big") + (1).to_bytes(4, "big") + raw


@pytest.mark.parametrize(("value", "element"), [row[1:] for row in BOTH_WAYS], ids=[row[0] for row in BOTH_WAYS])
def test_a_value_is_encoded_as(value: Value, element: str) -> None:
    assert encode_list([value]) == list_body(element)


@pytest.mark.parametrize(
    ("value", "element"), [row[1:] for row in BOTH_WAYS + ONE_WAY], ids=[row[0] for row in BOTH_WAYS + ONE_WAY]
)
def test_an_element_is_decoded_as(value: Value, element: str) -> None:
    raw = list_body(element)
    assert decode_list(raw) == [value]
    in_map = b"\x01k" + bytes.fromhex(element)
    header = (len(in_map) + 4).to_bytes(4, "big") + (1).to_bytes(4, "big")
    assert decode_map(header + in_map) == {"k": value}


@pytest.mark.parametrize("element", [row[2] for row in BOTH_WAYS + ONE_WAY])
def test_every_truncation_is_refused(element: str) -> None:
    raw = list_body(element)
    for end in range(1, len(raw)):
        with pytest.raises(RemoteProtocolError):
            decode_list(raw[:end])
    in_map = b"\x01k" + bytes.fromhex(element)
    for end in range(len(in_map)):
        # A container whose size is right for what is there, but whose entry is cut.
        header = (end + 4).to_bytes(4, "big") + (1).to_bytes(4, "big")
        with pytest.raises(RemoteProtocolError):
            decode_map(header + in_map[:end])


def test_vectors_of_the_reference() -> None:
    """qmf2.md V22."""
    body = bytes.fromhex("0000001600000001055f77686174900009534348454d415f4944")
    assert decode_map(body) == {"_what": b"SCHEMA_ID"}
    assert encode_map({"_what": b"SCHEMA_ID"}) == body
    assert encode_map({}) == encode_list([]) == bytes.fromhex("0000000400000000")
    predicate: list[Value] = ["eq", "_vendor", ["quote", "matahariproject.org"]]
    raw = bytes.fromhex(
        "0000003a0000000395000265719500075f76656e646f72a900000022000000029500"
        "0571756f74659500136d6174616861726970726f6a6563742e6f7267"
    )
    assert encode_list(predicate) == raw
    assert decode_list(raw) == predicate


def test_no_bytes_at_all_are_an_empty_body() -> None:
    assert decode_map(b"") == {}
    assert decode_list(b"") == []


def test_long_text_and_binary_go_out_as_vbin32() -> None:
    long = "é" * 40000
    assert decode_map(encode_map({"a": long})) == {"a": long.encode()}
    assert decode_list(encode_list([long, long.encode()])) == [long.encode()] * 2
    assert decode_map(encode_map({"a": "x" * 65535})) == {"a": "x" * 65535}
    assert encode_map({"a": "x" * 65536})[10] == 0xA0


def test_numbers_that_are_none_survive() -> None:
    (value,) = decode_list(encode_list([math.nan]))
    assert isinstance(value, float) and math.isnan(value)


class Colour(enum.StrEnum):
    RED = "red"


class Number(enum.IntEnum):
    TWO = 2


def test_subclasses_and_lookalikes_are_encoded_as_their_base() -> None:
    body: dict[str, Value] = OrderedDict(c=Colour.RED, n=Number.TWO)
    inner: Value = OrderedDict(body)
    assert decode_map(encode_map({"m": inner, "x": body["c"]})) == {"m": {"c": "red", "n": 2}, "x": "red"}
    raw = encode_list([memoryview(b"a"), bytearray(b"b"), (1, 2)])  # type: ignore[list-item]  # what bodies may hold by accident
    assert decode_list(raw) == [b"a", b"b", [1, 2]]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"a": 2**64}, "a"),
        ({"a": [0, -(2**63) - 1]}, "a[1]"),
        ({"a": {"b": UInt(2**32)}}, "a.b"),
        ({"a": UInt(-1)}, "a"),
        ({"a": ULong(-1)}, "a"),
        ({"a": ["\ud800"]}, "a[0]"),
        ({"a": "\ud800"}, "a"),
        ({"a": {"k" * 256: 1}}, "a"),
        ({"\ud800": 1}, ""),
        ({5: 1}, ""),
        ({"a": {b"b": 1}}, "a"),
        ({"a": {1, 2}}, "a"),
        ({"a": object()}, "a"),
    ],
)
def test_what_cannot_be_encoded_is_refused_with_its_place(body: dict[str, Value], path: str) -> None:
    with pytest.raises(SchemaError) as caught:
        encode_map(body)
    assert caught.value.path == path


def nested(levels: int) -> Value:
    value: Value = []
    for _ in range(levels - 1):
        value = [value]
    return value


def test_nesting_is_limited_in_both_directions() -> None:
    fits = nested(MAX_DEPTH)
    assert isinstance(fits, list)
    raw = encode_list(fits)
    assert decode_list(raw) == fits
    too_deep: list[Value] = [fits]
    with pytest.raises(SchemaError, match="nested deeper") as caught:
        encode_list(too_deep)
    assert caught.value.path == "[0]" * MAX_DEPTH
    with pytest.raises(SchemaError, match="nested deeper"):
        encode_map({"a": {"b": fits}})
    maps: dict[str, Value] = {}
    for _ in range(MAX_DEPTH):
        maps = {"a": maps}
    with pytest.raises(SchemaError, match="nested deeper"):
        encode_map(maps)
    raw = (len(raw) + 5).to_bytes(4, "big") + (1).to_bytes(4, "big") + b"\xa9" + raw
    with pytest.raises(RemoteProtocolError, match="nested deeper") as refused:
        decode_list(raw)
    assert refused.value.path == "[0]" * MAX_DEPTH


def test_a_value_that_contains_itself_is_refused() -> None:
    endless: list[Value] = []
    endless.append(endless)
    with pytest.raises(SchemaError):
        encode_list(endless)


def test_arrays_in_arrays_are_limited_too() -> None:
    array = bytes.fromhex("aa 00000005 02 00000000")
    for _ in range(MAX_DEPTH):
        array = b"\xaa" + (len(array) + 4).to_bytes(4, "big") + b"\xaa" + (1).to_bytes(4, "big") + array[1:]
    with pytest.raises(RemoteProtocolError, match="nested deeper"):
        decode_list(list_body(array.hex()))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("0000000400000000 00", "after the end"),
        ("00000005 00000000 f0", "from where its size says"),
        ("00000005 00000002 f0", "2 entries in 5 bytes"),
        ("00000005 00000001 bb", "unknown type code 0xbb"),
        ("0000000e 00000001 aa 00000005 f0 ffffffff", "elements in an array"),
        ("0000000e 00000001 aa 00000005 02 00000005", "truncated"),
        ("00000010 00000003 aa 00000005 02 00000003 f0 f0", "elements of an array"),
        ("0000000e 00000001 aa 00000006 02 00000000", "elements of an array"),
    ],
)
def test_a_list_that_does_not_add_up_is_refused(raw: str, message: str) -> None:
    with pytest.raises(RemoteProtocolError, match=message):
        decode_list(bytes.fromhex(raw))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("0000000400000000 00", "after the end"),
        ("00000006 00000000 01f0", "from where its size says"),
        ("00000006 00000002 00f0", "2 entries in 6 bytes"),
        ("00000007 00000001 01 ff f0", "not UTF-8"),
        ("00000007 00000001 01 61 95", "a: truncated"),
        ("00000007 00000001 01 61 bb", "a: unknown type code"),
    ],
)
def test_a_map_that_does_not_add_up_is_refused(raw: str, message: str) -> None:
    with pytest.raises(RemoteProtocolError, match=message):
        decode_map(bytes.fromhex(raw))


def test_the_number_of_elements_is_limited_even_when_they_take_no_bytes() -> None:
    raw = list_body(f"aa 00000005 f0 {MAX_ITEMS:08x}")
    assert decode_list(raw) == [[None] * MAX_ITEMS]
    with pytest.raises(RemoteProtocolError, match="elements in an array"):
        decode_list(list_body(f"aa 00000005 f0 {MAX_ITEMS + 1:08x}"))
    many = (MAX_ITEMS + 5).to_bytes(4, "big") + (MAX_ITEMS + 1).to_bytes(4, "big") + b"\xf0" * (MAX_ITEMS + 1)
    with pytest.raises(RemoteProtocolError, match="entries in"):
        decode_list(many)


def test_the_place_of_a_fault_is_told() -> None:
    inner = "a9 00000009 00000001 95 000a 6162"
    raw = bytes.fromhex("0000001d 00000001 0a 5f617267756d656e7473" + inner)
    with pytest.raises(RemoteProtocolError) as caught:
        decode_map(raw)
    assert caught.value.path == "_arguments"


def test_a_key_given_twice_has_the_later_value() -> None:
    assert decode_map(bytes.fromhex("0000000c 00000002 0161 0801 0161 0800".replace(" ", ""))) == {"a": False}
