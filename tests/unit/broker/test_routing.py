"""Keys and patterns (brokers.md 9.2)."""

from __future__ import annotations

import pytest

from matahari.broker.routing import MAX_CACHED_KEYS, DirectTable, TopicTable


@pytest.mark.parametrize(
    ("pattern", "key", "expected"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a.c", False),
        ("a.b", "a", False),
        ("a.b", "a.b.c", False),
        ("a.*", "a.b", True),
        ("a.*", "a", False),
        ("a.*", "a.b.c", False),
        ("*.b", "a.b", True),
        ("a.#", "a", True),
        ("a.#", "a.b", True),
        ("a.#", "a.b.c", True),
        ("a.#", "ab", False),
        ("#.c", "c", True),
        ("#.c", "a.b.c", True),
        ("#.c", "a.b.d", False),
        ("a.#.c", "a.c", True),
        ("a.#.c", "a.b.b.c", True),
        ("a.#.c.#", "a.x.c.y.c", True),
        ("#", "", True),
        ("#", "a.b", True),
        ("#.#", "", True),
        ("#.*", "", False),
        ("#.*", "a", True),
        ("*.#.*", "a", False),
        ("*.#.*", "a.b", True),
        ("", "", True),
        ("", "a", False),
        ("a", "", False),
        ("*", "", False),
        ("a*", "ab", False),
        ("a#.b", "a.b", False),
        ("a.*.c", "a..c", True),
    ],
)
def test_a_pattern_fits_as_on_every_topic_exchange(pattern: str, key: str, expected: bool) -> None:
    table: TopicTable[str] = TopicTable()
    table.bind(pattern, "subscriber")
    assert list(table.route(key)) == (["subscriber"] if expected else [])


def test_the_worst_pattern_of_255_bytes_is_answered_without_search() -> None:
    """``#.a.#.a…`` against ``a.a…b`` takes a backtracking matcher longer than the universe."""
    table: TopicTable[str] = TopicTable()
    table.bind(".".join(["#", "a"] * 63), "subscriber")
    assert not table.route(".".join(["a"] * 126 + ["b"]))


def test_the_wildcards_are_words_like_others_in_a_key() -> None:
    table: TopicTable[str] = TopicTable()
    for pattern in ("a.*", "a.#", "#", "a.b"):
        table.bind(pattern, pattern)
    assert sorted(table.route("a.#")) == ["#", "a.#", "a.*"]
    assert sorted(table.route("a.*")) == ["#", "a.#", "a.*"]
    assert sorted(table.route("a.#.*")) == ["#", "a.#"]


def test_direct_keys_are_exact_and_each_subscriber_gets_a_copy() -> None:
    table: DirectTable[str] = DirectTable()
    table.bind("k", "one")
    table.bind("k", "two")
    table.bind("#", "no wildcard here")
    assert list(table.route("k")) == ["one", "two"]
    assert list(table.route("K")) == []
    assert list(table.keys()) == ["k", "#"]


def test_a_direct_table_tells_the_first_that_comes_and_the_last_that_goes() -> None:
    table: DirectTable[str] = DirectTable()
    assert table.bind("k", "one")
    assert not table.bind("k", "two")
    assert not table.unbind("k", "one")
    assert not table.unbind("k", "one"), "gone already"
    assert table.unbind("k", "two")
    assert not table.unbind("k", "two")
    assert list(table.keys()) == []


def test_a_topic_table_knows_new_and_ended_bindings_at_once() -> None:
    table: TopicTable[str] = TopicTable()
    table.bind("a.#", "pattern")
    assert list(table.route("a.b")) == ["pattern"]
    table.bind("a.b", "exact")
    assert sorted(table.route("a.b")) == ["exact", "pattern"]
    table.unbind("a.#", "pattern")
    assert list(table.route("a.b")) == ["exact"]
    table.unbind("a.b", "exact")
    assert list(table.route("a.b")) == []


@pytest.mark.parametrize("pattern", ["a.b", "a.*"])
def test_binding_twice_is_binding_once(pattern: str) -> None:
    table: TopicTable[str] = TopicTable()
    table.bind(pattern, "same")
    table.bind(pattern, "same")
    assert list(table.route("a.b")) == ["same"]
    table.unbind(pattern, "same")
    assert list(table.route("a.b")) == []
    table.unbind(pattern, "same")
    assert list(table.route("a.b")) == []


@pytest.mark.parametrize("pattern", ["a.b", "a.*", "a.#.b"])
def test_unbinding_what_nobody_bound_changes_nothing(pattern: str) -> None:
    table: TopicTable[str] = TopicTable()
    table.bind("a.*.c", "other")
    table.unbind(pattern, "nobody")
    assert list(table.route("a.b.c")) == ["other"]


def test_who_fits_with_two_patterns_gets_two_copies() -> None:
    table: TopicTable[str] = TopicTable()
    for pattern in ("a.*", "a.#", "a.b"):
        table.bind(pattern, "same")
    assert list(table.route("a.b")) == ["same"] * 3


def test_what_is_being_handed_out_is_not_changed_by_those_who_go_meanwhile() -> None:
    table: TopicTable[str] = TopicTable()
    for who in ("one", "two", "three"):
        table.bind("a.#", who)
    for who in table.route("a"):
        table.unbind("a.#", who)
    assert list(table.route("a")) == []


def test_a_table_that_everybody_has_left_is_empty() -> None:
    table: TopicTable[str] = TopicTable()
    patterns = ["#", "a.#", "a.#.b", "a.*.b", "a.*", "a"]
    for pattern in patterns:
        table.bind(pattern, "one")
    for pattern in reversed(patterns):
        table.unbind(pattern, "one")
    assert not table._root.children


def test_another_subscriber_of_a_known_pattern_costs_no_other_key_its_place() -> None:
    """2,000 agents that come at once all bind ``console.#``: their messages must not be looked up anew each time."""
    table: TopicTable[int] = TopicTable()
    table.bind("console.#", 0)
    table.route("console.request")
    remembered = dict(table._cache)
    for number in range(1, 2000):
        table.bind("console.#", number)
        table.bind(f"direct.{number}", number)
    table.unbind("console.#", 7)
    table.unbind("direct.7", 7)
    assert table._cache == remembered
    assert len(table.route("console.request")) == 1999


def test_a_flood_of_keys_does_not_grow_the_cache_without_end() -> None:
    table: TopicTable[str] = TopicTable()
    table.bind("#", "all")
    for number in range(2 * MAX_CACHED_KEYS + 10):
        assert list(table.route(f"k.{number}")) == ["all"]
        assert len(table._cache) <= MAX_CACHED_KEYS
