"""Whatever is encoded decodes to the same; whatever is not a body gives one kind of error and nothing else."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from matahari.errors import RemoteProtocolError
from matahari.qmf import Data, Schema, Value, decode_list, decode_map, encode_list, encode_map, estimate_size
from tests.support import strategies as own


@given(own.maps())
def test_a_map_decodes_to_what_was_encoded(body: dict[str, Value]) -> None:
    raw = encode_map(body)
    assert decode_map(raw) == body
    assert decode_map(memoryview(raw)) == body
    assert decode_map(bytearray(raw)) == body


@given(st.lists(own.values(), max_size=6))
def test_a_list_decodes_to_what_was_encoded(body: list[Value]) -> None:
    assert decode_list(encode_list(body)) == body


@given(own.maps(), st.data())
def test_a_truncated_map_is_the_peers_fault(body: dict[str, Value], draw: st.DataObject) -> None:
    raw = encode_map(body)
    cut = draw.draw(st.integers(1, len(raw) - 1))
    try:
        decode_map(raw[:cut])
    except RemoteProtocolError:
        return
    raise AssertionError("a truncated map was accepted")


@given(st.binary(max_size=200))
@example(bytes.fromhex("0000000c00000001 0161 aa00000005"))
def test_random_bytes_give_a_value_or_the_peers_fault(raw: bytes) -> None:
    for decode in (decode_map, decode_list):
        try:
            decode(raw)
        except RemoteProtocolError:
            pass


@given(own.maps(), st.data())
def test_damaged_bytes_give_a_value_or_the_peers_fault(body: dict[str, Value], draw: st.DataObject) -> None:
    raw = bytearray(encode_map(body))
    for _ in range(draw.draw(st.integers(1, 4))):
        raw[draw.draw(st.integers(0, len(raw) - 1))] = draw.draw(st.integers(0, 255))
    try:
        value = decode_map(raw)
    except RemoteProtocolError:
        return
    encode_map(value)


@given(own.schemas())
def test_a_schema_survives_the_wire(schema: Schema) -> None:
    assert Schema.from_map(decode_map(encode_map(schema.to_map()))) == schema


@given(own.data())
def test_data_survives_the_wire(data: Data) -> None:
    assert Data.from_map(decode_map(encode_map(data.to_map()))) == data


@given(st.dictionaries(st.text("ab", max_size=5), st.text("ab", max_size=40) | st.integers(0, 9)))
def test_the_estimated_size_of_plain_contents_is_near_the_encoded_one(body: dict[str, Value]) -> None:
    real = len(encode_map(body))
    assert abs(estimate_size(body, 10**6) - real) <= 2 + len(body)
