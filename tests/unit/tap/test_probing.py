"""What speaks at an address, by its first bytes."""

from __future__ import annotations

import asyncio

import pytest

from matahari.net import parse_address
from matahari.tap.probing import Trouble, classify, probe


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (None, "unreachable"),
        (b"", "silent"),
        (b"AMQP\x00\x00\x09\x01", "amqp-0-9-1"),
        (b"AMQP\x01\x01\x00\x0a", "amqp-0-10"),
        (b"\x15\x03\x01\x00\x02\x02", "tls"),
        (b"HTTP/1.1", "other-protocol"),
        (b"SSH-2.0-", "other-protocol"),
        (b"AMQP\x03\x01\x00\x00", "slow"),
    ],
)
def test_a_peer_is_known_by_its_first_bytes(answer: bytes | None, trouble: Trouble) -> None:
    assert classify(answer) == trouble


@pytest.mark.parametrize("address", ["amqps://localhost:5671", "amqp://broker.example.com", "amqp://127.0.0.1"])
def test_what_may_not_be_connected_to_is_not_connected_to(address: str) -> None:
    finding = asyncio.run(probe(parse_address(address), timeout=1.0))
    assert (finding.trouble, finding.product) == ("not-allowed", "")
    assert finding.message
