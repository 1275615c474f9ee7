from __future__ import annotations

from matahari.rpcagent.slots import LoadSlots


def test_turns_are_given_in_order_and_only_so_many_at_once() -> None:
    slots = LoadSlots(2)
    started: list[int] = []
    for worker in range(1, 5):
        slots.take(f"user{worker}", worker, lambda worker=worker: started.append(worker))  # type: ignore[misc]
    assert started == [1, 2]
    slots.keep("user1", None)
    assert started == [1, 2, 3]
    slots.keep("user2", 2)
    assert started == [1, 2, 3]
    slots.keep("user2", 99)
    assert started == [1, 2, 3, 4]


def test_who_no_longer_waits_is_passed_over() -> None:
    slots = LoadSlots(1)
    started: list[str] = []
    for user in "abc":
        slots.take(user, ord(user), lambda user=user: started.append(user))  # type: ignore[misc]
    slots.keep("b", None)
    slots.keep("a", None)
    assert started == ["a", "c"]


def test_a_new_turn_replaces_the_old_one() -> None:
    slots = LoadSlots(1)
    started: list[int] = []
    slots.take("a", 1, lambda: started.append(1))
    slots.take("b", 2, lambda: started.append(2))
    slots.take("a", 3, lambda: started.append(3))
    assert started == [1, 2]
    slots.keep("b", None)
    assert started == [1, 2, 3]
