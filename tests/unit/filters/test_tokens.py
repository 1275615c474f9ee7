"""Cutting a filter into tokens."""

from __future__ import annotations

import pytest

from matahari.errors import FilterSyntaxError
from matahari.filters.tokens import MAX_LENGTH, Kind, Token, tokenize


def shapes(text: str) -> list[tuple[str, str]]:
    return [(token.kind.name, token.text) for token in tokenize(text)][:-1]


def test_words_operators_and_brackets() -> None:
    assert shapes("role=web and(a,b)") == [
        ("WORD", "role"), ("OPERATOR", "="), ("WORD", "web"), ("WORD", "and"),
        ("OPEN", "("), ("WORD", "a"), ("COMMA", ","), ("WORD", "b"), ("CLOSE", ")"),
    ]  # fmt: skip


@pytest.mark.parametrize("sign", ["=", "!=", "<", "<=", ">", ">=", "=~", "!~"])
def test_an_operator_needs_no_blanks(sign: str) -> None:
    assert shapes(f"a{sign}b") == [("WORD", "a"), ("OPERATOR", sign), ("WORD", "b")]


def test_columns_count_from_zero_and_the_end_is_a_token() -> None:
    assert [token.start for token in tokenize("  a =  b ")] == [2, 4, 7, 9]
    assert tokenize("") == [Token(Kind.END, "", 0)]


def test_quotes() -> None:
    assert tokenize(r'"a \"b\" \\ \u00e9 \x"')[0] == Token(Kind.WORD, 'a "b" \\ é \\x', 0, 0, is_quoted=True)
    assert tokenize("'a \"b\" \\n'")[0] == Token(Kind.WORD, 'a "b" \\n', 0, 0, is_quoted=True)
    assert tokenize('fact."a b"')[0] == Token(Kind.WORD, "fact.a b", 0, 5, is_quoted=True)
    assert tokenize(r'"\ud83d\ude00"')[0].text == "\U0001f600"


def test_regular_expressions() -> None:
    assert tokenize("/a b(c)/")[0] == Token(Kind.REGEX, "a b(c)", 0)
    assert tokenize(r"/a\/b\\/i")[0] == Token(Kind.REGEX, r"a\/b\\", 0, ignore_case=True)
    assert shapes("//") == [("REGEX", "")]
    assert shapes("10.0.0.0/8") == [("WORD", "10.0.0.0/8")]


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("a == b", 2, "did you mean =?"),
        ("a && b", 2, "did you mean and?"),
        ("a || b", 2, "did you mean or?"),
        ("!a", 0, "did you mean not?"),
        ("a <> b", 2, "did you mean !=?"),
        ("x = 'a", 4, "the quote is not closed"),
        ('"a"b', 3, "a blank is missing behind the quote"),
        ("\"a\"'b'", 3, "a blank is missing behind the quote"),
        ("/a", 0, "the regular expression is not closed"),
        (r"/a\/", 0, "the regular expression is not closed"),
        ("/usr/bin", 5, "quote a text that begins with /"),
        ("a ~ b", 2, "needs quotes"),
        ("a ; b", 2, "the character ';' needs quotes"),
        ("a\x00", 1, "needs quotes"),
        ("a" * (MAX_LENGTH + 1), MAX_LENGTH, "characters at most"),
    ],
)
def test_errors_point_at_their_column(text: str, position: int, words: str) -> None:
    with pytest.raises(FilterSyntaxError) as caught:
        tokenize(text)
    assert (caught.value.position, caught.value.text) == (position, text)
    assert words in str(caught.value)
