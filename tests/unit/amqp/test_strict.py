"""Sizes that disagree with what they enclose (qmf2.md 1.7): what proton reads as garbage, without a word."""

from __future__ import annotations

import pytest

from matahari.amqp import Message, decode_message, encode_message
from matahari.amqp._strict import check_values
from matahari.errors import RemoteProtocolError
from tests.support import amqp_frames as raw
from tests.support.captured import FILES, captured

VALUE, SEQUENCE, APPLICATION = b"\x00\x53\x77", b"\x00\x53\x76", b"\x00\x53\x74"


@pytest.mark.parametrize("name_and_data", captured("malformed"), ids=lambda one: str(one[0]))
def test_an_int8_that_qpidd_made_a_long_of_is_malformed(name_and_data: tuple[str, bytes]) -> None:
    """Proton reads {'value': None} and a number of 64 bits made of the following field."""
    with pytest.raises(RemoteProtocolError):
        decode_message(name_and_data[1])


@pytest.mark.parametrize("file", [file for file in FILES if file != "malformed"])
def test_every_other_captured_message_is_sound(file: str) -> None:
    for _, data in captured(file):
        check_values(data)


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"a": [1, {"b": [None, True, 2.5, b"x" * 300]}], "c": "é" * 300},
        [[[[]]], {}, {"k": {}}],
        "text",
        None,
    ],
)
def test_what_we_encode_is_sound(body: object) -> None:
    message = Message(body, section="value", properties={"n": 1, "s": "t"})  # type: ignore[arg-type]  # values of BodyValue
    check_values(encode_message(message))


@pytest.mark.parametrize(
    "data",
    [
        VALUE + raw.mapping(raw.text("a"), b"\x81\x9c"),
        VALUE + raw.listing(b"\x81\x9c", raw.text("later"), raw.text("and later")),
        SEQUENCE + raw.listing(b"\x81\x9c", raw.text("later"), raw.text("and later")),
        APPLICATION + raw.mapping(raw.text("n"), b"\x81\x9c", raw.text("key"), raw.text("value")),
        VALUE + b"\xc0\x03\x01\x40\x40",
        VALUE + b"\xc0\x02\x02\x40",
        VALUE + b"\xc0\x02\x00\x40",
        VALUE + raw.listing(b"\xc0\x09\x01\x40"),
        VALUE + raw.listing(b"\x0f"),
        VALUE + raw.listing(b"\xa1\x05ab"),
        VALUE + b"\x81\x00",
        VALUE,
        b"\x01\x53\x77\x40",
        b"\x00\xa3\x77\x40",
    ],
)
def test_a_size_that_lies_is_the_peers_fault(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        check_values(data)


def test_nesting_without_end_is_the_peers_fault() -> None:
    body = b"\x40"
    for _ in range(200):
        body = b"\xd0" + (len(body) + 4).to_bytes(4, "big") + (1).to_bytes(4, "big") + body
    with pytest.raises(RemoteProtocolError, match="too deeply"):
        check_values(VALUE + body)


def test_described_values_and_long_descriptors_are_passed_over() -> None:
    described = b"\x00\x53\x05\xa1\x01x"
    check_values(b"\x00\x80" + (0x77).to_bytes(8, "big") + raw.listing(described, b"\x40"))


def test_data_is_not_looked_into() -> None:
    check_values(encode_message(Message(b"\x81\x9c" * 100)))
