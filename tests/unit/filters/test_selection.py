"""Filters as values."""

from __future__ import annotations

import pytest

from matahari.errors import FilterSyntaxError
from matahari.filters import MAX_DEPTH, MAX_VALUES, Filter, Name, Source, Subject, explain, format, needs, parse


def test_filters_are_values() -> None:
    assert parse("role=web") == parse("( role  =  'web' )")
    assert len({parse("a and b"), parse("a and b"), parse("a or b")}) == 2
    assert str(parse("a AND b")) == format(parse("a AND b")) == "a and b"


def test_filters_are_combined() -> None:
    a, b, c = parse("a"), parse("b"), parse("c")
    assert str(a & b & c) == "a and b and c"
    assert str((a | b) & ~c) == "(a or b) and not c"
    assert str(a | (b | c)) == "a or b or c"
    assert ~~a == a
    assert str(~(a & b)) == "not (a and b)"
    assert parse(str(~(a & b) | c)) == ~(a & b) | c


def test_a_combination_that_cannot_be_written_is_refused() -> None:
    one = parse("a")
    for _ in range(MAX_DEPTH // 2):
        one = ~(one & parse("b"))
    with pytest.raises(FilterSyntaxError, match="levels deep"):
        _ = ~((~one | parse("b")) & parse("c"))
    with pytest.raises(FilterSyntaxError, match="levels deep"):
        _ = one & parse("b")
    many = parse(" or ".join(["x"] * MAX_VALUES))
    with pytest.raises(FilterSyntaxError, match="are possible here"):
        _ = many | one
    long = parse(f"role = {'x' * 9000}")
    with pytest.raises(FilterSyntaxError, match="characters at most"):
        _ = long & ~long


def test_filters_are_held_against_hosts() -> None:
    one = parse("role = web")
    assert one.matches(Subject("h", facts={"role": "web"}))
    assert one.truth(Subject("h", facts={"role": "db"})) is False
    assert one.truth(Subject("h")) is None
    assert not one.matches(Subject("h"))
    assert explain(one, Subject("h")).truth is None
    assert needs(one).facts == {"role"}


def test_facts_make_a_filter() -> None:
    made = Filter.of_facts({"role": "web*", "os.version": 12, "x": 0.5, "up": True, "no": None, "site": ["ber", "ham"]})
    assert str(made) == (
        'fact.role = "web*" and fact.os.version = 12 and fact.x = 0.5 and fact.up = true and fact.no = null '
        "and fact.site in (ber, ham)"
    )
    assert str(Filter.of_facts({"a b": "x"})) == 'fact."a b" = x'
    assert needs(Filter.of_facts({"role": 1})).labels == frozenset()
    assert Name("role", Source.FACT) != Name("role")


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({}, "no fact is given"),
        ({"x": {"a": 1}}, "no value of a fact"),
        ({"x": []}, "from 1 to"),
        ({"x": float("nan")}, "no number"),
        ({"": 1}, "a name is not empty"),
    ],
)
def test_facts_that_make_none_are_refused(facts: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Filter.of_facts(facts)


def test_known_names_may_be_given() -> None:
    with pytest.raises(FilterSyntaxError, match="did you mean role"):
        parse("rol = web", names={"role"})
