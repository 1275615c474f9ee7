"""Options with a dash in commands of the shell."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from matahari.shell.base.outcome import CommandError
from matahari.shell.syntax.flags import Flag, complete_flags, read_flags
from matahari.shell.syntax.lines import Word, split
from matahari.shell.syntax.values import Integer, Text

FLAGS = (Flag("-n", "COUNT", Integer(1, 99)), Flag("-t", "TEXT", Text()))


def words(text: str) -> Sequence[Word]:
    lines = split(text)
    return lines[0].words if lines else ()


READ: list[tuple[str, bool, dict[str, object], str]] = [
    ("", False, {}, ""),
    ("a b", False, {}, "a b"),
    ("-n 5 a b", False, {"-n": 5}, "a b"),
    ("-n5 a", False, {"-n": 5}, "a"),
    ("-t x -n 5 a", False, {"-n": 5, "-t": "x"}, "a"),
    ("-n 1 -n 2 a", False, {"-n": 2}, "a"),
    ("a -n 5", False, {}, "a -n 5"),
    ("a -n 5", True, {"-n": 5}, "a"),
    ("a -n 5 b", True, {"-n": 5}, "a b"),
    ("-t -n a", False, {"-t": "-n"}, "a"),
    ("'-n' 5", False, {}, "-n 5"),
    ("- a", False, {}, "- a"),
]


@pytest.mark.parametrize(("text", "anywhere", "found", "left"), READ)
def test_options_are_taken_from_the_words(text: str, anywhere: bool, found: dict[str, object], left: str) -> None:
    given, rest = read_flags(words(text), FLAGS, anywhere=anywhere)
    assert given == found
    assert " ".join(word.text for word in rest) == left


@pytest.mark.parametrize(
    ("text", "said", "column"),
    [
        ("-x 5", "There is no option '-x' here, only -n COUNT and -t TEXT", 0),
        ("-n", "Missing arguments: 'COUNT'", 3),
        ("-t x -n 0 a", "Invalid argument value (Value 0 underflows minimum of range (1))", 8),
        ("-nx", 'Invalid argument value ("x" is not an integer)', 2),
        ("--number 5", "There is no option '--number' here, only -n COUNT and -t TEXT", 0),
    ],
)
def test_a_fault_has_its_place(text: str, said: str, column: int) -> None:
    with pytest.raises(CommandError) as caught:
        read_flags(words(text), FLAGS)
    assert (str(caught.value), caught.value.position) == (said, column)


COMPLETED: list[tuple[str, str, bool, list[str], str | None]] = [
    ("", "", False, ["-n ", "-t "], ""),
    ("", "-", False, ["-n ", "-t "], ""),
    ("", "-n", False, ["-n "], ""),
    ("-n 5", "", False, ["-t "], ""),
    ("-n", "5", False, ["5 "], None),
    ("-n", "x", False, [], None),
    ("-n 5 a", "", False, [], "a"),
    ("a", "-", False, [], "a"),
    ("a", "-", True, ["-n ", "-t "], "a"),
    ("a -n", "5", True, ["5 "], None),
    ("-x", "", False, [], None),
    ("-x 5", "", False, [], None),
    ("-n x", "", False, [], None),
    ("-n 0 -t", "x", False, [], None),
]


@pytest.mark.parametrize(("before", "fragment", "anywhere", "offered", "left"), COMPLETED)
def test_options_and_their_values_complete(
    before: str, fragment: str, anywhere: bool, offered: list[str], left: str | None
) -> None:
    found, rest = complete_flags(words(before), fragment, FLAGS, anywhere=anywhere)
    assert found == offered
    assert (None if rest is None else " ".join(word.text for word in rest)) == left
