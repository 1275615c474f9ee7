"""A function that outlives its call: what callers and the audit log are told, through a real node."""

from __future__ import annotations

import json
import threading
import time

import pytest

from matahari.console.sync import Console
from matahari.errors import RemoteError
from tests.support.node import PLUGIN_PACKAGE, TIME, Box, box

pytestmark = [pytest.mark.integration, pytest.mark.together]

SLOW = """
import threading
from matahari.plugin import method

@method(timeout=0.2)
def deaf():
    threading.Event().wait(0.4)
"""


def statuses(made: Box, count: int) -> list[dict[str, object]]:
    """The audit log, once it has so many records."""
    deadline = time.monotonic() + 10 * TIME
    while len(lines := (made.home / "state/audit.log").read_text().splitlines()) < count:
        assert time.monotonic() < deadline, lines
        threading.Event().wait(0.01)
    return [json.loads(line) for line in lines]


def kind_of(console: Console) -> str:
    [result] = console.select("slow", package=PLUGIN_PACKAGE).call("deaf")
    assert isinstance(result.error, RemoteError)
    return result.error.kind


def test_a_function_that_does_not_let_go_has_its_outcome_and_afterwards_its_end() -> None:
    with box() as made:
        made.save("slow.py", SLOW)
        with made.up(), made.connect() as console:
            made.wait_plugin(console, "slow", lambda values: values["state"] == "ready")
            assert kind_of(console) == "timeout"
            intent, outcome, end = statuses(made, 3)
    assert [one["event"] for one in (intent, outcome, end)] == ["intent", "outcome", "end"]
    assert len({one["id"] for one in (intent, outcome, end)}) == 1
    assert (outcome["status"], outcome["running"]) == ("timeout", True)
    assert end["status"] in ("ended", "stopped")  # by itself, or with its worker on a slow machine
