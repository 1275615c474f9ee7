"""Routing against evaluators that only want to be right."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from matahari.broker import routing
from matahari.broker.patterns import covers, fits, overlaps, words_of
from matahari.broker.routing import DirectTable, TopicTable

words = st.sampled_from(["a", "b", "ab", "#a", "", "é", "(", "\\"])
parts = st.one_of(words, st.sampled_from(["*", "#"]))
keys = st.lists(words, max_size=6).map(".".join)
patterns = st.lists(parts, max_size=6).map(".".join)
rules = st.lists(st.one_of(parts, st.sampled_from(["a*", "ab*"])), max_size=6).map(".".join)


def naive(pattern: str, key: str) -> bool:
    """Each word of the pattern as a regular expression; a word of the key carries its own dot in front."""
    expression = ""
    for part in pattern.split(".") if pattern else []:
        if part.endswith("*"):
            expression += re.escape("." + part[:-1]) + r"[^.]*"
        else:
            expression += r"(?:\.[^.]*)*" if part == "#" else re.escape("." + part)
    return re.fullmatch(expression, "." + key if key else "") is not None


def matches(pattern: str, key: str) -> bool:
    """What a topic table that has this pattern alone says."""
    table: TopicTable[str] = TopicTable()
    table.bind(pattern, "one")
    return list(table.route(key)) == ["one"]


@given(patterns, keys)
def test_matching_agrees_with_a_regular_expression(pattern: str, key: str) -> None:
    assert matches(pattern, key) is naive(pattern, key)


@given(rules, keys)
def test_a_rules_pattern_agrees_with_a_regular_expression(rule: str, key: str) -> None:
    assert fits(words_of(rule), words_of(key)) is naive(rule, key)


@given(rules, patterns, keys)
def test_whoever_may_bind_a_pattern_sees_no_key_that_the_rule_does_not_fit(rule: str, binding: str, key: str) -> None:
    if covers(words_of(rule), words_of(binding)) and naive(binding, key):
        assert naive(rule, key)


@given(patterns)
def test_a_rule_covers_the_same_binding_and_the_hash_covers_all(pattern: str) -> None:
    assert covers(words_of(pattern), words_of(pattern))
    assert covers(words_of("#"), words_of(pattern))


@given(rules, patterns, keys)
def test_no_binding_sees_a_key_of_a_rule_that_it_does_not_overlap(rule: str, binding: str, key: str) -> None:
    if naive(rule, key) and naive(binding, key):
        assert overlaps(words_of(rule), words_of(binding))


@given(rules, patterns)
def test_what_overlaps_has_a_key_in_common(rule: str, binding: str) -> None:
    """With at most six parts on each side the shortest such key has at most twelve words."""
    if overlaps(words_of(rule), words_of(binding)):
        assert common_key(tuple(words_of(rule)), tuple(words_of(binding))) is not None


def common_key(one: tuple[str, ...], two: tuple[str, ...]) -> list[str] | None:
    """A key that fits both, by trying every way to read them."""
    if not one and not two:
        return []
    for first, second, swapped in ((one, two, False), (two, one, True)):
        if first and first[0] == "#":
            rests = [(first[1:], second)] + ([(first, second[1:])] if second and second[0] != "#" else [])
            for rest in rests:
                found = common_key(*(rest[::-1] if swapped else rest))
                if found is not None:
                    return [second[0], *found] if len(rest[1]) < len(second) else found
    if not one or not two or "#" in (one[0], two[0]):
        return None
    a, b = one[0], two[0]
    if not (b == "*" or naive(a, b) or a == "*"):
        return None
    found = common_key(one[1:], two[1:])
    return None if found is None else [b if b != "*" else a, *found]


@given(keys)
def test_a_key_is_a_pattern_that_fits_itself_and_the_wildcards_fit_everything(key: str) -> None:
    assert matches(key, key)
    assert matches("#", key)
    assert matches(f"{key}.#" if key else "#", key)


@given(patterns, keys, keys)
def test_a_hash_in_between_fits_any_number_of_words(pattern: str, before: str, after: str) -> None:
    joined = ".".join(filter(None, (before, after)))
    assert matches(".".join(filter(None, (before, "#", after))), joined)


few_keys = st.sampled_from(["", "a", "a.b", "a.b.c", "b", "b.a"])
few_patterns = st.sampled_from(["", "a", "a.b", "a.*", "a.#", "#", "*", "#.b", "*.*", "b.a"])
subscribers = st.sampled_from(["one", "two", "three"])


class TopicMachine(RuleBasedStateMachine):
    """A topic table whose cache starts afresh after three keys, and plain bindings."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(routing, "MAX_CACHED_KEYS", 3)
        self.table: TopicTable[str] = TopicTable()
        self.bindings: dict[tuple[str, str], None] = {}

    @rule(pattern=few_patterns, subscriber=subscribers)
    def bind(self, pattern: str, subscriber: str) -> None:
        self.table.bind(pattern, subscriber)
        self.bindings[pattern, subscriber] = None

    @rule(pattern=few_patterns, subscriber=subscribers)
    def unbind_anything(self, pattern: str, subscriber: str) -> None:
        self.table.unbind(pattern, subscriber)
        self.bindings.pop((pattern, subscriber), None)

    @precondition(lambda self: self.bindings)
    @rule(data=st.data())
    def unbind(self, data: st.DataObject) -> None:
        self.unbind_anything(*data.draw(st.sampled_from(list(self.bindings))))

    @rule(key=few_keys)
    def route(self, key: str) -> None:
        expected = Counter(subscriber for pattern, subscriber in self.bindings if naive(pattern, key))
        assert Counter(self.table.route(key)) == expected
        assert Counter(self.table.route(key)) == expected, "from the cache"

    @invariant()
    def the_cache_is_bounded(self) -> None:
        assert len(self.table._cache) <= 3

    @invariant()
    def nothing_is_left_of_patterns_that_have_gone(self) -> None:
        if not self.bindings:
            assert not self.table._root.children

    def teardown(self) -> None:
        self.patch.undo()


class DirectMachine(RuleBasedStateMachine):
    """A direct table and plain bindings."""

    def __init__(self) -> None:
        super().__init__()
        self.table: DirectTable[str] = DirectTable()
        self.bindings: dict[tuple[str, str], None] = {}

    def bound(self) -> set[str]:
        return {key for key, _ in self.bindings}

    @rule(key=few_keys, subscriber=subscribers)
    def bind(self, key: str, subscriber: str) -> None:
        is_first = key not in self.bound()
        self.bindings[key, subscriber] = None
        assert self.table.bind(key, subscriber) is is_first

    @rule(key=few_keys, subscriber=subscribers)
    def unbind(self, key: str, subscriber: str) -> None:
        was_bound = key in self.bound()
        self.bindings.pop((key, subscriber), None)
        assert self.table.unbind(key, subscriber) is (was_bound and key not in self.bound())

    @rule(key=few_keys)
    def route(self, key: str) -> None:
        assert Counter(self.table.route(key)) == Counter(who for bound, who in self.bindings if bound == key)

    @invariant()
    def the_keys_are_those_bound(self) -> None:
        assert set(self.table.keys()) == self.bound()


TestTopicTable = TopicMachine.TestCase
TestDirectTable = DirectMachine.TestCase
for case in (TestTopicTable, TestDirectTable):
    case.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
