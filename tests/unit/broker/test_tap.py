"""What a receiver on ``matahari.tap`` gets."""

from __future__ import annotations

from matahari.amqp import MAX_MESSAGE, Message, decode_message, encode_message
from matahari.broker.tap import Tapped

ABOUT = {"node": "qmf.default.topic", "key": "a.b", "login": "alice", "delivered": 3}


def tapped(data: bytes) -> Message:
    return decode_message(Tapped("qmf.default.topic", "a.b", "alice", 3, data).encode())


def test_a_tapped_message_is_the_body_of_another_byte_for_byte() -> None:
    data = encode_message(Message({"a": [1, 2]}, section="value", subject="a.b", user_id=b"alice", ttl=5.0))
    message = tapped(data)
    assert (message.subject, message.section, message.body) == ("a.b", "data", data)
    assert message.properties == ABOUT
    assert message.ttl is None


def test_the_largest_body_that_fits_is_there_and_one_byte_more_is_left_out() -> None:
    around = len(Tapped("qmf.default.topic", "a.b", "alice", 3, b"x" * 300).encode()) - 300
    largest = tapped(b"x" * (MAX_MESSAGE - around))
    assert largest.properties == ABOUT
    assert isinstance(largest.body, bytes)
    assert len(largest.body) == MAX_MESSAGE - around
    larger = tapped(b"x" * (MAX_MESSAGE - around + 1))
    assert (larger.section, larger.body) == ("none", None)
    assert larger.properties == ABOUT | {"left-out": MAX_MESSAGE - around + 1}


def test_a_whole_message_of_the_largest_size_is_named_without_its_body() -> None:
    encoded = Tapped("n" * 100_000, "k" * 255, "l" * 255, 1, b"x" * MAX_MESSAGE).encode()
    assert len(encoded) < 2000
    assert decode_message(encoded).properties["left-out"] == MAX_MESSAGE
