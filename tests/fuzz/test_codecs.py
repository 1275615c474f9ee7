"""Random values, messages and schemas: what goes out comes back, and others read the same."""

from __future__ import annotations

from random import Random

from hypothesis import given

from matahari.amqp import decode_message, encode_message
from matahari.bus import message_of, packet_of
from matahari.qmf import Packet, Value, decode_list, decode_map, encode_list, encode_map, v1
from tests.support import random_values as make
from tests.support.fuzzing import TIME_LIMIT, cases, seeds
from tests.support.recorded import plain
from tests.support.wire_reader import read_0_10, read_message

pytestmark = TIME_LIMIT


@cases("a body in the 0-10 encoding")
@given(seeds)
def test_a_body_comes_back_and_is_what_others_read(random: Random) -> None:
    if random.random() < 0.5:
        values = make.mapped(random)
        raw = encode_map(values)
        assert as_text(decode_map(raw)) == as_text(plain(read_0_10(raw, "map"))) == as_text(values)
    else:
        items = make.listed(random)
        raw = encode_list(items)
        assert as_text(decode_list(raw)) == as_text(plain(read_0_10(raw, "list"))) == as_text(items)


@cases("a message in both forms")
@given(seeds)
def test_a_packet_comes_back_in_both_forms(random: Random) -> None:
    packet = Packet(
        random.choice(("_query_response", "_method_request", "_data_indication")),
        random.choice((make.mapped, make.listed, lambda random: None))(random),
        content=header(random),
        agent=header(random),
        correlation_id=header(random),
        reply_to=header(random),
        method=header(random),
        partial=random.random() < 0.5,
        ttl=random.choice((None, 1.0, 120.0, 4_294_967.0)),
        form_a=random.random() < 0.5,
    )
    raw = encode_message(message_of(packet, "key"))
    found = packet_of(decode_message(raw))
    assert as_text(found.body) == as_text(packet.body)
    for name in ("opcode", "content", "agent", "method", "correlation_id", "reply_to", "partial", "ttl"):
        assert getattr(found, name) == getattr(packet, name), name
    assert found.subject == "key"
    section = read_message(raw).section
    assert section == ("" if packet.body is None else "amqp-value" if packet.form_a else "data")


def header(random: Random) -> str | None:
    """Text of a header. Proton cuts reply addresses off at a NUL, and no key may have one (brokers.md 3)."""
    return random.choice((None, "word", "n" + make.text(random).replace("\x00", "")))


def as_text(value: Value) -> Value:
    """The value with all text as binary, as which text above 65,535 bytes goes out (qmf2.md 1.9)."""
    if isinstance(value, dict):
        return {key: as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_text(item) for item in value]
    return value.encode() if isinstance(value, str) else value


@cases("a schema as QMFv1")
@given(seeds)
def test_a_schema_comes_back_as_qmfv1(random: Random) -> None:
    schema, sequence = make.schema(random), random.getrandbits(32)
    (frame,) = v1.decode_frames(v1.encode_schema(sequence, schema))
    assert (frame.opcode, frame.sequence) == ("s", sequence)
    assert v1.read_schema(frame.payload) == schema
