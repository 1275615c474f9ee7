"""Read a filter: recursive descent over its tokens, nothing of it is ever run by Python.

The grammar is in the guide on filters; the methods of the reader have the names of its rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import TypeVar

from matahari.errors import FilterSyntaxError
from matahari.filters.literals import close_matches, is_glob, near_units, split_number
from matahari.filters.tokens import Kind, Token, tokenize
from matahari.filters.tree import (
    DEFAULT_PACKAGE,
    MAX_DEPTH,
    And,
    Compare,
    Exists,
    Expression,
    Glob,
    HasAgent,
    HasPlugin,
    In,
    InClass,
    Known,
    Literal,
    Name,
    NamedHost,
    Not,
    Number,
    Operator,
    Or,
    Pattern,
    Property,
    Regex,
    Source,
    Text,
)

__all__ = ["CONNECTIVES", "KEYWORDS", "known_name", "parse_expression"]

CONNECTIVES = ("and", "or", "not", "in")
KEYWORDS = (*CONNECTIVES, "has", "class", "plugin", "agent")
"""Words that mean something without quotes, in any case; the last four only where no comparison follows."""

_PREFIXES = {"fact.": Source.FACT, "label.": Source.LABEL}
_PROPERTY = re.compile(r"(?:([A-Za-z_][\w.-]*):([A-Za-z_]\w*)|([A-Z]\w*))\.", re.ASCII)
_BEGINNINGS = ("a host", "a comparison", "has", "class", "plugin", "agent", "not", '"("')

T = TypeVar("T")


def parse_expression(text: str, names: Collection[str] | None = None) -> Expression:
    """The expression of a filter.

    Args:
        names: facts and labels that are known; another one in a comparison is refused. None refuses none.

    Raises:
        FilterSyntaxError: it is no filter; see the error's attributes.
    """
    return _Reader(text, names).whole()


class _Reader:
    def __init__(self, text: str, names: Collection[str] | None) -> None:
        self.text = text
        self.names = names
        self.tokens = tokenize(text)
        self.at = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    # --- rules ----------------------------------------------------------------------------------------------

    def whole(self) -> Expression:
        found = self.disjunction()
        if self.token.kind is not Kind.END:
            raise self.unexpected('"and"', '"or"', "the end")
        return found

    def disjunction(self) -> Expression:
        return self.joined("or", self.conjunction, Or)

    def conjunction(self) -> Expression:
        return self.joined("and", self.negation, And)

    def joined(self, word: str, rule: Callable[[], Expression], kind: type[And | Or]) -> Expression:
        start = self.token
        found = [rule()]
        while self.skip(word):
            found.append(rule())
        if len(found) == 1:
            return found[0]
        # (a and b) and c is a and b and c
        parts = tuple(one for part in found for one in (part.parts if isinstance(part, kind) else (part,)))
        return self.made(start, lambda: kind(parts))

    def negation(self) -> Expression:
        start = self.token
        if not self.skip("not"):
            return self.term()
        part = self.deeper(start, self.negation)
        return self.made(start, lambda: Not(part))

    def term(self) -> Expression:
        start = self.token
        if start.kind is Kind.OPEN:
            self.at += 1
            inner = self.deeper(start, self.disjunction)
            self.close(start, '"and"', '"or"')
            return inner
        if start.kind is Kind.REGEX:
            self.at += 1
            return NamedHost(self.regex(start))
        if start.kind is not Kind.WORD or _keyword(start) in CONNECTIVES:
            raise self.unexpected(*_BEGINNINGS)
        self.at += 1
        word = _keyword(start)
        if self.is_comparison():
            return self.comparison(start)
        if word == "has":
            return self.existence()
        if word == "class":
            return InClass(self.pattern_in_brackets("class"))
        if word == "plugin":
            return self.plugin(start)
        if word == "agent":
            return HasAgent(self.pattern_in_brackets("agent"))
        return NamedHost(self.plain_pattern(start))

    def comparison(self, start: Token) -> Expression:
        name = self.name(start, is_compared=True)
        is_negated = self.skip("not")
        if self.skip("in"):
            found = In(name, self.values())
            return self.made(start, lambda: Not(found)) if is_negated else found
        sign = self.token
        self.at += 1
        operator, value = self.right_side(Operator(sign.text))
        return self.made(sign, lambda: Compare(name, operator, value))

    def right_side(self, operator: Operator) -> tuple[Operator, Literal | Regex]:
        token = self.token
        if operator in (Operator.MATCHES, Operator.MISMATCHES):
            if token.kind is Kind.WORD:
                self.at += 1
                return operator, self.made(token, lambda: Regex(token.text))
            return operator, self.regex(self.expect(Kind.REGEX, "a regular expression such as /web[0-9]/"))
        if token.kind is Kind.REGEX and operator in (Operator.EQUAL, Operator.DIFFERENT):
            self.at += 1  # as in MCollective: fact=/regex/
            meant = Operator.MATCHES if operator is Operator.EQUAL else Operator.MISMATCHES
            return meant, self.regex(token)
        return operator, self.literal()

    def existence(self) -> Expression:
        if _keyword(self.token) in CONNECTIVES:
            raise self.unexpected("a name")
        return Exists(self.name(self.expect(Kind.WORD, "a name"), is_compared=False))

    def plugin(self, start: Token) -> Expression:
        pattern = self.pattern_in_brackets("plugin")
        sign = self.token
        if sign.kind is not Kind.OPERATOR:
            return HasPlugin(pattern)
        self.at += 1
        if sign.text in ("=~", "!~"):
            raise self.error("a version is compared with = != < <= > >=", sign)
        version = self.literal()
        return self.made(sign, lambda: HasPlugin(pattern, Operator(sign.text), version))

    def pattern_in_brackets(self, kind: str) -> Pattern:
        """A name, glob or regular expression, in parentheses or without."""
        opening = self.token
        if opening.kind is not Kind.OPEN:
            return self.pattern(f"the name of a{'n' if kind == 'agent' else ''} {kind}")
        self.at += 1
        found = self.pattern(f"the name of a{'n' if kind == 'agent' else ''} {kind}")
        self.close(opening)
        return found

    def pattern(self, wanted: str) -> Pattern:
        token = self.token
        if token.kind is Kind.REGEX:
            self.at += 1
            return self.regex(token)
        if _keyword(token) in CONNECTIVES:
            raise self.unexpected(wanted)
        return self.plain_pattern(self.expect(Kind.WORD, wanted))

    def values(self) -> tuple[Literal, ...]:
        opening = self.expect(Kind.OPEN, '"("')
        values = [self.literal()]
        while self.token.kind is Kind.COMMA:
            self.at += 1
            values.append(self.literal())
        self.close(opening, '","')
        return tuple(values)

    def literal(self) -> Literal:
        token = self.token
        if _keyword(token) in CONNECTIVES:
            raise self.unexpected("a value (quote it if it is text)")
        self.expect(Kind.WORD, "a value")
        if token.is_quoted:
            return self.quoted_text(token)
        if (parts := split_number(token.text)) is not None:
            return self.made(token, lambda: Number(*parts))
        if near := near_units(token.text):
            raise self.error(f'"{token.text}" has no unit that is known (quote it if it is text)', token, near)
        return self.made(token, lambda: Glob(token.text)) if is_glob(token.text) else Text(token.text)

    def plain_pattern(self, token: Token) -> Text | Glob:
        if token.is_quoted:
            return self.quoted_text(token)
        return self.made(token, lambda: Glob(token.text)) if is_glob(token.text) else Text(token.text)

    def quoted_text(self, token: Token) -> Text:
        if token.bare:
            raise self.error("a text is quoted as a whole", token)
        return Text(token.text)

    def regex(self, token: Token) -> Regex:
        return self.made(token, lambda: Regex(token.text, token.ignore_case))

    def name(self, token: Token, *, is_compared: bool) -> Known:
        found = self.made(token, lambda: known_name(token.text, token.bare, is_quoted=token.is_quoted))
        if isinstance(found, Name) and is_compared and self.names is not None and found.name not in self.names:
            near = close_matches(found.name, list(self.names))
            raise self.error(f'no host has a fact or label "{found.name}"', token, near)
        return found

    # --- tools ----------------------------------------------------------------------------------------------

    def is_comparison(self) -> bool:
        """Whether an operator, ``in`` or ``not in`` comes next."""
        follower = self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        word = _keyword(self.token)
        return self.token.kind is Kind.OPERATOR or word == "in" or (word == "not" and _keyword(follower) == "in")

    def skip(self, word: str) -> bool:
        """Take a keyword if it comes next."""
        if _keyword(self.token) != word:
            return False
        self.at += 1
        return True

    def expect(self, kind: Kind, *wanted: str) -> Token:
        token = self.token
        if token.kind is not kind:
            raise self.unexpected(*wanted)
        self.at += 1
        return token

    def close(self, opening: Token, *others: str) -> None:
        if self.token.kind is Kind.END:
            raise self.error('"(" is not closed', opening, expected=(*others, '")"'))
        self.expect(Kind.CLOSE, *others, '")"')

    def deeper(self, token: Token, rule: Callable[[], Expression]) -> Expression:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"a filter is nested {MAX_DEPTH} levels deep at most", token)
        found = rule()
        self.depth -= 1
        return found

    def made(self, token: Token, make: Callable[[], T]) -> T:
        """What ``make`` makes; a refusal points at ``token``."""
        try:
            return make()
        except ValueError as error:
            raise self.error(str(error), token) from error

    def unexpected(self, *expected: str) -> FilterSyntaxError:
        token = self.token
        shown = self.text[token.start : self.tokens[self.at + 1].start].strip() if token.kind is not Kind.END else ""
        what = f'unexpected "{shown[:40]}"' if shown else "the filter ends here"
        near = close_matches(shown, list(KEYWORDS)) if token.kind is Kind.WORD and not token.is_quoted else []
        return self.error(what, token, near if '"and"' in expected else [], expected)

    def error(
        self, message: str, token: Token, suggestions: Collection[str] = (), expected: Collection[str] = ()
    ) -> FilterSyntaxError:
        return FilterSyntaxError(
            message, text=self.text, position=token.start, expected=list(expected), suggestions=list(suggestions)
        )


def known_name(text: str, bare: int, *, is_quoted: bool) -> Known:
    """The name that a word means.

    Args:
        bare: characters before the quoted part, which decide what kind of name it is.

    Raises:
        ValueError: it cannot be one.
    """
    if is_quoted and not bare:
        return Name(text)
    head = text[:bare]
    for prefix, source in _PREFIXES.items():
        if head == prefix or (head.startswith(prefix) and not is_quoted):
            return Name(text[len(prefix) :], source)
    found = _PROPERTY.match(head)
    if found and found.end() < len(text) and (not is_quoted or found.end() == bare):
        return Property(found[2] or found[3], text[found.end() :], found[1] or DEFAULT_PACKAGE)
    if is_quoted:
        raise ValueError("a name is quoted as a whole, or behind fact. label. or Class.")
    return Name(text)


def _keyword(token: Token) -> str:
    """The keyword that a token is, empty when it is none."""
    word = token.text.lower()
    return word if token.kind is Kind.WORD and not token.is_quoted and word in KEYWORDS else ""
