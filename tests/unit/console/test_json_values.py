"""Values of the types that plugins declare, as the JSON that their agents read."""

from __future__ import annotations

import enum
import json
import re
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from ipaddress import IPv4Address, IPv4Network, IPv6Interface
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

import pytest
from pydantic import TypeAdapter

from matahari.console.json_values import NoJsonError, json_text


class Mode(enum.Enum):
    FAST = "fast"
    PAIR = (1, 2)


class Level(enum.IntEnum):
    HIGH = 3


class Point(NamedTuple):
    x: int
    y: Path


@dataclass
class Disk:
    name: str
    mounts: tuple[Path, ...] = ()
    mode: Mode = Mode.FAST
    size: int = field(default=0, init=False)


ID = UUID("3d1219c7-c4c5-404a-aa1f-6d2a48adfda4")

CASES: list[tuple[object, object]] = [
    (Path("/srv"), "/srv"),
    (PurePosixPath("a/b"), "a/b"),
    (datetime(2024, 5, 17, 14, 30, tzinfo=UTC), "2024-05-17T14:30:00+00:00"),
    (datetime(2024, 5, 17, 14, 30), "2024-05-17T14:30:00"),
    (date(2024, 5, 17), "2024-05-17"),
    (time(14, 30), "14:30:00"),
    (timedelta(days=1, hours=2.5), "P1DT9000S"),
    (timedelta(milliseconds=-1500), "-P0DT1.500000S"),
    (ID, str(ID)),
    (Mode.FAST, "fast"),
    (Mode.PAIR, [1, 2]),
    (Level.HIGH, 3),
    (Decimal("1.10"), "1.10"),
    (Fraction(1, 3), "1/3"),
    (IPv4Address("10.0.0.1"), "10.0.0.1"),
    (IPv4Network("10.0.0.0/8"), "10.0.0.0/8"),
    (IPv6Interface("::1/64"), "::1/64"),
    (b"caf\xc3\xa9", "café"),
    (bytearray(b"x"), "x"),
    (memoryview(b"x"), "x"),
    ({3, 1, 2}, [1, 2, 3]),
    (frozenset({Path("/b"), Path("/a")}), ["/a", "/b"]),
    ((1, Path("/")), [1, "/"]),
    (deque([1, 2]), [1, 2]),
    (Point(1, Path("/")), [1, "/"]),
    (re.compile("a+"), "a+"),
    (MappingProxyType({"a": Path("/")}), {"a": "/"}),
    ({Path("/"): 1, ID: {Mode.FAST: {2}}}, {"/": 1, str(ID): {"fast": [2]}}),
    ([{Level.HIGH: 1}, {date(2024, 5, 17): 2}], [{"3": 1}, {"2024-05-17": 2}]),
    (Disk("sda", (Path("/"),)), {"name": "sda", "mounts": ["/"], "mode": "fast"}),
    ([Disk("sda")], [{"name": "sda", "mounts": [], "mode": "fast"}]),
    (None, None),
    ("ä", "ä"),
]


@pytest.mark.parametrize(("value", "expected"), CASES, ids=lambda one: repr(one)[:40])
def test_a_value_has_the_form_that_agents_read(value: object, expected: object) -> None:
    assert json.loads(json_text(value)) == expected


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        *((type(value), value) for value, _ in CASES[:15] if value is not Mode.PAIR),
        (bytes, b"caf\xc3\xa9"),
        (IPv4Network, IPv4Network("10.0.0.0/8")),
        (set[int], {1, 2}),
        (frozenset[Path], frozenset({Path("/b")})),
        (tuple[int, Path], (1, Path("/"))),
        (deque[int], deque([1])),
        (Point, Point(1, Path("/"))),
        (dict[UUID, set[Mode]], {ID: {Mode.FAST}}),
        (Disk, Disk("sda", (Path("/"),))),
    ],
    ids=repr,
)
def test_a_plugin_that_declares_the_type_gets_the_same_value(annotation: type, value: object) -> None:
    """Its worker reads the text with the same library."""
    assert TypeAdapter(annotation).validate_json(json_text(value)) == value


class _Model:
    def model_dump(self) -> None: ...


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (object(), "a value of type object has no form in JSON; pass text, a number, a list, a dict or a dataclass"),
        ([_Model()], "a value of type _Model has no form in JSON; pass value.model_dump(mode='json')"),
        (iter([1]), "a value of type list_iterator has no form in JSON; pass a list of what it has"),
        (len, "a value of type builtin_function_or_method has no form in JSON; pass what it gives"),
        (Disk, "a value of type type has no form in JSON; pass what it gives"),
        (float("nan"), "nan and infinity have no form in JSON; pass a finite number"),
        ({"a": [float("-inf")]}, "nan and infinity have no form in JSON; pass a finite number"),
        (
            b"\xff",
            (
                "bytes that are not UTF-8 have no form in JSON; pass base64.b64encode(…).decode() to a method that takes base64"
            ),
        ),
        ({(1, 2): 3}, "a key of type tuple has no form in JSON; pass text"),
    ],
    ids=repr,
)
def test_what_has_no_form_is_told_with_its_type_and_a_remedy(value: object, text: str) -> None:
    with pytest.raises(NoJsonError) as caught:
        json_text(value)
    assert str(caught.value) == text


def test_what_holds_itself_or_is_nested_too_deeply_is_no_value() -> None:
    own: list[object] = []
    own.append(own)
    with pytest.raises(NoJsonError, match="pass it in parts"):
        json_text(own)
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(NoJsonError, match="nested too deeply"):
        json_text(deep)
