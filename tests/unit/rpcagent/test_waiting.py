"""Calls that wait: in the order in which they came, also when some are checked first."""

from __future__ import annotations

import itertools

import pytest

from matahari.rpcagent.waiting import WaitingCalls


def waiting(*calls: int) -> WaitingCalls:
    found = WaitingCalls()
    for call in calls:
        found.append(call)
    return found


@pytest.mark.parametrize("checked", list(itertools.permutations((1, 3, 4))))
def test_a_call_that_was_checked_has_its_place_again(checked: tuple[int, ...]) -> None:
    calls = waiting(2, 5)
    for call in checked:
        calls.check(call)
    assert (len(calls), list(calls)) == (5, [2, 5, 1, 3, 4])
    for call in checked:
        assert calls.checked(call)
    assert [calls.popleft() for _ in range(5)] == [1, 2, 3, 4, 5]


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
