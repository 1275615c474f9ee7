"""What may follow by the grammar; the table of 2012 is in the tests of the grammar."""

from __future__ import annotations

import pytest

from matahari.shell.syntax.completion import expected
from matahari.shell.syntax.grammar import Group, Keyword, Repeat, Rest, Syntax, Value
from matahari.shell.syntax.lines import scan
from matahari.shell.syntax.values import Integer

FOO = Keyword("foo")


def following(syntax: Syntax, typed: str) -> list[str]:
    """Keywords as they are, values in capitals, ``.`` for the end."""
    found: list[str] = []
    for one in expected(syntax, scan(typed)[-1].words):
        match one.element:
            case None:
                found.append(".")
            case Keyword(word=text) | Value(name=text) | Rest(text=text):
                found.append(text)
    return found


BAR = Group((Keyword("bar"), Value("N", Integer())))
ROWS: list[tuple[Syntax, str, list[str]]] = [
    ((FOO,), "foo ", ["."]),
    ((FOO,), "foo x ", []),
    ((FOO, BAR), "foo ", ["bar", "."]),
    ((FOO, BAR), "foo bar ", ["N"]),
    ((FOO, BAR), "foo b 1 ", ["."]),
    ((FOO, BAR), "foo bar x ", []),
    ((FOO, BAR, Value("X")), "foo ", ["bar", "X"]),
    ((FOO, BAR, Value("X")), "foo bar ", ["N", "."]),
    ((FOO, Repeat(Value("N", Integer()))), "foo ", ["N"]),
    ((FOO, Repeat(Value("N", Integer()))), "foo 1 ", ["N", "."]),
    ((FOO, Repeat(Value("N", Integer()))), "foo x ", []),
    ((FOO, Rest("ALL")), "foo a b ", ["ALL"]),
]


@pytest.mark.parametrize(("syntax", "typed", "found"), ROWS)
def test_every_path_that_the_words_allow_is_followed(syntax: Syntax, typed: str, found: list[str]) -> None:
    assert following(syntax, typed) == found


def test_what_takes_all_words_is_given_those_before() -> None:
    one = next(
        expected(
            (FOO, Rest("ALL", complete=lambda words, fragment: [f"{len(words)}{fragment}"])), scan("foo a b")[-1].words
        )
    )
    assert one.complete("x") == ["2x"]
    assert [word.text for word in one.words] == ["a", "b"]
