"""Arguments of the bus as those who decide and write see them."""

from __future__ import annotations

import uuid

from matahari.agent import json_values
from matahari.qmf import Value

NUMBER = uuid.UUID("00000000-0000-0000-0000-000000000001")


def test_arguments_of_the_bus_become_json() -> None:
    given: dict[str, Value] = {
        "text": b"abc",
        "bytes": b"\xff\x00",
        "id": NUMBER,
        "deep": [{"x": b"y"}],
        "n": 1,
        "f": 0.5,
        "none": None,
    }
    assert json_values(given) == {
        "text": "abc",
        "bytes": "ff00",
        "id": str(NUMBER),
        "deep": [{"x": "y"}],
        "n": 1,
        "f": 0.5,
        "none": None,
    }
