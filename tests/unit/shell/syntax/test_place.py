"""Where the cursor of a line is."""

from __future__ import annotations

import pytest

from matahari.shell.syntax.place import place_of

PLACES = [
    # (text before the cursor, whole words before it, the word at it, its column, what is open)
    ("", [], "", 0, ""),
    ("sel", [], "sel", 0, ""),
    ("select ", ["select"], "", 7, ""),
    ("list hosts; se", [], "se", 12, ""),
    ("list hosts;", [], "", 11, ""),
    ("call echo 'a b", ["call", "echo"], "a b", 10, "'"),
    ('call m x={"a', ["call", "m"], 'x={"a', 7, "{"),
    ("call m \\", ["call", "m"], "", 7, "\\"),
]


@pytest.mark.parametrize(("text", "words", "word", "start", "unfinished"), PLACES)
def test_the_place_is_behind_words_and_in_one(
    text: str, words: list[str], word: str, start: int, unfinished: str
) -> None:
    place = place_of(text)
    assert place is not None
    assert ([one.text for one in place.words], place.word.text, place.start) == (words, word, start)
    assert (place.unfinished, place.is_in_pipe) == (unfinished, False)


@pytest.mark.parametrize("text", ["#", "# list", "list hosts # h", "list hosts; # x "])
def test_there_is_none_in_a_comment(text: str) -> None:
    assert place_of(text) is None


@pytest.mark.parametrize(
    ("text", "words", "word"),
    [("list hosts |", [], ""), ("list hosts | gr", [], "gr"), ("list hosts | grep x | head ", ["head"], "")],
)
def test_behind_a_pipe_it_is_in_the_last_stage(text: str, words: list[str], word: str) -> None:
    place = place_of(text)
    assert place is not None
    assert place.is_in_pipe
    assert ([one.text for one in place.words], place.word.text) == (words, word)
