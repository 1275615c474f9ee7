"""A load that is under way when the plugin is saved again."""

from __future__ import annotations

import math

import pytest

from matahari.rpcagent.attempt import Attempt, Purpose
from tests.support.plugin_story import content


def test_one_that_waits_for_its_turn_loads_the_newest() -> None:
    attempt = Attempt(1, content("one"), 1, "new")
    assert attempt.supersede(content("two"), 5.0)
    assert (attempt.content, attempt.deadline, attempt.is_superseded) == (content("two"), math.inf, False)


@pytest.mark.parametrize(
    ("purpose", "deadline"), [("new", 9.0), ("restart", 9.0), ("relief", 9.0), ("restart", math.inf)]
)
def test_any_other_has_little_time_left_and_is_hurried_only_once(purpose: Purpose, deadline: float) -> None:
    attempt = Attempt(1, content("one"), 1, purpose, deadline)
    assert not attempt.supersede(content("two"), 5.0)
    assert (attempt.content, attempt.deadline, attempt.is_superseded) == (content("one"), 5.0, True)
    attempt.supersede(content("three"), 3.0)
    assert attempt.deadline == 5.0


def test_its_own_deadline_counts_when_that_is_sooner() -> None:
    attempt = Attempt(1, content("one"), 1, "new", 4.0)
    attempt.supersede(content("two"), 5.0)
    assert attempt.deadline == 4.0
