"""Reading filters: every rule of the grammar, and what errors say."""

from __future__ import annotations

import pytest

from matahari.errors import FilterSyntaxError
from matahari.filters.parsing import parse_expression
from matahari.filters.tree import (
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
    Name,
    NamedHost,
    Not,
    Number,
    Operator,
    Or,
    Property,
    Regex,
    Source,
    Text,
)

A, B, C = (NamedHost(Text(name)) for name in "abc")
ROLE = Name("role")
EQ = Operator.EQUAL

EXPRESSIONS: list[tuple[str, Expression]] = [
    ("web1", NamedHost(Text("web1"))),
    ("web*", NamedHost(Glob("web*"))),
    ("web[!12]", NamedHost(Glob("web[!12]"))),
    ("a!=web[12]", Compare(Name("a"), Operator.DIFFERENT, Glob("web[12]"))),
    ('"web*"', NamedHost(Text("web*"))),
    ("/^web/", NamedHost(Regex("^web"))),
    ("/^web/i", NamedHost(Regex("^web", ignore_case=True))),
    ("a and b or c", Or((And((A, B)), C))),
    ("a or b and c", Or((A, And((B, C))))),
    ("a and (b or c)", And((A, Or((B, C))))),
    ("(a and b) and c", And((A, B, C))),
    ("a and (b and c)", And((A, B, C))),
    ("not a and b", And((Not(A), B))),
    ("not (a and b)", Not(And((A, B)))),
    ("not not a", Not(Not(A))),
    ("NOT a AND b Or c", Or((And((Not(A), B)), C))),
    ("((a))", A),
    ("role=web", Compare(ROLE, EQ, Text("web"))),
    ('role = "two words"', Compare(ROLE, EQ, Text("two words"))),
    ("role = web*", Compare(ROLE, EQ, Glob("web*"))),
    ('role = "web*"', Compare(ROLE, EQ, Text("web*"))),
    ("role = 12", Compare(ROLE, EQ, Number("12"))),
    ('role = "12"', Compare(ROLE, EQ, Text("12"))),
    ("role = 1.2.3", Compare(ROLE, EQ, Text("1.2.3"))),
    ("role = 10.0.0.0/8", Compare(ROLE, EQ, Text("10.0.0.0/8"))),
    ("role=/web/", Compare(ROLE, Operator.MATCHES, Regex("web"))),
    ("role!=/web/", Compare(ROLE, Operator.MISMATCHES, Regex("web"))),
    ('role =~ "^a b"', Compare(ROLE, Operator.MATCHES, Regex("^a b"))),
    ("role =~ web", Compare(ROLE, Operator.MATCHES, Regex("web"))),
    ("role !~ /web/i", Compare(ROLE, Operator.MISMATCHES, Regex("web", ignore_case=True))),
    ("mem > 2GiB", Compare(Name("mem"), Operator.GREATER, Number("2", "GiB"))),
    ("x <= 5%", Compare(Name("x"), Operator.AT_MOST, Number("5", "%"))),
    ("x >= -1.5", Compare(Name("x"), Operator.AT_LEAST, Number("-1.5"))),
    ("x < 3", Compare(Name("x"), Operator.LESS, Number("3"))),
    ("x != agent", Compare(Name("x"), Operator.DIFFERENT, Text("agent"))),
    ("role in (a, 'b c', 3, d*)", In(ROLE, (Text("a"), Text("b c"), Number("3"), Glob("d*")))),
    ("role not in (a)", Not(In(ROLE, (Text("a"),)))),
    ("not role not in (a)", Not(Not(In(ROLE, (Text("a"),))))),
    ("has role", Exists(ROLE)),
    ("has label.rack", Exists(Name("rack", Source.LABEL))),
    ("has Host.load.1", Exists(Property("Host", "load.1"))),
    ("fact.Host.x = 1", Compare(Name("Host.x", Source.FACT), EQ, Number("1"))),
    ('fact."a b" = 1', Compare(Name("a b", Source.FACT), EQ, Number("1"))),
    ('"fact.x" = 1', Compare(Name("fact.x"), EQ, Number("1"))),
    ('"Host.x" = 1', Compare(Name("Host.x"), EQ, Number("1"))),
    ("Host.free_mem > 1", Compare(Property("Host", "free_mem"), Operator.GREATER, Number("1"))),
    ('Host."a b" > 1', Compare(Property("Host", "a b"), Operator.GREATER, Number("1"))),
    ("org.x:broker.n > 1", Compare(Property("broker", "n", "org.x"), Operator.GREATER, Number("1"))),
    ("network.interface.eth0:1.mtu = 1", Compare(Name("network.interface.eth0:1.mtu"), EQ, Number("1"))),
    ("class Host", InClass(Text("Host"))),
    ("class(Host)", InClass(Text("Host"))),
    ("CLASS role::web*", InClass(Glob("role::web*"))),
    ("plugin asterisk", HasPlugin(Text("asterisk"))),
    ("plugin(/ast/)", HasPlugin(Regex("ast"))),
    ("plugin asterisk >= 1.2", HasPlugin(Text("asterisk"), Operator.AT_LEAST, Number("1.2"))),
    ("plugin a = 1.2rc1", HasPlugin(Text("a"), EQ, Text("1.2rc1"))),
    ("plugin a = 1.*", HasPlugin(Text("a"), EQ, Glob("1.*"))),
    ("agent rpc", HasAgent(Text("rpc"))),
    ("class class", InClass(Text("class"))),
    ("class = x", Compare(Name("class"), EQ, Text("x"))),
    ("plugin in (x)", In(Name("plugin"), (Text("x"),))),
    ("agent not in (x)", Not(In(Name("agent"), (Text("x"),)))),
    ('"class"', NamedHost(Text("class"))),
    ('""', NamedHost(Text(""))),
]


@pytest.mark.parametrize(("text", "expression"), EXPRESSIONS)
def test_the_grammar(text: str, expression: Expression) -> None:
    assert parse_expression(text) == expression


ERRORS = [
    ("", 0, 'the filter ends here, expected a host, a comparison, has, class, plugin, agent, not or "("'),
    ("a b", 2, 'unexpected "b", expected "and", "or" or the end'),
    ("a adn b", 2, "did you mean and?"),
    ("a and", 5, "the filter ends here"),
    ("and a", 0, 'unexpected "and"'),
    ("(a", 0, '"(" is not closed, expected "and", "or" or ")"'),
    ("a)", 1, 'unexpected ")"'),
    ("(a b)", 3, 'expected "and", "or" or ")"'),
    ("role=", 5, "expected a value"),
    ("role = and", 7, "expected a value (quote it if it is text)"),
    ("role = (a)", 7, "expected a value"),
    ("role > /a/", 7, "expected a value"),
    ("role > a*", 5, "a glob stands behind = and != only"),
    ("role =~ (", 8, "expected a regular expression"),
    ("role =~ /(/", 8, "unclosed group"),
    ("role = 2gib", 7, "did you mean 2GiB?"),
    ("role = 1e999", 7, "no number that a filter can have"),
    ("role in a", 8, 'expected "("'),
    ("role in (a", 8, '"(" is not closed, expected "," or ")"'),
    ("role in (a b)", 11, 'expected "," or ")"'),
    ("role in ()", 9, "expected a value"),
    ("role not web", 5, 'unexpected "not"'),
    ("has", 3, "expected a name"),
    ("has and", 4, "expected a name"),
    ("class", 5, "expected the name of a class"),
    ("class and a", 6, "expected the name of a class"),
    ("class(a b)", 8, 'expected ")"'),
    ("agent", 5, "expected the name of an agent"),
    ("plugin", 6, "expected the name of a plugin"),
    ("plugin a =~ /1/", 9, "a version is compared with"),
    ("plugin a > 3h", 9, "a version has no unit"),
    ('web"1"', 0, "a text is quoted as a whole"),
    ('role"x" = 1', 0, "a name is quoted as a whole"),
    ('fact."" = 1', 0, "a name is not empty"),
    ("(" * (MAX_DEPTH + 1) + "a", MAX_DEPTH, "levels deep"),
    ("not " * (MAX_DEPTH + 1) + "a", 4 * MAX_DEPTH, "levels deep"),
    ("not " * MAX_DEPTH + "(a and b)", 4 * MAX_DEPTH, "levels deep"),
]


@pytest.mark.parametrize(("text", "position", "words"), ERRORS)
def test_errors_say_what_was_expected_and_where(text: str, position: int, words: str) -> None:
    with pytest.raises(FilterSyntaxError) as caught:
        parse_expression(text)
    assert (caught.value.position, caught.value.text) == (position, text)
    assert words in str(caught.value)


def test_an_error_lists_what_could_stand_there() -> None:
    with pytest.raises(FilterSyntaxError) as caught:
        parse_expression("a adn b")
    assert caught.value.expected == ('"and"', '"or"', "the end")
    assert caught.value.suggestions == ("and",)


def test_unknown_names_are_refused_when_the_known_ones_are_given() -> None:
    names = ["role", "rack", "os.version"]
    assert isinstance(parse_expression("role = web and Host.x = 1 and has rol", names), And)
    for text in ("rol = web", "fact.rol = web", "rol in (a)", "label.rol = x"):
        with pytest.raises(
            FilterSyntaxError, match='no host has a fact or label "rol"; did you mean role\\?'
        ) as caught:
            parse_expression(text, names)
        assert caught.value.position == 0
