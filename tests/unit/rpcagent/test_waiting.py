"""Calls that wait: in order, and those that are checked first at the head when that is done."""

from __future__ import annotations

from matahari.rpcagent.waiting import WaitingCalls


def waiting(*calls: int) -> WaitingCalls:
    found = WaitingCalls()
    for call in calls:
        found.append(call)
    return found


def test_the_turn_of_a_call_that_is_checked_comes_next_when_it_was() -> None:
    calls = waiting(1, 2)
    calls.check(3)
    assert (len(calls), list(calls)) == (3, [1, 2, 3])
    assert calls.popleft() == 1
    assert calls.checked(3)
    assert (calls.popleft(), calls.popleft()) == (3, 2)


def test_what_is_checked_counts_and_has_no_turn() -> None:
    calls = WaitingCalls()
    calls.check(1)
    assert len(calls) == 1
    assert not calls


def test_a_call_that_was_removed_is_not_checked_any_more() -> None:
    calls = waiting(1)
    calls.check(2)
    calls.remove(2)
    calls.remove(1)
    assert not calls.checked(2)
    assert len(calls) == 0
