"""Results by equal value."""

from __future__ import annotations

from matahari.console.grouping import Summary, ValueGroup, group_values


def test_equal_values_make_one_group_and_the_largest_comes_first() -> None:
    found = group_values([("a", 1), ("b", {"x": 1, "y": [2]}), ("c", {"y": [2], "x": 1})])
    assert found == [ValueGroup({"x": 1, "y": [2]}, ("b", "c")), ValueGroup(1, ("a",))]


def test_values_that_only_look_alike_are_different() -> None:
    values: list[object] = [1, 1.0, True, "1", None, "null", b"1", ["1"]]
    assert [one.value for one in group_values([("h", value) for value in values])] == values


def test_the_odd_ones_are_those_that_fewer_have_than_the_most_common_value() -> None:
    summary = Summary(group_values([("a", 0), ("b", 7), ("c", 0), ("d", 8)]))
    assert [(one.value, one.hosts) for one in summary.odd] == [(7, ("b",)), (8, ("d",))]
    assert Summary(group_values([("a", 0), ("b", 7)])).odd == []
    assert Summary([]).odd == []


def test_a_summary_is_read_by_people_too() -> None:
    names = [f"h{number}" for number in range(7)]
    summary = Summary(group_values([(name, 0) for name in names]), group_values([("x", "timed out")]))
    assert str(summary) == "7 hosts: 0 (h0, h1, h2, h3, h4 and 2 more)\nfailed: 1 host: timed out (x)"
    assert repr(summary) == "<Summary: 1 values, 1 errors>"
    assert (len(summary), summary[0].count, summary[0:1]) == (1, 7, (summary[0],))
