"""Canonical text."""

from __future__ import annotations

import pytest

from matahari.filters.parsing import parse_expression
from matahari.filters.tree import Compare, Name, NamedHost, Operator, Property, Regex, Source, Text
from matahari.filters.writing import write_expression, write_name

TEXTS = [
    ("a  AND(b or c)", "a and (b or c)"),
    ("((a and b))or c", "a and b or c"),
    ("not(a)", "not a"),
    ("not (a or b)", "not (a or b)"),
    ("not (not a)", "not not a"),
    ("role=web", "role = web"),
    ("role='web'", "role = web"),
    ("role='12'", 'role = "12"'),
    ("role='5m'", 'role = "5m"'),
    ("role='a*'", 'role = "a*"'),
    ("role='and'", 'role = "and"'),
    ("role=agent", "role = agent"),
    ("role=''", 'role = ""'),
    ("role not in(a,b)", "not role in (a, b)"),
    ("class(Host)", "class Host"),
    ("'class'", '"class"'),
    ("class = x", '"class" = x'),
    ("plugin 'in'>=1.20", 'plugin "in" >= 1.20'),
    ("plugin has", "plugin has"),
    ("role=/a\\/b/i", "role =~ /a\\/b/i"),
    ("org.matahariproject:Host.x=1", "Host.x = 1"),
    ("org.matahariproject:host.x=1", "org.matahariproject:host.x = 1"),
    ("'Host.x'=1", '"Host.x" = 1'),
    ("'a..b:c.d'=1", '"a..b:c.d" = 1'),
    ("Host.'x:y.z'=1", 'Host."x:y.z" = 1'),
    ("org.x:Host.'x:y.z'=1", "org.x:Host.x:y.z = 1"),
    ("fact.'/'=1", "fact./ = 1"),
    ("fact.' '=1", 'fact." " = 1'),
]


@pytest.mark.parametrize(("typed", "canonical"), TEXTS)
def test_what_is_written(typed: str, canonical: str) -> None:
    expression = parse_expression(typed)
    assert write_expression(expression) == canonical
    assert parse_expression(canonical) == expression


@pytest.mark.parametrize("name", [Name("fact.x"), Name("label."), Name("and"), Name("Plugin"), Name("a b"), Name("/x")])
def test_a_name_that_would_mean_something_else_is_quoted(name: Name) -> None:
    assert write_name(name) == f'"{name.name}"'


def test_texts_with_control_characters_stay_in_one_line() -> None:
    assert write_expression(NamedHost(Text("a\nb\x1b"))) == '"a\\u000ab\\u001b"'


def test_backslashes_of_a_regular_expression_stay_with_what_they_escape() -> None:
    expression = Compare(Name("x", Source.LABEL), Operator.MATCHES, Regex(r"\\/\d"))
    assert write_expression(expression) == r"label.x =~ /\\\/\d/"
    assert parse_expression(write_expression(expression)) == expression


def test_a_property_is_short_only_where_it_is_read_as_such() -> None:
    assert write_name(Property("Host", "x")) == "Host.x"
    assert write_name(Property("host", "x")) == "org.matahariproject:host.x"
    assert write_name(Property("Host", "x", "org.example")) == "org.example:Host.x"
