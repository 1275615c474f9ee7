"""The command grammar of 2012's mhsh, row by row (matahari-2012.md 17.8), and what was added to it.

No row is changed on purpose. Where the table leaves the form open: a group gives a tuple of its members' values.
"""

from __future__ import annotations

import pytest

from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.syntax.completion import complete
from matahari.shell.syntax.grammar import Element, Group, Keyword, Repeat, Rest, Syntax, Value, match, syntax_text
from matahari.shell.syntax.lines import scan, split
from matahari.shell.syntax.values import Choice, Integer


def kw(word: str) -> Keyword:
    return Keyword(word)


def val(name: str) -> Value:
    return Value(name)


def opt(*elements: Element) -> Group:
    return Group(elements)


FOO = kw("foo")
INT = Value("INT", Integer())
SUGGESTED = Value("P", Choice("P", lambda bound: ["bar", "baz", "blarg"]))
OPT_ARGS: Syntax = (FOO, opt(kw("bar"), val("PARAM1")), val("PARAM2"))
OPT_KW: Syntax = (FOO, opt(kw("bar")), val("PARAM"))
LIST: Syntax = (FOO, kw("bar"), Repeat(val("PARAMS")))
LIST_OPTIONAL: Syntax = (FOO, kw("bar"), opt(Repeat(INT)))
ERROR = object()

EXECUTION = [
    ("simple", (FOO,), "foo", ("foo",)),
    ("simple_bad", (FOO,), "foo bar", ERROR),
    ("param", (FOO, val("PARAM")), "foo bar", ("foo", "bar")),
    ("param_missing", (FOO, val("PARAM")), "foo", ERROR),
    ("param_extra", (FOO, val("PARAM")), "foo bar baz", ERROR),
    ("param_validator", (FOO, INT), "foo 42", ("foo", 42)),
    ("param_validator_invalid", (FOO, INT), "foo bar", ERROR),
    ("opt_args", OPT_ARGS, "foo bar baz blarg", ("foo", ("bar", "baz"), "blarg")),
    ("opt_args_missing", OPT_ARGS, "foo wibble", ("foo", (None, None), "wibble")),
    ("opt_args_partial", OPT_ARGS, "foo bar", ERROR),
    ("opt_args_end_missing", (FOO, opt(kw("bar"))), "foo", ("foo", (None,))),
    ("opt_kw", OPT_KW, "foo bar baz", ("foo", ("bar",), "baz")),
    ("opt_kw_missing", OPT_KW, "foo quux", ("foo", (None,), "quux")),
    ("opt_kw_partial", OPT_KW, "foo bar", ERROR),
    ("list", LIST, "foo bar baz blarg wibble", ("foo", "bar", ["baz", "blarg", "wibble"])),
    ("list_single", LIST, "foo bar baz", ("foo", "bar", ["baz"])),
    ("list_empty", LIST, "foo bar", ERROR),
    ("list_optional", LIST_OPTIONAL, "foo bar 42 43", ("foo", "bar", ([42, 43],))),
    ("list_optional_empty", LIST_OPTIONAL, "foo bar", ("foo", "bar", ([],))),
    ("list_optional_kw_err", (FOO, opt(kw("bar"), Repeat(val("PARAMS")))), "foo bar", ERROR),
    ("default_param", (FOO, kw("bar"), opt(Value("ANSWER", default=42))), "foo bar", ("foo", "bar", (42,))),
    ("default_func", (FOO, kw("bar"), opt(Value("ANSWER", default=lambda: 42))), "foo bar", ("foo", "bar", (42,))),
]

COMPLETION = [
    ("kw", (FOO, kw("bar")), {"foo ": ["bar "], "foo b": ["bar "], "foo bar ": []}),
    ("kw_space", (FOO, kw("bar")), {"foo": ["foo "], "foo bar": ["bar "]}),
    ("multiple_kw", (FOO, kw("bar"), kw("baz")), {"foo b": ["bar "], "foo bar ": ["baz "]}),
    ("param", (FOO, val("PARAM")), {"foo ": [""], "foo b": ["b "], "foo bar ": []}),
    ("param_validator", (FOO, INT), {"foo ": [""], "foo b": [], "foo 1": ["1 "], "foo 123 ": []}),
    (
        "param_suggestor",
        (FOO, SUGGESTED),
        {
            "foo ": ["bar ", "baz ", "blarg "],
            "foo b": ["bar ", "baz ", "blarg "],
            "foo ba": ["bar ", "baz "],
            "foo bar": ["bar "],
            "foo bar ": [],
            "foo quux": [],
        },
    ),
    (
        "multiple_param",
        (FOO, val("PARAM"), val("PARAM2")),
        {"foo ": [""], "foo b": ["b "], "foo bar ": [""], "foo bar baz": ["baz "], "foo bar baz ": []},
    ),
    (
        "opt_args",
        OPT_ARGS,
        {"foo ": ["bar ", ""], "foo b": ["bar ", "b "], "foo bar ": [""], "foo quux": ["quux "], "foo quux ": []},
    ),
    (
        "multiple_opt_args",
        (FOO, opt(kw("bar"), val("PARAM1")), opt(kw("baz"), val("PARAM2"))),
        {
            "foo ": ["bar ", "baz "],
            "foo b": ["bar ", "baz "],
            "foo bar ": [""],
            "foo baz ": [""],
            "foo baz quux ": [],
        },
    ),
    (
        "opt_kw",
        OPT_KW,
        {
            "foo ": ["bar ", ""],
            "foo b": ["bar ", "b "],
            "foo bar ": [""],
            "foo bar quux": ["quux "],
            "foo bar quux ": [],
            "foo quux ": [],
        },
    ),
    (
        "multiple_opt_kw_first",
        (FOO, opt(kw("bar")), opt(kw("baz"))),
        {
            "foo ": ["bar ", "baz "],
            "foo b": ["bar ", "baz "],
            "foo bar ": ["baz "],
            "foo baz ": [],
            "foo quux ": [],
            "foo bar quux ": [],
        },
    ),
    (
        "multiple_opt_kw",
        (FOO, kw("wibble"), opt(kw("bar")), opt(kw("baz"))),
        {
            "foo wibble ": ["bar ", "baz "],
            "foo wibble b": ["bar ", "baz "],
            "foo wibble bar ": ["baz "],
            "foo wibble baz ": [],
            "foo wibble quux ": [],
            "foo wibble bar quux ": [],
        },
    ),
    ("list", LIST, {"foo bar ": [""], "foo bar baz": ["baz "], "foo bar baz ": [""], "foo bar baz quux": ["quux "]}),
    (
        "list_optional",
        (FOO, kw("bar"), opt(Repeat(val("PARAMS")))),
        {"foo bar ": [""], "foo bar baz": ["baz "], "foo bar baz ": [""], "foo bar baz quux": ["quux "]},
    ),
    (
        "list_kw_optional",
        (FOO, kw("bar"), opt(kw("baz"), Repeat(val("PARAMS")))),
        {"foo bar ": ["baz "], "foo bar baz ": [""], "foo bar baz quux": ["quux "], "foo bar baz quux ": [""]},
    ),
]

SYNTAX = [
    ("foo", (FOO,)),
    ("foo PARAM", (FOO, val("PARAM"))),
    ("foo INT", (FOO, INT)),
    ("foo (bar PARAM1) PARAM2", OPT_ARGS),
    ("foo (bar) PARAM", OPT_KW),
    ("foo [PARAMS]", (FOO, Repeat(val("PARAMS")))),
    ("foo ([PARAMS])", (FOO, opt(Repeat(val("PARAMS"))))),
]


def taken(syntax: Syntax, typed: str, abbreviations: int = 0) -> object:
    return match(syntax, split(typed)[0].words, abbreviations=abbreviations)


def offered(syntax: Syntax, typed: str) -> list[str]:
    line = scan(typed)[-1]
    if line.open_word:
        return complete(syntax, line.words[:-1], line.words[-1].text)
    return complete(syntax, line.words, "")


@pytest.mark.parametrize(("syntax", "typed", "result"), [row[1:] for row in EXECUTION], ids=[r[0] for r in EXECUTION])
def test_execution_is_as_in_2012(syntax: Syntax, typed: str, result: object) -> None:
    if result is ERROR:
        with pytest.raises(CommandError):
            taken(syntax, typed)
    else:
        assert taken(syntax, typed) == result


@pytest.mark.parametrize(("syntax", "typed", "result"), [row[1:] for row in EXECUTION], ids=[r[0] for r in EXECUTION])
def test_allowing_abbreviations_changes_no_row_of_the_table(syntax: Syntax, typed: str, result: object) -> None:
    if result is ERROR:
        with pytest.raises(CommandError):
            taken(syntax, typed, abbreviations=3)
    else:
        assert taken(syntax, typed, abbreviations=3) == result


@pytest.mark.parametrize(("syntax", "rows"), [row[1:] for row in COMPLETION], ids=[row[0] for row in COMPLETION])
def test_completion_is_as_in_2012(syntax: Syntax, rows: dict[str, list[str]]) -> None:
    assert {typed: offered(syntax, typed) for typed in rows} == rows


@pytest.mark.parametrize(("text", "syntax"), SYNTAX)
def test_syntax_text_is_as_in_2012(text: str, syntax: Syntax) -> None:
    assert syntax_text(syntax) == text


ERRORS = [
    ((FOO, val("FLOAT")), "foo", "Missing arguments: 'FLOAT'", 4),
    (OPT_ARGS, "foo bar", "Missing arguments: 'PARAM1 PARAM2'", 8),
    ((FOO,), "foo  x y", "Excess arguments: 'x y'", 5),
    ((FOO, kw("bar")), "foo x", "Invalid keyword 'x'", 4),
    ((FOO, INT), "foo x", 'Invalid argument value ("x" is not an integer)', 4),
    (LIST_OPTIONAL, "foo bar 1 x", 'Invalid argument value ("x" is not an integer)', 10),
    ((FOO, Keyword("add", noun="Method")), "foo ad", 'Method "ad" not found; did you mean add?', 4),
]


@pytest.mark.parametrize(("syntax", "typed", "text", "column"), ERRORS)
def test_an_error_says_what_is_wrong_and_where(syntax: Syntax, typed: str, text: str, column: int) -> None:
    with pytest.raises(CommandError) as caught:
        taken(syntax, typed)
    assert (str(caught.value), caught.value.position) == (text, column)


def test_a_group_that_runs_out_of_words_at_the_end_is_an_error_and_not_a_shortened_group() -> None:
    with pytest.raises(CommandError, match="Missing arguments: 'PARAM'"):
        taken((FOO, opt(kw("bar"), val("PARAM"))), "foo bar")


def test_a_keyword_matches_by_prefix_when_that_is_allowed() -> None:
    assert taken((FOO, kw("class"), val("NAME")), "foo cl Host", 1) == ("foo", "class", "Host")


def test_only_as_many_keywords_as_allowed_match_by_prefix() -> None:
    with pytest.raises(CommandError, match="Invalid keyword 'h'"):
        taken((FOO, kw("list"), kw("hosts")), "foo l h", 1)


def test_a_word_that_fits_as_it_stands_is_not_taken_for_an_abbreviation() -> None:
    assert taken(OPT_KW, "foo b") == ("foo", (None,), "b")
    assert taken(OPT_KW, "foo b x", 1) == ("foo", ("bar",), "x")


@pytest.mark.parametrize("typed", ["foo 'cl'", "foo ''", "foo classes"])
def test_a_quoted_empty_or_longer_word_is_no_abbreviation(typed: str) -> None:
    with pytest.raises(CommandError, match="Invalid keyword"):
        taken((FOO, kw("class")), typed, 1)


def test_a_whole_keyword_has_no_abbreviations() -> None:
    with pytest.raises(CommandError, match="not found"):
        taken((FOO, Keyword("reboot", noun="Method", whole=True)), "foo reb", 1)


def test_an_unknown_member_means_that_nothing_matched() -> None:
    with pytest.raises(CommandError) as caught:
        taken((FOO, Keyword("add", noun="Method")), "foo x")
    assert caught.value.status is ExitStatus.NOTHING_MATCHED


def test_the_rest_takes_all_words_even_none() -> None:
    syntax: Syntax = (FOO, Rest("([ARG])"))
    words = split("foo a 'b c'")[0].words
    assert match(syntax, words) == ("foo", words[1:])
    assert taken(syntax, "foo") == ("foo", ())
    assert syntax_text(syntax) == "foo ([ARG])"
    assert complete(syntax, words, "x") == ["x "]


def test_members_of_a_left_out_group_have_their_defaults() -> None:
    inner = opt(Value("A", default=1), opt(Value("B", default=2)), Rest(), Repeat(val("C")), kw("d"))
    assert taken((FOO, inner), "foo") == ("foo", (1, (2,), (), [], None))


def test_the_skipped_group_names_the_fault_when_it_came_further() -> None:
    syntax: Syntax = (FOO, opt(kw("package"), INT), INT)
    with pytest.raises(CommandError, match='"x" is not an integer') as caught:
        taken(syntax, "foo package x 1")
    assert caught.value.position == len("foo package ")
