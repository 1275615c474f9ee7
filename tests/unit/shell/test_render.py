from __future__ import annotations

import json
import uuid

import pytest

from matahari.console import ClassName, RemoteObject
from matahari.errors import AbortedError, RemoteError
from matahari.qmf import ObjectId, Schema, SchemaId
from matahari.shell.lines import split
from matahari.shell.outcome import CommandError, ExitStatus
from matahari.shell.render import (
    Tally,
    error_lines,
    failure_lines,
    failure_text,
    json_line,
    labels,
    printable,
    value_lines,
)


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


def test_an_error_without_a_column_has_no_pointer() -> None:
    assert error_lines(CommandError("a", "b"), split("x")[0]) == ["% a", "% b"]


@pytest.mark.parametrize(
    ("tally", "text", "status"),
    [
        (Tally(0, 0), "0 hosts: 0 answered, 0 failed, 0 silent", ExitStatus.NOTHING_MATCHED),
        (Tally(1, 1, 1), "1 host: 1 answered, 0 failed, 0 silent", ExitStatus.OK),
        (Tally(3, 3, 1, 1), "3 hosts: 1 answered, 1 failed, 1 silent", ExitStatus.SOME_FAILED),
        (Tally(2, 3, 0, 0), "2 hosts, 3 objects: 0 answered, 0 failed, 3 silent", ExitStatus.NONE_ANSWERED),
        (Tally(2, 2, 0, 2), "2 hosts: 0 answered, 2 failed, 0 silent", ExitStatus.SOME_FAILED),
    ],
)
def test_the_closing_line_and_status_follow_the_counts(tally: Tally, text: str, status: ExitStatus) -> None:
    assert (str(tally), tally.status) == (text, status)


def test_objects_of_an_agent_without_a_host_are_called_by_the_agent() -> None:
    """The broker's own agent tells no host."""
    name, schema = ClassName("p", "C"), Schema(SchemaId("p", "C"))
    found = [
        RemoteObject(host, agent, one, name, {}, ObjectId(agent, one), schema)
        for host, agent, one in (("web1", "a:b:1", "x"), ("", "q:q:1", "x"), ("", "q:q:2", "x"), ("", "q:q:2", "y"))
    ]
    assert list(labels(found).values()) == ["web1", "q:q:1", "q:q:2[x]", "q:q:2[y]"]
