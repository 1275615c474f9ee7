"""The list of hooks."""

from __future__ import annotations

import inspect

from matahari.hooks import HOOKS, Specifications


def test_every_specification_is_a_listed_hook_with_a_summary() -> None:
    specified = {name for name, _ in inspect.getmembers(Specifications, inspect.isfunction)}
    assert {hook.name for hook in HOOKS} == specified
    assert len(HOOKS) == len(specified)
    assert [hook.name for hook in HOOKS if not hook.summary] == []


def test_every_specification_is_annotated() -> None:
    for name, function in inspect.getmembers(Specifications, inspect.isfunction):
        assert "return" in function.__annotations__, name
