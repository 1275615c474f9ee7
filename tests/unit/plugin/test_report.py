"""What an action may tell while it runs."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from matahari.plugin import Context, context, event, output, progress, report_to, running


class Ear:
    """A reporter that remembers."""

    def __init__(self) -> None:
        self.heard: list[tuple[object, ...]] = []

    def progress(self, done: float, total: float | None, text: str) -> None:
        self.heard.append(("progress", done, total, text))

    def output(self, chunk: str) -> None:
        self.heard.append(("output", chunk))

    def event(self, name: str, severity: int, fields: str) -> None:
        self.heard.append(("event", name, severity, fields))


@pytest.fixture(autouse=True)
def _nobody_listens_afterwards() -> Iterator[None]:
    yield
    report_to(None)


def test_reports_reach_the_call_that_runs() -> None:
    ear = Ear()
    with running(Context("disk", reporter=ear)):
        progress(1, 3, "one")
        progress(0.5)
        output("text\n")
        event("full", severity=4, disk="a", name="b")
    assert ear.heard == [
        ("progress", 1, 3, "one"),
        ("progress", 0.5, None, ""),
        ("output", "text\n"),
        ("event", "full", 4, '{"disk": "a", "name": "b"}'),
    ]


def test_without_a_worker_reports_go_nowhere() -> None:
    for call in (running(Context("disk")), running(Context("disk", reporter=None))):
        with call:
            progress(1)
            output("x")
            event("full")
    progress(1)
    output("x")
    event("full")


def test_events_of_a_thread_without_a_call_are_heard_too() -> None:
    ear = Ear()
    report_to(ear)
    event("full")
    output("not this")
    assert ear.heard == [("event", "full", 6, "{}")]


def test_wrong_reports_are_the_authors_error_also_without_a_worker() -> None:
    for done, total in (("1", None), (True, None), (1, "2"), (float("nan"), None), (1, float("inf"))):
        with pytest.raises((TypeError, ValueError)):
            progress(done, total)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(TypeError):
        progress(1, 2, 3)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(TypeError):
        output(b"x")  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize(
    ("name", "severity", "fields"),
    [
        (1, 6, {}),
        ("", 6, {}),
        ("x" * 256, 6, {}),
        ("n", 8, {}),
        ("n", -1, {}),
        ("n", True, {}),
        ("n", 6, {"a": {1}}),
        ("n", 6, {"a": float("inf")}),
        ("n", 6, {"a": "\ud800"}),
    ],
)
def test_a_wrong_event_is_refused(name: str, severity: int, fields: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError)):
        event(name, severity, **fields)


def test_the_context_has_facts_settings_and_a_logger(caplog: pytest.LogCaptureFixture) -> None:
    with running(Context("disk", "r1", facts={"os": "debian"}, settings={"roots": ["/tmp"]})):
        assert context().facts["os"] == "debian"
        assert context().settings["roots"] == ["/tmp"]
        with caplog.at_level(logging.INFO):
            context().logger.info("%d disks", 3)
    assert [(record.name, record.getMessage()) for record in caplog.records] == [("disk", "[r1] 3 disks")]
    assert dict(Context("disk").facts) == dict(Context("disk").settings) == {}
