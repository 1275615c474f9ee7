"""The thread with a bounded queue before it."""

from __future__ import annotations

import logging
import os
import threading

import pytest

from matahari.hooks.queueing import MAX_BATCH, Worker

PATIENCE = 10.0


class Slow:
    """A handler that begins when it is let."""

    def __init__(self) -> None:
        self.entered, self.gate = threading.Event(), threading.Event()
        self.batches: list[list[int]] = []

    def __call__(self, items: list[int]) -> None:
        self.entered.set()
        assert self.gate.wait(PATIENCE)
        self.batches.append(items)


def test_items_that_gather_are_handled_together_and_in_order() -> None:
    handle = Slow()
    worker: Worker[int] = Worker("w", handle, limit=1000)
    worker.start()
    assert worker.put(0)
    assert handle.entered.wait(PATIENCE)
    assert all(worker.put(number) for number in range(1, 5))
    handle.gate.set()
    assert worker.stop(PATIENCE)
    assert handle.batches == [[0], [1, 2, 3, 4]]


def test_no_batch_is_longer_than_allowed() -> None:
    handle = Slow()
    handle.gate.set()
    worker: Worker[int] = Worker("w", handle, limit=10 * MAX_BATCH)
    for number in range(2 * MAX_BATCH + 1):
        worker.put(number, wake=False)
    worker.start()
    assert worker.stop(PATIENCE)
    assert [len(batch) for batch in handle.batches] == [MAX_BATCH, MAX_BATCH, 1]


def test_what_wakes_nobody_is_handled_with_what_does() -> None:
    handle = Slow()
    handle.gate.set()
    worker: Worker[int] = Worker("w", handle, limit=10)
    worker.start()
    worker.put(0)
    worker.put(1, wake=False)
    worker.wake()
    assert worker.stop(PATIENCE)
    assert sum(handle.batches, []) == [0, 1]  # noqa: RUF017 - two at most


def test_what_wakes_nobody_is_not_lost_at_the_end() -> None:
    handle = Slow()
    handle.gate.set()
    worker: Worker[int] = Worker("w", handle, limit=10)
    worker.start()
    worker.put(1, wake=False)
    assert worker.stop(PATIENCE)
    assert handle.batches == [[1]]
    assert not worker.put(2)


def test_a_full_queue_takes_nothing() -> None:
    handle = Slow()
    worker: Worker[int] = Worker("w", handle, limit=2)
    worker.start()
    worker.put(0)
    assert handle.entered.wait(PATIENCE)
    assert [worker.put(number) for number in range(4)] == [True, True, False, False]
    handle.gate.set()
    assert worker.stop(PATIENCE)


def test_a_handler_that_hangs_holds_nobody_up_and_can_be_waited_for_again() -> None:
    handle = Slow()
    worker: Worker[int] = Worker("w", handle, limit=2)
    worker.start()
    worker.put(0)
    assert not worker.stop(0.01)
    handle.gate.set()
    assert worker.stop(PATIENCE)
    assert worker.stop(PATIENCE)


def test_a_handler_that_fails_is_logged_and_the_next_items_are_handled(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[int] = []
    entered = threading.Event()

    def handle(items: list[int]) -> None:
        entered.set()
        if 0 in items:
            raise ValueError("odd")
        seen.extend(items)

    worker: Worker[int] = Worker("w", handle, limit=10)
    with caplog.at_level(logging.ERROR):
        worker.put(0, wake=False)
        worker.start()
        assert entered.wait(PATIENCE)
        worker.put(1)
        assert worker.stop(PATIENCE)
    assert seen == [1]
    assert "w: 1 items could not be handled" in caplog.text


def test_a_wake_that_comes_after_the_end_touches_nothing() -> None:
    worker: Worker[int] = Worker("w", lambda items: None, limit=10)
    worker.start()
    assert worker.stop(PATIENCE)
    receiver, sender = os.pipe()  # the numbers that the worker's own pipe had are free again
    try:
        worker.wake()
        os.set_blocking(receiver, False)
        with pytest.raises(BlockingIOError):
            os.read(receiver, 1)
    finally:
        os.close(receiver)
        os.close(sender)
