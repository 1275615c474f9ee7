"""Versions, compared by one small rule that fits distributions, kernels and Python packages well enough.

1. A version begins with a digit, or with ``v`` and a digit, and consists of ASCII letters, digits and ``. - + ~ _``;
   digits and ``:`` in front are an epoch, which counts first (0 when there is none).
2. It is cut into numbers and words; other characters only separate, but ``~`` is a part of its own.
   Zeros at the end, or before a word, are nothing: ``1.2`` = ``1.2.0``, ``1.2rc1`` = ``1.2.0rc1``.
3. The first parts that differ decide, from old to new: ``~``; a word for what comes before a release (``dev``,
   ``alpha``, ``beta``, ``rc``, ``pre``, ``preview``, and ``a``, ``b``, ``c`` before a number); the end of the version;
   another word; a number. Words among themselves are in alphabetical order, numbers by value.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

__all__ = ["MAX_VERSION", "compare_versions", "is_version"]

MAX_VERSION: Final = 200
"""Longest version in characters; longer text is no version."""

_VERSION = re.compile(r"(?:[0-9]+:)?v?[0-9][A-Za-z0-9.+~_-]*")
_PARTS = re.compile(r"[0-9]+|[A-Za-z]+|~")
_EARLY = frozenset(("dev", "alpha", "beta", "rc", "pre", "preview"))
_EARLY_BEFORE_NUMBER = frozenset("abc")

_Part: TypeAlias = tuple[int, int, str]
_TILDE, _BEFORE_RELEASE, _END, _WORD, _NUMBER = range(5)  # in this order of age


def is_version(text: str) -> bool:
    """Whether a text looks like a version: rule 1."""
    return len(text) <= MAX_VERSION and _VERSION.fullmatch(text) is not None


def compare_versions(left: str, right: str) -> int:
    """-1, 0 or 1: the order of two texts that look like versions."""
    one, other = _key(left), _key(right)
    return (one > other) - (one < other)


def _key(version: str) -> list[_Part]:
    """Parts whose order as lists is the order of versions."""
    epoch, colon, rest = version.partition(":")
    texts: list[str] = _PARTS.findall((rest if colon else version).removeprefix("v"))
    parts: list[_Part] = []
    follower = ""
    for text in reversed(texts):
        if text.isdigit():
            if int(text) == 0 and not follower.isdigit() and (not parts or parts[-1][0] != _NUMBER):
                continue
            parts.append((_NUMBER, int(text), ""))
        elif text == "~":
            parts.append((_TILDE, 0, ""))
        elif text in _EARLY or (text in _EARLY_BEFORE_NUMBER and follower.isdigit()):
            parts.append((_BEFORE_RELEASE, 0, text))
        else:
            parts.append((_WORD, 0, text))
        follower = text
    parts.append((_NUMBER, int(epoch) if colon else 0, ""))
    return [*reversed(parts), (_END, 0, "")]
