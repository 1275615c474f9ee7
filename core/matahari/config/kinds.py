"""What a setting's value may be: conversion and rule of each kind.

A kind turns what a file, a variable or an option holds into the value that :class:`Settings` keeps.
Texts (environment, command line) and typed values (TOML) go through the same ``convert``.
It raises ``ValueError`` whose text is the rule, as in "must be a whole number from 1 to 65535";
the loader knows the place and makes the :class:`~matahari.errors.ConfigError`.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

__all__ = [
    "Bound",
    "Choice",
    "Flag",
    "Kind",
    "Number",
    "PathList",
    "PathValue",
    "Place",
    "Seconds",
    "Text",
    "home_folder",
]

_YES = frozenset({"yes", "true", "on", "1"})
_NO = frozenset({"no", "false", "off", "0"})


class Place(NamedTuple):
    """Where a value was written.

    Attributes:
        base: folder that relative paths start from (the file's own, else the working directory).
        home: folder that a leading ``~`` stands for, None when unknown.
        is_text: the value is a text that stands for another type (environment, command line).
    """

    base: Path
    home: Path | None
    is_text: bool


class Kind(Protocol):
    """Converts one value or raises ``ValueError`` with the rule that it breaks."""

    def convert(self, raw: object, place: Place) -> object:
        """The value to keep."""
        ...


class Text(NamedTuple):
    """A text that matches ``pattern`` as a whole."""

    pattern: re.Pattern[str]
    rule: str

    def convert(self, raw: object, place: Place) -> str:
        """See :class:`Kind`."""
        if not isinstance(raw, str) or not self.pattern.fullmatch(raw):
            raise ValueError(f"must be {self.rule}, not {raw!r}")
        return raw


class Choice(NamedTuple):
    """One of a few words, in any case."""

    words: tuple[str, ...]

    def convert(self, raw: object, place: Place) -> str:
        """See :class:`Kind`."""
        if not isinstance(raw, str) or raw.lower() not in self.words:
            raise ValueError(f"must be one of {', '.join(self.words)}, not {raw!r}")
        return raw.lower()


class Flag:
    """True or false; as text also yes/no, on/off, 1/0."""

    def convert(self, raw: object, place: Place) -> bool:
        """See :class:`Kind`."""
        if isinstance(raw, bool):
            return raw
        if place.is_text and isinstance(raw, str):
            if raw.lower() in _YES:
                return True
            if raw.lower() in _NO:
                return False
            raise ValueError(f"must be yes or no, not {raw!r}")
        raise ValueError(f"must be true or false, without quotes, not {raw!r}")


class Number(NamedTuple):
    """A whole number within closed limits."""

    least: int
    most: int

    def convert(self, raw: object, place: Place) -> int:
        """See :class:`Kind`."""
        number = _from_text(raw, int) if place.is_text else raw
        if isinstance(number, bool) or not isinstance(number, int) or not self.least <= number <= self.most:
            raise ValueError(f"must be a whole number from {self.least} to {self.most}, not {raw!r}")
        return number


class Bound(NamedTuple):
    """A whole number up to ``most``, or 0 for no bound; below ``least``, a number of ``unit``, ``reason`` forbids it."""

    least: int
    most: int
    unit: str
    reason: str

    def convert(self, raw: object, place: Place) -> int:
        """See :class:`Kind`."""
        number = Number(0, self.most).convert(raw, place)
        if 0 < number < self.least:
            least = f"at least {self.least} {self.unit}"
            raise ValueError(f"must be 0, for no bound, or {least}, not {raw!r}: {self.reason}")
        return number


class Seconds(NamedTuple):
    """A duration in seconds within closed limits; fractions are allowed."""

    least: float
    most: float

    def convert(self, raw: object, place: Place) -> float:
        """See :class:`Kind`."""
        number = _from_text(raw, float) if place.is_text else raw
        wrong = isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number)
        if wrong or not self.least <= float(str(number)) <= self.most:
            raise ValueError(f"must be a number of seconds from {self.least:g} to {self.most:g}, not {raw!r}")
        return float(str(number))


class PathValue:
    """A path; it becomes absolute, and a leading ``~`` is the user's home."""

    def convert(self, raw: object, place: Place) -> Path:
        """See :class:`Kind`."""
        if isinstance(raw, Path):
            raw = str(raw)
        if not isinstance(raw, str) or not raw or "\0" in raw:
            raise ValueError(f"must be a path, not {raw!r}")
        path = Path(raw)
        if path.parts[:1] == ("~",):  # "." has no parts
            if place.home is None:
                raise ValueError(f"must be a path; no home folder is known for {raw!r}, write it out")
            path = place.home.joinpath(*path.parts[1:])
        return Path(os.path.normpath(place.base / path))


class PathList:
    """Paths in order of precedence; as text separated by colons."""

    def convert(self, raw: object, place: Place) -> tuple[Path, ...]:
        """See :class:`Kind`."""
        if isinstance(raw, str):
            if not place.is_text:
                raise ValueError(f'must be a list of paths, as in ["{raw}"], not {raw!r}')
            raw = [part for part in raw.split(os.pathsep) if part]
        if not isinstance(raw, list | tuple) or not raw:
            raise ValueError(f"must be a list of one or more paths, not {raw!r}")
        paths = [PathValue().convert(entry, place) for entry in raw]
        return tuple(dict.fromkeys(paths))


def _from_text(raw: object, parse: Callable[[str], int | float]) -> object:
    """``raw`` parsed when it is a plain ASCII text, else (or when it does not parse) unchanged."""
    if isinstance(raw, str) and raw.isascii() and "_" not in raw:
        try:
            return parse(raw)
        except ValueError:
            return raw
    return raw


def home_folder(environ: Mapping[str, str]) -> Path | None:
    """The user's home by ``HOME`` alone, None when that is unset or relative."""
    home = environ.get("HOME", "")
    return Path(home) if home.startswith("/") else None
