"""Ctrl-C is kept while something is shown."""

from __future__ import annotations

import signal
import threading

import pytest

from matahari.shell.display.interrupts import Interrupts


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


@pytest.fixture
def interrupts() -> Interrupts:
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return Interrupts()


def test_one_that_comes_while_something_is_shown_is_raised_where_somebody_waits(interrupts: Interrupts) -> None:
    shown = []
    interrupts.hold()
    interrupt()
    shown.append("whole")
    with pytest.raises(KeyboardInterrupt), interrupts.waiting():
        shown.append("never")
    interrupts.release()
    assert shown == ["whole"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_who_waits_is_interrupted_at_once(interrupts: Interrupts) -> None:
    interrupts.hold()
    with pytest.raises(KeyboardInterrupt), interrupts.waiting():
        interrupt()
    interrupts.release()


def test_a_second_one_is_not_kept(interrupts: Interrupts) -> None:
    interrupts.hold()
    interrupt()
    with pytest.raises(KeyboardInterrupt):
        interrupt()
    interrupts.release()


def test_one_that_nobody_waited_for_is_raised_at_the_end(interrupts: Interrupts) -> None:
    interrupts.hold()
    interrupt()
    with pytest.raises(KeyboardInterrupt):
        interrupts.release()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_a_hold_and_in_other_threads_nothing_changes(interrupts: Interrupts) -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupt()
    thread = threading.Thread(target=interrupts.hold)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_program_that_has_a_meaning_of_its_own_for_it_keeps_that(interrupts: Interrupts) -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        interrupts.hold()
        interrupt()
        interrupts.release()
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]
