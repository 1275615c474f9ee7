"""The tap under whatever a peer may send: one class of error, no lost byte, no secret."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matahari.amqp import Message, encode_message
from matahari.errors import RemoteProtocolError
from matahari.qmf import Value, decode_list, decode_map, encode_list, encode_map
from matahari.tap.amqp010 import read_body, write_body
from matahari.tap.amqp10 import read_sections, write_sections
from matahari.tap.lines import json_record, line
from matahari.tap.masking import mask_node, mask_text
from matahari.tap.nodes import plain
from matahari.tap.qmf1 import read_frames
from matahari.tap.recorder import message_record
from matahari.tap.sighting import Delivery
from matahari.tap.text import harmless, width
from matahari.tap.traffic import Watcher
from tests.support.captured import FILES, captured
from tests.support.strategies import values

CAPTURED = [data for file in FILES for _, data in captured(file)]
OPCODES = st.sampled_from(
    ["_method_request", "_method_response", "_query_request", "_query_response", "_exception", "_data_indication",
     "_agent_heartbeat_indication", "_agent_locate_request", "_agent_locate_response", "_subscribe_request", "_x", ""]
)  # fmt: skip
SECRET = "hunter2-0815"


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A captured message with some bytes changed, cut off or put in."""
    data = bytearray(draw(st.sampled_from(CAPTURED)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.integers(0, 3)):
            case 0:
                data[at : at + 1] = draw(st.binary(max_size=3))
            case 1:
                del data[at:]
            case 2:
                data[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case _:
                data[at:at] = draw(st.binary(min_size=1, max_size=5))
    return bytes(data)


def show(data: bytes, *, node: str = "qmf.default.topic") -> None:
    """All that the tap does with one message."""
    watcher = Watcher()
    seen = watcher.see(Delivery(data, node, "", "#"), 0, 0.0)
    assert "\n" not in line(seen, columns=None)
    assert width(line(seen, columns=100)) <= 100 + len(seen.sender) + len(seen.receiver)
    json.loads(json_record(seen))
    json.loads(json.dumps(message_record(seen, "x")))


@given(st.one_of(st.binary(max_size=300), damaged()))
def test_no_bytes_make_the_readers_raise_anything_but_their_own_error(data: bytes) -> None:
    with contextlib.suppress(RemoteProtocolError):
        sections = read_sections(data)
        again = read_sections(write_sections(sections))
        assert [section.name for section in again] == [section.name for section in sections]
    for kind in ("map", "list"):
        with contextlib.suppress(RemoteProtocolError):
            node = read_body(data, kind)
            assert repr(plain(read_body(write_body(node), kind))) == repr(plain(node))
    with contextlib.suppress(RemoteProtocolError):
        read_frames(data)


@given(st.one_of(st.binary(max_size=300), damaged()))
def test_no_message_is_too_strange_to_be_shown_and_recorded(data: bytes) -> None:
    show(data)


@given(
    OPCODES,
    st.one_of(values(), st.none()),
    st.booleans(),
    st.dictionaries(st.sampled_from(["qmf.agent", "partial", "qmf.content"]), st.text(max_size=9)),
)
def test_no_body_under_any_opcode_is_too_strange(opcode: str, body: Value, form_a: bool, more: dict[str, str]) -> None:
    properties = {**more, **({"qmf.opcode": opcode} if opcode else {})}
    if form_a or not isinstance(body, dict | list):
        message = Message(body, section="value", properties=properties)
    elif isinstance(body, dict):
        message = Message(encode_map(body), content_type="amqp/map", properties=properties)
    else:
        message = Message(encode_list(body), content_type="amqp/list", properties=properties)
    show(encode_message(message))


@given(st.one_of(st.dictionaries(st.text(max_size=9), values(), max_size=5), st.lists(values(), max_size=5)))
def test_bodies_are_read_as_the_codec_reads_them_and_written_as_they_were(
    value: dict[str, Value] | list[Value],
) -> None:
    is_map = isinstance(value, dict)
    data = encode_map(value) if isinstance(value, dict) else encode_list(value)
    node = read_body(data, "map" if is_map else "list")
    assert repr(plain(node)) == repr(decode_map(data) if is_map else decode_list(data))
    assert write_body(node) == data


@st.composite
def hiding(draw: st.DrawFn) -> Value:
    """A body with a secret under a name, somewhere deep, plainly or within JSON texts."""
    value: Value = {draw(st.sampled_from(["password", "apiKey", "x-token", "Client_Secret"])): SECRET}
    for _ in range(draw(st.integers(0, 4))):
        match draw(st.integers(0, 3)):
            case 0:
                value = [draw(values()), value]
            case 1:
                value = {draw(st.text(max_size=5)): draw(values()), "holds": value}
            case 2:
                value = json.dumps(value, default=str) if _is_json(value) else {"kwargs": value}
            case _:
                value = {"arguments": value}
    return value


def _is_json(value: Value) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


@given(hiding(), st.booleans())
def test_a_secret_under_its_name_is_nowhere_in_what_is_shown_or_recorded(body: Value, form_a: bool) -> None:
    whole: dict[str, Value] = {"_method_name": "m", "_arguments": {"args": [body]}}
    properties: dict[str, str] = {"qmf.opcode": "_method_request"}
    if form_a:
        data = encode_message(Message(whole, section="value", properties=properties))
    else:
        data = encode_message(Message(encode_map(whole), content_type="amqp/map", properties=properties))
    seen = Watcher().see(Delivery(data, "qmf.default.direct", "agent", "agent"), 0, 0.0)
    record = json.dumps(message_record(seen, "x"))
    for text in (line(seen, columns=None), json_record(seen), record):
        assert SECRET not in text
        assert SECRET.encode().hex() not in text
    assert seen.reading.masked


@given(st.text())
def test_masking_a_text_twice_changes_nothing_more(text: str) -> None:
    once = mask_text(text)
    assert mask_text(once) == once


@given(st.dictionaries(st.text(max_size=12), values(), max_size=4))
def test_what_was_masked_can_always_be_written_and_read(value: dict[str, Value]) -> None:
    node = mask_node(read_body(encode_map(value), "map"))
    assert repr(plain(read_body(write_body(node), "map"))) == repr(plain(node))
    [section] = read_sections(encode_message(Message(value, section="value")))[-1:]
    masked = mask_node(section.content)
    [again] = read_sections(write_sections([type(section)("amqp-value", masked)]))
    assert repr(plain(again.content)) == repr(plain(masked))


@given(st.text())
def test_harmless_text_is_one_printable_line(text: str) -> None:
    shown = harmless(text)
    assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in shown)
    assert len(shown.splitlines()) <= 1


@pytest.mark.parametrize("data", CAPTURED[:5])
@settings(max_examples=20)
@given(cut=st.integers(0, 200))
def test_a_message_that_ends_anywhere_is_shown(data: bytes, cut: int) -> None:
    show(data[:cut])
