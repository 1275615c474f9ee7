"""Events as text and as records."""

from __future__ import annotations

import io
import json
import re

import pytest

from matahari.console import ConsoleEvent
from matahari.shell.display.output import Output
from matahari.shell.events.log import Heard
from matahari.shell.events.rows import event_record, event_text, show_event
from tests.support.fake_events import MOMENT, heartbeat

TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


def told(event: ConsoleEvent) -> str:
    text = event_text(Heard(event, MOMENT))
    assert re.match(TIME, text)
    return text[21:]


def test_an_event_is_a_line() -> None:
    assert told(heartbeat("web1")) == 'web1  org.matahariproject:heartbeat  info   {"sequence": 1}'


SEVERITIES = ["emerg", "alert", "crit ", "error", "warn ", "note ", "info ", "debug"]


@pytest.mark.parametrize(("severity", "word"), list(enumerate(SEVERITIES)))
def test_severities_have_the_words_that_they_have_in_addresses(severity: int, word: str) -> None:
    assert f":heartbeat  {word}  {{" in told(heartbeat("web1", severity=severity))


def test_agents_that_come_and_go_are_named() -> None:
    event = ConsoleEvent("agent_removed", "web1", "matahariproject.org:rpc:x")
    assert told(event) == "web1  agent_removed  info   matahariproject.org:rpc:x"


def test_an_agent_without_a_host_stands_for_itself() -> None:
    event = ConsoleEvent("event", "", "qpid.org:broker:x", "org.apache.qpid", "subscribe", 5)
    assert told(event) == "qpid.org:broker:x  org.apache.qpid:subscribe  note"


def test_what_comes_from_the_bus_is_harmless_and_on_one_line() -> None:
    values = {"text": "a\n\x1b[2Jb\u202e"}
    event = ConsoleEvent("event", "web\n1\x07", "a:b:c", "x\ty", "z\r\n", 5, MOMENT, values)
    text = told(event)
    assert "\n" not in text
    assert text.startswith("web 1\\x07  x y:z\\x0d  note ")
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_the_record_has_the_agent_s_time_in_utc() -> None:
    assert event_record(Heard(heartbeat("web1"), 0)) == {
        "host": "web1",
        "agent": "matahariproject.org:host:web1",
        "time": "2020-09-13T12:26:40.123Z",
        "kind": "event",
        "package": "org.matahariproject",
        "class": "heartbeat",
        "severity": 6,
        "values": {"sequence": 1},
    }
    record = event_record(Heard(ConsoleEvent("agent_added", "web1", "a:b:c"), MOMENT))
    assert (record["time"], record["kind"], record["class"]) == ("2020-09-13T12:26:40.123Z", "agent_added", "")


def test_the_latest_time_that_an_agent_can_send_is_shown() -> None:
    event = ConsoleEvent("event", "web1", "a:b:c", timestamp_ns=2**64 - 1)
    assert event_record(Heard(event, 0))["time"] == "2554-07-21T23:34:33.709Z"
    assert event_text(Heard(event, 0)).startswith("2554-07-2")


def test_errors_and_worse_are_red_where_there_is_colour() -> None:
    out = io.StringIO()
    output = Output(out, io.StringIO(), colour=True)
    for severity in (3, 4):
        show_event(output, Heard(heartbeat("web1", severity=severity), 0))
    first, second = out.getvalue().splitlines()
    assert first.startswith("\x1b[31m")
    assert second.startswith("20")


def test_a_record_is_one_line_of_json() -> None:
    out = io.StringIO()
    show_event(Output(out, io.StringIO(), as_json=True), Heard(heartbeat("web1"), 0))
    assert json.loads(out.getvalue())["host"] == "web1"
