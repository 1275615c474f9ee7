"""Selections as values: their hosts, set algebra, and as text."""

from __future__ import annotations

import subprocess
import sys

import pytest

from matahari.console.selection import Operand, Selection
from matahari.console.values import Host
from matahari.errors import FilterSyntaxError
from matahari.filters import Filter

A, B, C, D = (Host(name, f"uuid-{name}") for name in ("a", "b", "c", "d"))
WEB = Selection(Filter.parse("role = web"), {A: True, B: True, C: False, D: None})
NEW = Selection(Filter.parse("port > 80"), {A: False, B: True, C: True, D: True})


def names(selection: Selection) -> str:
    return "".join(host.name for host in selection)


def test_a_selection_is_a_sequence_of_the_hosts_of_which_the_filter_is_true() -> None:
    assert list(WEB) == [A, B]
    assert (len(WEB), WEB[0], WEB[-1:]) == (2, A, (B,))
    inside: list[object] = [A, "b", C, "d", 1]
    assert [one in WEB for one in inside] == [True, True, False, False, False]
    assert WEB.undecided == [D]
    assert repr(WEB) == "<Selection: 2 of 4 hosts for role = web>"
    assert WEB == [A, B] and WEB != [A] and WEB != NEW
    assert not Selection.of_all([])


@pytest.mark.parametrize(
    ("found", "hosts", "text"),
    [
        (WEB & NEW, "b", "role = web and port > 80"),
        (WEB | NEW, "abcd", "role = web or port > 80"),
        (WEB - NEW, "a", "role = web and not port > 80"),
        (NEW - WEB, "c", "port > 80 and not role = web"),
        (~WEB, "c", "not role = web"),
        (~~WEB, "ab", "role = web"),
        (~(WEB & NEW), "ac", "not (role = web and port > 80)"),
        (WEB & "a*", "a", "role = web and a*"),
        (WEB - "/^a/", "b", "role = web and not /^a/"),
        (WEB | Filter.parse("c"), "abc", "role = web or c"),
        (WEB - A, "b", "role = web and not a"),
        (WEB & [A, "c"], "a", "role = web and (a or c)"),
        (WEB & [], "", "role = web and not *"),
        (WEB - [], "ab", "role = web and *"),
        (WEB | [C], "abc", "role = web or c"),
    ],
)  # fmt: skip
def test_selections_are_combined_as_sets_and_their_filters_with_them(found: Selection, hosts: str, text: str) -> None:
    assert names(found) == hosts
    assert str(found) == text


def test_a_host_that_is_undecided_is_in_neither_a_selection_nor_its_complement() -> None:
    assert D not in WEB and D not in ~WEB
    assert D not in WEB & NEW and D in WEB | NEW
    assert D in WEB | [D]


def test_hosts_that_the_other_one_never_saw_are_undecided_there() -> None:
    small = Selection(Filter.parse("x = 1"), {A: True})
    assert names(small | WEB) == "ab"
    assert (names(small & WEB), names(~small & WEB)) == ("a", "")
    assert names(Selection.of_all([A]) | [B]) == "ab"


@pytest.mark.parametrize("other", ["role = web", "plugin x", "agent rpc", "class Host", "Host.free_mem > 1"])
def test_a_filter_that_only_hosts_can_answer_is_refused(other: str) -> None:
    with pytest.raises(ValueError, match="ask them with hosts"):
        WEB & other


def test_what_is_no_filter_is_refused() -> None:
    bad: list[Operand] = ["a and", "("]
    for other in bad:
        with pytest.raises(FilterSyntaxError):
            WEB | other


def test_equal_selections_have_the_same_hash() -> None:
    again = Selection(Filter.parse("role=web"), {D: None, C: False, B: True, A: True})
    assert again == WEB and hash(again) == hash(WEB)
    assert Selection(WEB.filter, {A: True, B: True}) != WEB
    assert WEB != "role = web"


@pytest.mark.parametrize("selection", [WEB, NEW, ~WEB & ["a"], Selection.of_all([]), Selection.of_all([Host("ä", "")])])
def test_what_is_saved_is_loaded_as_the_same(selection: Selection) -> None:
    assert Selection.from_json(selection.to_json()) == selection


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"filter": 1, "hosts": []}', '{"filter": "a", "hosts": [{"name": "a", "uuid": 1}]}',
     '{"filter": "a", "hosts": [{"name": "a", "uuid": "", "matches": 2}]}', '{"filter": "a", "hosts": [null]}'],
)  # fmt: skip
def test_what_is_no_saved_selection_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"selection|Expecting"):
        Selection.from_json(text)


def test_listing_hosts_does_not_load_the_language_of_filters() -> None:
    """It would be a tenth of the start-up time of a short command."""
    source = (
        "import sys; from matahari.console.selection import Selection; len(Selection.of_all([])); print([*sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=60)
    assert "'matahari.console.selection'" in done.stdout
    assert "'matahari.filters'" not in done.stdout
