"""The guide's page on the class Host says what the schema says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from matahari.agents.host.schema import EFFECTS, HEARTBEAT_SCHEMA, HOST_SCHEMA, MAX_UPDATE_INTERVAL
from matahari.qmf import Property

PAGE = (Path(__file__).parents[4] / "core" / "docs" / "guide" / "host.md").read_text()
TYPES = {"TYPE_STRING": "string", "TYPE_INT": "int", "TYPE_MAP": "map", "TYPE_LIST": "list"}


def rows(title: str) -> list[list[str]]:
    """Cells of the table below a heading, without its two first lines."""
    [section] = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def shown(properties: list[Property]) -> list[list[str]]:
    return [
        [f"`{one.name}`", TYPES[one.type.value], one.unit, {"RO": "read", "RW": "write"}[one.access]]
        for one in properties
    ]


@pytest.mark.parametrize(("title", "statistic"), [("Properties", False), ("Statistics", True)])
def test_all_properties_are_there_in_order_with_type_unit_and_access(title: str, statistic: bool) -> None:
    expected = shown([one for one in HOST_SCHEMA.properties if one.statistic is statistic])
    assert [row[:4] for row in rows(title)] == expected
    assert all(row[4] for row in rows(title))


def test_all_methods_are_there_in_order_with_arguments_and_results() -> None:
    expected = []
    for method in HOST_SCHEMA.methods:
        given = ", ".join(one.name for one in method.arguments if "I" in one.direction)
        results = [f"`{one.name}`" for one in method.arguments if "O" in one.direction]
        expected.append([f"`{method.name}({given})`", ", ".join(results)])
    assert [row[:2] for row in rows("Methods")] == expected


def test_a_method_is_said_to_be_not_implemented_when_it_is_not() -> None:
    for name, _, text in rows("Methods"):
        is_there = name.strip("`").partition("(")[0] in EFFECTS
        assert (text == "not implemented") is not is_there, name


def test_all_members_of_the_event_are_there_with_their_severity() -> None:
    assert [row[:2] for row in rows("Events")] == [
        [f"`{one.name}`", TYPES[one.type.value]] for one in HEARTBEAT_SCHEMA.properties
    ]
    assert f"`{HEARTBEAT_SCHEMA.id.package}:{HEARTBEAT_SCHEMA.id.name}`" in PAGE
    assert f"severity {HEARTBEAT_SCHEMA.default_severity} (inform)" in PAGE


def test_the_interval_has_the_range_of_the_schema() -> None:
    [found] = [row for row in rows("Properties") if row[0] == "`update_interval`"]
    assert f"0 to {MAX_UPDATE_INTERVAL}" in found[4]
