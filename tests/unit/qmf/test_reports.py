"""Reports of running calls, on the wire and back."""

from __future__ import annotations

import math

import pytest

from matahari.errors import RemoteProtocolError
from matahari.qmf import (
    MAX_PROGRESS_TEXT,
    MAX_REPORTS,
    OutputReport,
    PartialReport,
    ProgressReport,
    Report,
    Value,
    decode_list,
    encode_list,
    read_reports,
)
from matahari.qmf.reports import read_count, report_map

CASES: list[tuple[Report, dict[str, Value]]] = [
    (ProgressReport(1, 2, "half"), {"kind": "progress", "done": 1, "total": 2, "text": "half"}),
    (ProgressReport(-0.5), {"kind": "progress", "done": -0.5, "total": None, "text": ""}),
    (OutputReport("é\n"), {"kind": "output", "chunk": "é\n"}),
    (OutputReport("x" * 70_000), {"kind": "output", "chunk": "x" * 70_000}),
    (PartialReport('{"a": 1}'), {"kind": "partial", "value": '{"a": 1}'}),
]


@pytest.mark.parametrize(("report", "sent"), CASES)
def test_a_report_is_a_map_and_comes_back(report: Report, sent: dict[str, Value]) -> None:
    made = report_map(report, 7)
    assert made == {"seq": 7, **sent}
    assert read_reports(decode_list(encode_list([made]))) == [(7, report)]


def test_text_may_be_binary_and_progress_without_a_text_is_one() -> None:
    assert read_reports([{"seq": 1, "kind": b"output", "chunk": b"x"}]) == [(1, OutputReport("x"))]
    assert read_reports([{"seq": 1, "kind": "progress", "done": 1}]) == [(1, ProgressReport(1))]


def test_a_kind_of_a_later_version_keeps_its_number() -> None:
    assert read_reports([{"seq": 3, "kind": "smell", "of": "cheese"}]) == [(3, None)]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "reports"),
        (None, "reports"),
        ([{"seq": 1, "kind": "output", "chunk": ""}] * (MAX_REPORTS + 1), "reports"),
        ([1], "[0]"),
        ([{"kind": "output", "chunk": ""}], "[0].seq"),
        ([{"seq": 0, "kind": "output", "chunk": ""}], "[0].seq"),
        ([{"seq": True, "kind": "output", "chunk": ""}], "[0].seq"),
        ([{"seq": 2**60, "kind": "output", "chunk": ""}], "[0].seq"),
        ([{"seq": "1", "kind": "output", "chunk": ""}], "[0].seq"),
        ([{"seq": 1, "chunk": ""}], "[0].kind"),
        ([{"seq": 1, "kind": 5}], "[0].kind"),
        ([{"seq": 1, "kind": "output"}], "[0].chunk"),
        ([{"seq": 1, "kind": "output", "chunk": b"\xff"}], "[0].chunk"),
        ([{"seq": 1, "kind": "partial", "value": 1}], "[0].value"),
        ([{"seq": 1, "kind": "progress"}], "[0].done"),
        ([{"seq": 1, "kind": "progress", "done": True}], "[0].done"),
        ([{"seq": 1, "kind": "progress", "done": math.inf}], "[0].done"),
        ([{"seq": 1, "kind": "progress", "done": 1, "total": "2"}], "[0].total"),
        ([{"seq": 1, "kind": "progress", "done": 1, "text": None}], "[0].text"),
        ([{"seq": 1, "kind": "progress", "done": 1, "text": "é" * MAX_PROGRESS_TEXT}], "[0].text"),
        ([{"seq": 1, "kind": "output", "chunk": ""}, {"seq": 2}], "[1].kind"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(body: Value, path: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        read_reports(body)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ({"_matahari": {"reports": 0}}, 0),
        ({"_matahari": {"reports": 12, "more": 1}}, 12),
        ({"_matahari": {"reports": -1}}, None),
        ({"_matahari": {"reports": True}}, None),
        ({"_matahari": {"reports": 1.0}}, None),
        ({"_matahari": {}}, None),
        ({"_matahari": 3}, None),
        ({}, None),
        ([], None),
    ],
)
def test_an_answer_may_say_how_many_there_were(body: Value, count: int | None) -> None:
    assert read_count(body) == count
