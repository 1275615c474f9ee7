"""Set algebra of selections: laws of three-valued sets, and every selection is saved and loaded as the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from matahari.console import Host, Selection
from matahari.filters import Filter, Truth

HOSTS = [Host(name, f"uuid-{name}") for name in "abcd"]
TRUTHS: st.SearchStrategy[Truth] = st.sampled_from([True, False, None])
SELECTIONS = st.builds(
    Selection,
    st.sampled_from(["x = 1", "not y = 2", "a*", "p = 1 and q = 2", "p = 1 or q = 2"]).map(Filter.parse),
    st.fixed_dictionaries({host: TRUTHS for host in HOSTS}),
)


@given(SELECTIONS, SELECTIONS)
def test_the_hosts_combine_as_sets_do(one: Selection, other: Selection) -> None:
    assert set(one & other) == set(one) & set(other)
    assert set(one | other) == set(one) | set(other)
    assert set(one - other) == set(one) & set(~other)
    assert not set(one) & set(~one)
    assert set(one) | set(~one) | set(one.undecided) == set(HOSTS)
    assert set(~(one & other)) == set(~one | ~other)
    assert ~~one == one


@given(SELECTIONS, SELECTIONS)
def test_what_is_combined_has_a_filter_that_is_read_as_the_same(one: Selection, other: Selection) -> None:
    for made in (one & other, one | other, one - other, ~one):
        assert Filter.parse(str(made)) == made.filter
        assert Selection.from_json(made.to_json()) == made
