"""How many cases each fuzz test gets, and damage done to captured messages.

The cases are the same in every run. ``MATAHARI_FUZZ_CASES`` sets the total; by hand it may be a million.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.support.recorded import load

#: Of every hundred cases.
SHARES = {
    "a body in the 0-10 encoding": 12,
    "a message in both forms": 10,
    "a predicate against the naive evaluation": 16,
    "a malformed predicate": 5,
    "a schema as QMFv1": 4,
    "a damaged message": 15,
    "random bytes": 10,
    "damaged QMFv1 frames": 12,
    "an agent among broken peers": 8,
    "a console among broken peers": 8,
}
assert sum(SHARES.values()) == 100

TOTAL = int(os.environ.get("MATAHARI_FUZZ_CASES", "100000"))
#: Seconds for one test: the usual limit of the suite, longer when there are more cases than usual.
TIME_LIMIT = pytest.mark.timeout(max(120.0, 120.0 * TOTAL / 100_000))

#: A generator of random numbers whose seed Hypothesis draws, and prints when a test fails.
seeds = st.randoms(use_true_random=True)


def cases(name: str) -> settings:
    """Return the settings of the test that has this share."""
    return settings(
        max_examples=max(1, TOTAL * SHARES[name] // 100),
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


#: Cases that one seed makes in a fuzz test of short texts, where drawing a seed takes longer than a case.
BATCH = 50


def batches(share: float) -> settings:
    """Return the settings of a test that makes ``BATCH`` cases from each seed, ``share`` of a further total."""
    return settings(
        max_examples=max(1, round(TOTAL * share / BATCH)),
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@cache
def deliveries() -> tuple[bytes, ...]:
    """Return every captured message as on the wire, the malformed ones too."""
    return tuple(item.raw for item in load() if item.raw)


def _flip(data: bytearray, at: int, by: int) -> None:
    if data:
        data[at % len(data)] ^= 1 << by % 8


def _set(data: bytearray, at: int, by: int) -> None:
    if data:
        data[at % len(data)] = by % 256


def _cut(data: bytearray, at: int, by: int) -> None:
    del data[at % (len(data) + 1) :]


def _remove(data: bytearray, at: int, by: int) -> None:
    start = at % (len(data) + 1)
    del data[start : start + 1 + by % 16]


def _insert(data: bytearray, at: int, by: int) -> None:
    start = at % (len(data) + 1)
    data[start:start] = by.to_bytes(4, "big")[-(1 + by % 4) :]


def _repeat(data: bytearray, at: int, by: int) -> None:
    start = at % (len(data) + 1)
    data[start:start] = data[start : start + 1 + by % 64]


def _splice(data: bytearray, at: int, by: int) -> None:
    other = deliveries()[by % len(deliveries())]
    start = at % (len(data) + 1)
    data[start:] = other[start * len(other) // (len(data) + 1) :]


def _resize(data: bytearray, at: int, by: int) -> None:
    """Edit a number of four bytes, which sizes and counts are."""
    if len(data) >= 4:
        start = at % (len(data) - 3)
        old = int.from_bytes(data[start : start + 4], "big")
        new = (old + 1, max(old - 1, 0), 0, 0xFFFFFFFF, old << 8 & 0xFFFFFFFF, 0x7FFFFFFF, by, old + by)[by % 8]
        data[start : start + 4] = (new & 0xFFFFFFFF).to_bytes(4, "big")


_DAMAGES: tuple[Callable[[bytearray, int, int], None], ...] = (
    _flip, _set, _cut, _remove, _insert, _repeat, _splice, _resize,
)  # fmt: skip


def damaged(random: Random, sources: tuple[bytes, ...]) -> bytes:
    """Return one of the sources with some damage."""
    data = bytearray(random.choice(sources))
    for _ in range(random.choice((1, 1, 2, 4))):
        random.choice(_DAMAGES)(data, random.getrandbits(16), random.getrandbits(32))
    return bytes(data)
