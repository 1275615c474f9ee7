"""Numbers with units, and what may be written without quotes. Pure text rules, shared by the reader and the writer."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Final

__all__ = [
    "MAX_DIGITS",
    "UNITS",
    "is_bare",
    "is_glob",
    "near_units",
    "number_of",
    "property_factor",
    "quantity_of_text",
    "quote",
    "split_number",
    "unit_factor",
]

MAX_DIGITS: Final = 40
"""Longest number; 64 bits have 20 digits, and reading thousands of digits takes time that grows with their square."""

_BYTES: Final = "size"
_SECONDS: Final = "time"
_PERCENT: Final = "percentage"

UNITS: Final[Mapping[str, tuple[str, float]]] = {
    "B": (_BYTES, 1),
    "kB": (_BYTES, 10**3),
    "MB": (_BYTES, 10**6),
    "GB": (_BYTES, 10**9),
    "TB": (_BYTES, 10**12),
    "KiB": (_BYTES, 2**10),
    "MiB": (_BYTES, 2**20),
    "GiB": (_BYTES, 2**30),
    "TiB": (_BYTES, 2**40),
    "ms": (_SECONDS, 0.001),
    "s": (_SECONDS, 1),
    "min": (_SECONDS, 60),
    "h": (_SECONDS, 3600),
    "d": (_SECONDS, 86400),
    "%": (_PERCENT, 1),
}
"""Unit of a number in a filter -> what it measures, and how many bytes, seconds or percent it is."""

_PROPERTY_UNITS: Final[Mapping[str, tuple[str, float]]] = {
    **UNITS,
    "kb": (_BYTES, 2**10),  # what the class Host has called KiB since 2012
    "byte": (_BYTES, 1),
    "bytes": (_BYTES, 1),
    "us": (_SECONDS, 1e-6),
    "ns": (_SECONDS, 1e-9),
    "percent": (_PERCENT, 1),
}
_SHORT_UNITS: Final = {"k": ("kB", "KiB"), "m": ("min", "MB", "MiB"), "g": ("GB", "GiB"), "t": ("TB", "TiB")}
_PLURALS: Final = {"sec": ("s",), "secs": ("s",), "mins": ("min",), "hours": ("h",), "days": ("d",), "day": ("d",)}

_NUMBER = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)([A-Za-z]+|%)?")
_NOT_BARE = frozenset("()=<>!,\"';#|&\\{}")
_GLOB = frozenset("*?[")


def split_number(word: str) -> tuple[str, str] | None:
    """Digits and unit of a word such as ``12``, ``-0.5`` or ``2GiB``; None when it is no such word."""
    found = _NUMBER.fullmatch(word)
    if found is None or len(found[1]) > MAX_DIGITS or (found[2] or "") not in {*UNITS, ""}:
        return None
    return found[1], found[2] or ""


def near_units(word: str) -> list[str]:
    """Numbers that a word such as ``2gib`` or ``5m`` may have been meant for; empty when it is no such word."""
    found = _NUMBER.fullmatch(word)
    unit = found[2] if found else None
    if found is None or unit is None or unit in UNITS:
        return []
    near = _SHORT_UNITS.get(unit.lower(), _PLURALS.get(unit.lower(), ()))
    return [f"{found[1]}{one}" for one in near or [one for one in UNITS if one.lower() == unit.lower()]]


def number_of(text: str) -> int | float | None:
    """The number that a text is as a whole, None when it is none, is too long, or too large for a float."""
    found = _NUMBER.fullmatch(text)
    if found is None or found[2] or len(text) > MAX_DIGITS:
        return None
    if text.lstrip("+-").isdigit():
        return int(text)
    value = float(text)
    return None if value in (float("inf"), float("-inf")) else value


def unit_factor(unit: str) -> tuple[str, float]:
    """What a unit of a filter measures, and how many base units it is; ``unit`` is a key of :data:`UNITS`."""
    return UNITS[unit]


def property_factor(unit: str) -> tuple[str, float] | None:
    """The same for the unit in a schema, where ``kb`` is KiB; None for one that filters do not know."""
    return _PROPERTY_UNITS.get(unit)


def quantity_of_text(text: str) -> tuple[float, str] | None:
    """A text such as ``2 GiB``, ``80%`` or ``17`` as a number and its unit, empty for none; None when it is neither."""
    found = _NUMBER.fullmatch("".join(text.split()) if len(text) <= MAX_DIGITS else "")
    value = None if found is None else number_of(found[1])
    if found is None or value is None or (found[2] or "") not in {*UNITS, ""}:
        return None
    return value, found[2] or ""


def is_bare(word: str) -> bool:
    """Whether a word can be written without quotes."""
    return (
        word != ""
        and word[0] not in "/~"
        and word.isprintable()
        # "[!" begins a set of a glob; elsewhere an exclamation mark is an operator.
        and not any(char in _NOT_BARE or char.isspace() for char in word.replace("[!", "["))
    )


def is_glob(word: str) -> bool:
    """Whether a word without quotes is a pattern: it has ``*``, ``?`` or ``[``."""
    return any(char in _GLOB for char in word)


def quote(text: str) -> str:
    """A text in quotes, with JSON's escapes, in one line."""
    pieces = []
    for char in text:
        if char in '"\\':
            pieces.append("\\" + char)
        elif char.isprintable():
            pieces.append(char)
        else:
            # JSON writes what is above 16 bits as two halves.
            units = char.encode("utf-16-be", "surrogatepass")
            pieces += [f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2)]
    return '"' + "".join(pieces) + '"'


def close_matches(word: str, known: list[str]) -> list[str]:
    """Up to three known words that look like ``word``, the closest first."""
    lowered = {one.lower(): one for one in sorted(known, reverse=True)}
    return [lowered[one] for one in difflib.get_close_matches(word.lower(), lowered, n=3, cutoff=0.6)]
