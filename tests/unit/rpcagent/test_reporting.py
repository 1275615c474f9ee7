"""How ends of workers read."""

from __future__ import annotations

import itertools
import signal

import pytest

from matahari.hostproto import Activation, Loaded
from matahari.rpcagent import Limits, PluginStatus
from matahari.rpcagent.calls import CallTable
from matahari.rpcagent.lifecycle import Lifecycle
from matahari.rpcagent.reporting import crash_text, crashed, how_ended, plugin_status
from tests.support.plugin_story import DIED, LIMITS, Story


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


def status_of(life: Lifecycle) -> PluginStatus:
    return plugin_status("a", life, CallTable("a", LIMITS, itertools.count(1).__next__))


def test_a_quarantine_tells_its_rule_with_the_numbers_in_force() -> None:
    story = Story(Limits(restart_limit=1, stable_after=7.0)).serving()
    story.life.exited(1, DIED, story.now)
    error = status_of(story.life).last_error
    assert error is not None
    assert error.text == (
        "it failed 1 times in a row (no successful call and no 7 s of life between) and is not started again; "
        "save the file or reload it; the last time: the worker died"
    )


def test_a_reason_is_one_for_being_inactive_and_is_not_told_of_an_active_plugin() -> None:
    story = Story()
    story.save("one")
    story.life.started(1, story.now)
    story.life.loaded(1, Loaded("a", 1, "d", "python", "1", (), False, "no disks"), story.now, 5)
    assert (status_of(story.life).state, status_of(story.life).reason) == ("inactive", "no disks")
    story.life.activation(1, Activation(True, "disks came"), story.now)
    assert (status_of(story.life).state, status_of(story.life).reason) == ("ready", "")
