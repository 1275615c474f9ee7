"""The earliest of many moments."""

from __future__ import annotations

from matahari.qmf._deadlines import Deadlines


def test_keys_come_out_in_order_once_their_moment_has_come() -> None:
    deadlines: Deadlines[str] = Deadlines()
    for key, moment in (("b", 2.0), ("a", 1.0), ("c", 3.0)):
        deadlines.put(key, moment)
    assert deadlines.earliest() == 1.0
    assert deadlines.pop_due(0.5) is None
    assert [deadlines.pop_due(2.0) for _ in range(3)] == ["a", "b", None]
    assert len(deadlines) == 1


def test_a_moved_or_dropped_key_leaves_nothing_behind() -> None:
    deadlines: Deadlines[str] = Deadlines()
    deadlines.put("a", 1.0)
    deadlines.put("b", 2.0)
    deadlines.put("a", 3.0)
    deadlines.drop("b")
    deadlines.drop("unknown")
    assert deadlines.earliest() == 3.0
    assert deadlines.pop_due(9.0) == "a"
    assert deadlines.earliest() is None


def test_a_key_moved_away_and_back_comes_out_once() -> None:
    deadlines: Deadlines[str] = Deadlines()
    for moment in (1.0, 2.0, 1.0):
        deadlines.put("a", moment)
    assert deadlines.pop_due(5.0) == "a"
    assert deadlines.pop_due(5.0) is None


def test_outdated_entries_do_not_pile_up() -> None:
    deadlines: Deadlines[int] = Deadlines()
    for key in range(10_000):
        deadlines.put(key, 100.0 + key)
        deadlines.drop(key)
    deadlines.put(-1, 1.0)
    assert len(deadlines._heap) < 100
    assert deadlines.earliest() == 1.0
