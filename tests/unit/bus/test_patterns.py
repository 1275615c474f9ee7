"""Binding patterns (brokers.md 9.2), read word by word and ready-made."""

from __future__ import annotations

import pytest

from matahari.bus import matcher, matches

CASES = [
    ("agent.ind.#", "agent.ind", True),
    ("agent.ind.#", "agent.ind.heartbeat", True),
    ("agent.ind.#", "agent.ind.heartbeat.a.b", True),
    ("agent.ind.#", "agent.index", False),
    ("agent.ind.#", "agent", False),
    ("agent.ind.*", "agent.ind", False),
    ("agent.ind.*", "agent.ind.event", True),
    ("agent.ind.*", "agent.ind.event.x", False),
    ("agent.*.event", "agent.ind.event", True),
    ("#", "", True),
    ("#", "a.b", True),
    ("*", "a", True),
    ("*", "", False),
    ("*", "a.b", False),
    ("#.event.#", "event", True),
    ("#.event.#", "a.b.event.c", True),
    ("#.event.#", "a.b.events", False),
    ("#.a.#.b", "a.b", True),
    ("#.a.#.b", "x.a.y.a.b", True),
    ("#.a.#.b", "x.b.a", False),
    ("a", "a", True),
    ("a", "a.b", False),
    ("a.b", "a", False),
    ("", "", True),
    ("", "a", False),
    (".#", "", False),
    (".#", ".a", True),
    ("a..#", "a.", True),
    ("a#", "a#", True),
    ("a#", "ab", False),
    ("#.#", "a", True),
]


@pytest.mark.parametrize(("pattern", "key", "expected"), CASES)
def test_a_star_is_one_word_and_a_hash_none_or_more(pattern: str, key: str, expected: bool) -> None:
    assert matches(pattern, key) is expected
    assert matcher(pattern)(key) is expected


def test_no_pattern_makes_the_search_long() -> None:
    assert not matches(".".join(["#", "a"] * 60), ".".join(["a"] * 59 + ["b"]))
