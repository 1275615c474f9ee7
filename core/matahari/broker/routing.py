"""Which subscribers a message goes to: exact keys, and patterns of dotted words. Pure.

Topic rules (``brokers.md`` 9.2): ``*`` stands for one word, ``#`` for none or more.

Made for thousands of subscribers: those of one pattern share one entry, so that a further subscriber of ``console.#``
changes nothing but that entry; exact keys are a dictionary; patterns are a tree of words. What a key leads to is
remembered until a pattern appears or goes that nobody else has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Generic, TypeVar

__all__ = ["DirectTable", "TopicTable"]

S = TypeVar("S")

MAX_CACHED_KEYS = 4096  # keys repeat (heartbeats, reply addresses); a flood of new ones starts the cache afresh

_ONE: Final = "*"
_MANY: Final = "#"


class _Entry(Generic[S]):
    """The subscribers of one key or pattern, in the order in which they came."""

    __slots__ = ("_members", "_sequence")

    def __init__(self) -> None:
        self._members: dict[S, None] = {}
        self._sequence: tuple[S, ...] | None = ()

    def add(self, subscriber: S) -> None:
        self._members[subscriber] = None
        self._sequence = None

    def remove(self, subscriber: S) -> bool:
        """True when nobody is left."""
        if subscriber in self._members:
            del self._members[subscriber]
            self._sequence = None
        return not self._members

    @property
    def members(self) -> tuple[S, ...]:
        """All of them, as they are now: whoever goes while a message is handed out disturbs nobody."""
        if self._sequence is None:
            self._sequence = tuple(self._members)
        return self._sequence


class DirectTable(Generic[S]):
    """Exact keys. Several subscribers of one key each get a copy; binding one twice changes nothing."""

    def __init__(self) -> None:
        self._by_key: dict[str, _Entry[S]] = {}

    def bind(self, key: str, subscriber: S) -> bool:
        """Add one; True when the key had nobody before."""
        entry = self._by_key.get(key)
        is_first = entry is None
        if entry is None:
            entry = self._by_key[key] = _Entry()
        entry.add(subscriber)
        return is_first

    def unbind(self, key: str, subscriber: S) -> bool:
        """Remove one; True when nobody is left on the key."""
        entry = self._by_key.get(key)
        if entry is None or not entry.remove(subscriber):
            return False
        del self._by_key[key]
        return True

    def route(self, key: str) -> Sequence[S]:
        entry = self._by_key.get(key)
        return () if entry is None else entry.members

    def keys(self) -> Iterable[str]:
        return self._by_key.keys()


class _Branch(Generic[S]):
    """A place in the tree of patterns, reached by one word from its parent."""

    __slots__ = ("children", "entry", "is_many")

    def __init__(self, word: str) -> None:
        self.is_many = word == _MANY
        self.children: dict[str, _Branch[S]] = {}
        self.entry: _Entry[S] | None = None


class TopicTable(Generic[S]):
    """Patterns. A subscriber of several that fit gets a copy for each; binding one twice to the same changes nothing."""

    def __init__(self) -> None:
        self._exact: DirectTable[S] = DirectTable()
        self._root: _Branch[S] = _Branch("")
        self._cache: dict[str, tuple[_Entry[S], ...]] = {}

    def bind(self, pattern: str, subscriber: S) -> None:
        words = _words(pattern)
        if _is_exact(words):
            self._exact.bind(pattern, subscriber)
            return
        branch = self._root
        for word in words:
            child = branch.children.get(word)
            if child is None:
                child = branch.children[word] = _Branch(word)
            branch = child
        if branch.entry is None:
            branch.entry = _Entry()
            self._cache.clear()
        branch.entry.add(subscriber)

    def unbind(self, pattern: str, subscriber: S) -> None:
        words = _words(pattern)
        if _is_exact(words):
            self._exact.unbind(pattern, subscriber)
            return
        path = [self._root]
        for word in words:
            child = path[-1].children.get(word)
            if child is None:
                return
            path.append(child)
        entry = path[-1].entry
        if entry is None or not entry.remove(subscriber):
            return
        path[-1].entry = None
        self._cache.clear()
        for parent, word in zip(path[-2::-1], reversed(words), strict=True):
            child = parent.children[word]
            if child.entry is not None or child.children:
                break
            del parent.children[word]

    def route(self, key: str) -> Sequence[S]:
        found = self._cache.get(key)
        if found is None:
            found = tuple(self._fitting(_words(key)))
            if len(self._cache) >= MAX_CACHED_KEYS:
                self._cache.clear()
            self._cache[key] = found
        exact = self._exact.route(key)
        if not found:
            return exact
        if not exact and len(found) == 1:
            return found[0].members
        return (*exact, *(one for entry in found for one in entry.members))

    def _fitting(self, words: Sequence[str]) -> Iterable[_Entry[S]]:
        """Walk all fitting paths at once, word by word: no pattern can make this search back and forth."""
        places = _with_many((self._root,))
        for word in words:
            reached: dict[_Branch[S], None] = {}
            for branch in places:
                if branch.is_many:
                    reached[branch] = None
                for name in (word, _ONE):
                    if (child := branch.children.get(name)) is not None:
                        reached[child] = None
            places = _with_many(reached)
        return (branch.entry for branch in places if branch.entry is not None)


def _with_many(branches: Iterable[_Branch[S]]) -> dict[_Branch[S], None]:
    """These branches, and those that a ``#`` for no word at all leads to."""
    found: dict[_Branch[S], None] = {}
    for branch in branches:
        place: _Branch[S] | None = branch
        while place is not None and place not in found:
            found[place] = None
            place = place.children.get(_MANY)
    return found


def _words(text: str) -> list[str]:
    return text.split(".") if text else []


def _is_exact(words: Sequence[str]) -> bool:
    return _ONE not in words and _MANY not in words
