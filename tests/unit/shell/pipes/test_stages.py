"""Stages that choose and count rows."""

from __future__ import annotations

from functools import partial

import pytest

from matahari.shell.base.outcome import ExitStatus
from matahari.shell.display.output import Row
from matahari.shell.pipes.stages import Count, Grep, Head
from tests.support.pipes import Made, made

HEADING = Row(("HOST",), {}, is_heading=True)
BLOCK = Row(("web1:", "    one two", "", "      three", "    four"), {"host": "web1"}, failed=True)


def grep(part: str, *, is_inverted: bool = False) -> Made:
    return made(partial(Grep, matches=lambda line: part in line, is_inverted=is_inverted))


def rows(*texts: str) -> list[Row]:
    return [Row((text,), {"text": text}) for text in texts]


def passed(one: Made, *given: Row) -> list[Row]:
    for row in given:
        one.stage.take(row)
    return one.rows


def test_grep_keeps_rows_that_match_and_the_heading() -> None:
    given = rows("web1", "db1", "web2")
    assert passed(grep("web"), HEADING, *given) == [HEADING, given[0], given[2]]
    assert passed(grep("web", is_inverted=True), HEADING, *given) == [HEADING, given[1]]


def test_grep_shows_the_matching_lines_of_an_answer_each_behind_its_host() -> None:
    kept = passed(grep("o"), BLOCK)
    assert kept == [Row(("web1: one two", "web1: four"), BLOCK.record, failed=True)]
    kept = passed(grep("o", is_inverted=True), BLOCK)
    assert kept == [Row(("web1:", "web1:   three"), BLOCK.record, failed=True)]


@pytest.mark.parametrize("part", ["web1", "web1:", ":"])
def test_an_answer_whose_host_matches_passes_as_it_is(part: str) -> None:
    assert passed(grep(part), BLOCK) == [BLOCK]


def test_grep_takes_lines_without_a_host_one_by_one() -> None:
    lines = ("db1: % boom", "    File calc.py, line 3", "other:")
    assert passed(grep("calc"), Row(lines, {}))[0].lines == ("    File calc.py, line 3",)


def test_a_line_with_breaks_in_it_passes_as_a_whole() -> None:
    assert passed(grep("two"), *rows("one\ntwo")) == rows("one\ntwo")


def test_grep_has_status_1_when_nothing_matched() -> None:
    one = grep("web")
    passed(one, HEADING, *rows("db1"))
    assert one.stage.end() is ExitStatus.NOTHING_MATCHED
    passed(one, *rows("web1"))
    assert one.stage.end() is ExitStatus.OK


@pytest.mark.parametrize(("as_json", "text"), [(False, "2"), (True, '{"count": 2}')])
def test_count_gives_the_number_of_rows_at_the_end(as_json: bool, text: str) -> None:
    one = made(Count, as_json=as_json)
    assert passed(one, HEADING, BLOCK, *rows("x")) == []
    assert one.stage.end() is ExitStatus.OK
    assert [(row.lines, row.record) for row in one.rows] == [((text,), {"count": 2})]


def test_count_gives_nothing_for_a_command_that_was_not_run() -> None:
    one = made(Count)
    one.stage.drop()
    assert one.rows == []


@pytest.mark.parametrize(("limit", "number"), [(0, 0), (1, 1), (3, 3), (4, 3)])
def test_head_keeps_the_first_rows_and_counts_no_heading(limit: int, number: int) -> None:
    given = rows("a", "b", "c")
    kept = passed(made(partial(Head, limit=limit)), HEADING, *given)
    assert kept == ([HEADING, *given[:number]] if limit else [])
