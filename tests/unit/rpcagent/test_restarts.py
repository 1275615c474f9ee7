"""When a plugin is started again, and when it is left in quarantine."""

from __future__ import annotations

import math

from matahari.rpcagent import Limits
from matahari.rpcagent.restarts import Restarts

LIMITS = Limits(restart_delay=0.25, restart_limit=3, stable_after=10.0)


def test_nothing_is_planned_at_first() -> None:
    restarts = Restarts(LIMITS)
    assert (restarts.at, restarts.is_planned, restarts.is_quarantined) == (math.inf, False, False)


def test_after_failures_starts_are_planned_later_and_later_and_then_no_more() -> None:
    restarts = Restarts(LIMITS)
    restarts.plan_after_failure(100.0, lived=1.0)
    assert restarts.at == 100.0
    restarts.plan_after_failure(100.0, lived=1.0)
    assert restarts.at == 100.25
    restarts.plan_after_failure(100.0, lived=1.0)
    assert (restarts.is_planned, restarts.is_quarantined) == (False, True)


def test_what_is_about_to_be_replaced_is_not_put_into_quarantine() -> None:
    restarts = Restarts(LIMITS)
    for _ in range(3):
        restarts.plan_after_failure(100.0, lived=0.0, is_replaced=True)
    assert (restarts.is_planned, restarts.is_quarantined) == (False, False)


def test_a_start_that_nobody_is_to_blame_for_does_not_count() -> None:
    restarts = Restarts(LIMITS)
    for now in range(10):
        restarts.plan_now(float(now))
        assert restarts.at == now
    restarts.plan_after_failure(100.0, lived=0.0)
    assert restarts.at == 100.0


def test_success_ends_the_quarantine_and_forgets_no_failure() -> None:
    restarts = Restarts(LIMITS)
    for _ in range(3):
        restarts.plan_after_failure(100.0, lived=0.0)
    restarts.succeed()
    assert not restarts.is_quarantined
    restarts.plan_after_failure(101.0, lived=1.0)
    assert restarts.is_quarantined


def test_to_forgive_is_to_forget() -> None:
    restarts = Restarts(LIMITS)
    for _ in range(3):
        restarts.plan_after_failure(100.0, lived=0.0)
    restarts.forgive()
    assert not restarts.is_quarantined
    restarts.plan_after_failure(101.0, lived=1.0)
    assert restarts.at == 101.0
    restarts.call_off()
    assert not restarts.is_planned


def test_other_limits_count_from_now_on() -> None:
    restarts = Restarts(LIMITS)
    restarts.reconfigure(Limits(restart_limit=1))
    restarts.plan_after_failure(100.0, lived=0.0)
    assert restarts.is_quarantined
