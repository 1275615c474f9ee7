"""Names that may have been meant, the closest first and of equally close ones in order. Pure.

Imported after a mistake.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Final

__all__ = ["closest"]

MAX_NAMES: Final = 3
CUTOFF: Final = 0.6  # what difflib takes for close


def closest(name: str, known: Sequence[str]) -> list[str]:
    """Up to three of ``known`` that a typing error may have turned into ``name``."""
    every = sorted(set(known))
    found = difflib.get_close_matches(name, every, n=MAX_NAMES, cutoff=CUTOFF)
    if len(found) == MAX_NAMES:  # there may be others as close as the last of these, which come before it
        found = difflib.get_close_matches(name, every, n=len(every), cutoff=_closeness(name, found[-1]))
    return sorted(found, key=lambda one: (-_closeness(name, one), one))[:MAX_NAMES]


def _closeness(name: str, one: str) -> float:
    return difflib.SequenceMatcher(None, one, name).ratio()
