"""The typed reader of AMQP 0-10 bodies, against the captured ones and the product's own codec."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from matahari.errors import RemoteProtocolError
from matahari.qmf import MAX_DEPTH, UInt, ULong, Value, decode_list, decode_map, encode_list, encode_map
from matahari.tap.amqp010 import read_body, write_body
from matahari.tap.amqp10 import read_sections
from matahari.tap.nodes import MAX_NODES, Node, node_json, plain
from tests.support.captured import FILES, FOLDER


def bodies() -> list[tuple[str, bytes, dict[str, object]]]:
    """Name, bytes and stated contents of every captured body in this encoding."""
    found = []
    for file in FILES:
        for message in json.loads((FOLDER / f"{file}.json").read_text())["messages"]:
            if "body_amqp_0_10" in message:
                [data] = [one for one in read_sections(bytes.fromhex(message["raw"])) if one.name == "data"]
                assert isinstance(data.content.value, bytes)
                found.append((f"{file}:{message['name']}", data.content.value, message["body_amqp_0_10"]))
    return found


def test_every_captured_body_has_the_types_and_values_that_its_file_states() -> None:
    assert len(bodies()) == 49
    for name, data, stated in bodies():
        assert json.loads(json.dumps(node_json(read_body(data, str(stated["t"]))))) == stated, name


def test_every_captured_body_is_written_as_it_was() -> None:
    for name, data, stated in bodies():
        assert write_body(read_body(data, str(stated["t"]))) == data, name


VALUES: dict[str, Value] = {
    "null": None,
    "true": True,
    "int": -5,
    "uint": UInt(7),
    "ulong": ULong(2**64 - 1),
    "float": 1.5,
    "text": "é",
    "long text": "x" * 70_000,
    "bytes": b"\x00\xff",
    "uuid": UUID(int=7),
    "list": [1, [], {"a": None}],
    "map": {"deep": {"er": [b"x"]}},
}


def test_it_reads_what_the_codec_writes_and_writes_what_the_codec_reads() -> None:
    data = encode_map(VALUES)
    node = read_body(data, "map")
    assert plain(node) == decode_map(data)
    assert write_body(node) == data
    listed = encode_list([VALUES])
    assert plain(read_body(listed, "list")) == decode_list(listed)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("0107", "int8"), ("0207", "uint8"), ("0807", "boolean"), ("110007", "int16"), ("120007", "uint16"),
        ("2100000007", "int32"), ("233fc00000", "float"), ("2700000041", "char-utf32"), ("0441", "char"),
        ("3800000000000000 07", "datetime"), ("40" + "00" * 16, "bin128"), ("8001ff", "vbin8"), ("850161", "str8"),
        ("84 01e9", "str8-latin"), ("a0000000 0161", "vbin32"), ("c80102030405", "bin40"), ("f0", "void"),
        ("f1", "bit"), ("aa00000007 02 00000002 0102", "array"), ("aa00000000", "array"), ("a900000000", "list"),
    ],
)  # fmt: skip
def test_types_that_the_codec_never_sends_are_read_by_their_names(value: str, name: str) -> None:
    item = bytes.fromhex(value)
    data = (len(item) + 4).to_bytes(4, "big") + (1).to_bytes(4, "big") + item
    node = read_body(data, "list")
    assert node.items[0].type == name
    if item != bytes.fromhex("a900000000"):  # an empty list gets the count that some encoders leave out
        assert plain(read_body(write_body(node), "list")) == plain(node)


@pytest.mark.parametrize(
    "data",
    [
        "00",
        "00000005",
        "0000000400000001",
        "00000004000000ff",
        "0000000600000001b000",
        "00000004 00000000 00",
        "00000007 00000001 950005",
        "00000005 00000000 00",
    ],
)
def test_what_is_no_list_is_refused(data: str) -> None:
    with pytest.raises(RemoteProtocolError):
        read_body(bytes.fromhex(data), "list")


def test_a_key_that_is_no_text_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="UTF-8"):
        read_body(bytes.fromhex("00000007 00000001 01ff f0"), "map")


def test_nothing_at_all_is_an_empty_body() -> None:
    assert plain(read_body(b"", "map")) == {}
    assert plain(read_body(b"", "list")) == []


def test_text_that_is_no_text_comes_back_as_it_was() -> None:
    data = bytes.fromhex("00000008 00000001 95 0001 ff")
    node = read_body(data, "list")
    assert node.items[0].value == "\udcff"
    assert write_body(node) == data


def test_nesting_and_number_of_values_are_bounded() -> None:
    deep = bytes.fromhex("0000000400000000")
    for _ in range(MAX_DEPTH):
        deep = (len(deep) + 5).to_bytes(4, "big") + (1).to_bytes(4, "big") + b"\xa9" + deep
    with pytest.raises(RemoteProtocolError, match="nested"):
        read_body(deep, "list")
    voids = b"\xaa" + (5).to_bytes(4, "big") + b"\xf0" + (MAX_NODES + 1).to_bytes(4, "big")
    with pytest.raises(RemoteProtocolError, match="entries"):
        read_body((len(voids) + 4).to_bytes(4, "big") + (1).to_bytes(4, "big") + voids, "list")


def test_elements_of_an_array_that_outgrew_their_type_are_written_in_one_that_holds_them() -> None:
    array = Node("array", 0xAA, items=(Node("str8", 0x85, "a"), Node("str16", 0x95, "b" * 300)))
    node = read_body(write_body(Node("list", None, items=(array,))), "list")
    assert plain(node) == [["a", "b" * 300]]
