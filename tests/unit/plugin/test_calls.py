"""What an action may learn of the call that runs it."""

from __future__ import annotations

import math
from contextvars import copy_context

import pytest

from matahari.plugin import Context, context, running


def test_outside_of_a_call_there_is_no_context() -> None:
    with pytest.raises(RuntimeError, match="only available while an action runs"):
        context()


def test_within_a_call_the_context_is_that_call() -> None:
    call = Context("disk", "r1", "anna")
    with running(call):
        assert context() is call
        with running(Context("inner")):
            assert context().plugin == "inner"
        assert context() is call
    with pytest.raises(RuntimeError):
        context()


def test_a_copied_context_still_knows_the_call() -> None:
    with running(Context("disk")):
        copied = copy_context()
    assert copied.run(context).plugin == "disk"


def test_the_block_ends_the_call_also_when_it_raises() -> None:
    with pytest.raises(ValueError), running(Context("disk")):
        raise ValueError
    with pytest.raises(RuntimeError):
        context()


def test_without_a_deadline_time_never_runs_out() -> None:
    assert Context("disk").remaining == math.inf


def test_remaining_time_is_never_negative() -> None:
    assert Context("disk", deadline=-1.0).remaining == 0.0


def test_cancellation_is_seen() -> None:
    call = Context("disk")
    assert not call.is_cancelled
    call.cancel()
    assert call.is_cancelled
