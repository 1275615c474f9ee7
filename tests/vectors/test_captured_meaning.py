"""Every captured message, read from its bytes by the product, has the meaning that the capture states.

The capture's statement comes from a decoder that is not ours (``qmf2/README.md``). Types are forgotten here, as the
product forgets them: text may be binary and integers of any width. What keeps them is ``tests.support.wire_reader``,
which is held against the statements too, because other tests judge by it what the product sends.
"""

from __future__ import annotations

from typing import cast

import pytest

from matahari.amqp import decode_message
from matahari.bus import packet_of
from matahari.errors import RemoteProtocolError
from matahari.qmf import Packet, Property, Schema, SchemaId, v1
from tests.support.recorded import Recorded, find, load, plain, readable
from tests.support.wire_reader import Pairs, Typed, read_message

READABLE = readable()
MALFORMED = [item for item in load() if item.malformed]
FRAMES = [item for item in READABLE if item.stated.frames]


def labels(items: list[Recorded] | tuple[Recorded, ...]) -> list[str]:
    return [item.label for item in items]


def packet(item: Recorded) -> Packet:
    return packet_of(decode_message(item.raw))


def test_nothing_of_the_capture_is_left_out_here() -> None:
    left_out = [item.label for item in load() if not item.raw]
    assert len(load()) == 216
    assert len(READABLE) == 212
    assert len(MALFORMED) == 2
    assert left_out == ["partial:06:broker-1", "partial:07:broker-2"]


@pytest.mark.parametrize("item", READABLE, ids=labels(READABLE))
def test_the_independent_reader_reads_what_is_stated(item: Recorded) -> None:
    assert read_message(item.raw) == item.stated


@pytest.mark.parametrize("item", READABLE, ids=labels(READABLE))
def test_a_captured_message_has_the_stated_meaning(item: Recorded) -> None:
    stated, found = item.stated, packet(item)
    assert found.opcode == (item.said("qmf.opcode") or "")
    assert found.content == item.said("qmf.content")
    assert found.agent == item.said("qmf.agent")
    assert found.method == item.said("method")
    assert found.partial is ("partial" in stated.application)
    assert found.subject == item.property("subject")
    assert found.reply_to == item.property("reply-to")
    assert found.correlation_id == item.property("correlation-id")
    assert found.user_id == item.property("user-id")
    ttl = stated.header.get("ttl")
    assert found.ttl == (None if ttl is None else cast(int, ttl.value) / 1000)
    assert found.form_a is (stated.section == "amqp-value" and "content-type" not in stated.properties)
    if stated.frames:
        assert found.body == stated.data
    else:
        assert stated.body is not None
        assert found.body == plain(stated.body)
        assert types(found.body) == types(plain(stated.body)), "1 and True are equal to Python"


def types(value: object) -> object:
    if isinstance(value, dict):
        return {key: types(item) for key, item in value.items()}
    return [types(item) for item in value] if isinstance(value, list) else type(value)


# -- QMFv1 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("item", FRAMES, ids=labels(FRAMES))
def test_captured_qmfv1_frames_have_the_stated_meaning(item: Recorded) -> None:
    body = packet(item).body
    assert isinstance(body, bytes)
    frames = v1.decode_frames(body)
    assert [(frame.opcode, frame.sequence) for frame in frames] == [
        (stated["opcode"], stated["sequence"]) for stated in item.stated.frames
    ]
    for frame, stated in zip(frames, item.stated.frames, strict=True):
        check_payload(frame, stated)


def check_payload(frame: v1.Frame, stated: dict[str, object]) -> None:
    if frame.opcode == "b":
        assert v1.read_broker(frame.payload).hex == stated["broker-uuid"]
    elif frame.opcode == "p":
        assert v1.read_package(frame.payload) == stated["package"]
    elif frame.opcode == "z":
        assert v1.read_completion(frame.payload) == (stated["status"], stated["text"])
    elif frame.opcode == "q":
        check_id(v1.read_class(frame.payload), stated)
    elif frame.opcode == "S":
        check_id(v1.read_schema_request(frame.payload), {**stated, "kind": 1})  # the request does not tell
    else:
        assert frame.opcode == "s"
        check_schema(v1.read_schema(frame.payload), stated)


def check_id(found: SchemaId, stated: dict[str, object]) -> None:
    assert (found.package, found.name) == (stated["package"], stated["class"])
    assert found.kind == {1: "_data", 2: "_event"}[cast(int, stated["kind"])]
    assert found.hash is not None
    assert found.hash.hex == stated["hash"]


def check_schema(found: Schema, stated: dict[str, object]) -> None:
    check_id(found.id, stated)
    members = [
        (False, entries) for entries in cast("list[Pairs]", stated.get("arguments", stated.get("properties", [])))
    ] + [(True, entries) for entries in cast("list[Pairs]", stated.get("statistics", []))]
    assert len(found.properties) == len(members)
    for item, (is_statistic, entries) in zip(found.properties, members, strict=True):
        check_member(item, entries)
        assert item.statistic is is_statistic
    methods = cast("list[dict[str, object]]", stated.get("methods", []))
    assert len(found.methods) == len(methods)
    for method, said in zip(found.methods, methods, strict=True):
        named = texts(cast(Pairs, said["method"]))
        assert (method.name, method.description) == (named["name"], named.get("desc", ""))
        arguments = cast("list[Pairs]", said["arguments"])
        assert len(method.arguments) == len(arguments)
        for item, entries in zip(method.arguments, arguments, strict=True):
            check_member(item, entries)


#: qmf2.md 4.7, the other way round.
TYPES = {
    **dict.fromkeys((1, 2, 3, 4, 16, 17, 18, 19), ("TYPE_INT", "")),
    **dict.fromkeys((6, 7), ("TYPE_STRING", "")),
    **dict.fromkeys((12, 13), ("TYPE_FLOAT", "")),
    **dict.fromkeys((21, 22), ("TYPE_LIST", "")),
    8: ("TYPE_INT", "timestamp"),
    9: ("TYPE_INT", "duration"),
    10: ("TYPE_MAP", "reference"),
    11: ("TYPE_BOOL", ""),
    14: ("TYPE_UUID", ""),
    15: ("TYPE_MAP", ""),
    20: ("TYPE_MAP", "data"),
}
ACCESS = {1: "RC", 2: "RW", 3: "RO"}


def check_member(found: Property, entries: Pairs) -> None:
    said = texts(entries)
    assert found.name == said["name"]
    assert (found.type.value, found.subtype) == TYPES[cast(int, said["type"])]
    assert found.access == ACCESS[cast(int, said.get("access", 3))]
    assert found.index is bool(said.get("index", 0))
    assert found.optional is bool(said.get("optional", 0))
    assert found.unit == said.get("unit", "")
    assert found.description == said.get("desc", "")
    assert found.direction == said.get("dir", "I")
    assert (found.minimum, found.maximum) == (said.get("min"), said.get("max"))
    assert found.max_length == said.get("maxlen")


def texts(entries: Pairs) -> dict[str, object]:
    return {str(key.value): said(value) for key, value in entries}


def said(value: Typed) -> object:
    return value.value.decode() if isinstance(value.value, bytes) else value.value


# -- what qpidd breaks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("item", MALFORMED, ids=labels(MALFORMED))
def test_a_message_with_an_int8_is_refused_and_the_next_is_read(item: Recorded) -> None:
    """qpidd writes a long of one byte, and proton reads on behind it without an error (README)."""
    with pytest.raises(RemoteProtocolError):
        packet(item)
    after = find("locate", "request-proton-data")
    assert packet(after).opcode == after.said("qmf.opcode")
