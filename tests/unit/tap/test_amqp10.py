"""The reader of sections, against all captured messages and one table of constructors."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from matahari.errors import RemoteProtocolError
from matahari.tap.amqp10 import MAX_DEPTH, Section, fields, read_sections, write_sections
from matahari.tap.nodes import MAX_NODES, Node, node_json, plain
from tests.support.captured import FILES, FOLDER

MAP_SECTIONS = ("delivery-annotations", "message-annotations", "application-properties", "footer")


def messages(file: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads((FOLDER / f"{file}.json").read_text())["messages"]
    return [message for message in found if "raw" in message]


def raw_of(message: dict[str, object]) -> bytes:
    return bytes.fromhex(str(message["raw"]))


def as_json(section: Section) -> list[object]:
    if section.name in ("header", "properties"):
        return [section.name, {name: node_json(node) for name, node in fields(section).items()}]
    content = node_json(section.content)
    return [section.name, content["v"] if section.name in MAP_SECTIONS else content]


def value_section(value: bytes) -> bytes:
    return b"\x00\x53\x77" + value


@pytest.mark.parametrize("file", FILES)
def test_every_captured_message_has_the_sections_that_its_file_states(file: str) -> None:
    for message in messages(file):
        if "sections" in message:
            read = [as_json(section) for section in read_sections(raw_of(message))]
            assert json.loads(json.dumps(read)) == message["sections"], message["name"]


@pytest.mark.parametrize("file", FILES)
def test_every_captured_message_is_written_as_it_was(file: str) -> None:
    for message in messages(file):
        if "sections" in message:
            assert write_sections(read_sections(raw_of(message))) == raw_of(message), message["name"]


def test_the_captured_malformed_messages_are_refused() -> None:
    malformed = [message for message in messages("malformed") if "malformed" in message]
    assert len(malformed) == 2
    for message in malformed:
        with pytest.raises(RemoteProtocolError):
            read_sections(raw_of(message))


TABLE = [
    ("40", "null", None),
    ("41", "boolean", True),
    ("42", "boolean", False),
    ("5601", "boolean", True),
    ("43", "uint", 0),
    ("44", "ulong", 0),
    ("50ff", "ubyte", 255),
    ("51ff", "byte", -1),
    ("5207", "uint", 7),
    ("5307", "ulong", 7),
    ("54ff", "int", -1),
    ("55ff", "long", -1),
    ("600102", "ushort", 258),
    ("61ffff", "short", -1),
    ("70ffffffff", "uint", 0xFFFFFFFF),
    ("71ffffffff", "int", -1),
    ("723fc00000", "float", 1.5),
    ("7300000041", "char", 0x41),
    ("7401020304", "decimal32", bytes.fromhex("01020304")),
    ("80ffffffffffffffff", "ulong", 2**64 - 1),
    ("81ffffffffffffffff", "long", -1),
    ("823ff8000000000000", "double", 1.5),
    ("830000000000000001", "timestamp", 1),
    ("840102030405060708", "decimal64", bytes.fromhex("0102030405060708")),
    ("94" + "00" * 16, "decimal128", bytes(16)),
    ("98" + "01" * 16, "uuid", UUID(bytes=b"\x01" * 16)),
    ("a003010203", "binary", b"\x01\x02\x03"),
    ("b000000001ff", "binary", b"\xff"),
    ("a102c3a9", "string", "é"),
    ("b100000001 61", "string", "a"),
    ("a30161", "symbol", "a"),
    ("b30000000161", "symbol", "a"),
]


@pytest.mark.parametrize(("encoded", "name", "value"), TABLE)
def test_a_constructor_gives_its_type_and_value(encoded: str, name: str, value: object) -> None:
    data = value_section(bytes.fromhex(encoded.replace(" ", "")))
    [section] = read_sections(data)
    assert (section.content.type, section.content.value, section.content.code) == (name, value, data[3])
    assert write_sections([section]) == data


def narrow(code: int, count: int, body: str) -> bytes:
    """A container with sizes of one byte, or an array when ``body`` begins with its element's constructor."""
    raw = bytes.fromhex(body)
    return bytes((code, len(raw) + 1, count)) + raw


def wide(code: int, count: int, body: str) -> bytes:
    """The same with sizes of four bytes."""
    raw = bytes.fromhex(body)
    return bytes((code,)) + (len(raw) + 4).to_bytes(4, "big") + count.to_bytes(4, "big") + raw


@pytest.mark.parametrize(
    ("encoded", "value"),
    [
        (b"\x45", []),
        (narrow(0xC0, 2, "40 a10161"), [None, "a"]),
        (wide(0xD0, 2, "5401 5402"), [1, 2]),
        (narrow(0xC1, 2, "a10161 5405"), {"a": 5}),
        (wide(0xD1, 2, "a10161 5405"), {"a": 5}),
        (narrow(0xE0, 3, "54 010203"), [1, 2, 3]),
        (wide(0xF0, 2, "a1 0161 0162"), ["a", "b"]),
        (narrow(0xE0, 0, "40"), []),
        (narrow(0xE0, 2, "00 5307 43"), [0, 0]),
        (narrow(0xE0, 2, "00 5307 54 0102"), [1, 2]),
    ],
)
def test_containers_hold_what_is_in_them(encoded: bytes, value: object) -> None:
    data = value_section(encoded)
    [section] = read_sections(data)
    assert plain(section.content) == value
    assert write_sections([section]) == data


@pytest.mark.parametrize(
    "encoded",
    [
        "",
        "ff",
        "005377",
        "00537740 40",
        "00537741" + "00537741",  # two bodies
        "00537741" + "005375a000",  # a data section after a value
        "00537045" + "00537045",  # two headers
        "005373c00100" + "00537045",  # properties before the header
        "00537040",  # a header that is no list
        "005375a10161",  # data that is text
        "005374a000",  # properties that are no map
        "005377a1ff61",  # truncated
        "005377a101ff",  # no UTF-8
        "005377a301e9",  # a symbol beyond ASCII
        "0053775602",  # a boolean of 2
        "005377c1050141a10161",  # a key without a value
        "005377c0ff0140",  # a size beyond the end
        "005377c0020140ff",  # bytes left over
        "005377d0000000084000000040404040",  # more values announced than there can be
        "00537f40",  # unknown section
        "00a10161 40",  # a section without a name
        "00a3036162634 0",
    ],
)
def test_what_is_no_message_is_refused(encoded: str) -> None:
    if not encoded:
        assert read_sections(b"") == []  # a message without sections; nothing is wrong with it
        return
    with pytest.raises(RemoteProtocolError):
        read_sections(bytes.fromhex(encoded.replace(" ", "")))


def test_sections_may_be_named_by_symbol_and_by_a_long_number() -> None:
    named = b"\x00\xa3\x10amqp:amqp-value:*\x41".replace(b"\x10amqp:amqp-value:*", b"\x11amqp:amqp-value:*")
    long = b"\x00\x80" + (0x77).to_bytes(8, "big") + b"\x41"
    assert [section.name for data in (named, long) for section in read_sections(data)] == ["amqp-value", "amqp-value"]


def test_nesting_is_bounded() -> None:
    deep = b"\x45"
    for _ in range(MAX_DEPTH + 5):
        deep = b"\xd0" + (len(deep) + 4).to_bytes(4, "big") + b"\x00\x00\x00\x01" + deep
    with pytest.raises(RemoteProtocolError, match="nested"):
        read_sections(value_section(deep))
    with pytest.raises(RemoteProtocolError, match="nested"):
        read_sections(value_section(b"\x00" * 1000))


def test_the_number_of_values_is_bounded_also_where_they_take_no_bytes() -> None:
    array = b"\xf0" + (5).to_bytes(4, "big") + (MAX_NODES + 1).to_bytes(4, "big") + b"\x40"
    with pytest.raises(RemoteProtocolError, match="values"):
        read_sections(value_section(array))


def test_a_changed_value_that_no_longer_fits_gets_the_wider_form() -> None:
    text = Node("string", 0xA1, "x" * 300)
    node = Node("list", 0xC0, items=(text, Node("map", 0xC1, items=(Node("string", 0xA1, "k"), text))))
    [section] = read_sections(write_sections([Section("amqp-value", node)]))
    assert plain(section.content) == ["x" * 300, {"k": "x" * 300}]


def test_all_elements_of_an_array_get_the_wider_form_together() -> None:
    node = Node("array", 0xE0, items=(Node("string", 0xA1, "a"), Node("string", 0xA1, "x" * 300)))
    [section] = read_sections(write_sections([Section("amqp-value", node)]))
    assert plain(section.content) == ["a", "x" * 300]


def test_absent_fields_are_left_out() -> None:
    [section] = read_sections(b"\x00\x53\x73" + narrow(0xC0, 3, "40 40 a10161"))
    assert {name: plain(node) for name, node in fields(section).items()} == {"to": "a"}
