from __future__ import annotations

import pytest

from matahari.errors import FilterSyntaxError
from matahari.shell.syntax.lines import Word, quote, scan, split

WORDS = [
    ("", []),
    ("   ", []),
    ("get load", ["get", "load"]),
    ("  get\tload  ", ["get", "load"]),
    ("call greet 'two words'", ["call", "greet", "two words"]),
    ('call greet "two words"', ["call", "greet", "two words"]),
    ('say ""', ["say", ""]),
    ("say ''", ["say", ""]),
    ("a\\ b", ["a b"]),
    ("it\\'s", ["it's"]),
    ('"a\\n\\"b\\"\\u00e9\\d"', ['a\n"b"é\\d']),
    ("'a\\n'", ["a\\n"]),
    ("pre'mid'post", ["premidpost"]),
    ("[1, 2]", ["[1, 2]"]),
    ('{"a": 1, "b": [2, 3]}', ['{"a": 1, "b": [2, 3]}']),
    ('["a ] b"] x', ['["a ] b"]', "x"]),
    ('["\\"]"]', ['["\\"]"]']),
    ('x={"a": 1} y', ['x={"a": 1}', "y"]),
    ("{'a': 1}", ["{'a': 1}"]),
    ("[1} x", ["[1}", "x"]),
    ("web[12] x", ["web[12]", "x"]),
    ("x-y=[1 2", ["x-y=[1", "2"]),
    ("get load # all of it", ["get", "load"]),
    ("# nothing", []),
    ("a#b", ["a#b"]),
    ("'#' b", ["#", "b"]),
]


@pytest.mark.parametrize(("text", "words"), WORDS)
def test_a_line_is_split_into_words(text: str, words: list[str]) -> None:
    assert [word.text for line in split(text) for word in line.words] == words


def test_semicolons_separate_commands_outside_quotes_and_brackets() -> None:
    lines = split('list hosts; ;call f \';\' ";" [";"] \\;;quit;')
    assert [[word.text for word in line.words] for line in lines] == [
        ["list", "hosts"],
        ["call", "f", ";", ";", '[";"]', ";"],
        ["quit"],
    ]
    assert [line.source for line in lines] == ["list hosts", 'call f \';\' ";" [";"] \\;', "quit"]


def test_words_know_their_columns_and_what_was_quoted() -> None:
    assert split("ab 'c d' x=\"1\" y\\ ")[0].words == (
        Word("ab", 0, 2),
        Word("c d", 3, 8, 0),
        Word("x=1", 9, 14, 2),
        Word("y ", 15, 18, 1),
    )


PIPES = [
    ("list hosts | count", ["list", "hosts"], [["count"]]),
    ("a | b c |\td", ["a"], [["b", "c"], ["d"]]),
    ("a |", ["a"], [[]]),
    ("a | | b", ["a"], [[], ["b"]]),
    ("| b", [], [["b"]]),
    ("|", [], [[]]),
    ("a | b # | c", ["a"], [["b"]]),
    ("a|b", ["a|b"], []),
    ("a |b", ["a", "|b"], []),
    ("a| b", ["a|", "b"], []),
    ("a || b", ["a", "||", "b"], []),
    ("a '|' b", ["a", "|", "b"], []),
    ('a "|" b', ["a", "|", "b"], []),
    ("a \\| b", ["a", "|", "b"], []),
    ("a 'b | c' | d", ["a", "b | c"], [["d"]]),
    ("a [1 | 2] x={ | } | b", ["a", "[1 | 2]", "x={ | }"], [["b"]]),
    ("a /b | c/", ["a", "/b"], [["c/"]]),
    ("select hosts /a | b/ | count", ["select", "hosts", "/a", "|", "b/"], [["count"]]),
    ("sel ho (x=~/a | b/i)|c | d", ["sel", "ho", "(x=~/a", "|", "b/i)|c"], [["d"]]),
    (
        "select hosts explain not /a | \\/ | b/ | c",
        ["select", "hosts", "explain", "not", "/a", "|", "/", "|", "b/"],
        [["c"]],
    ),
    ("select hosts /a | b", ["select", "hosts", "/a"], [["b"]]),
    ("select hosts a/b | grep c/d", ["select", "hosts", "a/b"], [["grep", "c/d"]]),
    ("select hosts x = '/' | grep /", ["select", "hosts", "x", "=", "/"], [["grep", "/"]]),
    ("select hosts web1 | grep /a | grep b/", ["select", "hosts", "web1"], [["grep", "/a"], ["grep", "b/"]]),
    ("select class /a | grep b/", ["select", "class", "/a"], [["grep", "b/"]]),
]


@pytest.mark.parametrize(("text", "words", "stages"), PIPES)
def test_a_pipe_is_a_word_of_its_own_outside_quotes_json_and_filters(
    text: str, words: list[str], stages: list[list[str]]
) -> None:
    (line,) = split(text)
    assert [word.text for word in line.words] == words
    assert [[word.text for word in stage.words] for stage in line.stages] == stages
    assert all(text[stage.pipe] == "|" for stage in line.stages)
    assert line.source == text.split(" #")[0]


def test_a_regular_expression_that_another_command_closes_keeps_no_pipe() -> None:
    first, second = split("select hosts /a | count; call f /b")
    assert [[word.text for word in stage.words] for stage in first.stages] == [["count"]]
    assert not second.stages


def test_every_command_of_a_line_has_its_own_pipe() -> None:
    first, second = split("a | b; c |;")
    assert [first.source, second.source] == ["a | b", "c |"]
    assert [len(line.stages) for line in (first, second)] == [1, 1]


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("call f 'x", "Unclosed quote", 7),
        ('call f "x', "Unclosed quote", 7),
        ('call f "x\\', "Unclosed quote", 7),
        ("call f [1, {", "Unclosed [", 7),
        ("call f x={1", "Unclosed {", 9),
        ("call f x\\", "Nothing follows the backslash", 8),
    ],
)
def test_what_is_not_finished_is_refused_with_the_column_where_it_began(text: str, message: str, position: int) -> None:
    with pytest.raises(FilterSyntaxError) as caught:
        split(text)
    assert (str(caught.value), caught.value.position, caught.value.text) == (message, position, text)


def test_scanning_for_completion_tells_whether_the_cursor_is_in_a_word() -> None:
    assert scan("get lo")[-1].open_word
    assert not scan("get ")[-1].open_word
    assert not scan("get; ")[-1].words
    assert scan("get 'a b")[-1].words[-1].text == "a b"
    assert scan("get 'a b")[-1].unfinished == "'"


def test_an_empty_line_has_no_source() -> None:
    assert scan("")[0].source == ""


@pytest.mark.parametrize(
    "text",
    ["plain", "two words", "it's", 'say "x"', "", "a;b", "#x", "[1", "x=[1", "a\nb", "a\\b", "\x00", "é", "|", "a|b"],
)
def test_quoting_is_read_back_as_one_word(text: str) -> None:
    assert [word.text for line in split(quote(text)) for word in line.words] == [text]


def test_plain_words_are_not_quoted() -> None:
    assert quote("org.matahariproject:Host") == "org.matahariproject:Host"
    assert quote("two words") == "'two words'"
