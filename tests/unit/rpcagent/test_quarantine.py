"""Which failures are in a row, so that they lead to quarantine."""

from __future__ import annotations

from matahari.rpcagent import Limits
from tests.support.plugin_story import DIED, Story


def test_crashes_between_which_calls_gave_results_are_none_in_a_row() -> None:
    story = Story().serving()
    for worker in range(1, 10):
        story.life.succeeded(worker)
        story.life.succeeded(worker - 1)  # of a worker that serves no more: says nothing
        story.life.exited(worker, DIED, story.now)
        story.ready(worker + 1)
    assert story.life.state == "ready"


def test_a_result_of_an_old_version_says_nothing_of_the_new_one() -> None:
    story = Story(Limits(restart_limit=2)).serving()
    story.save("two")
    story.ready(2, 2)
    story.life.exited(2, DIED, story.now)
    story.life.succeeded(1)
    story.ready(3, 2)
    story.life.exited(3, DIED, story.now)
    assert story.life.state == "quarantined"
