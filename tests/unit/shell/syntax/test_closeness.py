"""What may have been meant: the closest first, then by name."""

from __future__ import annotations

from matahari.shell.syntax.closeness import MAX_NAMES, closest


def test_of_names_that_are_equally_close_the_first_come_first() -> None:
    assert closest("web", [f"web{number}" for number in range(9, 0, -1)]) == ["web1", "web2", "web3"]


def test_the_closest_is_the_first() -> None:
    assert closest("lod.1", ["lad.1", "load.1", "zzz"]) == ["load.1", "lad.1"]
    assert len(closest("aaaa", ["aaab", "aaac", "aaaa", "aaad"])) == MAX_NAMES
    assert closest("aaaa", ["aaab", "aaac", "aaaa", "aaad"])[0] == "aaaa"


def test_what_is_not_close_is_not_meant() -> None:
    assert closest("hosts", ["port"]) == []
    assert closest("", []) == []
