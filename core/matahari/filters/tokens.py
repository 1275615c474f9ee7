"""Cut the text of a filter into words, regular expressions, operators and brackets, each with its column."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from matahari.errors import FilterSyntaxError
from matahari.filters.literals import is_bare

__all__ = ["MAX_LENGTH", "Kind", "Token", "tokenize"]

MAX_LENGTH: Final = 16_384
"""Longest filter in characters; it may list a few hundred hosts, and is read and written in milliseconds."""

_OPERATORS = ("=~", "!~", "!=", "<=", ">=", "=", "<", ">")
_MISTAKEN = {"==": "=", "<>": "!=", "=<": "<=", "=>": ">=", "&&": "and", "||": "or", "&": "and", "|": "or", "!": "not"}
_ESCAPES = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')


class Kind(Enum):
    """What a token is."""

    WORD = auto()
    REGEX = auto()
    OPERATOR = auto()
    OPEN = auto()
    CLOSE = auto()
    COMMA = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        text: a word without its quotes, the pattern of a regular expression, or the sign itself.
        start: column of its first character, 0-based.
        bare: how many characters of a word stand before its quoted part; all of them when nothing is quoted.
        is_quoted: the end of a word, or all of it, is in quotes: it is no keyword, number or glob.
        ignore_case: the regular expression ends in ``/i``.
    """

    kind: Kind
    text: str
    start: int
    bare: int = 0
    is_quoted: bool = False
    ignore_case: bool = False


def tokenize(text: str) -> list[Token]:
    """Tokens of a filter, an END last.

    Raises:
        FilterSyntaxError: too long, an unfinished quote or regular expression, or a character that needs quotes.
    """
    if len(text) > MAX_LENGTH:
        raise FilterSyntaxError(f"a filter has {MAX_LENGTH} characters at most", text=text, position=MAX_LENGTH)
    scanner = _Scanner(text)
    tokens: list[Token] = []
    while (token := scanner.next()).kind is not Kind.END:
        tokens.append(token)
    return [*tokens, token]


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def next(self) -> Token:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        start = self.at
        if start == len(self.text):
            return Token(Kind.END, "", start)
        char = self.text[start]
        if char == "/":
            return self._regex()
        for sign, kind in (("(", Kind.OPEN), (")", Kind.CLOSE), (",", Kind.COMMA)):
            if char == sign:
                self.at += 1
                return Token(kind, sign, start)
        for sign, meant in _MISTAKEN.items():
            if self.text.startswith(sign, start) and not self.text.startswith(("!=", "!~"), start):
                raise self._error(f'"{sign}" is not known', start, (meant,))
        for sign in _OPERATORS:
            if self.text.startswith(sign, start):
                self.at += len(sign)
                return Token(Kind.OPERATOR, sign, start)
        return self._word()

    def _word(self) -> Token:
        start = self.at
        while self._is_bare_next():
            self.at += 1
        bare = self.text[start : self.at]
        mark = self.text[self.at : self.at + 1]
        if mark in ("'", '"'):
            quoted = self._quoted(mark)
            if self.text[self.at : self.at + 1] in ("'", '"') or self._is_bare_next():
                raise self._error("a blank is missing behind the quote", self.at)
            return Token(Kind.WORD, bare + quoted, start, len(bare), is_quoted=True)
        if not bare:
            raise self._error(f"the character {mark!r} needs quotes", start)
        if bare[0] == "~":
            raise self._error('"~" in front needs quotes', start)
        return Token(Kind.WORD, bare, start, len(bare))

    def _quoted(self, mark: str) -> str:
        opened = self.at
        self.at += 1
        pieces: list[str] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == mark:
                self.at += 1
                # Halves of a character above 16 bits stand side by side as JSON writes them.
                return "".join(pieces).encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
            escape = _ESCAPES.match(self.text, self.at) if mark == '"' else None
            pieces.append(json.loads(f'"{escape[0]}"') if escape else char)
            self.at = escape.end() if escape else self.at + 1
        raise self._error("the quote is not closed", opened, expected=(mark,))

    def _regex(self) -> Token:
        start = self.at
        self.at += 1
        while self.at < len(self.text) and self.text[self.at] != "/":
            self.at += 2 if self.text[self.at] == "\\" else 1
        if self.at >= len(self.text):
            raise self._error(
                "the regular expression is not closed; quote a text that begins with /", start, expected=("/",)
            )
        pattern = self.text[start + 1 : self.at]
        self.at += 1
        flags = self.at
        while self._is_bare_next():
            self.at += 1
        if self.text[flags : self.at] not in ("", "i"):
            raise self._error(
                f'"{self.text[flags : self.at]}" stands behind a regular expression, where only i may; '
                "quote a text that begins with /",
                flags,
            )
        return Token(Kind.REGEX, pattern, start, ignore_case=self.at > flags)

    def _is_bare_next(self) -> bool:
        before = "[" if self.at and self.text[self.at - 1] == "[" else "x"
        return self.at < len(self.text) and is_bare(before + self.text[self.at])

    def _error(
        self, message: str, position: int, suggestions: tuple[str, ...] = (), expected: tuple[str, ...] = ()
    ) -> FilterSyntaxError:
        return FilterSyntaxError(message, text=self.text, position=position, expected=expected, suggestions=suggestions)
