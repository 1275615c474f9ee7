"""Filters of any texts: written and read as the same, and versions in one order."""

from __future__ import annotations

from functools import cmp_to_key

from hypothesis import given
from hypothesis import strategies as st

from matahari.errors import FilterSyntaxError
from matahari.filters import (
    And,
    Compare,
    Exists,
    Expression,
    Filter,
    HasAgent,
    HasPlugin,
    In,
    InClass,
    Name,
    NamedHost,
    Not,
    Number,
    Operator,
    Or,
    Property,
    Regex,
    Source,
    Subject,
    Text,
    compare_versions,
    format,
    is_version,
    parse,
)
from matahari.filters.literals import UNITS

SOME = st.text(max_size=12)
NAMES = st.builds(Name, st.text(min_size=1, max_size=12), st.sampled_from(Source)) | st.builds(
    Property, st.from_regex(r"[A-Za-z_]\w{0,5}", fullmatch=True, alphabet=st.characters(max_codepoint=127)),
    st.text(min_size=1, max_size=12), st.sampled_from(["org.matahariproject", "org.example", "a-b"]),
)  # fmt: skip
NUMBERS = st.builds(
    lambda value, unit: Number(repr(value), unit),
    st.integers(-(2**64), 2**64) | st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", *UNITS]),
)
TEXTS = st.builds(Text, SOME)
REGEXES = st.builds(Regex, st.from_regex(r"(?:[a-z/ ]|\\/|\\\\|\\d|\[a-z\]\*?){0,8}", fullmatch=True), st.booleans())
ORDERS = st.sampled_from([Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST, Operator.EQUAL])
TERMS: st.SearchStrategy[Expression] = st.one_of(
    st.builds(NamedHost, TEXTS | REGEXES),
    st.builds(InClass, TEXTS | REGEXES),
    st.builds(HasAgent, TEXTS | REGEXES),
    st.builds(HasPlugin, TEXTS | REGEXES),
    st.builds(HasPlugin, TEXTS, ORDERS, TEXTS),
    st.builds(Exists, NAMES),
    st.builds(Compare, NAMES, ORDERS, TEXTS | NUMBERS),
    st.builds(Compare, NAMES, st.sampled_from([Operator.MATCHES, Operator.MISMATCHES]), REGEXES),
    st.builds(In, NAMES, st.lists(TEXTS | NUMBERS, min_size=1, max_size=3).map(tuple)),
)


def joined(kind: type[And | Or], parts: list[Expression]) -> Expression:
    return kind(tuple(one for part in parts for one in (part.parts if isinstance(part, kind) else (part,))))


EXPRESSIONS = st.recursive(
    TERMS,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: joined(And, parts)),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: joined(Or, parts)),
    ),
    max_leaves=8,
)
FILTERS = st.builds(Filter, EXPRESSIONS)
VERSIONS = st.from_regex(r"([0-2]:)?v?[0-9]{1,2}([.~+-]?([0-9]{1,2}|rc|a|b|dev|ubuntu)){0,4}", fullmatch=True).filter(
    is_version
)


@given(FILTERS)
def test_a_filter_is_written_in_one_line_and_read_as_the_same(filter: Filter) -> None:
    text = format(filter)
    assert text.splitlines() in ([text], [])
    assert parse(text) == filter


@given(st.text())
def test_any_text_is_a_filter_or_an_error_with_a_column(text: str) -> None:
    try:
        found = parse(text)
    except FilterSyntaxError as error:
        assert 0 <= error.position <= len(text)
    else:
        assert parse(format(found)) == found


@given(FILTERS, FILTERS)
def test_combinations_obey_the_laws_of_logic(a: Filter, b: Filter) -> None:
    host = Subject("web1", facts={"a": 1}, labels={}, plugins={}, agents=frozenset())
    assert (~(a & b)).truth(host) == (~a | ~b).truth(host)
    assert (~(a | b)).truth(host) == (~a & ~b).truth(host)
    assert (a & b).truth(host) == (b & a).truth(host)
    assert (a | a).truth(host) == a.truth(host)
    assert (~~a).truth(host) == a.truth(host)


@given(st.lists(VERSIONS, min_size=3, max_size=6))
def test_versions_have_one_order(versions: list[str]) -> None:
    ordered = sorted(versions, key=cmp_to_key(compare_versions))
    for at, older in enumerate(ordered):
        for newer in ordered[at:]:
            assert compare_versions(older, newer) <= 0
            assert compare_versions(newer, older) == -compare_versions(older, newer)
