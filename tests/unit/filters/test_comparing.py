"""Comparisons of values with literals, one row each."""

from __future__ import annotations

import uuid

import pytest

from matahari.filters.comparing import Truth, all_of, any_of, compare, compare_version, fits, negated
from matahari.filters.tree import Compare, Glob, HasPlugin, Literal, Operator, Regex, Text
from tests.support.filters import parsed

UUID = uuid.UUID("13c3ee82-7b7c-5c3a-ae4e-4e1b2a4f6a11")

COMPARISONS: list[tuple[object, str, Truth]] = [
    # numbers
    (12, "= 12", True),
    (12, "= 12.0", True),
    (12, "!= 12", False),
    (12, "< 12", False),
    (12, "<= 12", True),
    (11, ">= 12", False),
    (12.5, "> 12", True),
    (float("nan"), "= 1", False),
    (float("nan"), "> 1", None),
    (2**600, "> 1", None),
    (12, '= "12"', True),
    (12, "= abc", False),
    (12, "> abc", None),
    (12, "= 1*", True),
    (12, "=~ /^1/", True),
    (6, "> 5.10.1", True),
    # amounts
    (2 * 2**30, ">= 2GiB", True),
    (2 * 2**30, "= 2GiB", True),
    (2 * 10**9, ">= 2GiB", False),
    (90, "> 80%", True),
    (7200, "= 2h", True),
    ("3 GiB", "> 2GiB", True),
    ("80%", "<= 80%", True),
    ("512", "< 1kB", True),
    ("3 h", "> 2GiB", None),
    ("many", "= 2GiB", None),
    (True, "= 1%", None),
    (None, "> 1%", None),
    # text
    ("web", "= web", True),
    ("Web", "= web", False),
    ("web", "!= db", True),
    ("web", "= we*", True),
    ("web", '= "we*"', False),
    ("web", "< xeb", True),
    ("web", "= 12", False),
    ("web", "> 12", None),
    ("12", "= 12", True),
    ("12", "> 9", True),
    ("12", '> "9"', True),
    ("007", "= 7", True),
    ("007", '= "7"', False),
    ("web", "=~ /^w.b$/", True),
    ("web", "!~ /b/", False),
    ("2026-11-22", "> 2026-09-01", True),
    ("x" * 65_537, "= x", None),
    # versions
    ("12", "= 12.0", True),
    ("9.9", "< 9.10", True),
    ("9.10", "= 9.1", False),
    ("9.10", "> 9.9", True),
    ("5.10.0-21-amd64", ">= 5.10", True),
    ("1.2rc1", '< "1.2"', True),
    ("1.2.0", '= "1.2"', True),
    ("1.2.0", '!= "1.2"', False),
    # others
    (True, "= true", True),
    (True, "= TRUE", True),
    (False, "= true", False),
    (True, "= 1", False),
    (True, "> 0", None),
    (True, "<= true", None),
    (None, "= null", True),
    (None, "= x", False),
    (UUID, f"= {UUID}", True),
    (b"web", "= web", None),
    ({"a": 1}, "= a", None),
    ({"a": 1}, "!= a", None),
    # lists
    (["a", "b"], "= b", True),
    (["a", "b"], "!= b", False),
    (["a", "b"], "!= c", True),
    ([1, 5], "> 4", True),
    ([1, "x"], "> 4", None),
    ([], "= a", False),
    ([], "!= a", True),
    ([["a"]], "= a", None),
    (["a"], "=~ /a/", True),
]


@pytest.mark.parametrize(("value", "comparison", "truth"), COMPARISONS)
def test_comparisons(value: object, comparison: str, truth: Truth) -> None:
    term = parsed(f"x {comparison}")
    assert isinstance(term, Compare)
    assert compare(value, term.operator, term.value) is truth


@pytest.mark.parametrize(
    ("value", "unit", "comparison", "truth"),
    [
        (2 * 2**20, "kb", ">= 2GiB", True),
        (2 * 2**20 - 1, "kb", ">= 2GiB", False),
        (2048, "kb", "= 2048", True),
        (1, "bit", "> 1B", None),
        (5, "s", "> 1MiB", None),
        (1_500_000_000, "ns", "> 1s", True),
        ("90 min", "s", "> 1h", True),
    ],
)
def test_the_unit_of_a_property_counts_where_the_filter_has_one(
    value: object, unit: str, comparison: str, truth: Truth
) -> None:
    term = parsed(f"x {comparison}")
    assert isinstance(term, Compare)
    assert compare(value, term.operator, term.value, unit) is truth


@pytest.mark.parametrize(
    ("version", "comparison", "truth"),
    [
        ("10", "> 9.2", True),
        ("1.2", "= 1.2.0", True),
        ("1.2", "!= 1.2.0", False),
        ("1.2", "= 1.*", True),
        ("", "= 1", None),
        ("", "!= 1", None),
        ("spring", "= spring", True),
        ("spring", "> 1", None),
        ("2", "> 10", False),
    ],
)
def test_versions_of_plugins(version: str, comparison: str, truth: Truth) -> None:
    term = parsed(f"plugin x {comparison}")
    assert isinstance(term, HasPlugin)
    assert term.operator is not None
    assert term.version is not None
    assert compare_version(version, term.operator, term.version) is truth


def test_logic_with_three_values() -> None:
    assert [negated(truth) for truth in (True, False, None)] == [False, True, None]
    assert any_of([False, None, True]) is True
    assert any_of([False, None]) is None
    assert any_of([False]) is False
    assert any_of([]) is False
    assert all_of([True, None, False]) is False
    assert all_of([True, None]) is None
    assert all_of([True]) is True
    assert all_of([]) is True


def test_names_fit_with_or_without_regard_to_case() -> None:
    patterns: list[Literal | Regex] = [Text("Web1"), Glob("Web*"), Regex("^Web")]
    for pattern in patterns:
        assert isinstance(pattern, Text | Glob | Regex)
        assert fits(pattern, "Web1")
        assert not fits(pattern, "web1")
        assert fits(pattern, "wEB1", ignore_case=True)
    assert fits(Regex("^web", ignore_case=True), "WEB")
    assert compare("a", Operator.EQUAL, Text("a"))
