"""Reports of calls through the console engine: whose they are, in which order, and what was lost."""

from __future__ import annotations

import pytest

from matahari.qmf import (
    METHOD_CANCEL_INDICATION,
    METHOD_INDICATION,
    CallCompleted,
    CallOptions,
    CallReported,
    ConsoleEngine,
    Data,
    ObjectId,
    OutputReport,
    Packet,
    Query,
    QueryTarget,
    RequestExpired,
    RequestFailed,
    SchemaId,
    Value,
)
from matahari.qmf import console as module
from tests.support.qmf_talk import NAME, REPLY_TO, a_console, an_agent, events, sent

STREAM = CallOptions(True, 5.0)


def asked(console: ConsoleEngine, options: CallOptions | None = STREAM) -> int:
    """Begin a call at 0.0 that may take 6 s."""
    return console.call(NAME, ObjectId(NAME, "thing-0"), "resize", {"to": 1}, 0.0, 6.0, options=options)


def output(number: int, text: str = "x") -> Value:
    return {"seq": number, "kind": "output", "chunk": text}


def told(request: int, *items: Value, agent: str | None = NAME) -> Packet:
    return Packet(METHOD_INDICATION, list(items), agent=agent, correlation_id=str(request), method="indication")


def answer(request: int, more: Value = None) -> Packet:
    body: dict[str, Value] = {"_arguments": {}}
    if more is not None:
        body["_matahari"] = more
    return Packet("_method_response", body, agent=NAME, correlation_id=str(request))


def test_a_request_says_what_is_wanted_and_a_plain_one_says_nothing_of_it() -> None:
    console = a_console(an_agent())
    asked(console)
    asked(console, None)
    (_, wanting), (_, plain) = sent(console)
    assert isinstance(wanting.body, dict) and isinstance(plain.body, dict)
    assert wanting.body.pop("_matahari") == {"stream": True, "timeout": 5.0}
    assert wanting.body == plain.body


def test_reports_are_told_in_order_and_before_the_answer() -> None:
    console = a_console(an_agent())
    request = asked(console)
    console.receive(told(request, output(1, "a"), output(2, "b")), 1.0)
    console.receive(told(request, output(3, "c")), 2.0)
    console.receive(answer(request, {"reports": 3}), 3.0)
    assert events(console) == [
        CallReported(request, NAME, [OutputReport("a"), OutputReport("b")]),
        CallReported(request, NAME, [OutputReport("c")]),
        CallCompleted(request, NAME, {}),
    ]


def test_a_gap_is_told_as_a_loss_and_a_repetition_not_at_all() -> None:
    console = a_console(an_agent())
    request = asked(console)
    console.receive(told(request, output(3), output(3), output(6)), 1.0)
    console.receive(told(request, output(6), output(2)), 2.0)
    assert events(console) == [CallReported(request, NAME, [OutputReport("x"), OutputReport("x")], 4)]
    console.receive(told(request, {"seq": 7, "kind": "smell"}), 3.0)
    assert events(console) == [CallReported(request, NAME, [], 1)]


def test_what_was_lost_before_the_answer_is_told_with_it() -> None:
    console = a_console(an_agent())
    request, failing = asked(console), asked(console)
    console.receive(told(request, output(1)), 1.0)
    console.receive(answer(request, {"reports": 4}), 2.0)
    failed: Value = {"_values": {"error_text": "no"}, "_matahari": {"reports": 2}}
    console.receive(Packet("_exception", failed, agent=NAME, correlation_id=str(failing)), 2.0)
    assert events(console)[1:] == [
        CallReported(request, NAME, [], 3),
        CallCompleted(request, NAME, {}),
        CallReported(failing, NAME, [], 2),
        RequestFailed(failing, NAME, Data({"error_text": "no"})),
    ]


def test_reports_that_were_not_asked_for_are_ignored() -> None:
    console = a_console(an_agent())
    plain = asked(console, None)
    limited = asked(console, CallOptions(False, 3.0))
    query = console.query(NAME, Query(QueryTarget.OBJECT, schema_id=SchemaId("p", "C")), 0.0, 6.0)
    wanted = asked(console)
    ignored = console.statistics()["ignored"]
    for packet in (
        told(plain, output(1)),
        told(limited, output(1)),
        told(query, output(1)),
        told(99, output(1)),
        told(wanted, output(1), agent="other:x:2"),
        told(wanted, output(0)),
        told(wanted, "nonsense"),
    ):
        console.receive(packet, 1.0)
    assert events(console) == []
    assert console.statistics()["ignored"] == ignored + 7
    console.receive(answer(plain, {"reports": 5}), 1.0)
    assert events(console) == [CallCompleted(plain, NAME, {})]


def test_reports_that_the_owner_does_not_fetch_are_lost_and_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_QUEUED_EVENTS", 1)
    console = a_console(an_agent())
    request = asked(console)
    for number in (1, 2, 3):
        console.receive(told(request, output(number)), 1.0)
    assert len(events(console)) == 1
    console.receive(told(request, output(4)), 2.0)
    assert events(console) == [CallReported(request, NAME, [OutputReport("x")], 2)]


def test_cancelling_a_call_asks_its_agent_and_leaves_it_little_time() -> None:
    console = a_console(an_agent())
    request = asked(console, None)
    ((key, _),) = sent(console)
    assert console.cancel_call(request, 1.0, 2.0)
    assert sent(console) == [
        (
            key,
            Packet(
                METHOD_CANCEL_INDICATION, {}, correlation_id=str(request), reply_to=REPLY_TO, method="indication"
            ),
        )
    ]  # fmt: skip
    assert console.next_deadline() == 3.0
    console.handle_timeout(3.0)
    assert events(console) == [RequestExpired(request, NAME)]
    assert not console.cancel_call(request, 3.0, 2.0)
    assert sent(console) == []


def test_cancelling_never_gives_a_call_more_time_and_is_for_calls_alone() -> None:
    console = a_console(an_agent())
    request = asked(console)
    query = console.query(NAME, Query(QueryTarget.OBJECT, schema_id=SchemaId("p", "C")), 0.0, 7.0)
    assert console.cancel_call(request, 5.0, 2.0)
    assert console.next_deadline() == 6.0
    assert not console.cancel_call(query, 5.0, 2.0)
