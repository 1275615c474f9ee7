"""Is a save complete?"""

from __future__ import annotations

import pytest

from matahari.rpcagent.settling import Debounce, Stamp, is_settled, is_trusted

MS = 1_000_000


def stamp(changed_ms: int, size: int = 10) -> Stamp:
    return Stamp(1, 2, size, changed_ms * MS, changed_ms * MS)


@pytest.mark.parametrize(
    ("age_ms", "size", "is_open", "settled"),
    [
        (0, 10, False, False),
        (7, 10, False, False),
        (8, 10, False, True),
        (100, 0, False, False),
        (250, 0, False, True),
        (100, 10, True, False),
        (250, 10, True, True),
        (-1000, 10, False, True),
    ],
)
def test_a_file_is_read_when_it_is_quiet_closed_and_not_empty(
    age_ms: int, size: int, is_open: bool, settled: bool
) -> None:
    assert is_settled(stamp(5000, size), is_open=is_open, now_ns=(5000 + age_ms) * MS) is settled


def test_a_stamp_is_trusted_when_the_file_was_old_as_it_was_read() -> None:
    assert is_trusted(stamp(1000), read_ns=1050 * MS)
    assert not is_trusted(stamp(1000), read_ns=1049 * MS)


def test_the_end_of_a_save_calls_for_an_early_look() -> None:
    debounce = Debounce()
    assert debounce.next_deadline() is None
    debounce.note("/p/a.py", "modified", 1.0)
    assert debounce.next_deadline() == pytest.approx(1.025)
    debounce.note("/p/a.py", "closed", 1.001)
    assert debounce.next_deadline() == pytest.approx(1.011)
    assert debounce.look(1.011) == frozenset()
    assert debounce.next_deadline() is None


def test_a_file_that_is_written_to_is_open_until_it_is_closed_or_patience_ends() -> None:
    debounce = Debounce()
    debounce.note("/p/a.py", "modified", 1.0)
    assert debounce.look(1.1) == {"/p/a.py"}
    assert debounce.look(1.3) == frozenset()
    debounce.note("/p/a.py", "modified", 2.0)
    debounce.note("/p/a.py", "moved", 2.0)
    assert debounce.look(2.01) == frozenset()


def test_an_open_file_makes_the_look_wait_although_another_was_closed() -> None:
    debounce = Debounce()
    debounce.note("/p/a.py", "modified", 1.0)
    debounce.note("/p/b.py", "closed", 1.0)
    assert debounce.next_deadline() == pytest.approx(1.025)


def test_events_without_end_do_not_put_the_look_off_for_ever() -> None:
    debounce = Debounce()
    for step in range(100):
        debounce.note("/p/a.py", "modified", 1.0 + step / 100)
    assert debounce.next_deadline() == pytest.approx(1.25)


def test_a_look_can_be_asked_for() -> None:
    debounce = Debounce()
    debounce.ask(5.0)
    debounce.ask(6.0)
    assert debounce.next_deadline() == 5.0
