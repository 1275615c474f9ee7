"""How ends of workers read."""

from __future__ import annotations

import signal

import pytest

from matahari.rpcagent.reporting import crash_text, crashed, how_ended


@pytest.mark.parametrize(
    ("status", "number", "reason", "text"),
    [
        (3, None, None, "the worker ended with exit status 3"),
        (None, signal.SIGSEGV, None, "the worker was killed by signal 11 (SIGSEGV)"),
        (None, signal.SIGKILL, None, "the worker was killed by signal 9 (SIGKILL)"),
        (None, signal.SIGKILL, "it had no more time", "it had no more time, and was stopped"),
        (None, signal.SIGTERM, "it had no more time", "it had no more time, and was stopped"),
        (None, signal.SIGSEGV, "it had no more time", "the worker was killed by signal 11 (SIGSEGV)"),
        (0, None, "it had no more time", "the worker ended with exit status 0"),
    ],
)
def test_how_a_worker_ended(status: int | None, number: int | None, reason: str | None, text: str) -> None:
    assert how_ended(status, number, reason) == text


def test_a_crash_shows_what_was_printed_when_there_is_anything() -> None:
    assert crash_text("it died", "") == "it died"
    failure = crashed("disks", "it died", "one\ntwo")
    assert (failure.kind, failure.value) == ("crashed", "it died; it printed:\none\ntwo")
    assert failure.text == "plugin disks: it died; it printed:\none\ntwo"
