"""Guesses from a plugin's source, without running it: the agent uses them to start a worker in the best way.

A wrong guess costs time or memory, never a result.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

__all__ = ["seems_typed"]

#: Source that is looked at, in bytes: types are declared near the top, and the agent's other work waits meanwhile.
_MAX_READ: Final = 1024 * 1024

_DECLARES: Final = rb"""
    ^[ \t]*@(?:dataclasses\.)?dataclass\b
  | ^[ \t]*class[ ]\w+\([^)\n]*\b(?:TypedDict|NamedTuple|(?:Int|Str)?(?:Enum|Flag))\b
  | ^[ \t]*(?:import|from)[ ]pydantic\b
"""
_ANNOTATES: Final = rb"""
    (?:-> | \w[ \t]*: | [\[|]) [ \t]* ["']? (?:\w{1,40}\.)?
    (?:Annotated | datetime | date | time | timedelta | Decimal | Fraction | Path | UUID | Pattern
      | IPv[46]\w{4,9} | bytes | bytearray | tuple | Tuple | set | Set | frozenset)
    (?! [\w.(] )
"""
_SIGNS: Final = re.compile(rb"(?:%b|%b)" % (_DECLARES, _ANNOTATES), re.MULTILINE | re.VERBOSE)


def seems_typed(sources: Iterable[bytes]) -> bool:
    """Tell whether a plugin's annotations will need more than JSON has types for (``typed.py``).

    Args:
        sources: its files.
    """
    left = _MAX_READ
    for source in sources:
        if left <= 0:
            return False
        if _SIGNS.search(source, 0, left):
            return True
        left -= len(source)
    return False
