"""Calls with reports through the agent engine, and callers who give a call up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matahari.errors import LocalProtocolError
from matahari.qmf import (
    METHOD_CANCEL_INDICATION,
    METHOD_INDICATION,
    AgentEngine,
    CallOptions,
    CancelCall,
    Data,
    Invoke,
    OutputReport,
    Packet,
    PartialReport,
    ProgressReport,
    Reply,
    Value,
)
from matahari.qmf import agent as module
from tests.support.lab_agent import NAME, REPLY_TO, address, ask, call, commands, refusal, running_agent

CANCEL = Packet(
    METHOD_CANCEL_INDICATION, {}, correlation_id="17", reply_to=REPLY_TO, user_id="ann", method="indication"
)


def begun(agent: AgentEngine, options: Value = None, **other: object) -> Invoke:
    """Have the agent begin a call with these options, and return what it is to run."""
    packet = call(address=address())
    assert isinstance(packet.body, dict)
    body = packet.body if options is None else packet.body | {"_matahari": options}
    agent.receive(replace(packet, body=body, **other), 11.0, 300)  # type: ignore[arg-type]  # fields of a packet
    (command,) = commands(agent)
    assert isinstance(command, Invoke)
    return command


def test_what_the_caller_asks_for_is_told_to_the_application() -> None:
    agent = running_agent()
    assert begun(agent).options is None
    assert begun(agent, {"stream": True, "timeout": 3}).options == CallOptions(True, 3.0)


@pytest.mark.parametrize("options", ["yes", {"stream": "yes"}, {"timeout": -1}])
def test_options_that_make_no_sense_are_refused(options: Value) -> None:
    packet = call(address=address())
    assert isinstance(packet.body, dict)
    answers = ask(running_agent(), replace(packet, body=packet.body | {"_matahari": options}))
    code, text = refusal(answers)
    assert code == 4
    assert str(text).startswith("_matahari")


def test_reports_are_numbered_and_go_where_the_answer_will() -> None:
    agent = running_agent()
    number = begun(agent, {"stream": True}, form_a=True).call
    agent.report(number, [ProgressReport(1, 2, "half"), OutputReport("x\n")])
    agent.report(number, [PartialReport("3")])
    agent.complete(number, {"result": "y"})
    sent = commands(agent)
    first = Packet(
        METHOD_INDICATION,
        [
            {"seq": 1, "kind": "progress", "done": 1, "total": 2, "text": "half"},
            {"seq": 2, "kind": "output", "chunk": "x\n"},
        ],
        agent=NAME,
        correlation_id="17",
        method="indication",
        form_a=True,
    )
    assert sent[0] == Reply(REPLY_TO, first)
    assert sent[1] == Reply(REPLY_TO, replace(first, body=[{"seq": 3, "kind": "partial", "value": "3"}]))
    assert isinstance(sent[2], Reply)
    assert sent[2].packet.body == {"_arguments": {"result": "y"}, "_matahari": {"reports": 3}}


def test_a_failure_too_says_how_many_reports_there_were() -> None:
    agent = running_agent()
    number = begun(agent, {"stream": True}).call
    agent.report(number, [OutputReport("x")])
    agent.fail(number, "no", data=Data({"kind": "raised"}))
    _, answer = commands(agent)
    assert isinstance(answer, Reply)
    assert isinstance(answer.packet.body, dict)
    assert answer.packet.body["_matahari"] == {"reports": 1}


@pytest.mark.parametrize("options", [None, {"stream": False, "timeout": 5.0}])
def test_who_does_not_ask_for_reports_never_sees_anything_of_them(options: Value) -> None:
    agent = running_agent()
    number = begun(agent, options).call
    agent.report(number, [OutputReport("x")])
    agent.complete(number, {})
    (answer,) = commands(agent)
    assert isinstance(answer, Reply)
    assert answer.packet.body == {"_arguments": {}}


def test_after_the_answer_there_is_nothing_more() -> None:
    agent = running_agent()
    number = begun(agent, {"stream": True}).call
    agent.report(number, [])
    agent.complete(number, {})
    commands(agent)
    agent.report(number, [OutputReport("late")])
    assert commands(agent) == []


def test_reports_that_an_owner_does_not_fetch_leave_a_gap_in_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = running_agent()
    number = begun(agent, {"stream": True}).call
    monkeypatch.setattr(module, "MAX_QUEUED_COMMANDS", 0)
    agent.report(number, [OutputReport("lost")])
    monkeypatch.undo()
    agent.report(number, [OutputReport("x")])
    (command,) = commands(agent)
    assert isinstance(command, Reply)
    assert command.packet.body == [{"seq": 2, "kind": "output", "chunk": "x"}]
    assert agent.statistics()["dropped"] == 1


@pytest.mark.parametrize("options", [None, {"stream": True}])
def test_a_caller_may_give_up_a_call_once_and_it_is_answered_all_the_same(options: Value) -> None:
    agent = running_agent()
    number = begun(agent, options).call
    agent.receive(CANCEL, 12.0, 400)
    agent.receive(CANCEL, 12.0, 400)
    assert commands(agent) == [CancelCall(number)]
    assert agent.statistics()["pending"] == 1
    agent.fail(number, "it was cancelled", data=Data({"kind": "cancelled"}))
    (answer,) = commands(agent)
    assert isinstance(answer, Reply)
    assert answer.packet.opcode == "_exception"


@pytest.mark.parametrize(
    "foreign",
    [
        {"user_id": "bob"},
        {"user_id": None},
        {"reply_to": "qmf.default.topic/direct-console.2"},
        {"reply_to": None},
        {"correlation_id": "18"},
        {"correlation_id": 17},
        {"correlation_id": None},
    ],
)
def test_nobody_else_can_give_it_up_and_nobody_is_answered(foreign: dict[str, object]) -> None:
    agent = running_agent()
    number = begun(agent).call
    ignored = agent.statistics()["ignored"]
    agent.receive(replace(CANCEL, **foreign), 12.0, 400)  # type: ignore[arg-type]  # fields of a packet
    assert commands(agent) == []
    assert agent.statistics()["ignored"] == ignored + 1
    agent.receive(CANCEL, 12.0, 400)
    assert commands(agent) == [CancelCall(number)]


def test_giving_up_what_has_ended_does_nothing() -> None:
    agent = running_agent()
    number = begun(agent).call
    agent.complete(number, {})
    commands(agent)
    agent.receive(CANCEL, 12.0, 400)
    assert commands(agent) == []
    with pytest.raises(LocalProtocolError):
        agent.complete(number, {})


def test_of_two_calls_with_the_same_words_the_later_one_is_meant() -> None:
    agent = running_agent()
    first, second = begun(agent).call, begun(agent).call
    agent.complete(first, {})
    commands(agent)
    agent.receive(CANCEL, 12.0, 400)
    assert commands(agent) == [CancelCall(second)]
    agent.complete(second, {})
    commands(agent)
    agent.receive(CANCEL, 12.0, 400)
    assert commands(agent) == []


def test_a_stranger_who_uses_the_same_words_does_not_keep_the_caller_from_giving_up() -> None:
    agent = running_agent()
    first = begun(agent).call
    strange = begun(agent, user_id="eve").call
    agent.receive(CANCEL, 12.0, 400)
    assert commands(agent) == [CancelCall(first)]
    agent.receive(replace(CANCEL, user_id="eve"), 12.0, 400)
    assert commands(agent) == [CancelCall(strange)]


def test_a_call_without_a_correlation_id_cannot_be_given_up() -> None:
    agent = running_agent()
    begun(agent, correlation_id=None)
    agent.receive(replace(CANCEL, correlation_id=None), 12.0, 400)
    assert commands(agent) == []
