"""AMQP engines and messages against whatever a network or a peer makes of the bytes."""

from __future__ import annotations

from uuid import UUID

import proton
from hypothesis import example, given
from hypothesis import strategies as st

from matahari.amqp import (
    TOPIC_BINDING,
    BodyValue,
    Closed,
    CreditGiven,
    Engine,
    Event,
    LinkRequested,
    Message,
    Received,
    decode_message,
    encode_message,
    read_envelope,
    with_ttl,
    with_user_id,
)
from matahari.amqp._direct import decode_directly, encode_directly
from matahari.amqp.message import decode_by_proton, encode_by_proton
from matahari.errors import RemoteProtocolError
from tests.support import amqp_frames as raw
from tests.support.amqp_link import AmqpLink, Split, client_engine, in_pieces, server_engine, whole

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LINES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
"""Proton keeps a message's own texts as C strings: what follows a zero byte is lost."""
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 63), (1 << 64) - 1),
    st.floats(allow_nan=False),
    TEXT,
    st.binary(max_size=20),
    st.uuids(),
)
VALUES: st.SearchStrategy[BodyValue] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=10
)
COMPOUND = st.lists(VALUES, max_size=4) | st.dictionaries(TEXT, VALUES, max_size=4)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """Messages as QMF programs send them."""
    section = draw(st.sampled_from(["data", "value", "sequence", "none"]))
    body: BodyValue = None
    if section == "data":
        body = draw(st.binary(max_size=300))
    elif section == "value":
        body = draw(COMPOUND)
    elif section == "sequence":
        body = draw(st.lists(VALUES, max_size=4))
    return Message(
        body,
        section=section,  # type: ignore[arg-type]  # one of the literals above
        subject=draw(LINES),
        to=draw(st.none() | LINES),
        reply_to=draw(st.none() | LINES),
        correlation_id=draw(st.none() | TEXT),
        content_type=draw(st.none() | st.sampled_from(["amqp/map", "amqp/list"])),
        user_id=draw(st.none() | st.binary(min_size=1, max_size=10)),
        ttl=draw(st.none() | st.integers(1, 1 << 30).map(lambda ms: ms / 1000)),
        properties=draw(st.dictionaries(TEXT, SCALARS, max_size=4)),
        message_id=draw(st.none() | TEXT),
    )


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Encoded messages with some bytes changed, taken out or put in."""
    data = bytearray(encode_message(draw(messages())))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["change", "remove", "insert"])):
            case "change" if at < len(data):
                data[at] = draw(
                    st.sampled_from([0, 0x40, 0x45, 0x53, 0xA1, 0xB1, 0xC0, 0xD0, 0xFF]) | st.integers(0, 255)
                )
            case "remove":
                del data[at : at + draw(st.integers(1, 3))]
            case _:
                data[at:at] = draw(st.binary(min_size=1, max_size=4))
    return bytes(data)


@given(messages())
def test_a_message_decodes_to_what_was_encoded(message: Message) -> None:
    expected = {k: _as_read(v) for k, v in message.properties.items()}
    found = decode_message(encode_message(message))
    assert found.properties == expected
    assert (found.body, found.section) == (message.body, message.section)
    assert (found.subject, found.reply_to, found.correlation_id) == (
        message.subject,
        message.reply_to,
        message.correlation_id,
    )
    assert (found.to, found.content_type, found.user_id) == (message.to, message.content_type, message.user_id)
    assert found.message_id == message.message_id


@given(messages())
def test_what_is_encoded_and_read_without_proton_is_what_proton_makes_of_it(message: Message) -> None:
    assert encode_directly(message) in (None, encode_by_proton(message))
    data = encode_by_proton(message)
    assert decode_directly(data) in (None, decode_by_proton(data))


@given(mutated())
def test_what_is_read_without_proton_is_read_by_proton_too_and_the_same(data: bytes) -> None:
    found = decode_directly(data)
    if found is not None:
        assert found == decode_by_proton(data)


def _as_read(value: BodyValue) -> BodyValue:
    """Binary of application properties is read as text where it is text."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value
    return value


@given(messages())
def test_the_envelope_agrees_with_protons_own_decoder(message: Message) -> None:
    data = encode_message(message)
    found = read_envelope(data)
    theirs = proton.Message()
    theirs.decode(data)
    assert found.subject == theirs.subject
    assert found.to == theirs.address
    assert (found.user_id or b"") == bytes(theirs.user_id)
    assert (found.ttl or 0) == round(theirs.ttl * 1000)


@given(messages(), st.binary(min_size=1, max_size=255), st.integers(0, 1 << 32))
def test_what_a_broker_changes_is_all_that_changes(message: Message, user: bytes, ttl: int) -> None:
    data = encode_message(message)
    data = with_user_id(data, read_envelope(data), user)
    envelope = read_envelope(data)
    if envelope.ttl is not None:
        data = with_ttl(data, envelope, ttl)
        assert read_envelope(data).ttl == min(ttl, 0xFFFFFFFF)
    found = decode_message(data)
    assert found.user_id == user
    assert found.body == message.body
    assert (found.subject, found.to, found.reply_to) == (message.subject, message.to, message.reply_to)
    assert (found.correlation_id, found.content_type) == (message.correlation_id, message.content_type)


@given(st.binary(max_size=200) | mutated())
@example(b"")
@example(b"\x00\x53\x73\xd0\x00\x00\x00\x00\xff\xff\xff\xff")
def test_bytes_of_a_peer_are_a_message_or_the_peers_fault(data: bytes) -> None:
    try:
        envelope = read_envelope(data)
    except RemoteProtocolError:
        pass
    else:
        assert read_envelope(with_user_id(data, envelope, b"me")).user_id == b"me"
        if envelope.ttl is not None:
            assert read_envelope(with_ttl(data, envelope, 5)).ttl == 5
    try:
        decode_message(data)
    except RemoteProtocolError:
        pass


# --- engines ------------------------------------------------------------------------------------------------


def conversation(split: Split) -> tuple[list[str], list[str]]:
    """What both ends report of one conversation that uses everything once."""
    link = AmqpLink(
        client_engine(properties={"product": "p"}, capabilities=("a", "b")),
        server_engine(capabilities=("ANONYMOUS-RELAY",)),
        split=split,
    )
    seen: tuple[list[str], list[str]] = ([], [])

    def note() -> None:
        for peer, notes in zip((link.client, link.server), seen, strict=True):
            peer.collect()
            # how often credit is reported depends on the pieces by right: it says that something may be sent
            notes += [shape(event) for event in peer.events if not isinstance(event, CreditGiven)]
            peer.events.clear()

    link.run()
    client, server = link.client.engine, link.server.engine
    out = client.open_sender("node", "out")
    into = client.open_receiver("topic", "in", filters={"key": (TOPIC_BINDING, "a.#")}, credit=3)
    refused = client.open_sender(None, "refused")
    link.run()
    there = {}
    for request in link.server.take_all(LinkRequested):
        there[request.link.name] = request.link
        if request.link.name == "refused":
            server.refuse(request.link, "amqp:not-found", "no")
        else:
            server.accept(request.link, request.terminus, credit=0 if request.link.is_sender else 2)
    link.run()
    assert not refused.is_open
    for data in (b"", b"small", b"large" * 400):
        while out.credit <= 0:
            link.run()
        client.send(out, data)
        link.run()
    server.send(there["in"], b"down")
    link.run()
    note()
    client.detach(into)
    link.run()
    server.close("amqp:connection:forced", "enough")
    link.run()
    note()
    return seen


def shape(event: Event) -> str:
    """An event without the identity of its link."""
    link = getattr(event, "link", None)
    return repr(event).replace(repr(link), f"<{link.name}>" if link is not None else "")


WHOLE = conversation(whole)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=12))
@example([1])
@example([8, 1])
def test_any_split_of_the_input_gives_the_same_events(sizes: list[int]) -> None:
    assert conversation(in_pieces(sizes)) == WHOLE


def check_ends_well(engine: Engine, pieces: list[bytes]) -> None:
    """The engine takes it all without an exception; a closing event comes once and last."""
    events: list[Event] = []
    for piece in pieces:
        engine.receive_data(piece, 1.0)
        while (event := engine.next_event()) is not None:
            events.append(event)
            if isinstance(event, LinkRequested):
                engine.accept(event.link, event.terminus, credit=0 if event.link.is_sender else 5)
            elif isinstance(event, Received) and event.link.is_open and not event.link.is_sender:
                engine.detach(event.link)
        engine.data_to_send()
    engine.receive_eof(2.0)
    engine.data_to_send()
    while (event := engine.next_event()) is not None:
        events.append(event)
    assert [isinstance(event, Closed) for event in events].count(True) == 1
    assert isinstance(events[-1], Closed)
    assert engine.is_closed


@given(st.lists(st.binary(max_size=100), max_size=5), st.booleans())
def test_random_bytes_give_a_closing_event_and_no_exception(pieces: list[bytes], is_server: bool) -> None:
    check_ends_well(server_engine() if is_server else client_engine(), pieces)


STREAM = [
    raw.opening(
        b"c", *[raw.NULL] * 6, raw.array_of_symbols("x", "y"), raw.NULL, raw.mapping(raw.symbol("p"), raw.text("v"))
    ),
    raw.begin(),
    raw.attach("send", 0, receives=False),
    raw.attach(
        "receive",
        1,
        receives=True,
        source=raw.described(
            0x28,
            raw.listing(
                raw.text("n"),
                *[raw.NULL] * 6,
                raw.mapping(raw.symbol("key"), raw.described(TOPIC_BINDING, raw.text("a.#"))),
                raw.NULL,
                raw.NULL,
                raw.array_of_symbols("topic", "shared"),
            ),
        ),
    ),
    raw.flow(1, 100),
    raw.transfer(0, 0, b"part", more=True, settled=False),
    raw.transfer(0, 0, b"rest", settled=False),
    raw.transfer(0, 1, b"late"),
    raw.detach(1),
    raw.end(),
]
LENGTH = sum(map(len, STREAM))
SPICE = st.sampled_from([0, 0x40, 0x43, 0x45, 0x53, 0x80, 0xA1, 0xB1, 0xC0, 0xD0, 0xD1, 0xE0, 0xF0, 0xFF])


@given(
    st.lists(st.tuples(st.integers(16, LENGTH - 1), SPICE | st.integers(0, 255)), max_size=6),
    st.integers(1, 300),
)
@example([], 300)
def test_a_hostile_client_gives_a_closing_event_and_no_exception(changes: list[tuple[int, int]], size: int) -> None:
    pieces: list[bytes] = []
    start = 0
    for part in STREAM:
        data = bytearray(part)
        for at, value in changes:
            if start <= at < start + len(part):
                data[at - start] = value
        start += len(part)
        pieces += in_pieces([size])(bytes(data))
    check_ends_well(server_engine(), pieces)


def _server_stream() -> bytes:
    link = AmqpLink(server=server_engine(capabilities=("a", "b"), properties={"product": "p"}))
    link.client.engine.open_receiver("n", "in", filters={"key": (TOPIC_BINDING, "a.#")}, credit=3)
    said = b""
    for _ in range(4):
        link.deliver(link.client, link.server)
        for request in link.server.take_all(LinkRequested):
            link.server.engine.accept(request.link, request.terminus)
            link.server.engine.send(request.link, b"hello")
        data = link.server.engine.data_to_send()
        said += data
        link.client.engine.receive_data(data, 1000.0)
    link.server.engine.close("x:y", "bye")
    return said + link.server.engine.data_to_send()


ANSWERS = _server_stream()


@given(st.lists(st.tuples(st.integers(16, len(ANSWERS) - 1), SPICE | st.integers(0, 255)), max_size=6))
@example([])
def test_a_hostile_server_gives_a_closing_event_and_no_exception(changes: list[tuple[int, int]]) -> None:
    data = bytearray(ANSWERS)
    for at, value in changes:
        data[at] = value
    engine = client_engine()
    engine.open_receiver("n", "in", filters={"key": (TOPIC_BINDING, "a.#")}, credit=3)
    engine.data_to_send()
    check_ends_well(engine, [bytes(data)])


def test_the_streams_above_are_good_ones() -> None:
    """Else the tests would change bytes of a conversation that never was."""
    server = server_engine()
    received, requests = [], 0
    for part in STREAM:
        server.receive_data(part, 1.0)
        while (event := server.next_event()) is not None:
            assert not isinstance(event, Closed)
            if isinstance(event, LinkRequested):
                requests += 1
                server.accept(event.link, event.terminus, credit=0 if event.link.is_sender else 5)
            elif isinstance(event, Received):
                received.append(event.data)
        server.data_to_send()
    assert requests == 2
    assert received == [b"partrest", b"late"]
    assert b"hello" in ANSWERS


def test_a_uuid_is_one_of_the_values() -> None:
    """The strategies reach every type of ``BodyValue``."""
    body: BodyValue = [UUID(int=1), 1.5, b"", None]
    assert decode_message(encode_message(Message(body, section="value"))).body == body
