"""Formats behind a pipe: what rows look like in them."""

from __future__ import annotations

import csv
import io
import json

import pytest
import yaml

from matahari.shell.base.outcome import ExitStatus
from matahari.shell.display.output import Output, Row
from matahari.shell.pipes.formats import MAX_HELD_ROWS, Csv, Json, Table, Yaml
from matahari.shell.pipes.stages import Stage
from tests.support.pipes import Made, answer, made


def lines_of(made: Made, *records: dict[str, object]) -> list[str]:
    for record in records:
        made.stage.take(Row(("as text",), record))
    assert made.stage.end() is ExitStatus.OK
    return [line for row in made.rows for line in row.lines]


def test_json_has_the_record_of_each_row_as_it_comes() -> None:
    one = made(Json)
    record: dict[str, object] = {"host": "web1", "value": float("nan"), "text": "é"}
    one.stage.take(Row(("web1: x",), record, failed=True))
    assert one.rows == [Row(('{"host": "web1", "value": null, "text": "\\u00e9"}',), record)]


def test_yaml_has_a_document_for_each_row_as_it_comes() -> None:
    one = made(Yaml)
    record: dict[str, object] = {"host": "wéb1", "value": {"a": [1, None, True], "no": "no"}, "log": "one\ntwo\n"}
    one.stage.take(Row(("wéb1: x",), record))
    assert one.rows[0].lines == (
        "---\nhost: wéb1\nvalue:\n  a:\n  - 1\n  - null\n  - true\n  'no': 'no'\nlog: |\n  one\n  two",
    )
    assert yaml.safe_load(one.rows[0].lines[0] + "\n") == record


@pytest.mark.parametrize("text", ["\u202e", "\x1b[31m", "\ud800", "a\u200fb\n", "\r\n", "\x7f", " \n", "---\n", "\t\n"])
def test_yaml_is_harmless_for_a_terminal_and_is_read_back(text: str) -> None:
    said = lines_of(made(Yaml), {"value": text})[0]
    assert not set(text) & set("\u202e\u200f\x1b\ud800\r\x7f") & set(said)
    assert yaml.safe_load(said + "\n") == {"value": text} or "\ud800" in text


def test_a_table_has_the_host_first_and_as_many_columns_as_there_are_keys() -> None:
    said = lines_of(
        made(Table), {"uuid": "1", "host": "web1"}, {"host": "database", "uuid": "22", "more": [1, {"a": 2}]}
    )
    assert said == ["HOST      UUID  MORE", "web1      1", 'database  22    [1,{"a":2}]']


def test_a_table_of_answers_has_host_value_and_error() -> None:
    said = lines_of(made(Table), answer("db1", [1]), answer("web1", None), answer("web2", "% no", ok=False))
    assert said == ["HOST  VALUE  ERROR", "db1   [1]", "web1  null", "web2         % no"]


def test_a_table_of_answers_has_no_column_that_stays_empty() -> None:
    assert lines_of(made(Table), answer("db1", 1), answer("web1", "x")) == ["HOST  VALUE", "db1   1", "web1  x"]
    assert lines_of(made(Table), answer("db1", "no", ok=False)) == ["HOST  ERROR", "db1   no"]


def test_a_table_of_answers_names_objects_where_a_host_has_several() -> None:
    said = lines_of(made(Table), answer("db1", 1, object="data"), answer("db1", 2, object="log"))
    assert said == ["HOST  OBJECT  VALUE", "db1   data    1", "db1   log     2"]


def test_a_table_keeps_what_is_not_obvious_of_an_answer() -> None:
    said = lines_of(made(Table), answer("db1", 1, mismatch="not as declared"), answer("web1", 2))
    assert said == ["HOST  VALUE  MISMATCH", "db1   1      not as declared", "web1  2"]


def test_texts_of_several_lines_stay_in_their_column_and_in_their_row() -> None:
    one = made(Table)
    said = lines_of(one, answer("web1", "a\n\nbc\n"), answer("db1", "no\nwhy", ok=False), answer("db2", "x"))
    assert said == ["HOST  VALUE  ERROR", "web1  a\n\n      bc", "db1          no\n             why", "db2   x"]


def test_wide_characters_take_two_columns_of_a_table() -> None:
    assert lines_of(made(Table), {"a": "日本", "b": 1}, {"a": "x", "b": 2}) == ["A     B", "日本  1", "x     2"]


def test_a_cell_that_is_very_wide_does_not_widen_its_column() -> None:
    said = lines_of(made(Table), {"a": "x" * 61, "b": 1}, {"a": "y" * 60, "b": 2}, {"a": "z", "b": 3})
    assert said[1:] == ["x" * 61 + "  1", "y" * 60 + "  2", "z" + " " * 61 + "3"]


def test_a_table_waits_for_a_thousand_rows_and_then_goes_on_with_the_columns_so_far() -> None:
    one = made(Table)
    for number in range(MAX_HELD_ROWS - 1):
        one.stage.take(Row(("",), {"a": number, "b": 0}))
    assert not one.rows
    one.stage.take(Row(("",), {"a": 0, "b": 0}))
    assert len(one.rows) == 1 + MAX_HELD_ROWS
    one.stage.take(Row(("",), {"b": 1, "a": "wide", "c": 3, "d": None}))
    assert one.rows[-1].lines == ("wide  1",)
    one.stage.end()
    assert one.err() == "% not shown, because they came after the columns were known: c\n"


def test_a_long_table_of_answers_keeps_the_column_of_errors_that_may_follow() -> None:
    one = made(Table)
    for _ in range(MAX_HELD_ROWS):
        one.stage.take(Row(("",), answer("h", 1)))
    one.stage.take(Row(("",), answer("i", "no", ok=False), failed=True))
    assert one.rows[0].lines == ("HOST  OBJECT  VALUE  ERROR",)
    assert one.rows[-1] == Row(("i     o              no",), answer("i", "no", ok=False), failed=True)


def test_large_values_end_the_wait_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matahari.shell.pipes.formats.MAX_HELD_CHARS", 10)
    one = made(Csv)
    one.stage.take(Row(("",), {"a": "x" * 9}))
    assert not one.rows
    one.stage.take(Row(("",), {"a": "y"}))
    assert [row.lines[0] for row in one.rows] == ["a", "x" * 9, "y"]


def test_csv_is_read_back_whatever_is_in_it() -> None:
    texts = ["a,b", 'say "x"', "two\nlines", "", " ", "'", "tab\there"]
    records: list[dict[str, object]] = [{"text": text, "more": [text]} for text in texts]
    said = lines_of(made(Csv), *records)
    assert said[0] == "text,more"
    read = list(csv.DictReader(io.StringIO("\n".join(said) + "\n", newline="")))
    assert [row["text"] for row in read] == texts
    assert [json.loads(row["more"]) for row in read] == [[text] for text in texts]


def test_csv_has_all_keys_in_their_order() -> None:
    said = lines_of(made(Csv), answer("web1", None), answer("web2", "no", ok=False, kind="busy"))
    assert said == [
        "host,agent,class,object,name,ok,value,error,duration,kind",
        "web1,a,p:C,o,m,true,,,0.5,",
        'web2,a,p:C,o,m,false,,"{""code"":""x"",""text"":""no"",""type"":""E""}",0.5,busy',
    ]


@pytest.mark.parametrize("form", [Table, Csv])
def test_control_characters_stay_out_of_tables(form: type[Stage]) -> None:
    said = lines_of(made(form), {"a\x1b": "x\x1b[31m\r", "b": ["\u202e"]})
    assert not {"\x1b", "\r", "\u202e"} & set("".join(said))


@pytest.mark.parametrize("form", [Table, Csv])
def test_reports_of_a_running_call_are_no_rows_of_a_table(form: type[Stage]) -> None:
    one = made(form)
    one.stage.take(Row(("",), {"host": "web1", "report": "output", "chunk": "x"}))
    assert one.stage.end() is ExitStatus.OK
    assert not one.rows


@pytest.mark.parametrize("form", [Table, Csv, Json, Yaml])
def test_a_form_of_a_form_has_no_heading_among_its_rows(form: type[Stage]) -> None:
    one = made(form)
    one.stage.take(Row(("HOST",), {}, is_heading=True))
    one.stage.take(Row(("web1",), {"host": "web1"}))
    one.stage.end()
    assert [row.record for row in one.rows if not row.is_heading] == [{"host": "web1"}]
    assert len([row for row in one.rows if row.is_heading]) == (form in (Table, Csv))


@pytest.mark.parametrize("form", [Table, Csv])
def test_a_dropped_table_says_nothing(form: type[Stage]) -> None:
    one = made(form)
    one.stage.take(Row(("",), {"a": 1}))
    one.stage.drop()
    one.stage.end()
    assert not one.rows


def test_a_row_without_lines_is_shown_as_its_record() -> None:
    out = io.StringIO()
    Output(out, io.StringIO()).row((), {"a": 1})
    assert out.getvalue() == '{"a": 1}\n'
