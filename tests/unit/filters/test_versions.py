"""The order of versions: the rules of the module, one row each."""

from __future__ import annotations

from itertools import combinations

import pytest

from matahari.filters.versions import MAX_VERSION, compare_versions, is_version

ASCENDING = [
    "0~rc1",
    "0rc1",
    "0",
    "1.0~~",
    "1.0~rc1",
    "1.0a1",
    "1.0dev",
    "1.0rc1",
    "1.0rc2",
    "1.0",
    "1.0a",
    "1.0c",
    "1.0ubuntu1",
    "1.0-1",
    "1.0-1ubuntu2",
    "1.1",
    "1.9",
    "1.10",
    "5.10",
    "5.10.0-21-amd64",
    "5.10.1",
    "v6.0",
    "12",
    "1:0.1",
    "2:0.1",
]


def test_each_version_is_older_than_all_that_follow() -> None:
    for older, newer in combinations(ASCENDING, 2):
        assert compare_versions(older, newer) == -1, (older, newer)
        assert compare_versions(newer, older) == 1, (newer, older)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.2", "1.2.0"),
        ("1.2", "1.2.0.0"),
        ("1.2rc1", "1.2.0-rc.1"),
        ("v1.2", "1.2"),
        ("0:1", "1"),
        ("007", "7"),
        ("0", "0.0"),
    ],
)
def test_equal_versions(one: str, other: str) -> None:
    assert compare_versions(one, other) == compare_versions(other, one) == 0


@pytest.mark.parametrize("text", ["", "web", "1 2", "-1", ".5", "1.2é", "1,2", "vweb", "1" * (MAX_VERSION + 1), ":1"])
def test_these_texts_are_no_versions(text: str) -> None:
    assert not is_version(text)


@pytest.mark.parametrize("text", ASCENDING)
def test_these_texts_are_versions(text: str) -> None:
    assert is_version(text)
