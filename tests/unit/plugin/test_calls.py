"""What an action may learn of the call that runs it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextvars import copy_context
from dataclasses import dataclass
from typing import TypedDict, cast

import pytest

from matahari.plugin import Context, context, running, settings


def test_outside_of_a_call_there_is_no_context() -> None:
    with pytest.raises(RuntimeError, match="only available while a method runs"):
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


@dataclass(frozen=True)
class Settings:
    keep: int = 7


class Table(TypedDict, total=False):
    keep: int


def test_settings_are_given_as_what_their_class_says() -> None:
    made = Settings(3)
    with running(Context("disk", settings=cast("Mapping[str, object]", made))):
        assert settings(Settings) is made
    with running(Context("disk", settings={"keep": 2})):
        assert settings(Settings) == Settings(2)
        assert settings(Table) == {"keep": 2}
    with running(Context("disk")):
        assert settings(Settings) == Settings(7)
    with running(Context("disk", settings={"kep": 2})), pytest.raises(TypeError):
        settings(Settings)
    with pytest.raises(RuntimeError, match="only available"):
        settings(Settings)
