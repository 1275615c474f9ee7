"""Routing against evaluators that only want to be right."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from matahari.broker import routing
from matahari.broker.routing import DirectTable, TopicTable, matches

words = st.sampled_from(["a", "b", "ab", "a*", "#a", "", "é", "(", "\\"])
parts = st.one_of(words, st.sampled_from(["*", "#"]))
keys = st.lists(words, max_size=6).map(".".join)
patterns = st.lists(parts, max_size=6).map(".".join)


def naive(pattern: str, key: str) -> bool:
    """Each word of the pattern as a regular expression; a word of the key carries its own dot in front."""
    expression = ""
    for part in pattern.split(".") if pattern else []:
        expression += r"(?:\.[^.]*)*" if part == "#" else r"\.[^.]*" if part == "*" else re.escape("." + part)
    return re.fullmatch(expression, "." + key if key else "") is not None


@given(patterns, keys)
def test_matching_agrees_with_a_regular_expression(pattern: str, key: str) -> None:
    assert matches(pattern, key) is naive(pattern, key)


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
    """A topic table whose cache starts afresh after three keys, and a plain list of bindings."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(routing, "MAX_CACHED_KEYS", 3)
        self.table: TopicTable[str] = TopicTable()
        self.bindings: list[tuple[str, str]] = []

    @rule(pattern=few_patterns, subscriber=subscribers)
    def bind(self, pattern: str, subscriber: str) -> None:
        self.table.bind(pattern, subscriber)
        self.bindings.append((pattern, subscriber))

    @rule(pattern=few_patterns, subscriber=subscribers)
    def unbind_anything(self, pattern: str, subscriber: str) -> None:
        self.table.unbind(pattern, subscriber)
        if (pattern, subscriber) in self.bindings:
            self.bindings.remove((pattern, subscriber))

    @precondition(lambda self: self.bindings)
    @rule(data=st.data())
    def unbind(self, data: st.DataObject) -> None:
        self.unbind_anything(*data.draw(st.sampled_from(self.bindings)))

    @rule(key=few_keys)
    def route(self, key: str) -> None:
        expected = Counter(subscriber for pattern, subscriber in self.bindings if naive(pattern, key))
        assert Counter(self.table.route(key)) == expected
        assert Counter(self.table.route(key)) == expected, "from the cache"

    @invariant()
    def the_cache_is_bounded(self) -> None:
        assert len(self.table._cache) <= 3

    def teardown(self) -> None:
        self.patch.undo()


class DirectMachine(RuleBasedStateMachine):
    """A direct table and a plain list of bindings."""

    def __init__(self) -> None:
        super().__init__()
        self.table: DirectTable[str] = DirectTable()
        self.bindings: list[tuple[str, str]] = []

    def bound(self) -> set[str]:
        return {key for key, _ in self.bindings}

    @rule(key=few_keys, subscriber=subscribers)
    def bind(self, key: str, subscriber: str) -> None:
        is_first = key not in self.bound()
        self.bindings.append((key, subscriber))
        assert self.table.bind(key, subscriber) is is_first

    @rule(key=few_keys, subscriber=subscribers)
    def unbind(self, key: str, subscriber: str) -> None:
        was_bound = key in self.bound()
        if (key, subscriber) in self.bindings:
            self.bindings.remove((key, subscriber))
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
