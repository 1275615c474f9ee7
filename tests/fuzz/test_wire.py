"""Damaged and random bytes at everything that reads bytes: a value or a fault of the peer, and nothing else."""

from __future__ import annotations

from functools import cache
from random import Random

from hypothesis import given

from matahari.amqp import decode_message, encode_message
from matahari.bus import message_of, packet_of
from matahari.errors import RemoteProtocolError, SchemaError
from matahari.qmf import Packet, decode_list, decode_map, v1
from tests.support.fuzzing import TIME_LIMIT, cases, damaged, deliveries, seeds
from tests.support.recorded import readable

pytestmark = TIME_LIMIT

PAYLOADS = {
    "b": v1.read_broker,
    "p": v1.read_package,
    "q": v1.read_class,
    "Q": v1.read_package,
    "S": v1.read_schema_request,
    "s": v1.read_schema,
    "z": v1.read_completion,
}
#: Beginnings of sections and frames, so that random bytes get further in.
STARTS = (b"", b"\x00Ss\xc0", b"\x00Sw\xd1", b"\x00Su\xa0", b"AM2s", b"AM2q")


def read(raw: bytes) -> Packet | None:
    """Read a delivery as the bus does."""
    try:
        return packet_of(decode_message(raw))
    except RemoteProtocolError:
        return None


@cases("a damaged message")
@given(seeds)
def test_a_damaged_message_is_read_or_is_the_peers_fault(random: Random) -> None:
    packet = read(damaged(random, deliveries()))
    if packet is None:
        return
    try:
        again = encode_message(message_of(packet, packet.subject))
    except SchemaError:
        return  # what came in AMQP's own types may lack a form in 0-10, e.g. a key of 300 bytes
    assert read(again) is not None


@cases("random bytes")
@given(seeds)
def test_random_bytes_are_read_or_are_the_peers_fault(random: Random) -> None:
    raw = random.choice(STARTS) + random.randbytes(random.randrange(300))
    read(raw)
    for reader in (decode_map, decode_list, v1.decode_frames, *PAYLOADS.values()):
        try:
            reader(raw)
        except RemoteProtocolError:
            pass


@cache
def frames() -> tuple[bytes, ...]:
    return tuple(item.stated.data for item in readable() if item.stated.frames)


@cases("damaged QMFv1 frames")
@given(seeds)
def test_damaged_frames_are_read_or_are_the_peers_fault(random: Random) -> None:
    raw = damaged(random, frames())
    try:
        found = v1.decode_frames(raw)
    except RemoteProtocolError:
        return
    assert 1 <= len(found) <= v1.MAX_FRAMES
    assert b"".join(v1.encode_frame(one.opcode, one.sequence, one.payload) for one in found) == raw
    for frame in found:
        reader = PAYLOADS.get(frame.opcode)
        if reader is None:
            continue
        try:
            reader(frame.payload)
        except RemoteProtocolError:
            pass
