"""Times of calls."""

from __future__ import annotations

from matahari.rpcagent.latency import WINDOW, Latency


def test_before_the_first_call_there_is_nothing() -> None:
    assert (Latency().mean, Latency().p99) == (0.0, 0.0)


def test_mean_is_of_all_and_the_percentile_leaves_out_the_slowest_hundredth() -> None:
    latency = Latency()
    for _ in range(99):
        latency.note(1.0)
    latency.note(101.0)
    assert (latency.mean, latency.p99) == (2.0, 1.0)
    latency.note(101.0)
    assert latency.p99 == 101.0


def test_the_percentile_forgets() -> None:
    latency = Latency()
    latency.note(50.0)
    for _ in range(WINDOW):
        latency.note(1.0)
    assert latency.p99 == 1.0
