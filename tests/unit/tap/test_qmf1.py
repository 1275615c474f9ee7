"""QMFv1 frames, against the captured ones."""

from __future__ import annotations

import json

import pytest

from matahari.errors import RemoteProtocolError
from matahari.tap.amqp10 import read_sections
from matahari.tap.qmf1 import MAX_FRAMES, read_frames
from matahari.tap.recorder import chained
from tests.support.captured import FILES, FOLDER


def test_every_captured_body_has_the_frames_that_its_file_states() -> None:
    seen = 0
    for file in FILES:
        for message in json.loads((FOLDER / f"{file}.json").read_text())["messages"]:
            if "body_qmf_v1" in message:
                [data] = [one for one in read_sections(bytes.fromhex(message["raw"])) if one.name == "data"]
                assert isinstance(data.content.value, bytes)
                frames = chained(tuple(read_frames(data.content.value)))
                assert json.loads(json.dumps(frames)) == message["body_qmf_v1"], message["name"]
                seen += 1
    assert seen == 26


def test_an_unknown_opcode_takes_the_rest() -> None:
    assert read_frames(b"AM2B\x00\x00\x00\x01AM2h\x00\x00\x00\x02rest") == [
        {"opcode": "B", "sequence": 1},
        {"opcode": "h", "sequence": 2, "rest": b"rest".hex()},
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"AM",
        b"AM3B\x00\x00\x00\x01",
        b"AM2B\x00",
        b"AM2p\x00\x00\x00\x01\x05ab",
        b"AM2s\x00\x00\x00\x01\x03\x00\x00" + bytes(16),
    ],
)
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        read_frames(data)


def test_the_number_of_frames_is_bounded() -> None:
    with pytest.raises(RemoteProtocolError, match="frames"):
        read_frames(b"AM2B\x00\x00\x00\x01" * (MAX_FRAMES + 1))
