from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from matahari.errors import FilterSyntaxError
from matahari.shell.syntax.lines import quote, scan, split

LINES = st.one_of(
    st.text(),
    st.text(alphabet="ab '\"\\[]{};#=,1:\t"),
    st.lists(st.sampled_from(["select", "call f", "'", '"', "\\", "[", "]", "{", "}", ";", "#", " ", "x=", "1"])).map(
        "".join
    ),
)


@given(LINES)
def test_splitting_raises_nothing_but_our_own_error(text: str) -> None:
    try:
        split(text)
    except FilterSyntaxError as error:
        assert 0 <= error.position < len(text)
        assert error.text == text


@given(LINES)
def test_words_are_in_order_and_within_the_line(text: str) -> None:
    at = 0
    for line in scan(text):
        for word in line.words:
            assert at <= word.start < word.end <= len(text)
            at = word.end


@given(st.lists(st.text()))
def test_quoted_words_are_read_back(words: list[str]) -> None:
    text = " ".join(quote(word) for word in words)
    assert [word.text for line in split(text) for word in line.words] == words


@given(st.lists(st.lists(st.text(), min_size=1), min_size=1))
def test_commands_are_read_back(commands: list[list[str]]) -> None:
    text = ";".join(" ".join(quote(word) for word in words) for words in commands)
    assert [[word.text for word in line.words] for line in split(text)] == commands
