"""Framing: length and JSON object (PROTOCOL.md section 2)."""

from __future__ import annotations

import pytest

from matahari.errors import RemoteProtocolError
from matahari.hostproto import MAX_FRAME, FrameDecoder, encode_frame


def frame(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


CASES = [
    ({"type": "bye"}, b'{"type":"bye"}'),
    ({"type": "pong", "id": 7}, b'{"type":"pong","id":7}'),
    ({"type": "result", "id": 1, "text": "\u20ac"}, '{"type":"result","id":1,"text":"\u20ac"}'.encode()),
]


@pytest.mark.parametrize(("value", "body"), CASES)
class TestFourWays:
    def test_it_is_encoded(self, value: dict[str, object], body: bytes) -> None:
        assert encode_frame(value) == frame(body)  # type: ignore[arg-type]  # the cases are JSON

    def test_it_is_decoded_whole(self, value: dict[str, object], body: bytes) -> None:
        decoder = FrameDecoder()
        decoder.feed(frame(body))
        assert decoder.next_object() == value
        assert decoder.next_object() is None
        assert not decoder.is_inside_frame

    def test_it_is_decoded_byte_by_byte(self, value: dict[str, object], body: bytes) -> None:
        decoder = FrameDecoder()
        data = frame(body)
        for index in range(len(data) - 1):
            decoder.feed(data[index : index + 1])
            assert decoder.next_object() is None
            assert decoder.is_inside_frame
        decoder.feed(data[-1:])
        assert decoder.next_object() == value

    def test_what_follows_is_kept(self, value: dict[str, object], body: bytes) -> None:
        decoder = FrameDecoder()
        decoder.feed(frame(body) + frame(b'{"type":"drain"}') + b"\x00")
        assert decoder.next_object() == value
        assert decoder.next_object() == {"type": "drain"}
        assert decoder.next_object() is None
        assert decoder.is_inside_frame


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x00\x00\x00\x00", "frame of 0 bytes"),
        ((MAX_FRAME + 1).to_bytes(4, "big"), f"frame of {MAX_FRAME + 1} bytes"),
        (b"GET / HTTP/1.1\r\n", "frame of 1195725856 bytes"),
        (frame(b"\xff\xfe"), "not JSON"),
        (frame(b"[1]"), "holds list"),
        (frame(b"{}x"), "not JSON"),
        (frame(b'{"a":NaN}'), "not JSON: NaN"),
        (frame(b'{"a":' + b"[" * 100_000), "not JSON"),
        (frame(b'{"a":' + b"1" * 5000 + b"}"), "not JSON"),
    ],
)
def test_what_is_no_frame_is_the_peers_fault(data: bytes, reason: str) -> None:
    decoder = FrameDecoder()
    decoder.feed(data)
    with pytest.raises(RemoteProtocolError, match=reason):
        decoder.next_object()


def test_a_too_large_length_is_refused_before_its_bytes_are_there() -> None:
    decoder = FrameDecoder()
    decoder.feed(b"\x7f\xff\xff\xff")
    with pytest.raises(RemoteProtocolError):
        decoder.next_object()


def test_a_lone_surrogate_travels_as_its_escape() -> None:
    decoder = FrameDecoder()
    data = encode_frame({"text": "\ud800"})
    assert b"\\ud800" in data
    decoder.feed(data)
    assert decoder.next_object() == {"text": "\ud800"}


def test_a_frame_that_would_be_too_large_is_our_own_fault() -> None:
    with pytest.raises(ValueError, match="at most"):
        encode_frame({"text": "x" * MAX_FRAME})
    with pytest.raises(ValueError, match="Out of range"):
        encode_frame({"value": float("nan")})
