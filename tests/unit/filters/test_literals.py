"""Numbers, units, and what is written without quotes."""

from __future__ import annotations

import pytest

from matahari.filters.literals import (
    UNITS,
    close_matches,
    is_bare,
    is_glob,
    near_units,
    number_of,
    property_factor,
    quantity_of_text,
    quote,
    split_number,
    unit_factor,
)


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("12", ("12", "")),
        ("-0.5", ("-0.5", "")),
        (".5", (".5", "")),
        ("1e3", ("1e3", "")),
        ("2GiB", ("2", "GiB")),
        ("80%", ("80", "%")),
        ("1.5h", ("1.5", "h")),
        ("1.2.3", None),
        ("2gib", None),
        ("12x", None),
        ("x12", None),
        ("", None),
        ("1e3456", None),
        ("9" * 41, None),
    ],
)
def test_a_word_is_a_number_with_a_known_unit_or_none(word: str, parts: tuple[str, str] | None) -> None:
    assert split_number(word) == parts


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("2gib", ["2GiB"]),
        ("5m", ["5min", "5MB", "5MiB"]),
        ("1K", ["1kB", "1KiB"]),
        ("1KB", ["1kB"]),
        ("3days", ["3d"]),
        ("3x", []),
        ("3GiB", []),
        ("3", []),
        ("gib", []),
    ],
)
def test_a_unit_that_is_nearly_right_is_recognised(word: str, near: list[str]) -> None:
    assert near_units(word) == near


def test_numbers_are_integers_where_they_can_be() -> None:
    assert (number_of("12"), type(number_of("12"))) == (12, int)
    assert number_of("-1.5e1") == -15.0
    for text in ("1e999", "12kB", "", "x", "1" * 41, "0x10", "1_000", "nan"):
        assert number_of(text) is None


def test_units_are_amounts_of_bytes_seconds_or_percent() -> None:
    assert unit_factor("GiB") == ("size", 2**30)
    assert unit_factor("h") == ("time", 3600)
    assert property_factor("kb") == ("size", 1024)
    assert property_factor("ns") == ("time", 1e-9)
    assert property_factor("bit") is None
    assert all(property_factor(unit) == unit_factor(unit) for unit in UNITS)


@pytest.mark.parametrize(
    ("text", "quantity"),
    [
        ("2 GiB", (2, "GiB")),
        ("80%", (80, "%")),
        ("17", (17, "")),
        ("x", None),
        ("2 gib", None),
        ("", None),
        (" " * 99, None),
    ],
)
def test_a_text_of_a_fact_may_be_an_amount(text: str, quantity: tuple[float, str] | None) -> None:
    assert quantity_of_text(text) == quantity


@pytest.mark.parametrize(
    "word", ["web1", "os.version", "a:b", "1.2~rc1", "10.0.0.0/8", "web[12]*", "é", "a@b", "[", "*"]
)
def test_these_words_need_no_quotes(word: str) -> None:
    assert is_bare(word)


@pytest.mark.parametrize(
    "word", ["", "a b", "a=b", "(", "a,b", "'", '"', "/x", "~x", "a;b", "#", "a|b", "a\\b", "{", "\x00", "\u3000"]
)
def test_these_words_need_quotes(word: str) -> None:
    assert not is_bare(word)


def test_three_characters_make_a_glob() -> None:
    assert [is_glob(word) for word in ("web*", "we?", "[ab]", "web")] == [True, True, True, False]


def test_quoted_text_is_printable_and_in_one_line() -> None:
    assert quote('a "b" \\ \n \x00 é \U0001f600') == '"a \\"b\\" \\\\ \\u000a \\u0000 é \U0001f600"'
    assert quote("\U000e0001") == '"\\udb40\\udc01"'


def test_close_matches_ignore_case_and_come_closest_first() -> None:
    assert close_matches("ROL", ["role", "rack", "roles"]) == ["role", "roles"]
    assert close_matches("xyz", ["role"]) == []
