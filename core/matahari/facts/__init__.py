"""Facts: a flat description of this host, from the system itself, from ``facts.d`` and from extensions."""

from __future__ import annotations

from .builtin import BUILTIN, builtin_facts
from .collector import FACTS_AGE, FactFault, Facts, FactSnapshot
from .executable import EXECUTABLE_TIMEOUT
from .flatten import flatten
from .keeper import CUT, MAX_BYTES, FactKeeper, HostDescription

__all__ = [
    "BUILTIN",
    "CUT",
    "EXECUTABLE_TIMEOUT",
    "FACTS_AGE",
    "MAX_BYTES",
    "FactFault",
    "FactKeeper",
    "FactSnapshot",
    "Facts",
    "HostDescription",
    "builtin_facts",
    "flatten",
]
