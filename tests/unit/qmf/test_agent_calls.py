"""Method calls through the agent engine: to the application, and back to the caller."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matahari.errors import LocalProtocolError
from matahari.qmf import MAX_PENDING_CALLS, AgentEngine, CallRefused, Data, Invoke, Packet, Reply, Value
from matahari.qmf._calls import MAX_REFUSALS
from tests.support.lab_agent import (
    NAME,
    REPLY_TO,
    THING,
    address,
    ask,
    call,
    commands,
    refusal,
    running_agent,
    values_of,
)


def test_a_call_goes_to_the_application_and_its_result_to_the_caller() -> None:
    agent = running_agent()
    agent.receive(replace(call(arguments={"count": 1}, address=address()), form_a=True), 11.0, 300)
    (command,) = commands(agent)
    assert command == Invoke(1, "one", "echo", {"count": 1}, "ann")
    assert agent.statistics()["pending"] == 1
    agent.complete(1, {"result": "x"})
    (command,) = commands(agent)
    assert command == Reply(
        REPLY_TO,
        Packet(
            "_method_response",
            {"_arguments": {"result": "x"}},
            agent=NAME,
            correlation_id="17",
            method="response",
            form_a=True,
        ),
    )
    assert agent.statistics()["pending"] == 0


def test_an_answer_without_output_still_has_arguments() -> None:
    """The Python console fails on a response without them (qmf2.md 3.6)."""
    agent = running_agent()
    agent.receive(call(address=address()), 11.0, 300)
    commands(agent)
    agent.complete(1, {})
    (command,) = commands(agent)
    assert isinstance(command, Reply)
    assert command.packet.body == {"_arguments": {}}


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        (None, {}),
        ({}, {}),
        ({"count": 2**63, "ratio": 1, "label": b"text", "both": [b"raw"]}, {"count": 2**63, "ratio": 1, "label": "text", "both": [b"raw"]}),
        ({"ratio": 1.5, "maybe": None}, {"ratio": 1.5, "maybe": None}),
        ({"ratio": 1.5, "count": None}, {"ratio": 1.5}),
    ],
)  # fmt: skip
def test_arguments_that_fit_the_schema_are_passed_on(given: Value, seen: Value) -> None:
    agent = running_agent()
    agent.receive(call(arguments=given, address=address()), 11.0, 300)
    (command,) = commands(agent)
    assert isinstance(command, Invoke)
    assert command.arguments == seen


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"other": 1}, "other"),
        ({"result": "x"}, "result"),
        ({"count": "1"}, "count"),
        ({"count": True}, "count"),
        ({"ratio": "x"}, "ratio"),
        ({"label": b"\xff"}, "label"),
        ({"both": {}}, "both"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_by_name(given: Value, name: str) -> None:
    answers = ask(running_agent(), call(arguments=given, address=address()))
    assert refusal(answers) == (7, f"Invalid argument: {name}")
    assert values_of(answers[0])["kind"] == "invalid_argument"


def test_a_method_that_the_schema_does_not_know_is_for_the_application_to_refuse() -> None:
    agent = running_agent()
    agent.receive(call("unheard", {"any": 1}, address()), 11.0, 300)
    (command,) = commands(agent)
    assert isinstance(command, Invoke)
    assert (command.method, command.arguments) == ("unheard", {"any": 1})


def test_a_call_without_object_is_a_call_of_the_agent() -> None:
    agent = running_agent()
    agent.receive(call(b"ping", {}), 11.0, 300)
    assert commands(agent) == [Invoke(1, None, "ping", {}, "ann")]


@pytest.mark.parametrize("where", [address("two"), address(agent="x:y:z")])
def test_an_object_that_is_not_there_is_refused_as_libqmf2_does(where: Value) -> None:
    answers = ask(running_agent(), call(address=where))
    assert refusal(answers) == (1, "No data object found with the specified address")


@pytest.mark.parametrize(
    "packet",
    [
        Packet("_method_request", [1]),
        Packet("_method_request"),
        Packet("_method_request", {}),
        Packet("_method_request", {"_method_name": 5}),
        call(arguments=[1], address=address()),
        call(address=[]),
        call(address={"_agent_name": NAME}),
    ],
)
def test_a_malformed_call_is_answered_with_an_exception(packet: Packet) -> None:
    code, said = refusal(ask(running_agent(), packet))
    assert code == 4
    assert said


def test_a_failure_carries_code_text_and_data() -> None:
    agent = running_agent()
    for _ in range(3):
        agent.receive(call(address=address()), 11.0, 300)
    commands(agent)
    agent.fail(1, "plain trouble", code=3)
    agent.fail(2, "ValueError: boom", data=Data({"type": "ValueError", "error_code": 42}, schema_id=THING.id))
    agent.fail(3, "no room")
    first, second, third = commands(agent)
    assert isinstance(first, Reply) and isinstance(second, Reply) and isinstance(third, Reply)
    assert refusal([first.packet]) == (3, "plain trouble")
    assert second.packet.body == {
        "_values": {"type": "ValueError", "error_code": 42, "error_text": "ValueError: boom"},
        "_schema_id": THING.id.to_map(),
    }
    assert refusal([third.packet]) == (7, "no room")


def test_a_call_is_answered_exactly_once() -> None:
    agent = running_agent()
    agent.receive(call(address=address()), 11.0, 300)
    commands(agent)
    agent.complete(1, {})
    with pytest.raises(LocalProtocolError):
        agent.complete(1, {})
    with pytest.raises(LocalProtocolError):
        agent.fail(1, "again")
    with pytest.raises(LocalProtocolError):
        agent.fail(2, "never given out")


def test_a_stopped_agent_refuses_calls_and_finishes_those_under_way() -> None:
    agent = running_agent()
    agent.receive(call(address=address()), 11.0, 300)
    commands(agent)
    agent.stop()
    agent.remove_object("one", 1)
    assert refusal(ask(agent, call())) == (7, "The agent is stopping")
    agent.complete(1, {})
    assert len(commands(agent)) == 1


def test_too_many_calls_under_way_are_refused_as_busy() -> None:
    agent = running_agent()
    for _ in range(MAX_PENDING_CALLS):
        agent.receive(call(address=address()), 11.0, 300)
        assert isinstance(agent.next_command(), Invoke)
    answers = ask(agent, call(address=address()))
    assert refusal(answers) == (7, "busy")
    assert values_of(answers[0])["kind"] == "busy"
    agent.complete(1, {})
    commands(agent)
    agent.receive(call(address=address()), 11.0, 300)
    assert isinstance(agent.next_command(), Invoke)


def refused(agent: AgentEngine) -> list[CallRefused]:
    found = []
    while (one := agent.next_refusal()) is not None:
        found.append(one)
    return found


def test_a_request_that_is_no_call_is_told_once_to_whoever_writes_it_down() -> None:
    agent = running_agent()
    agent.receive(call(address=address()), 11.0, 300)
    assert refused(agent) == []
    agent.receive(replace(call(method="x" * 10_000, address=address(name="nobody"))), 11.0, 300)
    agent.receive(replace(call(address=address()), body=[1]), 11.0, 300)
    agent.receive(replace(call(address=address()), reply_to=None), 11.0, 300)
    agent.stop()
    agent.receive(call(address=address()), 11.0, 300)
    first, *others = refused(agent)
    assert (first.object_name, first.user_id, first.kind) == ("nobody", "ann", "unknown_object")
    assert len(first.method) < 1000
    assert [one.kind for one in others] == ["malformed", "no_reply_to", "stopping"]
    assert refused(agent) == []


def test_refusals_that_nobody_fetches_are_bounded() -> None:
    agent = running_agent()
    for _ in range(2 * MAX_REFUSALS):
        agent.receive(replace(call(address=address()), body=[1]), 11.0, 300)
    assert len(refused(agent)) == MAX_REFUSALS
