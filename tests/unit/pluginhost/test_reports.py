"""Limits of what a running call may tell, with a clock of our own."""

from __future__ import annotations

import pytest

from matahari.hostproto import MAX_CHUNK, MAX_NOTE, Output, Partial, PluginEvent, Progress
from matahari.pluginhost import reports
from matahari.pluginhost.reports import MAX_OUTPUT, CallReporter, EventBudget, Report, TooMuch


class Desk:
    """A reporter of call 7, and what it has sent."""

    def __init__(self, call: int | None = 7) -> None:
        self.now = 100.0
        self.sent: list[Report] = []
        self.events = EventBudget(lambda: self.now)
        self.reporter = CallReporter(call, "p", self.sent.append, self.events, lambda: self.now)


def test_progress_is_thinned_out_and_the_last_is_never_lost() -> None:
    desk = Desk()
    for done in range(10):
        desk.reporter.progress(done, 10, "")
    assert desk.sent == [Progress(7, 0, 10)]
    desk.now += 1
    desk.reporter.progress(10, 10, "x")
    desk.reporter.progress(11, 10, "y")
    desk.reporter.close()
    assert desk.sent == [Progress(7, 0, 10), Progress(7, 10, 10, "x"), Progress(7, 11, 10, "y")]


def test_what_is_held_back_comes_before_what_follows() -> None:
    desk = Desk()
    desk.reporter.progress(1, None, "")
    desk.reporter.progress(2, None, "")
    desk.reporter.output("a")
    desk.reporter.partial("1")
    assert desk.sent == [Progress(7, 1), Progress(7, 2), Output(7, "a"), Partial(7, "1")]


def test_the_text_of_progress_is_a_line() -> None:
    desk = Desk()
    desk.reporter.progress(1, None, "\u20ac" * MAX_NOTE)
    (sent,) = desk.sent
    assert isinstance(sent, Progress)
    assert MAX_NOTE - 3 < len(sent.text.encode()) <= MAX_NOTE


@pytest.mark.parametrize("letter", ["x", "\u20ac", "\U0001f600"])
def test_long_output_is_cut_into_chunks_that_fit(letter: str) -> None:
    desk = Desk()
    text = letter * 100_000
    desk.reporter.output(text)
    chunks = [report.chunk for report in desk.sent if isinstance(report, Output)]
    assert "".join(chunks) == text
    assert all(len(chunk.encode()) <= MAX_CHUNK for chunk in chunks)


def test_output_beyond_the_limit_is_left_out_and_said_once() -> None:
    desk = Desk()
    for _ in range(MAX_OUTPUT // MAX_CHUNK + 5):
        desk.reporter.output("x" * MAX_CHUNK)
    desk.reporter.output("y")
    chunks = [report.chunk for report in desk.sent if isinstance(report, Output)]
    assert sum(chunk.startswith("x") for chunk in chunks) == MAX_OUTPUT // MAX_CHUNK
    assert [chunk for chunk in chunks if not chunk.startswith("x")] == [
        f"\n… more than {MAX_OUTPUT} bytes of output are left out …\n"
    ]


def test_the_end_says_how_much_output_was_left_out() -> None:
    desk = Desk()
    for _ in range(MAX_OUTPUT // MAX_CHUNK + 2):
        desk.reporter.output("x" * MAX_CHUNK)
    desk.reporter.output("\u20ac")
    desk.reporter.close()
    desk.reporter.close()
    assert desk.sent[-1] == Output(7, f"… {2 * MAX_CHUNK + 3} bytes of output were left out …\n")
    assert len(desk.sent) == MAX_OUTPUT // MAX_CHUNK + 2


def test_lone_surrogates_do_not_break_the_connection() -> None:
    desk = Desk()
    desk.reporter.output("\ud800")
    desk.reporter.progress(1, None, "\ud800")
    assert desk.sent == [Output(7, "\\ud800"), Progress(7, 1, None, "\\ud800")]


def test_after_the_answer_only_events_are_sent_and_belong_to_no_call() -> None:
    desk = Desk()
    desk.reporter.close()
    desk.reporter.progress(1, None, "")
    desk.reporter.output("x")
    desk.reporter.partial("1")
    desk.reporter.event("late", 6, "{}")
    assert desk.sent == [PluginEvent(None, "late")]


def test_events_have_a_rate_and_a_size(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    for _ in range(1000):
        desk.reporter.event("e", 3, "{}")
    assert desk.sent == [PluginEvent(7, "e", "{}", 3)] * 100
    assert len(caplog.records) == 1
    desk.now += 1
    for _ in range(1000):
        desk.reporter.event("e", 3, "{}")
    assert len(desk.sent) == 120
    with pytest.raises(ValueError, match="at most"):
        desk.reporter.event("e", 3, '"' + "x" * MAX_CHUNK + '"')


def test_a_call_yields_only_so_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MAX_STREAM", 10)
    desk = Desk()
    desk.reporter.partial("12345")
    desk.reporter.partial('"\u20ac"')
    with pytest.raises(TooMuch):
        desk.reporter.partial("1")
    assert len(desk.sent) == 2
