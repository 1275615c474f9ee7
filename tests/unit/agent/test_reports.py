"""Reports that wait: what shares a message, what is coalesced, cut or too much."""

from __future__ import annotations

import pytest

from matahari.agent.reports import (
    BATCH_BYTES,
    GATHER,
    MAX_OUTPUT,
    MAX_VALUE,
    REPORT_INTERVAL,
    WAITING_BYTES,
    ReportBuffer,
)
from matahari.qmf import MAX_PROGRESS_TEXT, OutputReport, PartialReport, ProgressReport, Report


def drained(buffer: ReportBuffer) -> list[list[Report]]:
    """All messages."""
    batches = []
    while batch := buffer.take(10.0):
        batches.append(batch)
    return batches


def test_reports_a_moment_apart_share_a_message_and_keep_their_order() -> None:
    buffer = ReportBuffer()
    assert buffer.due() is None
    buffer.partial("1", 5.0)
    buffer.output("a\n", 5.001)
    buffer.output("b\n", 5.002)
    buffer.partial("2", 5.003)
    assert buffer.due() == 5.0 + GATHER
    assert buffer.take(5.005) == [PartialReport("1"), OutputReport("a\nb\n"), PartialReport("2")]
    assert (buffer.due(), buffer.size) == (None, 0)


def test_messages_are_never_closer_than_the_interval() -> None:
    buffer = ReportBuffer()
    buffer.output("a", 5.0)
    buffer.take(5.0)
    buffer.output("b", 5.001)
    assert buffer.due() == 5.0 + REPORT_INTERVAL
    slow = ReportBuffer(2.0)
    slow.output("a", 5.0)
    slow.take(5.0)
    slow.output("b", 5.001)
    assert slow.due() == 7.0


def test_of_several_progresses_the_last_is_sent_at_its_own_place() -> None:
    buffer = ReportBuffer()
    buffer.progress(1, 9, "one", 5.0)
    buffer.progress(2, 9, "two", 5.0)
    buffer.output("x", 5.0)
    buffer.progress(3, 9, "three", 5.0)
    buffer.partial("1", 5.0)
    assert drained(buffer) == [[OutputReport("x"), ProgressReport(3, 9, "three"), PartialReport("1")]]
    assert buffer.size == 0
    buffer.progress(4, None, "", 6.0)
    assert drained(buffer) == [[ProgressReport(4)]]


def test_progress_takes_no_more_room_however_often_it_is_told() -> None:
    buffer = ReportBuffer()
    for number in range(100_000):
        buffer.progress(number, None, "x" * 100, 5.0)
    assert buffer.size < 1000
    assert drained(buffer) == [[ProgressReport(99_999, None, "x" * 100)]]


def test_what_was_replaced_still_counts_a_little_so_that_it_cannot_pile_up() -> None:
    buffer = ReportBuffer()
    told = 0
    while not buffer.is_full:
        buffer.progress(told, None, "", 5.0)
        buffer.output("", 5.0)
        told += 1
    assert told <= WAITING_BYTES // 100
    drained(buffer)
    assert buffer.size == 0


def test_a_text_longer_than_a_line_may_be_is_cut() -> None:
    buffer = ReportBuffer()
    buffer.progress(1, None, "é" * MAX_PROGRESS_TEXT, 5.0)
    ((report,),) = drained(buffer)
    assert report == ProgressReport(1, None, "é" * (MAX_PROGRESS_TEXT // 2))


def test_a_full_message_leaves_the_rest_for_the_next() -> None:
    buffer = ReportBuffer()
    values = [str(number) * (BATCH_BYTES // 3) for number in range(7)]
    for value in values:
        buffer.partial(value, 5.0)
    assert buffer.is_full
    batches = drained(buffer)
    assert [len(batch) for batch in batches] == [2, 2, 2, 1]
    assert [one for batch in batches for one in batch] == [PartialReport(value) for value in values]
    assert not buffer.is_full


def test_a_large_value_goes_alone_and_one_that_fits_no_message_is_refused() -> None:
    buffer = ReportBuffer()
    buffer.partial("1", 5.0)
    buffer.partial("x" * MAX_VALUE, 5.0)
    buffer.partial("2", 5.0)
    assert [len(batch) for batch in drained(buffer)] == [1, 1, 1]
    for value in ("x" * (MAX_VALUE + 1), "é" * (MAX_VALUE // 2 + 1)):
        with pytest.raises(ValueError, match="bytes of JSON"):
            buffer.partial(value, 5.0)
    assert buffer.size == 0


def test_small_pieces_of_output_are_joined_and_large_ones_are_not() -> None:
    buffer = ReportBuffer()
    for _ in range(100_000):
        buffer.output("x", 5.0)
    ((first, *others),) = drained(buffer)
    assert isinstance(first, OutputReport)
    assert len(first.chunk) > 60_000
    assert len(others) == 1


def test_output_beyond_its_limit_is_left_out_and_the_end_says_how_much() -> None:
    buffer = ReportBuffer()
    piece = "x" * 50_000
    for _ in range(30):
        buffer.output(piece, 5.0)
        buffer.take(5.0)
    buffer.output("é", 5.0)
    buffer.finish(6.0)
    ((last,),) = drained(buffer)
    assert isinstance(last, OutputReport)
    sent = MAX_OUTPUT // 50_000 * 50_000
    assert last.chunk == f"\n… {30 * 50_000 - sent + 2} bytes of output were left out: a call may have {MAX_OUTPUT} …\n"


def test_what_has_no_form_on_the_bus_is_escaped_or_refused() -> None:
    buffer = ReportBuffer()
    buffer.output("a\ud800", 5.0)
    assert drained(buffer) == [[OutputReport("a\\ud800")]]
    with pytest.raises(ValueError, match="surrogates"):
        buffer.partial('"\ud800"', 5.0)


def test_a_call_within_its_limit_says_nothing_at_its_end() -> None:
    buffer = ReportBuffer()
    buffer.output("x", 5.0)
    buffer.take(5.0)
    buffer.finish(6.0)
    assert drained(buffer) == []
