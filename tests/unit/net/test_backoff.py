"""Waiting longer and longer, never together, never too long."""

from __future__ import annotations

import pytest

from matahari.net import Backoff


def test_the_bound_doubles_up_to_the_limit() -> None:
    backoff = Backoff(first=1.0, limit=5.0, random=lambda: 1.0)
    assert [backoff.next_delay() for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]
    assert backoff.failures == 5


@pytest.mark.parametrize(("drawn", "expected"), [(0.0, 1.0), (0.5, 1.5), (1.0, 2.0)])
def test_a_delay_comes_from_the_upper_half_of_its_bound(drawn: float, expected: float) -> None:
    assert Backoff(first=2.0, random=lambda: drawn).next_delay() == expected


def test_success_starts_afresh() -> None:
    backoff = Backoff(first=1.0, random=lambda: 1.0)
    first = [backoff.next_delay() for _ in range(3)]
    backoff.reset()
    assert backoff.failures == 0
    assert [backoff.next_delay() for _ in range(3)] == first


def test_thousands_of_failures_do_not_overflow() -> None:
    backoff = Backoff(random=lambda: 1.0)
    assert max(backoff.next_delay() for _ in range(5000)) == 30.0
