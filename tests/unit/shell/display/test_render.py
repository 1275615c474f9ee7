from __future__ import annotations

import json
import uuid

import pytest

from matahari.errors import AbortedError, RemoteError
from matahari.shell.base.outcome import CommandError
from matahari.shell.display.render import (
    error_lines,
    failure_lines,
    failure_text,
    json_line,
    printable,
    value_lines,
)
from matahari.shell.syntax.lines import split


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        (None, ["h: null"]),
        (True, ["h: true"]),
        (1.5, ["h: 1.5"]),
        (float("nan"), ["h: NaN"]),
        ("one", ["h: one"]),
        ("one\n", ["h: one"]),
        ("", ["h:"]),
        ("a\nb\n\n c\n", ["h:", "    a", "    b", "", "     c"]),
        ({"é": [1, "x"]}, ['h: {"é": [1, "x"]}']),
        ([uuid.UUID(int=1)], ['h: ["00000000-0000-0000-0000-000000000001"]']),
        (b"ab\xff", ["h: ab\\xff"]),
        ({"x": "\x1b[0m\u202e"}, ['h: {"x": "\\u001b[0m\\u202e"}']),
        ((1, object), ["h: [1, \"<class 'object'>\"]"]),
    ],
)
def test_values_are_readable(value: object, lines: list[str]) -> None:
    assert value_lines("h", value) == lines


@pytest.mark.parametrize(
    ("label", "value", "lines"),
    [
        ("web1", 5, ["web1:  5"]),
        ("web10", 5, ["web10: 5"]),
        ("日本", 5, ["日本:  5"]),
        ("日", "a\nb", ["日:", "    a", "    b"]),
        ("a-long-name", 5, ["a-long-name: 5"]),
        ("web1", "", ["web1:"]),
    ],
)
def test_values_begin_in_one_column(label: str, value: object, lines: list[str]) -> None:
    assert value_lines(label, value, len("web10")) == lines


def test_failures_begin_in_the_same_column() -> None:
    assert failure_lines("web1", RemoteError("a"), len("web10"), debug=False) == ["web1:  % a"]


def test_json_records_are_strict_json_in_ascii_on_one_line() -> None:
    line = json_line({"value": [float("inf"), "é\n", b"\xff", 2**63]})
    assert line.isascii()
    assert "\n" not in line
    assert json.loads(line) == {"value": [None, "é\n", "\\xff", 2**63]}


def test_control_characters_are_made_visible() -> None:
    assert printable("a\tb\nc") == "a\tb\nc"
    assert printable("\r\x07\x9b\u200b\U000e0001\ud800") == "\\x0d\\x07\\x9b\\u200b\\U000e0001\\ud800"


def test_a_failure_names_the_remote_type_once() -> None:
    assert failure_text(AbortedError("boom", remote_type="ValueError")) == "ValueError: boom"
    assert failure_text(AbortedError("ValueError: boom", remote_type="ValueError")) == "ValueError: boom"
    assert failure_text(RemoteError("")) == "RemoteError"
    assert failure_text(None) == "no answer"


def test_a_failure_of_several_lines_is_marked_on_each() -> None:
    assert failure_lines("h", RemoteError("a\nb"), debug=False) == ["h:", "    % a", "    % b"]


def test_a_pointer_counts_the_columns_of_wide_and_combining_characters() -> None:
    line = split("get 日e\u0301 x")[0]
    error = CommandError("Excess arguments: 'x'", position=line.words[2].start)
    assert error_lines(error, line) == ["% Excess arguments: 'x'", "%     get 日e\u0301 x", "%             ^"]


def test_a_pointer_stands_below_the_word_where_tabs_are_typed() -> None:
    line = split("get\tload x")[0]
    error = CommandError("Excess arguments: 'x'", position=9)
    assert error_lines(error, line)[1:] == ["%     get\tload x", "%        \t     ^"]


def test_an_error_without_a_column_has_no_pointer() -> None:
    assert error_lines(CommandError("a", "b"), split("x")[0]) == ["% a", "% b"]
