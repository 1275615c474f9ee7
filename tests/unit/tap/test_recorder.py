"""Recordings are vector files, whole at every moment."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from matahari.amqp import Message, encode_message
from matahari.bus import message_of
from matahari.errors import ConfigError
from matahari.qmf import Packet
from matahari.tap import recorder as module
from matahari.tap.recorder import Recorder, message_record
from matahari.tap.sighting import Delivery, Sighting
from matahari.tap.traffic import Watcher
from tests.support import captured, vectors
from tests.support.captured import FILES, FOLDER

Load = Callable[[Path], dict[str, object]]


def sighting(data: bytes, *, show_secrets: bool = False, node: str = "qmf.default.topic") -> Sighting:
    return Watcher(show_secrets=show_secrets).see(Delivery(data, node, "", "#"), 0, 0.0)


def packet(packet: Packet) -> bytes:
    return encode_message(message_of(packet, "key"))


CALL = sighting(packet(Packet("_method_request", {"_method_name": "m", "_arguments": {"password": "hunter2"}})))


@pytest.mark.parametrize("file", FILES)
def test_captured_messages_are_recorded_as_their_files_have_them(file: str) -> None:
    """Field by field, but for name and note; broker-bind has a property that is named ``key``."""
    for message in json.loads((FOLDER / f"{file}.json").read_text())["messages"]:
        if "raw" not in message:
            continue
        delivery = Delivery(bytes.fromhex(message["raw"]), message["seen_on"], "", message["seen_with_binding"])
        seen = Watcher(show_secrets=True).see(delivery, 0, 0.0)
        record = json.loads(json.dumps(message_record(seen, message["name"])))
        if "malformed" in message:
            assert set(record) == set(message)
            assert record["raw"] == message["raw"]
        else:
            assert {**record, "note": ""} == {**message, "note": ""}, message["name"]


def test_a_recording_is_read_by_those_who_read_vectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(tmp_path / "mine.json", "about")
    for data in (
        packet(Packet("_query_request", {"_what": "OBJECT"}, reply_to="qmf.default.direct/k", correlation_id="1")),
        packet(Packet("_query_request", {"_what": "OBJECT"}, form_a=True)),
        packet(Packet("", b"AM2B\x00\x00\x00\x01AM2P\x00\x00\x00\x02")),
        packet(Packet("_method_request", {"_method_name": "m", "_arguments": {"token": 5}})),
        encode_message(Message(b"\x00", content_type="amqp/map", properties={"qmf.opcode": "_x"})),
        b"\x00",
        b"",
    ):
        assert recorder.add(sighting(data))
    recorder.close()
    monkeypatch.setattr(vectors, "FOLDER", tmp_path)
    monkeypatch.setattr(captured, "FOLDER", tmp_path)
    loaded = vectors.load("mine")
    assert [vector.packet.opcode if vector.packet else None for vector in loaded] == [
        "_query_request", "_query_request", "", "_method_request", None, None, None,
    ]  # fmt: skip
    masked = loaded[3]
    assert masked.packet is not None
    assert masked.packet.body == masked.stated == {"_method_name": "m", "_arguments": {"token": "***"}}
    assert len(captured.captured("mine")) == 4


def test_a_masked_message_says_so_and_holds_the_secret_nowhere() -> None:
    record = message_record(CALL, "call")
    assert record["masked"] is True
    assert "hunter2" not in json.dumps(record)
    assert b"hunter2".hex() not in json.dumps(record)
    assert "masked" not in message_record(sighting(packet(Packet("_query_request", {}))), "query")


def test_the_file_is_readable_after_every_message_and_gets_its_name_at_the_end(tmp_path: Path) -> None:
    path, part = tmp_path / "r.json", tmp_path / "r.json.part"
    recorder = Recorder(path, 'about "it"')
    for count in range(4):
        content = json.loads(part.read_text())
        assert (content["about"], len(content["messages"])) == ('about "it"', count)
        recorder.add(CALL)
    assert not path.exists()
    recorder.close()
    recorder.close()
    assert not part.exists()
    assert len(json.loads(path.read_text())["messages"]) == 4
    assert not recorder.add(CALL)


def test_nobody_else_may_read_a_recording(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        recorder = Recorder(tmp_path / "r.json", "about")
    finally:
        os.umask(before)
    recorder.close()
    assert stat.S_IMODE((tmp_path / "r.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("there", ["r.json", "r.json.part"])
def test_what_is_there_is_never_overwritten(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("precious")
    with pytest.raises(ConfigError, match="exists already"):
        Recorder(tmp_path / "r.json", "about")
    assert (tmp_path / there).read_text() == "precious"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "r.json.part").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError):
        Recorder(tmp_path / "r.json", "about")
    assert not (tmp_path / "elsewhere").exists()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--record: cannot be written"):
        Recorder(tmp_path / "nowhere" / "r.json", "about")


def test_a_recording_is_bounded_in_messages_and_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_MESSAGES", 2)
    recorder = Recorder(tmp_path / "a.json", "about")
    assert [recorder.add(CALL) for _ in range(4)] == [True, True, False, False]
    assert recorder.is_full
    recorder.close()
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    recorder = Recorder(tmp_path / "b.json", "about")
    assert not recorder.add(CALL)
    recorder.close()
    assert [len(json.loads((tmp_path / name).read_text())["messages"]) for name in ("a.json", "b.json")] == [2, 0]


def test_a_full_disk_ends_the_recording_and_leaves_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(tmp_path / "r.json", "about")
    recorder.add(CALL)
    real = os.pwrite

    def full(descriptor: int, data: bytes, offset: int) -> int:
        if len(data) > 20:
            real(descriptor, data[:10], offset)
            raise OSError(28, "No space left on device")
        return real(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(ConfigError, match="No space left"):
        recorder.add(CALL)
    assert not recorder.add(CALL)
    recorder.close()
    assert len(json.loads((tmp_path / "r.json.part").read_text())["messages"]) == 1


def test_requests_and_their_answers_have_names_that_belong_together(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "r.json", "about")
    request = replace(CALL, number=7)
    for seen in (
        request,
        replace(CALL, opcode="objects", number=7, latency=0.1, part=1),
        replace(CALL, opcode="objects", number=7, latency=0.1, part=2),
        replace(CALL, opcode="located", number=8, latency=0.1),
        replace(CALL, opcode="located", number=8, latency=0.1),
        replace(CALL, opcode="heartbeat"),
        replace(CALL, opcode="heartbeat"),
    ):
        recorder.add(seen)
    recorder.close()
    names = [message["name"] for message in json.loads((tmp_path / "r.json").read_text())["messages"]]
    assert names == [
        "request-7", "response-7-part-1", "response-7-part-2", "response-8", "response-8-2", "heartbeat", "heartbeat-2",
    ]  # fmt: skip
