"""The list of hooks."""

from __future__ import annotations

import inspect

import pytest

from matahari.hooks import HOOKS, HOST_INVENTORY, HostInventory, Specifications


def test_every_specification_is_a_listed_hook_with_a_summary() -> None:
    specified = {name for name, _ in inspect.getmembers(Specifications, inspect.isfunction)}
    assert {hook.name for hook in HOOKS} == specified
    assert len(HOOKS) == len(specified)
    assert [hook.name for hook in HOOKS if not hook.summary] == []


def test_every_specification_is_annotated() -> None:
    for name, function in inspect.getmembers(Specifications, inspect.isfunction):
        assert "return" in function.__annotations__, name


@pytest.mark.parametrize(
    "inventory",
    [
        HostInventory({"\ud800": "x"}),
        HostInventory({"x": "\ud800"}),
        HostInventory({}, frozenset({"\ud800"})),
        HostInventory({"ä" * 128: "x"}),
    ],
)
def test_what_the_bus_cannot_carry_is_no_inventory(inventory: HostInventory) -> None:
    with pytest.raises(ValueError, match="returned"):
        HOST_INVENTORY.read(inventory)
