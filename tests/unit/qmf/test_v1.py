"""QMFv1 frames: what the original programs sent, and what is made of anything else."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from matahari.errors import RemoteProtocolError, SchemaError
from matahari.qmf import Method, Property, PropertyType, Schema, SchemaId, encode_map, v1
from tests.support import vectors

AGENT = Schema(
    SchemaId("org.matahariproject", "Agent"),
    (
        Property("hostname", PropertyType.STRING, index=True, description="Hostname"),
        Property("uuid", PropertyType.STRING, index=True, description="Filesystem Host UUID"),
    ),
)
V20 = "414d325300000007136f72672e6d6174616861726970726f6a656374054167656e7401435a6f2c983fada7e0b41909af1027"
V21 = """
414d327300000007 01 136f72672e6d6174616861726970726f6a656374 054167656e74 01435a6f2c983fada7e0b41909af1027 0002 0000 0000
00000050 00000006 06616363657373 2100000003 0464657363 950008486f73746e616d65 05696e646578 2100000001
  046e616d65 950008686f73746e616d65 086f7074696f6e616c 2100000000 0474797065 0207
00000058 00000006 06616363657373 2100000003 0464657363 95001446696c6573797374656d20486f73742055554944 05696e646578 2100000001
  046e616d65 95000475756964 086f7074696f6e616c 2100000000 0474797065 0207
"""

CAPTURED = vectors.load("schema-qmfv1")
BODIES = {vector.label: vector.data for vector in CAPTURED}
SCHEMA_BODIES = {label: body for label, body in BODIES.items() if body[3:4] == b"s" and ":response" in label}


def one(body: bytes) -> v1.Frame:
    (frame,) = v1.decode_frames(body)
    return frame


def test_a_schema_request_has_the_bytes_of_the_python_console() -> None:
    """qmf2.md 8, V20."""
    assert v1.encode_schema_request(7, AGENT.id).hex() == V20
    frame = one(bytes.fromhex(V20))
    assert (frame.opcode, frame.sequence) == ("S", 7)
    assert v1.read_schema_request(frame.payload) == AGENT.id


def test_a_schema_answer_has_the_documented_bytes() -> None:
    """qmf2.md 8, V21; the order of map entries is free, ours is libqmf2's."""
    body = bytes.fromhex(V21)
    assert len(body) == 233
    assert v1.encode_schema(7, AGENT) == body
    frame = one(body)
    assert (frame.opcode, frame.sequence) == ("s", 7)
    assert v1.read_schema(frame.payload) == AGENT


@pytest.mark.parametrize("label", SCHEMA_BODIES)
def test_a_captured_schema_is_written_back_byte_for_byte_but_for_the_type_of_texts(label: str) -> None:
    """libqmf2 writes texts as vbin16, which breaks consoles on Python 3; ours are str16."""
    body = SCHEMA_BODIES[label]
    frame = one(body)
    again = v1.encode_schema(frame.sequence, v1.read_schema(frame.payload))
    assert len(again) == len(body)
    assert {(old, new) for old, new in zip(body, again, strict=True) if old != new} <= {(0x90, 0x95)}


@pytest.mark.parametrize("label", BODIES)
def test_every_captured_frame_is_understood(label: str) -> None:
    readers = {
        "S": v1.read_schema_request, "s": v1.read_schema, "b": v1.read_broker,
        "p": v1.read_package, "q": v1.read_class, "z": v1.read_completion,
    }  # fmt: skip
    for frame in v1.decode_frames(BODIES[label]):
        assert readers[frame.opcode](frame.payload)
        assert v1.encode_frame(frame.opcode, frame.sequence, frame.payload) in BODIES[label]


def test_captured_frames_of_the_broker_have_the_stated_contents() -> None:
    bodies = {vector.name: vector.data for vector in CAPTURED}
    assert v1.read_broker(one(bodies["broker-b"]).payload) == uuid.UUID("d85f8d42ac044df69db0b4a6eb328e20")
    packages = v1.decode_frames(bodies["broker-p"])
    assert [v1.read_package(frame.payload) for frame in packages] == ["org.apache.qpid.acl", "org.apache.qpid.broker"]
    assert [frame.sequence for frame in packages] == [1795357656] * 2
    digest = uuid.UUID("231eb24e3e71f203606cb05a2c2bd7dc")
    assert v1.read_class(one(bodies["broker-q"]).payload) == SchemaId("org.apache.qpid.acl", "acl", hash=digest)
    assert v1.read_completion(one(bodies["broker-z"]).payload) == (0, "OK")
    event = v1.read_schema(one(bodies["broker-s-event"]).payload)
    assert event.id.kind == "_event"
    assert [item.name for item in event.properties] == ["userId", "action", "objectType", "objectName", "arguments"]
    data = v1.read_schema(one(bodies["broker-s-data"]).payload)
    assert data.properties[0] == Property("brokerRef", PropertyType.MAP, "RC", index=True, subtype="reference")


def test_requests_to_the_broker_are_frames_too() -> None:
    assert v1.encode_request("B", 0) == b"AM2B\0\0\0\0"
    assert v1.encode_request("P", 258) == b"AM2P\0\0\1\2"
    assert v1.encode_class_query(1, "a.b") == b"AM2Q\0\0\0\1\3a.b"
    assert v1.read_completion(one(v1.encode_completion(3, 1, "no")).payload) == (1, "no")


def test_a_schema_request_without_hash_has_zeros() -> None:
    body = v1.encode_schema_request(1, SchemaId("p", "C"))
    assert body.endswith(bytes(16))
    assert v1.read_schema_request(one(body).payload) == SchemaId("p", "C")


def test_all_members_of_a_schema_survive() -> None:
    argument = Property(
        "size", PropertyType.INT, unit="bytes", description="Größe", direction="IO", minimum=-1, maximum=2.5,
        max_length=7, default={"a": [1, None]},
    )  # fmt: skip
    schema = Schema(
        SchemaId("p", "C"),
        (replace(argument, access="RW", direction="I", optional=True, default=None), Property("n", PropertyType.VOID)),
        (Method("m", "does it", (argument, replace(argument, name="out", direction="O"))), Method("bare")),
    )
    read = v1.read_schema(one(v1.encode_schema(1, schema)).payload)
    assert read.methods == schema.methods
    assert read.properties[0] == schema.properties[0]
    assert read.id == schema.id
    assert read.properties[1].type is PropertyType.INT  # QMFv1 has no VOID; libqmf2 calls it an 8 bit integer too


@pytest.mark.parametrize(
    ("kind", "subtype", "code"),
    [
        (PropertyType.BOOL, "", 11),
        (PropertyType.INT, "", 19),
        (PropertyType.INT, "timestamp", 8),
        (PropertyType.INT, "duration", 9),
        (PropertyType.FLOAT, "", 13),
        (PropertyType.STRING, "", 7),
        (PropertyType.UUID, "", 14),
        (PropertyType.LIST, "", 21),
        (PropertyType.MAP, "", 15),
        (PropertyType.MAP, "reference", 10),
        (PropertyType.MAP, "data", 20),
    ],
)
def test_types_and_subtypes_become_those_of_qmfv1_and_back(kind: PropertyType, subtype: str, code: int) -> None:
    schema = Schema(SchemaId("p", "E", "_event"), (Property("x", kind, subtype=subtype),))
    body = v1.encode_schema(1, schema)
    assert body.endswith(b"\x04type\x02" + bytes((code,)))
    assert v1.read_schema(one(body).payload) == schema


@pytest.mark.parametrize("subtype", ["abstime", "deltatime"])
def test_times_of_matahari_stay_integers_as_from_libqmf2(subtype: str) -> None:
    schema = Schema(SchemaId("p", "E", "_event"), (Property("x", PropertyType.INT, subtype=subtype),))
    assert v1.encode_schema(1, schema).endswith(b"\x04type\x02\x13")


@pytest.mark.parametrize(
    ("code", "kind"),
    [(1, "INT"), (4, "INT"), (6, "STRING"), (12, "FLOAT"), (16, "INT"), (18, "INT"), (22, "LIST")],
)
def test_types_that_only_others_send_are_read(code: int, kind: str) -> None:
    (read,) = v1.read_schema(event_with({"name": b"x", "type": code})).properties
    assert read.type is PropertyType[kind]


def event_with(*members: dict[str, object]) -> bytes:
    """The payload of a schema answer with these fields."""
    head = b"\x02\x01p\x01E" + bytes(16) + len(members).to_bytes(2, "big")
    return head + b"".join(encode_map(member) for member in members)  # type: ignore[arg-type]  # broken on purpose


def test_statistics_are_read_as_such() -> None:
    statistic = encode_map({"name": "count", "type": 4, "unit": b"hits"})
    payload = b"\x01\x01p\x01C" + bytes(16) + b"\0\0\0\1\0\0" + statistic
    (read,) = v1.read_schema(payload).properties
    assert read == Property("count", PropertyType.INT, unit="hits", statistic=True)


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        (b"", "truncated"),
        (b"\x03\x01p\x01E" + bytes(18), "unknown kind"),
        (b"\x02\x00\x01E" + bytes(18), "without package"),
        (b"\x02\x01p\x00" + bytes(18), "without package or name"),
        (b"\x02\x01\xff\x01E" + bytes(18), "not UTF-8"),
        (event_with({"type": 1}), "no name"),
        (event_with({"name": "x"}), "unknown type"),
        (event_with({"name": "x", "type": 5}), "unknown type"),
        (event_with({"name": "x", "type": 1}) + b"\0", "1 bytes after the end"),
        (event_with({"name": "x", "type": 1})[:-1], "truncated"),
        (b"\x01\x01p\x01C" + bytes(16) + b"\0\0\0\0\0\1" + encode_map({"name": "m"}), "no number of arguments"),
        (b"\x01\x01p\x01C" + bytes(16) + b"\0\0\0\0\0\1" + encode_map({"name": "m", "argCount": -1}), "no number"),
        (b"\x01\x01p\x01C" + bytes(16) + b"\0\0\0\0\0\1" + encode_map({"name": "m", "argCount": 2**60}), "truncated"),
    ],
)
def test_a_malformed_schema_is_a_fault_of_the_peer(payload: bytes, complaint: str) -> None:
    with pytest.raises(RemoteProtocolError, match=complaint):
        v1.read_schema(payload)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "truncated"),
        (b"AM3S\0\0\0\0", "no AM2"),
        (b"AM2\xe4\0\0\0\0", "no letter"),
        (b"AM20\0\0\0\0", "no letter"),
        (b"AM2S\0\0\0", "truncated"),
        (bytes.fromhex(V20)[:-1], "truncated"),
        (bytes.fromhex(V20) + b"AM", "truncated"),
        (bytes.fromhex(V21.replace("\n", ""))[:-1], "truncated"),
        (v1.encode_request("B", 1) * (v1.MAX_FRAMES + 1), "more than 1000 frames"),
    ],
)
def test_malformed_frames_are_a_fault_of_the_peer(body: bytes, complaint: str) -> None:
    with pytest.raises(RemoteProtocolError, match=complaint):
        v1.decode_frames(body)


def test_several_frames_in_one_message_are_told_apart() -> None:
    """A message can hold several frames; read until the bytes run out (qmf2.md 3.12)."""
    schema = Schema(SchemaId("p", "C"), AGENT.properties, (Method("m", "", AGENT.properties), Method("n")))
    bodies = [
        v1.encode_schema(1, schema),
        v1.encode_request("B", 2),
        v1.encode_schema_request(3, AGENT.id),
        v1.encode_class_query(4, "p"),
        v1.encode_schema(5, Schema(SchemaId("p", "E", "_event"), AGENT.properties)),
        v1.encode_completion(6, 0, "OK"),
        v1.encode_frame("b", 7, bytes(16)),
        v1.encode_frame("h", 8, b"AM2 and all the rest"),
    ]
    frames = v1.decode_frames(b"".join(bodies))
    assert [frame.sequence for frame in frames] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [v1.encode_frame(frame.opcode, frame.sequence, frame.payload) for frame in frames] == bodies


@pytest.mark.parametrize(("opcode", "sequence"), [("", 1), ("SS", 1), ("é", 1), ("1", 1), ("S", -1), ("S", 2**32)])
def test_impossible_frames_are_the_callers_mistake(opcode: str, sequence: int) -> None:
    with pytest.raises(ValueError):
        v1.encode_frame(opcode, sequence)


def test_names_that_do_not_fit_are_refused_before_anything_is_sent() -> None:
    with pytest.raises(SchemaError, match="longer than 255 bytes"):
        v1.encode_class_query(1, "x" * 256)
    with pytest.raises(SchemaError, match="no UTF-8"):
        v1.encode_schema_request(1, SchemaId("\ud800", "C"))
    many = tuple(Property(str(number), PropertyType.INT) for number in range(0x10000))
    with pytest.raises(SchemaError, match="more than 65535"):
        v1.encode_schema(1, Schema(SchemaId("p", "C"), many))


@pytest.mark.parametrize("read", [v1.read_broker, v1.read_package, v1.read_class, v1.read_completion])
@pytest.mark.parametrize("payload", [b"", b"\x05", b"\x01" * 80])
def test_malformed_payloads_are_a_fault_of_the_peer(read: object, payload: bytes) -> None:
    assert callable(read)
    with pytest.raises(RemoteProtocolError):
        read(payload)
