"""QMFv1 frames that reach the agent engine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matahari.qmf import (
    AgentEngine,
    Method,
    Packet,
    Property,
    PropertyType,
    Schema,
    SchemaId,
    v1,
)
from matahari.qmf import _answers as answers
from tests.support import vectors
from tests.support.lab_agent import EVENT, NAME, THING, commands, replied, running_agent

LEGACY = "qmf.default.topic/direct-console.1"


def send(agent: AgentEngine, body: bytes) -> list[v1.Frame]:
    """Send frames as the Python console does and return those of the answers."""
    agent.receive(Packet("", body, reply_to=LEGACY, subject=NAME), 11.0, 300)
    found = []
    for packet in replied(commands(agent)):
        assert isinstance(packet.body, bytes)
        assert packet == Packet("", packet.body, agent=NAME)  # no opcode, no correlation, no method
        found += v1.decode_frames(packet.body)
    return found


@pytest.mark.parametrize(
    "wanted",
    [
        THING.id,
        replace(THING.id, hash=None),
        replace(THING.id, hash=EVENT.id.hash),  # that of a version which was replaced
    ],
)
def test_a_schema_request_is_answered_with_the_schema(wanted: SchemaId) -> None:
    (frame,) = send(running_agent(), v1.encode_schema_request(77, wanted))
    assert (frame.opcode, frame.sequence) == ("s", 77)
    read = v1.read_schema(frame.payload)
    assert read.id == THING.id
    assert [method.name for method in read.methods] == ["echo"]


def test_schemas_of_events_are_answered_too() -> None:
    agent = running_agent()
    agent.add_schema(EVENT, 1)
    (frame,) = send(agent, v1.encode_schema_request(78, EVENT.id))
    assert v1.read_schema(frame.payload).id == EVENT.id


def test_the_very_version_that_is_asked_for_is_answered() -> None:
    agent = running_agent()
    newer = Schema(replace(THING.id, hash=None), (Property("more", PropertyType.INT),))
    agent.add_schema(newer, 1)
    for schema in (THING, newer):
        (frame,) = send(agent, v1.encode_schema_request(1, schema.id))
        assert v1.read_schema(frame.payload).id == schema.id
    (frame,) = send(agent, v1.encode_schema_request(1, replace(THING.id, hash=None)))
    assert v1.read_schema(frame.payload).id == newer.id


def test_an_unknown_schema_is_answered_with_a_completion() -> None:
    """libqmf2 agents stay silent, and the console waits for a minute."""
    (frame,) = send(running_agent(), v1.encode_schema_request(79, SchemaId("org.example", "Unheard")))
    assert (frame.opcode, frame.sequence) == ("z", 79)
    code, said = v1.read_completion(frame.payload)
    assert (code, said) == (1, "there is no such schema")


def test_a_request_whose_names_are_no_text_is_answered_with_a_completion() -> None:
    body = v1.encode_frame("S", 80, b"\x01\xff\x01C" + bytes(16))
    (frame,) = send(running_agent(), body)
    assert frame.sequence == 80
    assert v1.read_completion(frame.payload) == (1, "the request cannot be read")


def test_a_schema_that_has_no_form_in_qmfv1_is_answered_with_a_completion() -> None:
    agent = running_agent()
    huge = Method("m", "x" * answers.MAX_SCHEMA_BYTES)
    agent.add_schema(Schema(SchemaId("p", "Huge"), methods=(huge,)), 1)
    odd = Property("n", PropertyType.INT, direction="I", default=2**70)
    agent.add_schema(Schema(SchemaId("p", "Odd"), methods=(Method("m", "", (odd,)),)), 1)
    (huge_frame,) = send(agent, v1.encode_schema_request(1, SchemaId("p", "Huge")))
    (odd_frame,) = send(agent, v1.encode_schema_request(2, SchemaId("p", "Odd")))
    assert v1.read_completion(huge_frame.payload) == (1, "the schema is too large")
    assert v1.read_completion(odd_frame.payload) == (1, "the schema has no QMFv1 form")


def test_each_frame_of_a_message_is_answered_and_others_are_counted() -> None:
    agent = running_agent()
    body = (
        v1.encode_schema_request(1, THING.id)
        + v1.encode_request("B", 2)
        + v1.encode_schema_request(3, SchemaId("p", "Unheard"))
        + v1.encode_frame("M", 4, b"a method call of QMFv1")
    )
    assert [(frame.opcode, frame.sequence) for frame in send(agent, body)] == [("s", 1), ("z", 3)]
    assert agent.statistics()["ignored"] == 2


def test_one_message_cannot_make_the_agent_send_without_bound() -> None:
    agent = running_agent()
    agent.add_schema(Schema(SchemaId("p", "Large"), methods=(Method("m", "x" * 60_000),)), 1)
    frames = send(agent, v1.encode_schema_request(1, SchemaId("p", "Large")) * v1.MAX_FRAMES)
    assert len(frames) == v1.MAX_FRAMES  # nobody waits in vain
    assert sum(frame.opcode == "s" for frame in frames) == answers.MAX_SCHEMA_BYTES // 60_000


@pytest.mark.parametrize("body", [b"", b"AM2", b"AM3S\0\0\0\1", v1.encode_schema_request(1, THING.id)[:-1]])
def test_what_cannot_be_read_is_counted(body: bytes) -> None:
    agent = running_agent()
    assert send(agent, body) == []
    assert agent.statistics()["ignored"] == 1


def test_a_frame_without_reply_address_is_counted() -> None:
    agent = running_agent()
    agent.receive(Packet("", v1.encode_schema_request(1, THING.id)), 11.0, 300)
    assert commands(agent) == []
    assert agent.statistics()["ignored"] == 1


def test_the_captured_request_of_the_python_console_gets_the_captured_answer() -> None:
    """Byte for byte but for the type of texts (see ``test_v1``)."""
    bodies = {vector.name: vector.data for vector in vectors.load("schema-qmfv1")}
    agent = running_agent()
    for name in ("heartbeat", "Host", "example", "Sampler", "Poked"):
        (answer,) = v1.decode_frames(bodies[f"response-{name}"])
        agent.add_schema(v1.read_schema(answer.payload), 1)
        (frame,) = send(agent, bodies[f"request-{name}"])
        assert frame.sequence == answer.sequence
        assert frame.payload.replace(b"\x95", b"\x90") == answer.payload.replace(b"\x95", b"\x90")
