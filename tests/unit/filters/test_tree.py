"""Expressions are always valid."""

from __future__ import annotations

import pytest

from matahari.filters.tree import (
    MAX_DEPTH,
    MAX_VALUES,
    And,
    Compare,
    Expression,
    Glob,
    HasPlugin,
    In,
    Name,
    NamedHost,
    Not,
    Number,
    Operator,
    Or,
    Property,
    Regex,
    Text,
    depth_of,
)

A = NamedHost(Text("a"))
ROLE = Name("role")


def test_what_no_filter_can_be_is_refused() -> None:
    with pytest.raises(ValueError, match="a glob has"):
        Glob("web")
    with pytest.raises(ValueError, match="a glob has"):
        Glob("web *")
    with pytest.raises(ValueError, match="at most"):
        Glob("*" * 1001)
    with pytest.raises(ValueError, match="unclosed"):
        Regex("(")
    with pytest.raises(ValueError, match="no number"):
        Number("1e999")
    with pytest.raises(ValueError, match="no number"):
        Number("1", "gib")
    with pytest.raises(ValueError, match="not empty"):
        Name("")
    for class_name, name, package in (("H-t", "x", "a"), ("Host", "", "a"), ("Host", "x", "a..b")):
        with pytest.raises(ValueError, match="a property is"):
            Property(class_name, name, package)
    with pytest.raises(ValueError, match="from 1 to"):
        In(ROLE, ())
    with pytest.raises(ValueError, match="from 1 to"):
        In(ROLE, (Text("a"),) * (MAX_VALUES + 1))
    with pytest.raises(ValueError, match="joined"):
        And((A, And((A, A))))
    with pytest.raises(ValueError, match="joined"):
        Or((A, Or((A, A))))
    with pytest.raises(ValueError, match="from 2"):
        Or((A,))


@pytest.mark.parametrize(
    ("operator", "value"),
    [
        (Operator.EQUAL, Regex("a")),
        (Operator.MATCHES, Text("a")),
        (Operator.LESS, Glob("a*")),
    ],
)
def test_operator_and_value_belong_together(operator: Operator, value: Text | Glob | Regex) -> None:
    with pytest.raises(ValueError, match="stands behind"):
        Compare(ROLE, operator, value)


def test_a_version_needs_an_operator_and_no_unit() -> None:
    for operator, version in ((Operator.EQUAL, None), (None, Text("1")), (Operator.MATCHES, Text("1"))):
        with pytest.raises(ValueError, match="a version is compared"):
            HasPlugin(Text("p"), operator, version)
    with pytest.raises(ValueError, match="no unit"):
        HasPlugin(Text("p"), Operator.EQUAL, Number("1", "h"))


def test_a_slash_in_a_regular_expression_is_kept_without_its_escape() -> None:
    assert Regex(r"a\/b").pattern == "a/b"
    assert Regex(r"a\\/b").pattern == r"a\\/b"
    assert Regex(r"\d").pattern == r"\d"


def test_numbers_keep_how_they_were_typed() -> None:
    assert Number("9.10") != Number("9.1")
    assert (Number("9.10").value, Number("2", "GiB").value) == (9.1, 2)


def test_depth_counts_levels_and_has_a_limit() -> None:
    found: Expression = A
    for depth in range(MAX_DEPTH):
        assert depth_of(found) == depth
        found = Not(found)
    with pytest.raises(ValueError, match="levels deep"):
        Not(found)
    assert depth_of(And((A, Or((A, Not(A)))))) == 3
