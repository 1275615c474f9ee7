"""Binding patterns of dotted words (``brokers.md`` 9.2): ``*`` stands for one word, ``#`` for none or more. Pure."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["is_exact", "matcher", "matches"]


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


def matcher(pattern: str) -> Callable[[str], bool]:
    """``matches`` for one pattern and many keys; the usual ``words.#`` costs two comparisons of text."""
    stem, dot, last = pattern.rpartition(".")
    if not is_exact(stem):
        return lambda key: matches(pattern, key)
    if pattern == "#":
        return lambda key: True
    if last == "#" and stem:
        below = stem + dot
        return lambda key: key == stem or key.startswith(below)
    if last not in ("*", "#"):
        return lambda key: key == pattern
    return lambda key: matches(pattern, key)


def is_exact(pattern: str) -> bool:
    """Whether ``pattern`` fits itself alone."""
    return not any(word in ("*", "#") for word in pattern.split("."))
