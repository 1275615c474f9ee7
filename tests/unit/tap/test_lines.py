"""Lines and records."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from uuid import UUID

import pytest

from matahari.qmf import Packet, Value
from matahari.tap.lines import json_record, line
from matahari.tap.names import Agent
from matahari.tap.reading import Reading
from matahari.tap.sighting import Delivery, Sighting
from matahari.tap.text import width

NS = 1_795_357_655_177_821_932
CALL = Sighting(
    NS,
    Delivery(b"x" * 412, "qmf.default.direct", "x.org:rpc:1", "#", login="ops", delivered=1),
    Reading(packet=Packet("_method_request", reply_to="qmf.default.direct/k", correlation_id="7"), user_id="ops"),
    "call",
    sender="ops@console-1",
    receiver="web1/rpc",
    agent=Agent("x.org:rpc:1", "web1", "rpc"),
    package="p.q",
    class_name="db",
    object_name="12345678-1234-1234-1234-123456789abc",
    method="login",
    contents={"args": ['"joe"'], "kwargs": {}},
    number=3,
)
RESULT = replace(
    CALL, opcode="result", sender="web1/rpc", receiver="console-1", contents={"result": "x"}, latency=0.0123
)


def shown(seen: Sighting, columns: int | None = 200) -> str:
    """A line without its time, which depends on the time zone."""
    text = line(seen, columns=columns)
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.177", text[:12])
    return text[14:]


def test_a_call_is_one_line() -> None:
    assert (
        shown(CALL) == "ops@console-1 -> web1/rpc  call        db[12345678].login(args=['\"joe\"'], kwargs={})  412 B"
    )


def test_an_answer_has_its_latency() -> None:
    assert shown(RESULT) == 'web1/rpc -> console-1  result      db.login = result="x"  412 B  12.3 ms'
    assert shown(replace(RESULT, latency=2.5)).endswith("412 B  2.50 s")


def test_a_full_line_has_everything() -> None:
    assert "p.q:db[12345678-1234-1234-1234-123456789abc].login(" in shown(CALL, None)


@pytest.mark.parametrize("columns", [80, 100, 120])
def test_a_line_fits_its_terminal(columns: int) -> None:
    for contents in ("x" * 5000, "漢" * 5000, "\x1b" * 5000):
        text = line(replace(CALL, contents={"args": [contents]}), columns=columns)
        assert width(text) <= columns
        assert text.endswith("412 B")
        assert "\x1b" not in text


def test_a_failure_is_marked() -> None:
    failed = replace(RESULT, opcode="exception", error="7 ValueError: no\x1b[31m good")
    assert "db.login ERROR 7 ValueError: no\\x1b[31m good" in shown(failed)


def test_colours_are_added_and_nothing_else() -> None:
    for seen in (CALL, replace(RESULT, opcode="exception", error="7 boom")):
        coloured = line(seen, columns=120, colour=True)
        assert "\x1b[" in coloured
        assert re.sub(r"\x1b\[\d*m", "", coloured) == line(seen, columns=120)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (replace(RESULT, opcode="objects", contents=[], items=0, method="", object_name=""), "db (0)  412 B"),
        (
            replace(RESULT, opcode="objects", contents=[{"n": 1}] * 2, items=2, part=2, is_last=False, method=""),
            "(2) [{n=1}, {n=1}]  part 2  412 B",
        ),
        (replace(RESULT, opcode="objects", contents=[{}], items=1, part=3, method=""), "part 3, last  412 B"),
        (replace(CALL, contents=None), ".login()"),
        (
            replace(
                CALL,
                opcode="heartbeat",
                contents={"_epoch": 1, "hostname": "web1"},
                method="",
                class_name="",
                package="",
                object_name="",
            ),
            'heartbeat   {hostname="web1"}',
        ),
        (
            replace(CALL, opcode="other", contents=None, method="", class_name="", package="", object_name=""),
            "other       _method_request",
        ),
        (
            replace(CALL, opcode="other", contents=[1], method="", class_name="", package="", object_name=""),
            "other       _method_request [1]",
        ),
        (
            replace(CALL, opcode="foreign", contents="hi", method="", class_name="", package="", object_name=""),
            'foreign     "hi"',
        ),
    ],
)
def test_each_kind_of_message_shows_what_it_is_about(seen: Sighting, expected: str) -> None:
    assert expected in shown(seen)


def test_a_record_has_every_documented_member() -> None:
    record = json.loads(json_record(RESULT))
    assert record == {
        "time": "2026-11-22T14:27:35.177+00:00", "time_ns": NS, "opcode": "result", "from": "web1/rpc",
        "to": "console-1", "agent": "x.org:rpc:1", "host": "web1", "product": "rpc", "login": "ops", "user_id": "ops",
        "node": "qmf.default.direct", "key": "x.org:rpc:1", "reply_to": "qmf.default.direct/k", "correlation_id": "7",
        "package": "p.q", "class": "db", "object": CALL.object_name, "method": "login", "contents": {"result": "x"},
        "items": 0, "part": None, "last": True, "error": None, "malformed": False, "size": 412, "latency_ms": 12.3,
        "request": 3, "delivered": 1, "masked": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"text", "text"),
        (b"\xff", {"hex": "ff"}),
        (UUID(int=1), str(UUID(int=1))),
        (float("inf"), "inf"),
        ("\x1b\udcff", "\x1b\udcff"),
    ],
)
def test_values_are_given_in_the_types_of_json(value: Value, shown: object) -> None:
    text = json_record(replace(CALL, contents=[value]))
    assert text.isascii()
    assert "\n" not in text
    assert json.loads(text)["contents"] == [shown]
