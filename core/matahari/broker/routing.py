"""Which subscribers a message goes to: exact keys, and patterns of dotted words. Pure.

Topic rules (``brokers.md`` 9.2): ``*`` stands for one word, ``#`` for none or more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

__all__ = ["DirectTable", "TopicTable", "matches"]

S = TypeVar("S")

MAX_CACHED_KEYS = 4096  # keys repeat (heartbeats, reply addresses); a flood of new ones starts the cache afresh


def matches(pattern: str, key: str) -> bool:
    """Whether ``key`` fits ``pattern``, in time proportional to the product of their word counts."""
    words = key.split(".") if key else []
    reachable = {0}
    parts = pattern.split(".") if pattern else []
    for part in parts:
        if not reachable:
            return False
        if part == "#":
            reachable = set(range(min(reachable), len(words) + 1))
        else:
            reachable = {at + 1 for at in reachable if at < len(words) and (part == "*" or part == words[at])}
    return len(words) in reachable


class DirectTable(Generic[S]):
    """Exact keys. Several subscribers of one key each get a copy."""

    def __init__(self) -> None:
        self._by_key: dict[str, list[S]] = {}

    def bind(self, key: str, subscriber: S) -> bool:
        """Add one; True when the key had nobody before."""
        found = self._by_key.get(key)
        if found is None:
            self._by_key[key] = [subscriber]
            return True
        found.append(subscriber)
        return False

    def unbind(self, key: str, subscriber: S) -> bool:
        """Remove one; True when nobody is left on the key."""
        found = self._by_key.get(key, [])
        if subscriber in found:
            found.remove(subscriber)
            if not found:
                del self._by_key[key]
                return True
        return False

    def route(self, key: str) -> Iterable[S]:
        return self._by_key.get(key, ())

    def keys(self) -> Iterable[str]:
        return self._by_key.keys()


class TopicTable(Generic[S]):
    """Patterns. The subscribers of a key are remembered until a binding changes."""

    def __init__(self) -> None:
        self._exact: dict[str, list[S]] = {}
        self._patterns: list[tuple[str, S]] = []
        self._cache: dict[str, tuple[S, ...]] = {}

    def bind(self, pattern: str, subscriber: S) -> None:
        self._cache.clear()
        if _is_exact(pattern):
            self._exact.setdefault(pattern, []).append(subscriber)
        else:
            self._patterns.append((pattern, subscriber))

    def unbind(self, pattern: str, subscriber: S) -> None:
        self._cache.clear()
        if _is_exact(pattern):
            found = self._exact.get(pattern, [])
            if subscriber in found:
                found.remove(subscriber)
                if not found:
                    del self._exact[pattern]
        elif (pattern, subscriber) in self._patterns:
            self._patterns.remove((pattern, subscriber))

    def route(self, key: str) -> Iterable[S]:
        found = self._cache.get(key)
        if found is None:
            by_pattern = [subscriber for pattern, subscriber in self._patterns if matches(pattern, key)]
            found = (*self._exact.get(key, ()), *by_pattern)
            if len(self._cache) >= MAX_CACHED_KEYS:
                self._cache.clear()
            self._cache[key] = found
        return found


def _is_exact(pattern: str) -> bool:
    return not any(word in ("*", "#") for word in pattern.split("."))
