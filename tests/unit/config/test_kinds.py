"""Conversion of single values."""

from __future__ import annotations

from pathlib import Path

import pytest

from matahari.config.kinds import Bound, Flag, Kind, Number, PathList, PathValue, Place, Seconds, home_folder

FILE = Place(base=Path("/etc/matahari"), home=Path("/home/u"), is_text=False)
MEMORY = Bound(64, 999, "MiB", "a worker cannot run in less")
TEXT = Place(base=Path("/work-dir"), home=None, is_text=True)


@pytest.mark.parametrize(
    ("kind", "raw", "place", "expected"),
    [
        (Flag(), True, FILE, True),
        (Flag(), "Yes", TEXT, True),
        (Flag(), "off", TEXT, False),
        (Flag(), True, TEXT, True),
        (Number(0, 9), 9, FILE, 9),
        (Number(0, 9), "9", TEXT, 9),
        (Number(0, 9), 9, TEXT, 9),
        (MEMORY, 0, FILE, 0),
        (MEMORY, "64", TEXT, 64),
        (Seconds(0, 9), 2, FILE, 2.0),
        (Seconds(0, 9), "2.5", TEXT, 2.5),
        (PathValue(), "a/../b", FILE, Path("/etc/matahari/b")),
        (PathValue(), Path("b"), TEXT, Path("/work-dir/b")),
        (PathValue(), "~/b", FILE, Path("/home/u/b")),
        (PathValue(), "~u/b", FILE, Path("/etc/matahari/~u/b")),
        (PathValue(), ".", FILE, Path("/etc/matahari")),
        (PathList(), "a:b:a", TEXT, (Path("/work-dir/a"), Path("/work-dir/b"))),
        (PathList(), ["a"], FILE, (Path("/etc/matahari/a"),)),
    ],
)
def test_good_values_are_converted(kind: Kind, raw: object, place: Place, expected: object) -> None:
    value = kind.convert(raw, place)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("kind", "raw", "place"),
    [
        (Flag(), "yes", FILE),
        (Flag(), 1, FILE),
        (Flag(), "", TEXT),
        (Number(0, 9), "9", FILE),
        (MEMORY, 63, FILE),
        (MEMORY, "1", TEXT),
        (MEMORY, 1000, FILE),
        (MEMORY, -1, FILE),
        (Number(0, 9), 9.0, FILE),
        (Number(0, 9), False, FILE),
        (Number(0, 9), "٣", TEXT),
        (Number(0, 9), "1e0", TEXT),
        (Seconds(0, 9), float("inf"), FILE),
        (Seconds(0, 9), True, FILE),
        (Seconds(0, 9), "inf", TEXT),
        (Seconds(0, 9), "soon", TEXT),
        (PathValue(), "a\0b", FILE),
        (PathValue(), 7, FILE),
        (PathValue(), "~/b", TEXT),
        (PathList(), {"a": 1}, FILE),
    ],
)
def test_wrong_values_are_refused_with_the_rule(kind: Kind, raw: object, place: Place) -> None:
    with pytest.raises(ValueError, match="must be"):
        kind.convert(raw, place)


def test_a_relative_home_is_none() -> None:
    assert home_folder({"HOME": "here"}) is None
    assert home_folder({"HOME": "/h"}) == Path("/h")
