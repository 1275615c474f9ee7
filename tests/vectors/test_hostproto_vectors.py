"""The vectors that every plugin host's tests read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from matahari.hostproto import FRAMING_VERSION, INTERFACE_VERSION, Closed, Connection, Event, Fault
from matahari.hostproto._members import dump_message

VECTORS = json.loads((Path(__file__).parent / "hostproto.json").read_text())


def receiver(case: dict[str, Any]) -> Connection:
    if case["to"] == "agent":
        return Connection.to_worker(case["nonce"])
    return Connection.of_parent() if case["to"] == "parent" else Connection.of_worker()


def wire(case: dict[str, Any]) -> bytes:
    if "hex" in case:
        return bytes.fromhex(case["hex"])
    bodies = [text.encode() for text in case["frames"]]
    return b"".join(len(body).to_bytes(4, "big") + body for body in bodies)


def matches(event: Event, expected: dict[str, Any]) -> bool:
    if isinstance(event, Fault):
        return "fault" in expected and expected["fault"] in event.text
    if isinstance(event, Closed):
        return expected == {"closed": True}
    return dump_message(event) == expected


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_bytes_give_the_events_of_the_vector(case: dict[str, Any]) -> None:
    connection = receiver(case)
    connection.receive_data(wire(case))
    if not any("type" in expected for expected in case["events"]):
        connection.receive_eof()
    found = []
    while (event := connection.next_event()) is not None:
        found.append(event)
    assert len(found) == len(case["events"])
    assert all(map(matches, found, case["events"])), found


def test_the_vectors_are_of_our_versions() -> None:
    assert (VECTORS["framing"], VECTORS["interface"]) == (FRAMING_VERSION, INTERFACE_VERSION)
