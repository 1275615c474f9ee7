"""What a broker reads of a message, on bytes written by hand (AMQP 1.0 part 3, section 3.2)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import pytest

from matahari.amqp import Message, decode_message, encode_message, read_envelope, with_ttl, with_user_id
from matahari.errors import RemoteProtocolError
from tests.support.captured import FILES, captured

NULL, FALSE = b"\x40", b"\x42"
BODY = b"\x00\x53\x75\xa0\x03abc"
VALUE_BODY = b"\x00\x53\x77\xc1\x01\x00"


def small(code: int) -> bytes:
    return bytes((0, 0x53, code))


def long(code: int) -> bytes:
    return b"\x00\x80" + struct.pack(">Q", code)


def list8(*fields: bytes) -> bytes:
    content = b"".join(fields)
    return bytes((0xC0, len(content) + 1, len(fields))) + content


def list32(*fields: bytes) -> bytes:
    content = b"".join(fields)
    return b"\xd0" + struct.pack(">II", len(content) + 4, len(fields)) + content


def str8(value: bytes, code: int = 0xA1) -> bytes:
    return bytes((code, len(value))) + value


def str32(value: bytes, code: int = 0xB1) -> bytes:
    return bytes((code,)) + struct.pack(">I", len(value)) + value


HEADER = small(0x70) + list8(FALSE, b"\x50\x04", b"\x70\x00\x00\x75\x30")
ANNOTATIONS = small(0x72) + b"\xc1\x0f\x02\xa3\x08x-opt-by\xa1\x02me"
DELIVERY_ANNOTATIONS = small(0x71) + b"\xc1\x01\x00"
APPLICATION = small(0x74) + b"\xc1\x09\x02\xa1\x01a\xa1\x03xyz"
FOOTER = small(0x78) + b"\xc1\x01\x00"


@dataclass(frozen=True)
class Case:
    """One message and what a broker must find in it."""

    name: str
    data: bytes
    to: str | None = None
    subject: str | None = None
    user: bytes | None = None
    ttl: int | None = None


def properties(user: bytes = NULL, to: bytes = NULL, subject: bytes = NULL) -> bytes:
    return small(0x73) + list8(NULL, user, to, subject)


CASES = [
    Case("an empty message", b""),
    Case("a body alone", BODY),
    Case("a header in an empty list", small(0x70) + b"\x45" + BODY),
    Case("a header of one field", small(0x70) + list8(FALSE) + BODY),
    Case("a header with a ttl", HEADER + BODY, ttl=30000),
    Case("a ttl in one byte", small(0x70) + list8(FALSE, NULL, b"\x52\xc8") + BODY, ttl=200),
    Case("a ttl of zero", small(0x70) + list8(FALSE, NULL, b"\x43") + BODY, ttl=0),
    Case("a header in a large list", small(0x70) + list32(FALSE, NULL, b"\x70\x00\x00\x00\x07") + BODY, ttl=7),
    Case("a header under a long descriptor", long(0x70) + list8(FALSE, NULL, b"\x52\x01") + BODY, ttl=1),
    Case("properties in an empty list", small(0x73) + b"\x45" + BODY),
    Case("properties of nulls", properties() + BODY),
    Case("a subject", properties(subject=str8(b"agent.ind")) + BODY, subject="agent.ind"),
    Case("a long subject", properties(subject=str32(b"k" * 200)) + BODY, subject="k" * 200),
    Case("a subject of zero bytes", properties(subject=str8(b"")) + BODY, subject=""),
    Case("a subject beyond ASCII", properties(subject=str8("höst".encode())) + BODY, subject="höst"),
    Case("a subject as binary", properties(subject=str8(b"k", 0xA0)) + BODY, subject="k"),
    Case("a subject as symbol", properties(subject=str32(b"k", 0xB3)) + BODY, subject="k"),
    Case("an address", properties(to=str8(b"qmf.default.direct")) + BODY, to="qmf.default.direct"),
    Case("a user", properties(user=str8(b"root", 0xA0)) + BODY, user=b"root"),
    Case("a user in a long binary", properties(user=str32(b"root", 0xB0)) + BODY, user=b"root"),
    Case("an empty user is none", properties(user=str8(b"", 0xA0)) + BODY),
    Case(
        "everything in large encodings",
        long(0x70)
        + list32(FALSE, NULL, b"\x70\x00\x00\x00\x09")
        + long(0x71)
        + b"\xd1\x00\x00\x00\x04\x00\x00\x00\x00"
        + long(0x72)
        + b"\xd1\x00\x00\x00\x04\x00\x00\x00\x00"
        + long(0x73)
        + list32(str32(b"id"), str32(b"u", 0xB0), str32(b"to"), str32(b"s"), str32(b"r"))
        + long(0x74)
        + b"\xd1\x00\x00\x00\x04\x00\x00\x00\x00"
        + long(0x77)
        + str32(b"body")
        + long(0x78)
        + b"\xd1\x00\x00\x00\x04\x00\x00\x00\x00",
        to="to",
        subject="s",
        user=b"u",
        ttl=9,
    ),
    Case(
        "every section in its place",
        HEADER + DELIVERY_ANNOTATIONS + ANNOTATIONS + properties(subject=str8(b"s")) + APPLICATION + BODY + FOOTER,
        subject="s",
        ttl=30000,
    ),
    Case("several data sections", properties(subject=str8(b"s")) + BODY + BODY + FOOTER, subject="s"),
    Case("several sequence sections", small(0x76) + list8(NULL) + small(0x76) + b"\x45"),
    Case("no body", properties(subject=str8(b"s")), subject="s"),
    Case("a described value as the body", small(0x77) + b"\x00\xa3\x01x\xa1\x01y"),
    Case(
        "message id, reply-to and the rest after the subject",
        small(0x73)
        + list8(b"\x98" + b"\x01" * 16, NULL, NULL, str8(b"s"), str8(b"r"), b"\x80" + b"\x02" * 8, str8(b"c", 0xA3))
        + BODY,
        subject="s",
    ),
]
BY_NAME = pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])


@BY_NAME
def test_the_fields_are_found(case: Case) -> None:
    found = read_envelope(case.data)
    assert (found.to, found.subject, found.user_id, found.ttl) == (case.to, case.subject, case.user, case.ttl)


@BY_NAME
def test_a_part_of_a_message_is_its_own_message_or_the_peers_fault(case: Case) -> None:
    for length in range(len(case.data)):
        try:
            read_envelope(case.data[:length])
        except RemoteProtocolError:
            continue


@BY_NAME
def test_trailing_bytes_are_the_peers_fault(case: Case) -> None:
    for trailing in (b"\x00", b"x", b"\x00\x53", b"\x00\x53\x70\x45"):
        if case.data or trailing[:3] != b"\x00\x53\x70":
            with pytest.raises(RemoteProtocolError):
                read_envelope(case.data + trailing)


@BY_NAME
def test_a_user_id_is_stamped_and_nothing_else_changes(case: Case) -> None:
    envelope = read_envelope(case.data)
    stamped = with_user_id(case.data, envelope, b"alice")
    again = read_envelope(stamped)
    assert again.user_id == b"alice"
    assert (again.to, again.subject, again.ttl) == (case.to, case.subject, case.ttl)
    start, end = envelope.properties
    if end == 0:
        start = end = envelope.insert
    rest = len(case.data) - end
    assert stamped[:start] == case.data[:start]
    assert rest == 0 or stamped[-rest:] == case.data[end:]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES if case.ttl is not None])
@pytest.mark.parametrize(("ttl", "expected"), [(0, 0), (1234, 1234), (-5, 0), (1 << 40, 0xFFFFFFFF)])
def test_a_ttl_is_rewritten_and_nothing_else_changes(case: Case, ttl: int, expected: int) -> None:
    envelope = read_envelope(case.data)
    changed = with_ttl(case.data, envelope, ttl)
    again = read_envelope(changed)
    assert again.ttl == expected
    assert (again.to, again.subject, again.user_id) == (case.to, case.subject, case.user)
    assert changed[again.header[1] :] == case.data[envelope.header[1] :]


def test_the_fields_after_a_stamped_user_id_stay() -> None:
    fields = [str8(b"id"), NULL, str8(b"to"), str8(b"s"), str8(b"qmf.default.direct/me"), str8(b"17")]
    data = small(0x73) + list8(*fields) + BODY
    stamped = with_user_id(data, read_envelope(data), b"bob")
    fields[1] = str8(b"bob", 0xA0)
    assert stamped == small(0x73) + list8(*fields) + BODY


def test_a_stamp_may_make_a_small_list_a_large_one() -> None:
    data = properties(subject=str8(b"s" * 240)) + BODY
    stamped = with_user_id(data, read_envelope(data), b"u" * 255)
    found = read_envelope(stamped)
    assert (found.user_id, found.subject) == (b"u" * 255, "s" * 240)
    assert decode_message(stamped).user_id == b"u" * 255


def test_a_missing_properties_section_is_put_after_header_and_annotations() -> None:
    data = HEADER + DELIVERY_ANNOTATIONS + ANNOTATIONS + APPLICATION + VALUE_BODY
    stamped = with_user_id(data, read_envelope(data), b"bob")
    expected = small(0x73) + list8(NULL, str8(b"bob", 0xA0))
    assert stamped == HEADER + DELIVERY_ANNOTATIONS + ANNOTATIONS + expected + APPLICATION + VALUE_BODY


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(properties() + properties(user=str8(b"root", 0xA0)) + BODY, id="two properties"),
        pytest.param(properties() + HEADER + BODY, id="a header after the properties"),
        pytest.param(HEADER + HEADER + BODY, id="two headers"),
        pytest.param(BODY + properties(user=str8(b"root", 0xA0)), id="properties after the body"),
        pytest.param(VALUE_BODY + VALUE_BODY, id="two values"),
        pytest.param(BODY + VALUE_BODY, id="two kinds of body"),
        pytest.param(FOOTER + BODY, id="a footer before the body"),
        pytest.param(BODY + FOOTER + FOOTER, id="two footers"),
        pytest.param(small(0x24) + b"\x45", id="no section of a message"),
        pytest.param(small(0x79) + b"\x45", id="a section beyond the footer"),
        pytest.param(b"\x00\xa3\x16amqp:properties:list\x00\x00\x45", id="a symbol as descriptor"),
        pytest.param(b"\x53\x73\x45", id="no descriptor"),
        pytest.param(b"\x00\x00\x53\x73\x45\x45", id="a described descriptor"),
        pytest.param(small(0x73) + str8(b"text") + BODY, id="properties that are no list"),
        pytest.param(small(0x73) + list8(*[NULL] * 17) + BODY, id="more fields than there are"),
        pytest.param(small(0x73) + b"\xd0\x7f\xff\xff\xff\x00\x00\x00\x01\x40", id="a list larger than the message"),
        pytest.param(small(0x73) + b"\xc0\x02\x02\x40\x40" + BODY, id="a list smaller than its fields"),
        pytest.param(small(0x73) + b"\xc0\x04\x01\x40\x40\x40" + BODY, id="a list larger than its fields"),
        pytest.param(small(0x73) + b"\xc0\x00\x00" + BODY, id="a list without room for its count"),
        pytest.param(properties(subject=b"\x54\x01") + BODY, id="a number as subject"),
        pytest.param(properties(subject=str8(b"\xff\xfe")) + BODY, id="a subject that is no UTF-8"),
        pytest.param(properties(to=str8(b"\xc3")) + BODY, id="an address that is no UTF-8"),
        pytest.param(properties(user=b"\x41") + BODY, id="a boolean as user"),
        pytest.param(properties(subject=b"\x1f\x00") + BODY, id="an unknown constructor"),
        pytest.param(small(0x70) + list8(FALSE, NULL, str8(b"1")) + BODY, id="text as ttl"),
        pytest.param(small(0x75) + b"\x00\x00\x45\x45\x45", id="a described descriptor in the body"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="http"),
        pytest.param(b"\x00", id="one byte"),
    ],
)
def test_what_is_no_message_is_the_peers_fault(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        read_envelope(data)


def test_our_own_messages_are_read() -> None:
    data = encode_message(
        Message(b"x", subject="key", to="node", reply_to="r/k", user_id=b"u", ttl=2.5, properties={"qmf.opcode": "_x"})
    )
    found = read_envelope(data)
    assert (found.to, found.subject, found.user_id, found.ttl) == ("node", "key", b"u", 2500)


@pytest.mark.parametrize("file", FILES)
def test_captured_messages_are_read_and_stamped(file: str) -> None:
    """Real brokers and consoles: the subject is the one that proton finds, also of those with a malformed body."""
    for name, data in captured(file):
        found = read_envelope(data)
        stamped = with_user_id(data, found, b"me")
        assert read_envelope(stamped).user_id == b"me", name
        try:
            message = decode_message(data)
        except RemoteProtocolError:
            assert file == "malformed", name
            continue
        assert (found.subject or "", found.to, found.user_id) == (message.subject, message.to, message.user_id), name
