"""So many at once, then so many a second."""

from __future__ import annotations

from matahari.agent import Allowance


def test_a_burst_passes_and_then_a_trickle() -> None:
    allowance = Allowance(3, 2.0)
    assert [allowance.take(10.0)[0] for _ in range(4)] == [True, True, True, False]
    assert allowance.take(10.5) == (True, 1)
    assert allowance.take(10.5) == (False, 0)


def test_a_clock_that_goes_back_gives_nothing() -> None:
    allowance = Allowance(1, 100.0)
    assert allowance.take(10.0) == (True, 0)
    assert allowance.take(5.0) == (False, 0)
