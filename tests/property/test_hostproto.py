"""Any split of the bytes gives the same events; random bytes give a fault, never an exception or a hang."""

from __future__ import annotations

import itertools
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from matahari.hostproto import (
    EFFECTS,
    FRAMING_VERSION,
    INTERFACE_VERSION,
    Activation,
    Call,
    Closed,
    Connection,
    Event,
    Failure,
    Fault,
    Hello,
    Json,
    Load,
    Loaded,
    Log,
    Message,
    MethodSpec,
    Output,
    Partial,
    PluginEvent,
    Pong,
    Progress,
    Result,
    encode_frame,
)

HELLO = Hello(FRAMING_VERSION, INTERFACE_VERSION, 1, "n", "python")

numbers = st.integers(0, 2**53 - 1)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
json_values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=15,
)
schemas = st.dictionaries(texts, json_values, max_size=4)
effects = st.dictionaries(st.sampled_from(EFFECTS), st.booleans())
reals = st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
specs = st.builds(
    MethodSpec,
    names,
    schemas,
    st.none() | schemas,
    texts,
    effects,
    st.none() | st.floats(0.001, 1e6),
    st.lists(texts, max_size=3).map(tuple),
    st.booleans(),
)
from_worker: st.SearchStrategy[Message] = st.one_of(
    st.builds(Result, numbers, texts),
    st.builds(Failure, numbers, names, texts, texts, texts),
    st.builds(Log, names, texts, texts),
    st.builds(Pong, numbers),
    st.builds(Activation, st.booleans(), texts),
    st.builds(Progress, numbers, reals, st.none() | reals, texts),
    st.builds(Output, numbers, texts),
    st.builds(Partial, numbers, texts),
    st.builds(PluginEvent, st.none() | numbers, names, texts, st.integers(0, 7)),
    st.builds(
        Loaded,
        names,
        numbers,
        texts,
        names,
        texts,
        st.lists(specs, max_size=3, unique_by=lambda spec: spec.name).map(tuple),
        st.booleans(),
        texts,
    ),
)
calls = st.builds(
    Call,
    numbers,
    names,
    st.lists(texts, max_size=4).map(tuple),
    st.dictionaries(texts, texts, max_size=4),
    texts,
    texts,
    st.none() | st.floats(0, 1e6),
)


loads = st.builds(
    Load,
    texts,
    names,
    texts,
    numbers,
    numbers,
    numbers,
    st.none() | st.dictionaries(texts, texts, max_size=3),
    schemas,
    schemas,
)


def events(connection: Connection) -> list[Event]:
    found: list[Event] = []
    while (event := connection.next_event()) is not None:
        found.append(event)
    return found


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in itertools.pairwise(places)]


@given(st.lists(from_worker, max_size=5), st.lists(st.integers(0, 10_000), max_size=12))
def test_any_split_of_the_bytes_gives_the_same_events(messages: list[Message], cuts: list[int]) -> None:
    worker, agent = Connection.of_worker(), Connection.to_worker("n")
    sent = [HELLO, *messages]
    for piece in pieces(b"".join(map(worker.send, sent)), cuts):
        agent.receive_data(piece)
    agent.receive_eof()
    assert events(agent) == [*sent, Closed()]


@given(calls | loads)
def test_a_call_and_a_load_arrive_as_they_were_sent(message: Call | Load) -> None:
    agent, worker = Connection.to_worker("n"), Connection.of_worker()
    worker.receive_data(agent.send(message))
    assert events(worker) == [message]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
@settings(max_examples=300)
def test_random_bytes_give_at_most_one_fault_at_the_end(data: bytes, cuts: list[int]) -> None:
    for connection in (
        Connection.of_worker(),
        Connection.to_worker("n"),
        Connection.of_parent(),
        Connection.to_parent("n"),
    ):
        for piece in pieces(data, cuts):
            connection.receive_data(piece)
        connection.receive_eof()
        found = events(connection)
        assert isinstance(found[-1], Fault | Closed)
        assert not any(isinstance(event, Fault | Closed) for event in found[:-1])


@given(
    st.sampled_from(
        ["load", "call", "cancel", "ping", "result", "loaded", "event", "progress", "spawn", "exited", "x"]
    ),
    schemas,
)
@settings(max_examples=300)
def test_random_objects_give_messages_or_a_fault(kind: str, members: dict[str, Json]) -> None:
    for connection in (Connection.of_worker(), Connection.to_worker("n"), Connection.of_parent()):
        connection.receive_data(encode_frame({**members, "type": kind}))
        events(connection)


@given(from_worker, st.data())
@settings(max_examples=300)
def test_a_message_with_a_spoilt_member_gives_a_message_or_a_fault(message: Message, data: st.DataObject) -> None:
    frame = Connection.of_worker().send(message)
    value = json.loads(frame[4:])
    name = data.draw(st.sampled_from(sorted(value)))
    value[name] = data.draw(json_values)
    agent = Connection.to_worker("n")
    agent.receive_data(Connection.of_worker().send(HELLO) + encode_frame(value))
    agent.receive_eof()
    assert isinstance(events(agent)[-1], Fault | Closed)
