"""Nested maps as flat facts."""

from __future__ import annotations

import datetime
import math

import pytest

from matahari.errors import SchemaError
from matahari.facts import flatten
from matahari.facts.flatten import MAX_FACTS, MAX_TEXT_BYTES


def test_maps_become_dotted_names_and_lists_stay() -> None:
    assert flatten({"os": {"id": "debian", "like": ["a", {"b": 1}]}, "up.time": 3.5, "empty": {}, "none": None}) == {
        "os.id": "debian",
        "os.like": ["a", {"b": 1}],
        "up.time": 3.5,
        "empty": {},
        "none": None,
    }


def test_dates_become_texts() -> None:
    day = datetime.date(2031, 12, 31)
    moment = datetime.datetime(2031, 12, 31, 8, 0, tzinfo=datetime.UTC)
    assert flatten({"a": day, "b": moment, "c": datetime.time(8)}) == {
        "a": "2031-12-31",
        "b": "2031-12-31T08:00:00+00:00",
        "c": "08:00:00",
    }


@pytest.mark.parametrize("name", ["", "a b", ".a", "a.", "a..b", "a=b", "a\nb", "x" * 201, 1, True, None])
def test_a_name_that_a_filter_could_not_name_is_refused(name: object) -> None:
    with pytest.raises(SchemaError):
        flatten({name: 1})  # type: ignore[dict-item]  # what is refused


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, 2**64, -(2**63) - 1, b"x", {1, 2}, "\ud800", object(), {"a": b""}]
)
def test_a_value_that_json_or_the_bus_does_not_have_is_refused(value: object) -> None:
    with pytest.raises(SchemaError):
        flatten({"a": [value]})
    with pytest.raises(SchemaError):
        flatten({"a": value})


def test_one_name_twice_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"a\.b: is there twice"):
        flatten({"a.b": 1, "a": {"b": 2}})


def test_the_number_the_length_and_the_depth_are_bounded() -> None:
    assert len(flatten({f"f{number}": 1 for number in range(MAX_FACTS)})) == MAX_FACTS
    with pytest.raises(SchemaError, match="more than"):
        flatten({f"f{number}": 1 for number in range(MAX_FACTS + 1)})
    with pytest.raises(SchemaError, match="longer than"):
        flatten({"a": "x" * MAX_TEXT_BYTES})
    maps: dict[str, object] = {}
    lists: list[object] = []
    for _ in range(2000):
        maps, lists = {"a": maps}, [lists]
    for deep in (maps, {"a": lists}):
        with pytest.raises(SchemaError, match="nested deeper"):
            flatten(deep)


@pytest.mark.parametrize("key", ["\ud800", "ä" * 128])
def test_a_name_that_the_bus_cannot_carry_is_refused(key: str) -> None:
    for source in ({key: 1}, {"a": {key: 1}}, {"a": [{key: 1}]}):
        with pytest.raises(SchemaError):
            flatten(source)
    assert flatten({"ä" * 127: 1, "a": [{"ä" * 127: 1}]})
