"""How often a session may be begun anew."""

from __future__ import annotations

from matahari.bus.recovery import MAX_ENDS, PERIOD, SessionLimit


def test_a_few_ends_within_a_minute_are_borne() -> None:
    limit = SessionLimit()
    assert [limit.may_go_on(float(now)) for now in range(MAX_ENDS + 2)] == [True] * MAX_ENDS + [False, False]


def test_ends_that_are_far_apart_are_borne_for_ever() -> None:
    limit = SessionLimit()
    assert all(limit.may_go_on(number * PERIOD / 2) for number in range(1000))


def test_after_a_quiet_while_all_is_forgiven() -> None:
    limit = SessionLimit()
    while limit.may_go_on(0.0):
        pass
    assert limit.may_go_on(PERIOD + 1)
