"""Which names are those of secrets: one rule for all that shows, records or remembers values by their names. Pure.

A secret that is not hidden costs more than a value that is: names match loosely.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["SECRET_WORDS", "is_secret_name"]

SECRET_WORDS: Final = ("password", "passwd", "passphrase", "secret", "token", "credential", "authorization")
"""A name with one of these in it, in lower case, is a secret's."""

#: ``key`` counts as a word of its own or at the end; anywhere else it would match keyboards.
_KEY = re.compile(r"(?:^|[^a-z])keys?(?![a-z])|keys?$")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NO_LETTERS = re.compile(r"[^a-z]")
_ADDRESSES = frozenset(("routingkey", "xroutingkey", "bindingkey"))  # keys that are no secrets, on every broker


def is_secret_name(name: str) -> bool:
    """Whether a value of this name is to be hidden."""
    lowered = name.lower()
    if any(word in lowered for word in SECRET_WORDS):
        return True
    if "key" not in lowered or _NO_LETTERS.sub("", lowered) in _ADDRESSES:
        return False
    return _KEY.search(_CAMEL.sub("_", name).lower()) is not None
