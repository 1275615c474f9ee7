"""Whatever is typed: an answer, or an error of ours that was printed."""

from __future__ import annotations

import json
from unicodedata import category

from hypothesis import given
from hypothesis import strategies as st

from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.base.selection import take_snapshot
from matahari.shell.display.render import error_lines, json_line, value_lines
from matahari.shell.syntax.completion import complete
from matahari.shell.syntax.grammar import Element, Group, Keyword, Repeat, Rest, Value, match, syntax_text
from matahari.shell.syntax.lines import Word
from matahari.shell.syntax.values import Boolean, Integer, JsonList, JsonMap, Real, Text, Uuid
from tests.support.fake_classes import PLUGINS
from tests.support.shell import TestShell

NAMES = st.sampled_from(["foo", "bar", "baz", "b", "wibble"])
CONVERTERS = st.sampled_from([Text(), Integer(0, 99), Real(), Boolean(), Uuid(), JsonList(), JsonMap()])
VALUES = st.builds(Value, NAMES, CONVERTERS)
ELEMENTS: st.SearchStrategy[Element] = st.recursive(
    st.one_of(st.builds(Keyword, NAMES), VALUES, st.builds(Repeat, VALUES), st.builds(Rest, accepts=st.none())),
    lambda inner: st.builds(Group, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    max_leaves=6,
)
SYNTAXES = st.lists(ELEMENTS, max_size=5).map(lambda rest: (Keyword("foo"), *rest))
TEXTS = st.one_of(NAMES, st.text(max_size=8), st.sampled_from(["1", "-1", "1e999", "true", "[1]", "{}", "[", "x=1"]))
WORDS = st.lists(TEXTS, max_size=8).map(
    lambda texts: tuple(Word(text, 10 * at, 10 * at + 1) for at, text in enumerate(texts))
)


@given(SYNTAXES, WORDS, st.integers(0, 4))
def test_matching_gives_a_value_per_element_or_a_command_error(
    syntax: tuple[Element, ...], words: tuple[Word, ...], abbreviations: int
) -> None:
    try:
        values = match(syntax, words, abbreviations=abbreviations)
    except CommandError as error:
        assert error.position is not None
    else:
        assert len(values) == len(syntax)
    assert syntax_text(syntax).startswith("foo")


@given(SYNTAXES, WORDS, TEXTS)
def test_completion_offers_each_suggestion_once(
    syntax: tuple[Element, ...], words: tuple[Word, ...], fragment: str
) -> None:
    offered = complete(syntax, words, fragment)
    assert len(offered) == len(set(offered))


PIECES = st.sampled_from(
    (
        f"list select class host hosts explain and not in has role=web /x/ web* package {PLUGINS} calc Host web1 call add show get load set update_interval property "
        "hostname clear all help ? 1 ' \" [ ] {} [] x=1 = ; # \\ sel c \x1b"
    ).split(" ")
)
TYPED = st.one_of(st.text(), st.lists(PIECES, max_size=8).map(" ".join))


@given(TYPED)
def test_any_line_ends_with_a_status(line: str) -> None:
    shell = TestShell()
    for mode in ("", "select class Host", f"select class package {PLUGINS} calc"):
        shell.session.finished = False
        shell.run(mode)
        assert isinstance(shell.run(line), ExitStatus)


@given(TYPED)
def test_any_line_can_be_completed_and_the_result_still_scans(line: str) -> None:
    shell = TestShell()
    shell.run("select class Host")
    column, suggestions = shell.session.commands(take_snapshot(shell.console)).complete(line)
    assert 0 <= column <= len(line)
    assert all(isinstance(text, str) for text in suggestions)


@given(st.lists(st.text(), min_size=1), st.integers(0, 30))
def test_errors_can_be_printed_whatever_they_contain(lines: list[str], position: int) -> None:
    assert all(text.startswith("%") for text in error_lines(CommandError(*lines, position=position)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.uuids(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(JSON)
def test_any_value_can_be_shown_in_both_forms(value: object) -> None:
    assert json.loads(json_line({"value": value})).keys() == {"value"}
    for line in value_lines("host", value):
        assert not any(category(char) in ("Cc", "Cf", "Cs") and char != "\t" for char in line)
