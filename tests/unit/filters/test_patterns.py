"""Globs and regular expressions, and that none of them takes long."""

from __future__ import annotations

import pytest

from matahari.filters.patterns import MAX_SUBJECT, glob_matcher, regex_matcher


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("web*", "web1", True),
        ("web*", "xweb1", False),
        ("*", "", True),
        ("we?1", "web1", True),
        ("web[12]", "web2", True),
        ("web[!12]", "web2", False),
        ("[", "[", True),
        ("web*", "WEB1", False),
        ("a.c", "abc", False),
        ("a*c", "a\nc", True),
    ],
)
def test_a_glob_fits_whole_texts(pattern: str, text: str, matches: bool) -> None:
    assert glob_matcher(pattern)(text) is matches


def test_case_may_be_ignored() -> None:
    assert glob_matcher("web*", ignore_case=True)("WEB1")
    assert regex_matcher("^web", ignore_case=True)("WEB1")
    assert not regex_matcher("^web")("WEB1")


def test_a_regular_expression_is_found_anywhere() -> None:
    assert regex_matcher("b[0-9]")("web1.example")
    assert not regex_matcher("^b")("web1")
    assert regex_matcher("")("")


REFUSED = [
    ("(", "unclosed group"),
    ("a{1000}{1000}", "size limit"),
    ("(?=x)", "look-around"),
    (r"(a)\1", "backreferences are not supported"),
    ("[z-a]", "invalid character class range"),
    ("*", "repetition operator missing expression"),
]


@pytest.mark.parametrize(("pattern", "reason"), REFUSED)
def test_what_is_no_regular_expression_or_too_large_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        regex_matcher(pattern)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(.*a){20}$", "a*a*a*a*a*a*a*a*b", "(x+x+)+y"])
def test_patterns_that_take_centuries_elsewhere_end_at_once(pattern: str) -> None:
    """The test's own time limit is the assertion."""
    assert not regex_matcher(pattern)("a" * (MAX_SUBJECT - 1) + "!")


@pytest.mark.parametrize("pattern", ["*a" * 400 + "b", "a*" * 400 + "b", "*[a-z]" * 160 + "1"])
def test_globs_of_many_stars_end_at_once(pattern: str) -> None:
    assert not glob_matcher(pattern)("a" * MAX_SUBJECT)


def test_a_text_that_is_too_long_never_matches() -> None:
    assert not regex_matcher("a")("a" * (MAX_SUBJECT + 1))
    assert not glob_matcher("a*")("a" * (MAX_SUBJECT + 1))
