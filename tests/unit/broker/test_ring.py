"""What waits for a slow subscriber (brokers.md 9.6)."""

from __future__ import annotations

from matahari.amqp import MAX_MESSAGE
from matahari.broker.ring import RING_BYTES, RING_MESSAGES, Ring, Waiting


def message(data: bytes, *, expires: float | None = None) -> Waiting:
    return Waiting(data, 0.0, expires)


def drain(ring: Ring, now: float = 0.0) -> list[bytes]:
    found = []
    while (one := ring.pop(now)) is not None:
        found.append(one.data)
    return found


def test_messages_leave_in_the_order_they_came() -> None:
    ring = Ring()
    for data in (b"1", b"2", b"3"):
        ring.push(message(data))
    assert (len(ring), ring.size) == (3, 3)
    assert drain(ring) == [b"1", b"2", b"3"]
    assert (len(ring), ring.size, ring.dropped) == (0, 0, 0)


def test_one_message_too_many_drops_the_oldest() -> None:
    ring = Ring(messages=2)
    for data in (b"1", b"2", b"3"):
        ring.push(message(data))
    assert ring.dropped == 1
    assert drain(ring) == [b"2", b"3"]


def test_one_byte_too_many_drops_as_many_of_the_oldest_as_needed() -> None:
    ring = Ring(size=10)
    for data in (b"aaaa", b"bbb", b"ccc"):
        ring.push(message(data))
    assert (ring.size, ring.dropped) == (10, 0)
    ring.push(message(b"ddddd"))
    assert (ring.size, ring.dropped) == (8, 2)
    assert drain(ring) == [b"ccc", b"ddddd"]


def test_a_message_larger_than_the_ring_is_dropped_itself() -> None:
    ring = Ring(size=10)
    ring.push(message(b"x" * 11))
    assert (len(ring), ring.size, ring.dropped) == (0, 0, 1)


def test_what_has_expired_is_passed_over_and_counted_apart() -> None:
    ring = Ring()
    ring.push(message(b"old", expires=5.0))
    ring.push(message(b"lasting"))
    ring.push(message(b"new", expires=5.1))
    assert drain(ring, now=5.0) == [b"lasting", b"new"]
    assert (ring.expired, ring.dropped) == (1, 0)


def test_a_ring_of_expired_messages_gives_nothing() -> None:
    ring = Ring()
    ring.push(message(b"x", expires=1.0))
    assert ring.pop(2.0) is None
    assert (len(ring), ring.size) == (0, 0)


def test_the_limits_hold_the_largest_message() -> None:
    assert RING_BYTES >= MAX_MESSAGE
    assert RING_MESSAGES > 0
