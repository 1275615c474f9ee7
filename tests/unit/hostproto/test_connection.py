"""Both ends of a connection, joined in memory."""

from __future__ import annotations

import pytest

from matahari.errors import LocalProtocolError
from matahari.hostproto import (
    FRAMING_VERSION,
    INTERFACE_VERSION,
    MAX_FRAME,
    Bye,
    Call,
    Closed,
    Connection,
    Event,
    Fault,
    Hello,
    Load,
    Loaded,
    LoadFailed,
    Log,
    MethodSpec,
    Ping,
    Pong,
    Result,
    Spawn,
    encode_frame,
)

HELLO = Hello(FRAMING_VERSION, INTERFACE_VERSION, 42, "n1", "python")


def events(connection: Connection) -> list[Event]:
    found: list[Event] = []
    while (event := connection.next_event()) is not None:
        found.append(event)
    return found


def heard(*messages: Hello | Result | Bye | Pong) -> list[Event]:
    agent, worker = Connection.to_worker("n1"), Connection.of_worker()
    for message in messages:
        agent.receive_data(worker.send(message))
    return events(agent)


def test_a_conversation_of_agent_and_worker() -> None:
    agent, worker = Connection.to_worker("n1"), Connection.of_worker()
    load = Load("/p/a.py", "a", "sha256:0", 1, 8, 1000, {"": "eA=="})
    spec = MethodSpec("m", {"type": "object", "properties": {}}, {"type": "integer"}, "Doc.")
    call = Call(1, "m", ("1", '"\u20ac"'), {"k": "[2]"}, "r1", "anna", 2.5)
    for message in (load, call):
        worker.receive_data(agent.send(message))
    assert events(worker) == [load, call]
    answers = (
        HELLO,
        Loaded("a", 1, "sha256:0", "python", "1.0", (spec,)),
        Log("WARNING", "a", "text"),
        Result(1, "null"),
        LoadFailed("ValueError", "bad", "/p/a.py", 3, "tb"),
    )
    for answer in answers:
        agent.receive_data(worker.send(answer))
    assert events(agent) == list(answers)


def test_hello_must_come_first() -> None:
    assert heard(Result(1, "1")) == [Fault("result came before hello")]


def test_hello_may_come_once() -> None:
    assert heard(HELLO, HELLO) == [HELLO, Fault("a second hello")]


@pytest.mark.parametrize(
    ("hello", "text"),
    [
        (Hello(FRAMING_VERSION + 1, INTERFACE_VERSION, 1, "n1", "python"), "framing 2, interface 1"),
        (Hello(FRAMING_VERSION, INTERFACE_VERSION + 1, 1, "n1", "python"), "framing 1, interface 2"),
        (Hello(FRAMING_VERSION, INTERFACE_VERSION, 1, "other", "python"), "nonce"),
    ],
)
def test_a_hello_of_somebody_else_is_a_fault(hello: Hello, text: str) -> None:
    (fault,) = heard(hello)
    assert isinstance(fault, Fault)
    assert text in fault.text


def test_nothing_is_heard_after_a_fault() -> None:
    agent = Connection.to_worker("n1")
    agent.receive_data(b"\x00\x00\x00\x00")
    agent.receive_data(Connection.of_worker().send(HELLO))
    agent.receive_eof()
    assert len(events(agent)) == 1


def test_what_came_before_a_fault_is_heard() -> None:
    agent, worker = Connection.to_worker("n1"), Connection.of_worker()
    agent.receive_data(worker.send(HELLO) + worker.send(Pong(3)) + b"\xff\xff\xff\xff")
    assert [type(event) for event in events(agent)] == [Hello, Pong, Fault]


def test_the_end_between_frames_is_a_close_and_inside_one_a_fault() -> None:
    agent = Connection.to_worker("n1")
    agent.receive_eof()
    assert events(agent) == [Closed()]
    agent = Connection.to_worker("n1")
    agent.receive_data(b"\x00\x00")
    agent.receive_eof()
    assert events(agent) == [Fault("the stream ended inside a frame")]


def test_a_message_of_the_wrong_direction_is_a_fault() -> None:
    worker = Connection.of_worker()
    worker.receive_data(encode_frame({"type": "result", "id": 1, "text": "1"}))
    assert events(worker) == [Fault("type: unexpected message of type 'result'")]


def test_an_end_refuses_to_send_what_it_may_not() -> None:
    with pytest.raises(LocalProtocolError, match="call is not sent"):
        Connection.of_worker().send(Call(1, "m"))
    with pytest.raises(LocalProtocolError, match="ping is not sent"):
        Connection.of_parent().send(Ping(1))
    with pytest.raises(LocalProtocolError, match="spawn is not sent"):
        Connection.to_worker("").send(Spawn(1, "p", "n"))


def test_a_message_that_does_not_fit_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="result cannot be sent"):
        Connection.of_worker().send(Result(1, "x" * MAX_FRAME))
